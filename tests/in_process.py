"""Fixtures of the tiers that run in one process: an application per test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from aws_lambda_powertools.utilities import parameters
from moto import mock_aws

from local.openai_standin import OpenAIStandIn
from tests.moto_shims import Clock
from tests.world import World

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "POWERTOOLS_METRICS_DISABLED": "true",
}
MOTO = {"stepfunctions": {"execute_state_machine": True}, "core": {"service_whitelist": None}}


def forget_secrets() -> None:
    """As a new process has not read them yet."""
    for provider in parameters.base.DEFAULT_PROVIDERS.values():
        provider.clear_cache()


@contextmanager
def deployed(standin: OpenAIStandIn, clock: Clock, wire: str, calls_in_turn: bool = False) -> Iterator[World]:
    """An application of its own, for as long as the block lasts."""
    forget_secrets()
    with pytest.MonkeyPatch.context() as monkeypatch:
        for name, value in ENVIRONMENT.items():
            monkeypatch.setenv(name, value)
        with mock_aws(config=MOTO):
            world = World(standin, clock, wire, monkeypatch, calls_in_turn)
            yield world
            world.settle()
            world.close()


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
