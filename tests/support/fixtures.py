"""Fixtures of the tiers that run in one process: an application per test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from local.openai_standin import OpenAIStandIn
from testkit.clock import Clock
from testkit.in_process.deployed import deployed
from testkit.in_process.world import World


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def wire(request: pytest.FixtureRequest) -> str:
    """The wire API; a test that runs on both takes this fixture as an indirect parameter."""
    return str(getattr(request, "param", "responses"))


@pytest.fixture
def openai_api(clock: Clock, wire: str) -> Iterator[OpenAIStandIn]:
    with OpenAIStandIn(now=clock, duration_s=0.6, queued_s=0.3, cancel_delay_s=0.5, api=wire) as standin:
        yield standin


@pytest.fixture
def world(openai_api: OpenAIStandIn, clock: Clock, wire: str) -> Iterator[World]:
    with deployed(openai_api, clock, wire) as world:
        yield world
