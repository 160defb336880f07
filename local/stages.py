"""`make test`: all stages, named and numbered, with the minutes that each takes on two cores that do nothing else.

A stage that fails ends the run; the command that repeats it alone is printed. `make test STAGES="3 4"` runs these only.
On a terminal the last line shows how long the stage and all of them have taken by now, and are expected to take.

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
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import IO, NamedTuple

from rich.console import Console

from local.progress import Elapsed

ROOT = Path(__file__).resolve().parents[1]
OLDEST = ".build/oldest"


class Stage(NamedTuple):
    """A part of the tests that is run by one command; `python_path` goes before the installed packages."""

    name: str
    minutes: float
    command: tuple[str, ...]
    python_path: str = ""


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
    """A stage that runs, and what it has printed."""

    def __init__(self, stage: Stage, output: IO[bytes], console: Console, *prefix: str) -> None:
        of_the_terminal = {"FORCE_COLOR": "1", "COLUMNS": str(console.width)} if console.is_terminal else {}
        environment = os.environ | of_the_terminal | ({"PYTHONPATH": stage.python_path} if stage.python_path else {})
        command = (*prefix, *stage.command)
        self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)
        self._output, self._console = output, console

    def follow(self, elapsed: Elapsed) -> int:
        """Show what it printed so far, and prints, until it has ended; returns its status."""
        with Path(self._output.name).open(encoding="utf-8", errors="replace") as lines:
            with self._console.status(elapsed):
                left = ""
                while self.process.poll() is None:
                    left = self._show(left + lines.read())
                    time.sleep(0.2)
            self._console.out(left + lines.read(), end="", highlight=False)
        return self.process.returncode

    def _show(self, text: str) -> str:
        """Show it, on a terminal whole lines only: the last one there is that of the time; return what is left."""
        whole = text.rfind("\n") + 1 if self._console.is_terminal else len(text)
        if whole:
            self._console.out(text[:whole], end="", highlight=False)
        return text[whole:]


@contextmanager
def begun(stage: Stage, console: Console, *prefix: str) -> Iterator[Begun]:
    """Begin a stage; it is stopped where this block ends before it did."""
    with tempfile.NamedTemporaryFile() as output:
        made = Begun(stage, output, console, *prefix)
        try:
            yield made
        finally:
            made.process.terminate()
            made.process.wait()


def main(console: Console | None = None) -> int:
    """Run the stages and print how long each took."""
    chosen, console = _chosen(), console or Console(highlight=False)
    minutes = sum(STAGES[number - 1].minutes for number in chosen)
    console.out(f"{len(chosen)} stages, about {minutes:.0f} minutes", highlight=False)
    took, whole = list[str](), Elapsed("all", 60 * minutes)
    with ExitStack() as stack:
        last = None
        if chosen[-1] == len(STAGES) and len(chosen) > 1:
            last = stack.enter_context(begun(STAGES[-1], console, "nice", "-n", "19"))
        for number in chosen:
            stage, title = STAGES[number - 1], f"[{number}/{len(STAGES)}] {STAGES[number - 1].name}"
            console.out(f"\n{title}: about {stage.minutes:g} min", highlight=False)
            elapsed = Elapsed(f"[{number}/{len(STAGES)}]", 60 * stage.minutes, within=whole)
            with nullcontext(last) if last and stage is STAGES[-1] else begun(stage, console) as at_work:
                status = at_work.follow(elapsed)
            since = " more: it began with the first stage" if at_work is last else ""
            took.append(f"{title}: {elapsed.seconds:.0f} s{since}")
            if status:
                print(f'\n{title}: failed. To repeat it alone: make test STAGES="{number}"', file=sys.stderr)
                return status
    console.out("\n" + "\n".join(took), highlight=False)
    return 0


def _chosen() -> list[int]:
    """The numbers of the stages that are asked for, in their order."""
    parser = argparse.ArgumentParser(prog="python -m local.stages", description=__doc__)
    parser.add_argument("numbers", nargs="*", type=int, metavar="STAGE", help=f"1 to {len(STAGES)}; default: all")
    every = range(1, len(STAGES) + 1)
    chosen = sorted(set(parser.parse_args().numbers)) or [*every]
    if unknown := [each for each in chosen if each not in every]:
        parser.error(f"there is no stage {', '.join(map(str, unknown))}: they are 1 to {len(STAGES)}")
    return chosen


if __name__ == "__main__":
    sys.exit(main())
