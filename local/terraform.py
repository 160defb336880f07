"""Finds the terraform of this machine and a copy of the AWS provider, without a download."""

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
    """Return the folder for `terraform init -plugin-dir` that has a copy of the AWS provider; None without a copy."""
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
    """Return which requirement is missing; None if all are present."""
    if TERRAFORM is None:
        return "terraform is not installed"
    if provider_directory() is None:
        return "no copy of the provider hashicorp/aws on this machine (TF_PLUGIN_DIR may name its folder)"
    return None


def configurations(folder: Path) -> list[Path]:
    """Return the folder of the module in this folder, and those of the modules and examples beneath it."""
    return sorted({path.parent for path in folder.rglob("versions.tf") if ".terraform" not in path.parts})
