"""Fixtures of the tiers that run in one process: a server and an application per test."""

from collections.abc import Iterator
from typing import Any

import pytest

from local.openai_standin import OpenAIStandIn
from testkit.clock import Clock
from testkit.in_process.deployed import ASSISTANTS, deployed, standin
from testkit.in_process.world import World
from tests.support.runs import ASSISTANT, PROPERTIES


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def wire(request: pytest.FixtureRequest) -> str:
    """The server's API; a test that runs on several takes this fixture as an indirect parameter."""
    return str(getattr(request, "param", "responses"))


@pytest.fixture
def openai_api(clock: Clock, wire: str) -> Iterator[OpenAIStandIn]:
    with standin(wire, clock) as server:
        yield server


@pytest.fixture
def world(request: pytest.FixtureRequest, openai_api: OpenAIStandIn, clock: Clock, wire: str) -> Iterator[World]:
    on_moto = request.node.get_closest_marker("on_moto") is not None
    with deployed(openai_api, clock, wire, on_moto=on_moto) as world:
        yield world


@pytest.fixture
def assistant_id(world: World) -> str:
    """An assistant, before anything else has happened."""
    made = world.create({"model": "gpt-5.4-mini"}, **ASSISTANT)
    world.forget_requests()
    return str(made["PhysicalResourceId"])


@pytest.fixture
def properties(request: pytest.FixtureRequest, wire: str) -> dict[str, Any]:
    """Those of a run: one API asks for an assistant."""
    return PROPERTIES | ({"assistant_id": request.getfixturevalue("assistant_id")} if wire == ASSISTANTS else {})
