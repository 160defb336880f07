"""What an application meets outside of its process: in memory, or on moto and behind sockets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from email.utils import formatdate

import httpx2
import pytest

from local.openai_standin import OpenAIStandIn
from testkit.clock import Clock
from testkit.in_process.answer_url import AnswerUrl
from testkit.in_process.cloud import Account, Cloud
from testkit.in_process.moto import cloud_on_moto
from testkit.state_machine import TABLE

STANDIN = "http://standin.invalid/v1"
"""Where the stand-in is asked without a socket: always here, so that one client of the SDK does for all."""


@dataclass(frozen=True)
class Outside:
    """AWS, OpenAI and CloudFormation."""

    cloud: Cloud
    secret_arn: str
    openai_base_url: str
    url: AnswerUrl


@contextmanager
def in_memory(standin: OpenAIStandIn, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Outside]:
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
        yield Outside(cloud, Account(cloud, TABLE, standin.api_key).secret_arn, STANDIN, url)


@contextmanager
def on_moto_and_sockets(standin: OpenAIStandIn) -> Iterator[Outside]:
    """AWS is moto's, and all else is behind a socket."""
    with closing(AnswerUrl()) as url, cloud_on_moto(standin.api_key) as (cloud, secret_arn):
        url.listen()
        yield Outside(cloud, secret_arn, standin.base_url, url)
