"""The real terraform, in a copy of the module, for the tests that drive it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from local.deployment import ROOT
from local.terraform import ENVIRONMENT, TERRAFORM, missing


class Terraform:
    """One working copy of the module, with an environment of its own."""

    def __init__(self, directory: Path, environment: dict[str, str]) -> None:
        self.directory = directory
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(directory),
            **ENVIRONMENT,
            **environment,
        }

    def run(self, *arguments: str, status: int = 0, stdin: str = "", **variables: str) -> str:
        """Run terraform; its output, both streams, for the exit status that is expected."""
        environment = self.environment | {f"TF_VAR_{name}": value for name, value in variables.items()}
        result = subprocess.run(
            [str(TERRAFORM), *arguments],
            cwd=self.directory,
            env=environment,
            input=stdin,
            capture_output=True,
            text=True,
        )
        assert result.returncode == status, result.stdout + result.stderr
        return result.stdout + result.stderr

    def outputs(self) -> dict[str, Any]:
        return {name: output["value"] for name, output in json.loads(self.run("output", "-json")).items()}

    def value(self, expression: str) -> Any:
        """What an expression is after the apply, an output of a module within the example too."""
        return json.loads(json.loads(self.run("console", stdin=f"jsonencode({expression})")))


@pytest.fixture
def module(tmp_path: Path) -> Path:
    """The module, copied: terraform writes beside what it reads."""
    lacking = missing()
    if lacking is not None:
        pytest.skip(lacking)
    return Path(
        shutil.copytree(ROOT / "terraform", tmp_path / "terraform", ignore=shutil.ignore_patterns(".terraform*"))
    )
