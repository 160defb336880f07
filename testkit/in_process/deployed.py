"""An application of its own in this process, for as long as a block lasts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from local.openai_standin import OpenAIStandIn
from testkit.clock import Clock
from testkit.in_process.outside import in_memory, on_moto_and_sockets
from testkit.in_process.world import World
from threadrun.app import application

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "POWERTOOLS_METRICS_DISABLED": "true",
}

RESPONSES, CHAINS, ASSISTANTS = SERVERS = ("responses", "chains", "assistants")
WIRES = [RESPONSES, ASSISTANTS]
"""The APIs that a server may speak; with `CHAINS` it has responses, and neither conversations nor vector stores."""


def standin(server: str, clock: Clock, lacks: tuple[str, ...] = (), **more: Any) -> OpenAIStandIn:
    """A server whose time is virtual."""
    lacks += ("conversations", "vector_stores") if server == CHAINS else ()
    api = ASSISTANTS if server == ASSISTANTS else RESPONSES
    return OpenAIStandIn(now=clock, duration_s=0.6, queued_s=0.3, cancel_delay_s=0.5, api=api, lacks=lacks, **more)


def forget_secrets() -> None:
    """As a new process has not read them yet."""
    if application._secrets.cache_info().currsize:  # Else there is no region to make its client for, perhaps.
        provider: Any = application._secrets()
        provider.clear_cache()


@contextmanager
def deployed(
    standin: OpenAIStandIn, clock: Clock, server: str, *, calls_in_turn: bool = False, on_moto: bool = False
) -> Iterator[World]:
    """An application of its own, for as long as the block lasts; in memory, unless it is to be on moto."""
    wire = ASSISTANTS if server == ASSISTANTS else RESPONSES
    forget_secrets()
    with pytest.MonkeyPatch.context() as monkeypatch:
        for name, value in ENVIRONMENT.items():
            monkeypatch.setenv(name, value)
        with on_moto_and_sockets(standin) if on_moto else in_memory(standin, clock, monkeypatch) as outside:
            world = World(standin, clock, wire, outside, monkeypatch, calls_in_turn)
            if not on_moto:  # Behind a socket the server has a thread and a time of its own.
                monkeypatch.setattr(standin, "sleep", world.sleepers.sleep)
            yield world
            world.settle()


def alive(world: World) -> dict[str, int]:
    """All that can be deleted, besides files."""
    # A run still being cancelled counts until it has ended.
    world.clock.advance(5)
    counters = world.openai.counters()
    gone = ("runs_started", "files", "max_concurrent_per_conversation")
    return {name: count for name, count in counters.items() if name not in gone}
