"""`make test`: all stages, named and numbered, with the minutes that each takes on two cores that do nothing else.

A stage that fails ends the run; the command that repeats it alone is printed. `make test STAGES="3 4"` runs these only.

Much of the time terraform and deployed functions are waited for. The last stage, which only computes, begins with the
first one and has the lowest priority, so that it takes no time from the others; what it prints is shown when it is its
turn.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
OLDEST = ".build/oldest"


class Stage(NamedTuple):
    """A part of the tests that is run by one command; `python_path` goes before the installed packages."""

    name: str
    minutes: float
    command: tuple[str, ...]
    python_path: str = ""

    def start(self, output: IO[bytes] | None = None) -> subprocess.Popen[bytes]:
        """Start it, with the output into a file at the lowest priority."""
        environment = os.environ | ({"PYTHONPATH": self.python_path} if self.python_path else {})
        command = self.command if output is None else ("nice", "-n", "19", *self.command)
        return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output and subprocess.STDOUT)


def pytest(workers: int, *places: str, by_file: bool = False) -> tuple[str, ...]:
    """Return the command for the tests in these places."""
    # In the order of the folders: xdist's own begins with the files of many tests, which are the quick ones.
    spread = ("--dist", "loadfile", "--no-loadscope-reorder") if by_file else ()
    return (sys.executable, "-m", "pytest", "-q", "-n", str(workers), *spread, *places)


def of_the_sdk() -> list[str]:
    """List the tests that meet most of the SDK; `make compatibility` runs all that do."""
    names = ("unit/test_openai_*.py", "unit/test_application.py", "unit/test_webhooks.py", "standin/test_elsewhere.py")
    lives = ("life_of_a_run", "function_tools", "openai_assistants", "webhook_endpoint", "without_conversations")
    patterns = (*names, *(f"lives/test_{each}.py" for each in lives))
    return sorted(str(path.relative_to(ROOT)) for each in patterns for path in (ROOT / "tests").glob(each))


STAGES = (
    Stage("check: format, lint, types, imports, documentation, decisions, random lives", 2, ("make", "check")),
    Stage("stand-in: held to OpenAI's document and SDK", 1, pytest(2, "tests/contract", "tests/standin")),
    Stage("oldest packages: what meets the SDK", 1, pytest(2, "tests/compatibility", *of_the_sdk()), OLDEST),
    Stage(
        "clients and definitions: SAM CLI, CloudFormation, terraform, the embedded cloud",
        8,
        pytest(2, "tests/e2e", "tests/emulator", "tests/static", by_file=True),
    ),
    Stage(
        "lives: on each API, after upgrades, broken at each call",
        2,
        pytest(2, "tests/lives", "tests/upgrade", "tests/crashes"),
    ),
)


class Begun:
    """A stage that runs beside the others, and what it has printed."""

    def __init__(self, stage: Stage, output: IO[bytes]) -> None:
        self.process, self._output = stage.start(output), output

    def follow(self) -> int:
        """Show what it printed so far, and prints, until it has ended; returns its status."""
        with Path(self._output.name).open(encoding="utf-8", errors="replace") as lines:
            while self.process.poll() is None:
                print(lines.read(), end="", flush=True)
                time.sleep(0.2)
            print(lines.read(), end="", flush=True)
        return self.process.returncode


@contextmanager
def begun(stage: Stage, *, is_wanted: bool) -> Iterator[Begun | None]:
    """Begin a stage; it is stopped where this block ends before it did."""
    if not is_wanted:
        yield None
        return
    with tempfile.NamedTemporaryFile() as output:
        last = Begun(stage, output)
        try:
            yield last
        finally:
            last.process.terminate()
            last.process.wait()


def main() -> int:
    """Run the stages and print how long each took."""
    parser = argparse.ArgumentParser(prog="python -m local.stages", description=__doc__)
    parser.add_argument("numbers", nargs="*", type=int, metavar="STAGE", help=f"1 to {len(STAGES)}; default: all")
    every = range(1, len(STAGES) + 1)
    chosen = sorted(set(parser.parse_args().numbers)) or [*every]
    if unknown := [each for each in chosen if each not in every]:
        parser.error(f"there is no stage {', '.join(map(str, unknown))}: they are 1 to {len(STAGES)}")
    print(f"{len(chosen)} stages, about {sum(STAGES[number - 1].minutes for number in chosen):.0f} minutes", flush=True)
    took: list[str] = []
    with begun(STAGES[-1], is_wanted=chosen[-1] == len(STAGES) and len(chosen) > 1) as last:
        for number in chosen:
            stage, began = STAGES[number - 1], time.monotonic()
            title = f"[{number}/{len(STAGES)}] {stage.name}"
            print(f"\n{title}: about {stage.minutes:g} min", flush=True)
            status = last.follow() if last and stage is STAGES[-1] else stage.start().wait()
            took.append(f"{title}: {time.monotonic() - began:.0f} s")
            if status:
                print(f'\n{title}: failed. To repeat it alone: make test STAGES="{number}"', file=sys.stderr)
                return status
    print("\n" + "\n".join(took), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
