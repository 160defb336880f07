"""Synthesises apps of the AWS CDK: in Python, with the constructs of this tree, or in JavaScript."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from local.deployment import BUILD, ROOT

PYTHON = ROOT / ".venv-cdk" / "bin" / "python"
CONSTRUCTS = ROOT / "cdk"
UNPACKED = BUILD / "jsii"
"""The CDK's own code, which is JavaScript: the first import in Python unpacks it."""
PYTHON_VARIABLES = {"PYTHONPATH": str(CONSTRUCTS), "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(UNPACKED)}
"""What an app in Python finds the constructs and the CDK by."""


def missing() -> str | None:
    """Return which requirement is missing; None if all are present."""
    if shutil.which("node") is None:
        return "node is not installed"
    return None if PYTHON.exists() else "aws-cdk-lib is not installed: `make setup` does it"


def synthesised(app: Path, output: Path) -> dict[str, Any]:
    """Run an app in the folder that it writes to, and return its stacks' templates by name.

    The CDK does not hold them against its own rules here, which takes seconds.
    """
    environment = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    environment |= {"HOME": str(output), "CDK_OUTDIR": str(output), "CDK_VALIDATION": "false", **PYTHON_VARIABLES}
    command = [PYTHON if app.suffix == ".py" else "node", app]
    if app.suffix == ".js":
        environment["NODE_PATH"] = str(_node_modules(output))
    run = subprocess.run(command, cwd=output, env=environment, capture_output=True, text=True, timeout=300)
    if run.returncode:
        raise RuntimeError(f"{app.name} ended with exit status {run.returncode}:\n{run.stderr}")
    suffix = ".template.json"
    return {path.name.removesuffix(suffix): json.loads(path.read_text()) for path in output.glob(f"*{suffix}")}


def _node_modules(folder: Path) -> Path:
    """A folder with a link to each unpacked package, by its name."""
    modules = folder / "node_modules"
    for pattern in ("*", "@*/*"):
        for package in UNPACKED.glob(f"{pattern}/[0-9]*/*/package.json"):
            link = modules / json.loads(package.read_text())["name"]
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(package.parent)
    return modules
