"""Keeps what a version leaves behind: plays each situation on each wire API and writes down how it stands.

python -m tests.upgrade.snapshot 0.1.0
"""

from __future__ import annotations

import argparse
import logging
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from local.openai_standin import application
from testkit.clock import Clock
from testkit.in_process.deployed import deployed
from testkit.in_process.world import World
from testkit.state_machine import DEFINITION as CURRENT_DEFINITION
from tests.upgrade.kept import DEFINITION, VERSIONS, Kept, answer_origin, numbered_openai, outcome_of
from tests.upgrade.play import Play
from tests.upgrade.situations import SITUATIONS
from tests.upgrade.spellings import FILE
from tests.wires.test_both_wires import alive
from tests.wires.test_the_seed import WIRES


def main() -> None:
    parser = argparse.ArgumentParser(description="Keep what this version leaves behind, for the upgrade tests.")
    parser.add_argument("version", help="the version that is about to be released")
    folder = VERSIONS / parser.parse_args().version
    if folder.exists():
        parser.error(f"{folder} is there already: what a released version left behind does not change")
    logging.disable()
    warnings.filterwarnings("ignore", "No application metrics to publish")
    folder.mkdir(parents=True)
    shutil.copy(CURRENT_DEFINITION, folder / DEFINITION)
    for wire in WIRES:
        for situation in SITUATIONS:
            keep(situation, wire, folder / wire / f"{situation.__name__}.json")
            print(f"{wire}: {situation.__name__}")


def keep(situation: Callable[[Play], None], wire: str, path: Path) -> None:
    """Play one situation in a world of its own."""
    clock = Clock()
    with (
        pytest.MonkeyPatch.context() as monkeypatch,
        numbered_openai(clock, wire) as openai,
        deployed(openai, clock, wire) as world,
    ):
        # Its request ids are part of what it says about errors.
        monkeypatch.setattr(application, "uuid", SimpleNamespace(uuid4=lambda: UUID(int=0)))
        play = Play(world)
        situation(play)
        kept, origin = kept_from(play), answer_origin(world)
        kept.write(path, origin)
        text = path.read_text()
        assert openai.api_key not in text
        assert origin not in text


def kept_from(play: Play) -> Kept:
    """The situation as it stands, and how it goes on under this version."""
    world = play.world
    moment: dict[str, Any] = {
        "now": world.clock(),
        "calls": list(play.calls),
        "items": [item for _, item in sorted(world.items().items())],
    }
    return Kept(
        **moment,
        files=[FILE],
        scripts=play.scripts,
        events=play.events,
        executions=play.executions,
        outcome=outcome_of(world, play.executions, CURRENT_DEFINITION),
        updates=play.updates(),
        deletes=[{"event": event, "left": left_after(world, event)} for event in play.deletes()],
    )


def left_after(world: World, event: dict[str, Any]) -> dict[str, int]:
    world.send(event)
    return alive(world)


if __name__ == "__main__":
    main()
