"""Copies of the working tree, to be broken and tested."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from importlib.util import cache_from_source
from pathlib import Path

_PYTEST = [
    "-q",
    "-p",
    "testkit.mutants.watch",
    "-p",
    "no:cacheprovider",
    "-W",
    "ignore::pytest.PytestAssertRewriteWarning",
]


def listed(root: Path) -> list[str]:
    """The files of a working tree, but for what git ignores."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout.split("\0")
    return [name for name in names if name and (root / name).is_file()]


def commit(root: Path) -> str:
    """Which one a working tree is of, and whether it has changes."""
    command = ["git", "describe", "--always", "--abbrev=10", "--exclude=*", "--dirty= with changes"]
    return subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout.strip()


class Tree:
    """A copy of the working tree, with a process in it that waits for tests to run."""

    def __init__(self, root: Path, folder: Path) -> None:
        for name in listed(root):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, folder / name)
        (folder / ".build").mkdir()
        # Tests ask git which files there are.
        subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
        self.folder = folder
        self._forks: subprocess.Popen[str] | None = None

    def write(self, path: Path, text: str) -> None:
        """Replace a file, and forget its bytecode: it could be as old and as long as the one before."""
        target = self.folder / path
        target.write_text(text)
        Path(cache_from_source(str(target))).unlink(missing_ok=True)

    def run_all(self, arguments: Sequence[str], workers: int, **environment: str) -> str:
        """Run pytest in so many processes; returns what it printed."""
        command = [sys.executable, "-m", "pytest", *_PYTEST, "-n", str(workers), *arguments]
        known = _environment() | environment
        return subprocess.run(command, cwd=self.folder, env=known, capture_output=True, text=True, check=False).stdout

    def prepare(self, modules: Iterable[str]) -> None:
        """Make ready for `run`, with these modules imported."""
        self.close()
        command = [sys.executable, "-m", "testkit.mutants.forks"]
        self._forks = subprocess.Popen(
            command, cwd=self.folder, env=_environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._say(list(modules))

    def run(self, arguments: Sequence[str], output: Path, seconds: float, **environment: str) -> int | None:
        """Run pytest; returns its exit code, None where it took longer. What it prints is in `output`."""
        assert self._forks is not None
        assert self._forks.stdout is not None
        asked = {"arguments": [*_PYTEST, *arguments], "output": str(output), "seconds": seconds}
        self._say(asked | {"environment": environment})
        code: int | None = json.loads(self._forks.stdout.readline())
        return code

    def _say(self, order: object) -> None:
        assert self._forks is not None
        assert self._forks.stdin is not None
        self._forks.stdin.write(json.dumps(order) + "\n")
        self._forks.stdin.flush()

    def close(self) -> None:
        """End the process that waits."""
        if self._forks is not None and self._forks.stdin is not None:
            self._forks.stdin.close()
            self._forks.wait()


def _environment() -> dict[str, str]:
    known = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return known | {"PYTHONDONTWRITEBYTECODE": ""}
