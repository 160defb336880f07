"""The tier of the stand-in: what it answers is what OpenAI's document says."""

from collections.abc import Iterator

import pytest
from openai import OpenAI

from local.openai_standin import OpenAIStandIn
from tests.contract.watch import contract
from tests.standin.support import Clock, client_of

__all__ = ["contract"]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def stand_in(clock: Clock) -> OpenAIStandIn:
    return OpenAIStandIn(duration_s=10, queued_s=2, cancel_delay_s=1, now=clock, sleep=clock.sleep)


@pytest.fixture
def client(stand_in: OpenAIStandIn) -> Iterator[OpenAI]:
    with client_of(stand_in) as opened:
        yield opened
