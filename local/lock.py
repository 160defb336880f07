"""`make lock`: resolves the dependency groups of pyproject.toml into lock files with hashes, without addresses.

`make lock GROUPS=audit` resolves these groups only, and moves no pin of the others.
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
}


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
            options = ["--quiet", "--universal", "--python-version", "3.11", "--generate-hashes"]
            options += ["--no-annotate", "--no-header", "--no-emit-index-url", "--group", f"pyproject.toml:{group}"]
            command = [str(python), "-m", "uv", "pip", "compile", *options, "-o", lock]
            subprocess.run(command, cwd=ROOT, check=True)
            print(f"{lock}: {(ROOT / lock).read_text().count('==')} packages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
