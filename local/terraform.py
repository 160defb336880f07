"""The terraform of this machine and a copy of the AWS provider for it: nothing is downloaded."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from pathlib import Path

REGISTRY = "registry.terraform.io"
TERRAFORM = shutil.which("terraform")
ENVIRONMENT = {"CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1", "TF_INPUT": "0"}


@functools.cache
def provider_directory() -> Path | None:
    """The folder for `terraform init -plugin-dir`, wherever a copy of the AWS provider lies; None where none does."""
    if "TF_PLUGIN_DIR" in os.environ:
        return Path(os.environ["TF_PLUGIN_DIR"])
    pruned = ["(", "-path", "/proc", "-o", "-path", "/sys", ")", "-prune"]
    wanted = ["-path", f"*/{REGISTRY}/hashicorp/aws/*", "-name", "terraform-provider-aws*", "-print", "-quit"]
    for root in ("/opt", "/usr", str(Path.home()), "/"):
        found = subprocess.run(["find", root, *pruned, "-o", *wanted], capture_output=True, text=True).stdout.strip()
        if found:
            return Path(found.split(f"/{REGISTRY}/")[0])
    return None


def missing() -> str | None:
    """What is needed and not there; None where all is."""
    if TERRAFORM is None:
        return "terraform is not installed"
    if provider_directory() is None:
        return "no copy of the provider hashicorp/aws on this machine (TF_PLUGIN_DIR may name its folder)"
    return None


def configurations(folder: Path) -> list[Path]:
    """The module in this folder, and the modules and examples beneath it."""
    return sorted({path.parent for path in folder.rglob("versions.tf") if ".terraform" not in path.parts})
