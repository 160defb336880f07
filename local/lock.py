"""`make lock`: resolves the dependency groups of pyproject.toml into lock files with hashes, without addresses.

`make lock GROUPS=audit` resolves only these groups and leaves the pins of the others. pyproject.toml has the settings;
the head of each lock has the command, for the bot that updates it.
"""

import argparse
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
UV = ROOT / ".build" / "installer" / "bin" / "uv"
LOCKS = {
    "runtime": "layers/threadrun/requirements.txt",
    "dev": "local/requirements-dev.txt",
    "demo": "local/requirements-demo.txt",
    "sam": "local/requirements-sam.txt",
    "audit": "local/requirements-audit.txt",
    "bench": "local/requirements-bench.txt",
    "cdk": "local/requirements-cdk.txt",
    "site": "local/requirements-site.txt",
    "installer": "local/requirements-installer.txt",
    "oldest": "local/requirements-oldest.txt",
    "ogx": "local/requirements-ogx.txt",
    "litellm": "local/requirements-litellm.txt",
    "localemu": "local/requirements-localemu.txt",
    "deployers": "local/requirements-deployers.txt",
}
"""The lock of each group; `oldest` has the packages of the runtime at their lower bounds."""
JUDGES = ("ogx", "litellm", "localemu", "deployers")
"""Groups of `make interop` alone: nothing of them is deployed, or runs in a test."""
OPTIONS = {
    # One environment: the demo's packages are there first, the others are added to them.
    "demo": ["--constraint=local/requirements-dev.txt"],
    "oldest": ["--resolution=lowest-direct"],
    **{judge: ["--python-version=3.13"] for judge in JUDGES},
    # What it needs cannot be had for each Python to come.
    "localemu": ["--python-version=3.13", "--no-universal"],
}


def command(group: str) -> list[str]:
    """Return uv's arguments for the lock of a group."""
    asked = [f"--group={'runtime' if group == 'oldest' else group}", *OPTIONS.get(group, ())]
    return ["pip", "compile", *asked, f"--output-file={LOCKS[group]}", "pyproject.toml"]


def main() -> int:
    """Resolve the locks, with the uv that installs them. This needs the network."""
    parser = argparse.ArgumentParser(prog="python -m local.lock", description=__doc__)
    parser.add_argument("groups", nargs="*", default=list(LOCKS), help="default: all")
    groups = parser.parse_args().groups
    for group in groups:
        lock = LOCKS[group]
        (ROOT / lock).unlink(missing_ok=True)
        subprocess.run([UV, *command(group)], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        print(f"{lock}: {(ROOT / lock).read_text().count('==')} packages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
