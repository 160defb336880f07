"""The tier of upgrades: what each version left behind, in one process with the code as it is now."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.openai_standin import OpenAIStandIn
from testkit.clock import Clock
from testkit.in_process.world import World
from tests.support.fixtures import clock, on_moto, wire, world
from tests.upgrade.kept import NOW, Kept, Snapshot, answer_origin, numbered_openai, snapshot_of
from tests.upgrade.snapshot import keep_all

__all__ = ["clock", "on_moto", "wire", "world"]


@pytest.fixture(scope="session")
def snapshot_of_now(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = snapshot_of(NOW, tmp_path_factory.mktemp("versions"))
    keep_all(path)
    return path


@pytest.fixture
def snapshot(version: str, snapshot_of_now: Path) -> Snapshot:
    return Snapshot.read(snapshot_of_now if version == NOW else snapshot_of(version))


@pytest.fixture
def openai_api(clock: Clock, wire: str) -> Iterator[OpenAIStandIn]:
    with numbered_openai(clock, wire) as standin:
        yield standin


@pytest.fixture
def kept(snapshot: Snapshot, world: World, wire: str, situation: str) -> Kept:
    return Kept.from_text(snapshot.situations[wire][situation], answer_origin(world))


@pytest.fixture
def old(world: World, kept: Kept) -> Kept:
    """The situation, in place again."""
    kept.put_in_place(world)
    return kept
