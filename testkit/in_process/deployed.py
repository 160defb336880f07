"""An application of its own in this process, for as long as a block lasts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from typing import Any

import httpx2
import pytest
from aws_lambda_powertools.utilities.parameters import base
from moto import mock_aws

from local.openai_standin import OpenAIStandIn
from testkit.clock import Clock
from testkit.in_process.answer_url import AnswerUrl
from testkit.in_process.aws import aws
from testkit.in_process.cloud import Account, Cloud
from testkit.in_process.world import BUCKET, Outside, World
from testkit.state_machine import TABLE
from testkit.template import template

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "POWERTOOLS_METRICS_DISABLED": "true",
}
IN_MEMORY = "http://standin.invalid/v1"
"""Where the stand-in is asked without a socket: always here, so that one client of the SDK does for all."""
MOTO: Any = {"core": {"service_whitelist": None}}
RESPONSES, CHAINS, ASSISTANTS = SERVERS = ("responses", "chains", "assistants")
"""The APIs that a server may speak; with `CHAINS` it has responses, and neither conversations nor vector stores."""


def standin(server: str, clock: Clock, **more: Any) -> OpenAIStandIn:
    """A server whose time is virtual."""
    lacks = ("conversations", "vector_stores") if server == CHAINS else ()
    api = ASSISTANTS if server == ASSISTANTS else RESPONSES
    return OpenAIStandIn(now=clock, duration_s=0.6, queued_s=0.3, cancel_delay_s=0.5, api=api, lacks=lacks, **more)


def forget_secrets() -> None:
    """As a new process has not read them yet."""
    for provider in vars(base)["DEFAULT_PROVIDERS"].values():
        provider.clear_cache()


def create_table() -> None:
    """As the template has it."""
    table = template()["Resources"]["Table"]["Properties"]
    asked = ("KeySchema", "AttributeDefinitions", "GlobalSecondaryIndexes", "BillingMode")
    aws("dynamodb").create_table(TableName=TABLE, **{name: table[name] for name in asked})


@contextmanager
def _memory(standin: OpenAIStandIn, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Outside]:
    """All of it is in this process, and asked without a socket."""
    transport = standin.transport()

    def answer(_: httpx2.HTTPTransport, request: httpx2.Request) -> httpx2.Response:
        response = transport.handle_request(request)
        response.headers["date"] = formatdate(clock(), usegmt=True)
        return response

    monkeypatch.setattr(httpx2.HTTPTransport, "handle_request", answer)
    url = AnswerUrl()
    url.connect(monkeypatch)
    with Cloud() as cloud:
        yield Outside(cloud, Account(cloud, TABLE, standin.api_key).secret_arn, IN_MEMORY, url)


@contextmanager
def _moto(standin: OpenAIStandIn) -> Iterator[Outside]:
    """AWS is moto's, and all else is behind a socket."""
    url = AnswerUrl()
    url.listen()
    with mock_aws(config=MOTO), Cloud(falls_through=True) as cloud:
        create_table()
        aws("s3").create_bucket(Bucket=BUCKET)
        secret = aws("secretsmanager").create_secret(Name="key", SecretString=standin.api_key)
        yield Outside(cloud, secret["ARN"], standin.base_url, url)
    url.close()


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
        with _moto(standin) if on_moto else _memory(standin, clock, monkeypatch) as outside:
            world = World(standin, clock, wire, outside, monkeypatch, calls_in_turn)
            yield world
            world.settle()
