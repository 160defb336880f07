"""`make lock`: resolves the dependency groups of pyproject.toml into lock files with hashes, without addresses.

`make lock GROUPS=audit` resolves these groups only, and moves no pin of the others. How is said in pyproject.toml; the
command is in the head of each lock, for the bot that updates them.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCKS = {
    "runtime": "layers/threadrun/requirements.txt",
    "dev": "local/requirements-dev.txt",
    "sam": "local/requirements-sam.txt",
    "audit": "local/requirements-audit.txt",
    "bench": "local/requirements-bench.txt",
    "oldest": "local/requirements-oldest.txt",
}
"""The lock of each group; `oldest` is that of the runtime once more, at its lower bounds."""


def command(group: str) -> list[str]:
    """uv's arguments for the lock of a group."""
    options = ["--group=runtime", "--resolution=lowest-direct"] if group == "oldest" else [f"--group={group}"]
    return ["pip", "compile", *options, f"--output-file={LOCKS[group]}", "pyproject.toml"]


def main() -> int:
    """Needs the network: uv is installed for the moment it takes."""
    parser = argparse.ArgumentParser(prog="python -m local.lock", description=__doc__)
    parser.add_argument("groups", nargs="*", default=list(LOCKS), help="all where none is named")
    groups = parser.parse_args().groups
    with tempfile.TemporaryDirectory() as directory:
        venv.create(directory, with_pip=True)
        python = Path(directory) / "bin" / "python"
        subprocess.run([python, "-m", "pip", "install", "--quiet", "uv"], check=True)
        for group in groups:
            lock = LOCKS[group]
            (ROOT / lock).unlink(missing_ok=True)
            subprocess.run([python, "-m", "uv", *command(group)], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
            print(f"{lock}: {(ROOT / lock).read_text().count('==')} packages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
