"""The tier of the stand-in: what it answers is what OpenAI's document says."""

from collections import Counter
from collections.abc import Iterator

import pytest
from openai import OpenAI

from local.openai_standin import OpenAIStandIn
from tests.contract.watch import contract
from tests.standin.support import Clock, client_of, sent

__all__ = ["contract"]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def stand_in(clock: Clock) -> OpenAIStandIn:
    return OpenAIStandIn(
        api="both", duration_s=10, queued_s=2, cancel_delay_s=1, indexing_s=5, now=clock, sleep=clock.sleep
    )


@pytest.fixture
def numbered() -> OpenAIStandIn:
    """One whose ids are counted; there is a thread, a conversation, a vector store and a file, the first of each."""
    made: Counter[str] = Counter()

    def new_id(prefix: str) -> str:
        made[prefix] += 1
        return f"{prefix}_{made[prefix]}"

    stand_in = OpenAIStandIn(api="both", duration_s=0, new_id=new_id)
    stand_in.add_file(id="file-1")
    for path in ("threads", "conversations", "vector_stores"):
        assert sent(stand_in, "POST", path, {})[0] == 200
    return stand_in


@pytest.fixture
def client(stand_in: OpenAIStandIn) -> Iterator[OpenAI]:
    with client_of(stand_in) as opened:
        yield opened
