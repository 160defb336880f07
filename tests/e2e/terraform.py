"""The real terraform, in a copy of the modules, for the tests that drive it."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from local.deployment import ROOT
from local.terraform import ENVIRONMENT, REGISTRY, TERRAFORM, missing, provider_directory

ATTACHED = "TF_REATTACH_PROVIDERS"


@contextmanager
def attached_provider(environment: Mapping[str, str] | None = None) -> Iterator[dict[str, str]]:
    """Keep one provider running, with the environment; gives the variables that have terraform use it.

    Else each command starts several, and a start takes a second of a core. What it can be is configured in one way
    at a time: a configuration with two `provider` blocks needs providers of its own.
    """
    skip_without_terraform()
    [*_, provider] = sorted(
        Path(str(provider_directory())).glob(f"{REGISTRY}/hashicorp/aws/*/*/terraform-provider-aws*")
    )
    variables = {"PATH": os.environ["PATH"], "TF_LOG": "OFF", "TF_LOG_SDK": "OFF", **(environment or {})}
    with subprocess.Popen(
        [provider, "-debug"], env=variables, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout is not None
            said = next(line for line in process.stdout if ATTACHED in line and "=" in line)
            yield {ATTACHED: said.partition("=")[2].strip().strip("'")}
        finally:
            process.terminate()


def skip_without_terraform() -> None:
    if (lacking := missing()) is not None:
        pytest.skip(lacking)


class Terraform:
    """A folder with a copy of `terraform/`, in which a configuration is to be written; skips where there is none."""

    def __init__(self, directory: Path, environment: Mapping[str, str] | None = None) -> None:
        skip_without_terraform()
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
