"""Exists to prove that a loop of function calls goes through the stand-in as it goes through OpenAI."""

from collections.abc import Iterator
from typing import Any

import pytest
from openai import OpenAI

from local.openai_standin import OpenAIStandIn, Script
from tests.standin.test_openai_standin import FUNCTION, Clock, client_of, output_of, refusal, start


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def stand_in(clock: Clock) -> OpenAIStandIn:
    return OpenAIStandIn(now=clock, sleep=clock.sleep, duration_s=10)


@pytest.fixture
def client(stand_in: OpenAIStandIn) -> Iterator[OpenAI]:
    with client_of(stand_in) as opened:
        yield opened


def call(call_id: str, **arguments: Any) -> dict[str, Any]:
    return {"type": "function_call", "call_id": call_id, "name": "look", "arguments": arguments}


def answer(call_id: str, output: str) -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": call_id, "output": output}


def test_tool_loop_of_several_rounds_ends_with_an_answer(client: OpenAI, clock: Clock, stand_in: OpenAIStandIn) -> None:
    """Two rounds, the first with three calls at once; each round is scripted by the outputs it brings."""
    stand_in.script(
        Script(output=[call("call_1", at="a"), call("call_2", at="b"), call("call_3")], match="Look around"),
        Script(output=[call("call_4", at="c")], match="seen b", usage=(20, 5)),
        Script(output_text="All seen.", match="seen c", usage=(30, 2)),
    )
    conversation = client.conversations.create()

    def ended(*items: Any, text: str = "") -> Any:
        response = start(client, conversation=conversation.id, tools=[FUNCTION], input=text or list(items))
        clock.time += 10
        return client.responses.retrieve(response.id)

    first = ended(text="Look around")
    assert [each.arguments for each in first.output] == ['{"at": "a"}', '{"at": "b"}', "{}"]
    second = ended(answer("call_2", "seen b"), answer("call_1", "seen a"), answer("call_3", "nothing"))
    assert [each.call_id for each in second.output] == ["call_4"]
    third = ended(answer("call_4", "seen c"))
    assert (third.status, third.output_text) == ("completed", "All seen.")
    assert (second.usage.total_tokens, third.usage.total_tokens) == (25, 32)
    kinds = [each.type for each in client.conversations.items.list(conversation.id, order="asc")]
    calls, outputs = ["function_call"], ["function_call_output"]
    assert kinds == ["message", *calls * 3, *outputs * 3, *calls, *outputs, "message"]
    assert stand_in.counters()["runs_started"] == 3


def test_incomplete_outputs_are_refused_and_start_nothing(
    client: OpenAI, clock: Clock, stand_in: OpenAIStandIn
) -> None:
    """All parallel calls are answered in one request, or none is."""
    stand_in.script(Script(output=[call("call_1"), call("call_2")]))
    conversation = client.conversations.create()
    start(client, conversation=conversation.id, tools=[FUNCTION])
    clock.time += 10
    error = refusal(lambda: start(client, conversation=conversation.id, input=[output_of("call_1")]))
    assert error.message.endswith("No tool output found for function call call_2.")
    assert (error.param, stand_in.counters()["runs_started"]) == ("input", 1)
    complete = [output_of("call_1"), output_of("call_2")]
    assert start(client, conversation=conversation.id, input=complete).status == "in_progress"
