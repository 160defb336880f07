"""The tier of upgrades: what each version left behind, in one process with the code as it is now."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.openai_standin import OpenAIStandIn
from testkit.clock import Clock
from testkit.in_process.world import World
from tests.support.fixtures import clock, wire, world
from tests.upgrade.kept import Kept, answer_origin, numbered_openai

__all__ = ["clock", "wire", "world"]


@pytest.fixture
def openai_api(clock: Clock, wire: str) -> Iterator[OpenAIStandIn]:
    with numbered_openai(clock, wire) as standin:
        yield standin


@pytest.fixture
def kept(world: World, path: Path) -> Kept:
    return Kept.read(path, answer_origin(world))


@pytest.fixture
def old(world: World, kept: Kept) -> Kept:
    """The situation, in place again."""
    kept.put_in_place(world)
    return kept
