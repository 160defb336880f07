"""`make test`: all stages, named and numbered, with the minutes that each takes on two cores that do nothing else.

A stage that fails ends the run; the command that repeats it alone is printed. `make test STAGES="3 4"` runs these only.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

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
    Stage(
        "lives: on each API, after upgrades, broken at each call",
        4,
        pytest(2, "tests/lives", "tests/upgrade", "tests/crashes"),
    ),
    Stage("oldest packages: what meets the SDK", 1, pytest(2, "tests/compatibility", *of_the_sdk()), OLDEST),
    Stage(
        "clients and definitions: SAM CLI, CloudFormation, terraform, the embedded cloud",
        8,
        pytest(2, "tests/e2e", "tests/emulator", "tests/static", by_file=True),
    ),
)


def main() -> int:
    """Run the stages and print how long each took."""
    parser = argparse.ArgumentParser(prog="python -m local.stages", description=__doc__)
    parser.add_argument("numbers", nargs="*", type=int, metavar="STAGE", help=f"1 to {len(STAGES)}; default: all")
    every = range(1, len(STAGES) + 1)
    chosen = parser.parse_args().numbers or every
    if unknown := sorted(set(chosen) - set(every)):
        parser.error(f"there is no stage {', '.join(map(str, unknown))}: they are 1 to {len(STAGES)}")
    print(f"{len(chosen)} stages, about {sum(STAGES[number - 1].minutes for number in chosen):.0f} minutes", flush=True)
    took: list[str] = []
    for number in chosen:
        stage, began = STAGES[number - 1], time.monotonic()
        title = f"[{number}/{len(STAGES)}] {stage.name}"
        print(f"\n{title}: about {stage.minutes:.0f} min", flush=True)
        environment = os.environ | ({"PYTHONPATH": stage.python_path} if stage.python_path else {})
        status = subprocess.run(stage.command, cwd=ROOT, env=environment, check=False).returncode
        took.append(f"{title}: {time.monotonic() - began:.0f} s")
        if status:
            print(f'\n{title}: failed. To repeat it alone: make test STAGES="{number}"', file=sys.stderr)
            return status
    print("\n" + "\n".join(took), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
