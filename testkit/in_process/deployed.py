"""An application of its own in this process, for as long as a block lasts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from aws_lambda_powertools.utilities.parameters import base
from moto import mock_aws

from local.openai_standin import OpenAIStandIn
from testkit.clock import Clock
from testkit.in_process.world import World

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "POWERTOOLS_METRICS_DISABLED": "true",
}
MOTO: Any = {"stepfunctions": {"execute_state_machine": True}, "core": {"service_whitelist": None}}


def forget_secrets() -> None:
    """As a new process has not read them yet."""
    for provider in vars(base)["DEFAULT_PROVIDERS"].values():
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
