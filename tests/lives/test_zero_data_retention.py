"""An organisation whose data is not kept: no threads, no responses to continue, and a run is shown for ten minutes."""

from collections.abc import Iterator
from typing import Any

import pytest

from local.openai_standin import OpenAIStandIn, Script
from testkit.clock import Clock
from testkit.in_process.deployed import RESPONSES, deployed, standin
from testkit.in_process.world import World
from tests.support.runs import THREAD, attributes, delete_all, failure, left_at_openai

PROPERTIES: dict[str, Any] = {
    "model": "gpt-5.4-mini",
    "thread": {"messages": [{"role": "user", "content": "What is a stack?"}]},
}


@pytest.fixture
def openai_api(clock: Clock) -> Iterator[OpenAIStandIn]:
    with standin(RESPONSES, clock, lacks=("retention",)) as server:
        yield server


@pytest.fixture
def world(openai_api: OpenAIStandIn, clock: Clock) -> Iterator[World]:
    with deployed(openai_api, clock, RESPONSES) as world:
        yield world


def test_a_run_of_one_round_is_a_chain_and_leaves_nothing(world: World) -> None:
    world.openai.script(Script(output_text="A unit of deployment."))
    answer = world.create(PROPERTIES)
    data = attributes(answer)
    assert data["output_text"] == "A unit of deployment."
    assert data["thread_id"].startswith("chain_")
    assert world.openai.counters()["runs_started"] == 1
    assert left_at_openai(world).keys() == {"responses"}, "the conversation that no run may use is gone"
    delete_all(world, answer)


def test_that_no_run_may_use_a_conversation_is_asked_once(world: World) -> None:
    for number in range(3):
        attributes(world.create(PROPERTIES, logical_id=f"Run{number}"))
    assert len(world.posted("/v1/conversations")) == 1


def test_what_the_server_forgot_stays_as_it_was(world: World) -> None:
    first = world.create(PROPERTIES)
    world.clock.advance(700)
    later = world.update(first["PhysicalResourceId"], PROPERTIES | {"timeout_seconds": 600})
    assert attributes(later)["output_text"] == attributes(first)["output_text"]
    assert world.openai.counters()["runs_started"] == 1
    delete_all(world, later)
    assert world.public_items() == {}


def test_a_run_that_goes_on_after_its_functions_is_refused_with_a_sentence(world: World) -> None:
    arn = world.tools.add("tool-tell", lambda event: "told")
    tools = [{"type": "function", "function": {"name": "tell", "handler_arn": arn}}]
    world.openai.script(Script(output=[{"type": "function_call", "name": "tell", "arguments": {}}]))
    answer = world.create(PROPERTIES | {"tools": tools})
    said = failure(answer)
    assert "code unsupported_parameter" in said
    assert "goes on from a response that is kept" in said
    assert "leave out handler_arn" in said
    delete_all(world, answer)


def test_a_run_on_a_shared_thread_is_refused_with_a_sentence(world: World) -> None:
    thread = world.create({"messages": []}, **THREAD)
    properties = {"model": "gpt-5.4-mini", "existing_thread_id": thread["PhysicalResourceId"], "instructions": "Go on."}
    for _ in range(2):
        answer = world.create(properties)
        assert "give each run its own messages in `thread`" in failure(answer)
        assert world.delete(answer["PhysicalResourceId"])["Status"] == "SUCCESS"
    delete_all(world, thread)
    assert world.openai.counters()["runs_started"] == 0
