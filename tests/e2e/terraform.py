"""The real terraform, in a copy of the modules, for the tests that drive it."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from local.deployment import ROOT
from local.terraform import ENVIRONMENT, TERRAFORM, missing, provider_directory


class Terraform:
    """A folder with a copy of `terraform/`, in which a configuration is to be written; skips where there is none."""

    def __init__(self, directory: Path, environment: Mapping[str, str] | None = None) -> None:
        if (lacking := missing()) is not None:
            pytest.skip(lacking)
        self.directory, self.modules = directory, directory / "terraform"
        shutil.copytree(ROOT / "terraform", self.modules, ignore=shutil.ignore_patterns(".terraform*"))
        # The provider makes so many objects when it starts that a third of its time goes into collecting garbage.
        own = {"PATH": os.environ["PATH"], "HOME": str(directory), "GOGC": "400"}
        self.environment = own | ENVIRONMENT | dict(environment or {})

    def write(self, name: str, content: Any) -> None:
        """Write a file of the configuration, HCL as it is and all else as JSON."""
        (self.directory / name).write_text(content if isinstance(content, str) else json.dumps(content))

    def init(self, folder: str = ".") -> None:
        self.run("init", "-no-color", f"-plugin-dir={provider_directory()}", folder=folder)

    def run(self, *arguments: str, status: int = 0, stdin: str = "", folder: str = ".") -> str:
        """Run terraform; its output, both streams, for the exit status that is expected."""
        command, directory = [str(TERRAFORM), *arguments], self.directory / folder
        result = subprocess.run(
            command, cwd=directory, env=self.environment, input=stdin, capture_output=True, text=True
        )
        assert result.returncode == status, result.stdout + result.stderr
        return result.stdout + result.stderr

    def apply(self, status: int = 0) -> str:
        """What it said, without the frames around errors."""
        said = self.run("apply", "-auto-approve", "-no-color", status=status)
        return " ".join(said.replace("│", " ").split())

    def outputs(self) -> dict[str, Any]:
        return {name: output["value"] for name, output in json.loads(self.run("output", "-json")).items()}
