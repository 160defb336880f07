"""Fixtures of the tiers that run in one process: an application per test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from aws_lambda_powertools.utilities import parameters
from moto import mock_aws

from local.openai_standin import OpenAIStandIn
from tests.world import Clock, World


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


@contextmanager
def deployed(openai_api: OpenAIStandIn, clock: Clock, wire: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """An application in a cloud of its own."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "POWERTOOLS_METRICS_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    for provider in parameters.base.DEFAULT_PROVIDERS.values():
        provider.clear_cache()
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}, "core": {"service_whitelist": None}}):
        world = World(openai_api, clock, wire, monkeypatch)
        yield world
        world.settle()
        world.close()


@pytest.fixture
def world(openai_api: OpenAIStandIn, clock: Clock, wire: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with deployed(openai_api, clock, wire, monkeypatch) as world:
        yield world
