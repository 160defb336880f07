"""Keeps what a version leaves behind: plays each situation on each wire API and writes down how it stands.

python -m tests.upgrade.snapshot 1.0.0
"""

from __future__ import annotations

import argparse
import logging
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
from testkit.state_machine import DEFINITION
from tests.support.runs import WIRES, alive
from tests.upgrade.kept import Kept, Snapshot, answer_origin, numbered_openai, outcome_of, snapshot_of
from tests.upgrade.play import Play
from tests.upgrade.situations import SITUATIONS
from tests.upgrade.spellings import FILE


def main() -> None:
    parser = argparse.ArgumentParser(description="Keep what this version leaves behind, for the upgrade tests.")
    parser.add_argument("version", help="the version that is about to be released")
    path = snapshot_of(parser.parse_args().version)
    if path.exists():
        parser.error(f"{path} is there already: what a released version left behind does not change")
    logging.disable()
    warnings.filterwarnings("ignore", "No application metrics to publish")
    keep_all(path)
    print(f"{path}: {path.stat().st_size} bytes")


def keep_all(path: Path) -> None:
    """Play every situation on each wire API, and write down how it stands."""
    situations = {wire: {each.__name__: keep(each, wire) for each in SITUATIONS} for wire in WIRES}
    Snapshot(DEFINITION.read_text(), situations).write(path)


def keep(situation: Callable[[Play], None], wire: str) -> str:
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
        text = kept.as_text(origin)
        assert openai.api_key not in text
        assert origin not in text
        return text


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
        outcome=outcome_of(world, play.executions, DEFINITION),
        updates=play.updates(),
        deletes=[{"event": event, "left": left_after(world, event)} for event in play.deletes()],
    )


def left_after(world: World, event: dict[str, Any]) -> dict[str, int]:
    world.send(event)
    return alive(world)


if __name__ == "__main__":
    main()
