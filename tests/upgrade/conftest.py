"""The tier of upgrades: what each version left behind, in one process with the code as it is now."""

import fcntl
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.openai_standin import OpenAIStandIn
from testkit.clock import Clock
from testkit.upgrade.snapshot import NOW, keep_all, numbered_openai, snapshot_of
from tests.support.fixtures import clock, wire, world

__all__ = ["clock", "wire", "world"]


@pytest.fixture(scope="session")
def snapshot_of_now(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """Written by the first one of several workers that gets here."""
    own = tmp_path_factory.getbasetemp()
    path = snapshot_of(NOW, own if worker_id == "master" else own.parent)
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            keep_all(path)
    return path


@pytest.fixture
def openai_api(clock: Clock, wire: str) -> Iterator[OpenAIStandIn]:
    with numbered_openai(clock, wire) as standin:
        yield standin
