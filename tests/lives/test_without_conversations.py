"""Servers that lack parts of the API: threads as chains of responses, and sentences for what cannot be had.

With a key what is missing is found out; on Amazon Bedrock it is known, requests are signed, and there is no secret.
"""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from local.openai_standin import Fault, OpenAIStandIn, Script
from testkit.clock import Clock
from testkit.in_process.deployed import CHAINS, deployed, standin
from testkit.in_process.world import World
from tests.support.runs import THREAD, attributes, delete_all, failure, left_at_openai
from threadrun.reconcile.once import START_GRACE_SECONDS

MODEL = "gpt-5.4-mini"
PROPERTIES: dict[str, Any] = {
    "model": MODEL,
    "metadata": {"team": "docs"},
    "thread": {"messages": [{"role": "user", "content": "What is a stack?"}], "metadata": {"source": "test"}},
}
each_provider = pytest.mark.parametrize("provider", ["api_key", "bedrock"], indirect=True)


@pytest.fixture
def provider(request: pytest.FixtureRequest) -> str:
    return str(getattr(request, "param", "api_key"))


@pytest.fixture
def openai_api(clock: Clock, provider: str) -> Iterator[OpenAIStandIn]:
    with standin(CHAINS, clock, signed=provider == "bedrock") as server:
        yield server


@pytest.fixture
def world(openai_api: OpenAIStandIn, clock: Clock, provider: str) -> Iterator[World]:
    with deployed(openai_api, clock, "responses") as world:
        if provider == "bedrock":
            secret = world.app.settings.openai_api_key_secret_arn
            world.secrets.delete_secret(SecretId=secret, ForceDeleteWithoutRecovery=True)
            given = {"openai_provider": "bedrock", "openai_api_key_secret_arn": ""}
            world.app.settings = world.app.settings.model_copy(update=given)
        yield world


@each_provider
def test_a_run_from_its_start_to_its_deletion(world: World) -> None:
    world.openai.script(Script(output_text="A unit of deployment.", usage=(12, 8)))
    answer = world.create(PROPERTIES)
    data = attributes(answer)
    thread_id, run_id = answer["PhysicalResourceId"].split(":")
    assert re.fullmatch(r"chain_[0-9a-f]{48}", thread_id)
    assert (data["thread_id"], data["id"], data["output_text"]) == (thread_id, run_id, "A unit of deployment.")
    assert data["usage.total_tokens"] == "20"
    assert world.public_items().keys() == {f"RUN#{thread_id}:{run_id}"}
    assert world.posted() == [
        {
            "model": MODEL,
            "background": True,
            "store": True,
            "metadata": {"team": "docs", "threadrun_thread": thread_id},
            "input": [
                {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "What is a stack?"}]}
            ],
        }
    ]
    delete_all(world, answer)
    assert world.public_items() == {}


@each_provider
def test_what_the_server_lacks_is_asked_once(world: World, provider: str) -> None:
    runs = [attributes(world.create(PROPERTIES, logical_id=f"Run{number}")) for number in range(3)]
    assert len({run["thread_id"] for run in runs}) == 3
    probes = {"api_key": 1, "bedrock": 0}
    assert len(world.posted("/v1/conversations")) == probes[provider]


CALL = {"type": "function_call", "name": "tell", "arguments": {}}


def telling(world: World) -> list[dict[str, Any]]:
    """A function of the user."""
    arn = world.tools.add("tool-tell", lambda event: "told")
    return [{"type": "function", "function": {"name": "tell", "handler_arn": arn}}]


@pytest.mark.parametrize("prefix", ["msg_", "fc_", "mcpr_"])
def test_a_response_is_one_whatever_a_gateway_calls_it(world: World, prefix: str) -> None:
    """Some give it the id of the message that they got for it. The stand-in, asked for it, knows another one."""
    world.openai.fault(Fault("POST", "/v1/responses", "odd", place=("id",), odd_value=f"{prefix}01"))
    failure(world.create(PROPERTIES))
    assert f"/v1/responses/{prefix}01" in {each.path for each in world.openai.requests if each.method == "GET"}


def test_functions_are_called_in_a_chain_of_responses(world: World) -> None:
    tools = telling(world)
    world.openai.script(
        Script(output=[CALL | {"call_id": "call_1"}], usage=(10, 1)),
        Script(output=[CALL | {"call_id": "call_2"}], usage=(20, 2)),
        Script(output_text="Done.", usage=(30, 3)),
    )
    answer = world.create(PROPERTIES | {"tools": tools})
    data = attributes(answer)
    assert (data["output_text"], data["usage.total_tokens"]) == ("Done.", "66")
    thread_id, run_id = answer["PhysicalResourceId"].split(":")
    first, second, third = world.posted()
    assert "previous_response_id" not in first
    assert second["previous_response_id"] == run_id
    assert second["input"] == [{"type": "function_call_output", "call_id": "call_1", "output": "told"}]
    assert third["previous_response_id"] not in (None, run_id)
    assert {body["metadata"]["threadrun_thread"] for body in (first, second, third)} == {thread_id}
    delete_all(world, answer)


@pytest.mark.parametrize(
    ("fault", "runs"), [("lost_reply", 1), ("garbage", 1), ("reset", 0), ("status", 0), ("late_status", 1)]
)
def test_a_lost_start_is_neither_guessed_at_nor_made_again(world: World, fault: str, runs: int) -> None:
    """No reply, no conversation: nothing shows whether the run is at work, and a second one would be billed too.

    A 5xx does not tell what the server did before it.
    """
    world.openai.fault(Fault("POST", "/v1/responses", fault, status=503))
    began = world.clock()
    answer = world.create(PROPERTIES)
    assert (
        "cannot tell whether the run was started: the reply was lost, and this server has no conversations to check; "
        "it was not repeated: deploy again" in failure(answer)
    )
    assert world.clock() - began >= START_GRACE_SECONDS, "somebody else may have been about to note its id"
    assert len(world.posted()) == 1
    assert world.openai.counters()["runs_started"] == runs
    assert world.delete(answer["PhysicalResourceId"])["Status"] == "SUCCESS"
    assert left_at_openai(world) == +Counter(responses=runs), "whose id nobody knows: the server forgets it in time"


@pytest.mark.parametrize("fault", ["reset", "lost_reply"])
def test_a_lost_submission_is_not_made_again(world: World, fault: str) -> None:
    world.openai.script(Script(output=[CALL]), Script(output_text="Done."))
    world.openai.fault(Fault("POST", "/v1/responses", fault, after=1))
    answer = world.create(PROPERTIES | {"tools": telling(world)})
    sentence = r"cannot tell whether run resp_\w+ has the outputs of its functions: the reply"
    assert re.search(sentence, failure(answer))
    assert len(world.posted()) == 2
    assert world.delete(answer["PhysicalResourceId"])["Status"] == "SUCCESS"


@each_provider
def test_a_thread_that_runs_share_is_refused(world: World) -> None:
    answer = world.create(PROPERTIES["thread"], **THREAD)
    assert failure(answer).endswith(
        f"a thread that runs share needs conversations, and the server at {world.app.connect().base_url} has none: "
        "give each run its own messages in `thread`, or use a server that has them"
    )
    assert world.delete(answer["PhysicalResourceId"], **THREAD)["Status"] == "SUCCESS"


@each_provider
def test_a_run_on_an_existing_thread_is_refused(world: World) -> None:
    """The server's 404 is for a path that it does not know, and not for the thread."""
    sentence = f"existing_thread_id needs conversations, and the server at {world.app.connect().base_url} has none"
    answer = world.create({"model": MODEL, "existing_thread_id": "conv_1"})
    assert sentence in failure(answer)
    delete_all(world, answer)
    chain = world.create(PROPERTIES)["Data"]["thread_id"]
    answer = world.create({"model": MODEL, "existing_thread_id": chain}, logical_id="Second")
    assert f"thread {chain} cannot take another run: on this server only the run that began" in failure(answer)


@each_provider
def test_a_retrieval_tool_is_refused(world: World) -> None:
    file_id = world.openai.add_file()
    message = {"role": "user", "content": "Read.", "attachments": [{"file_id": file_id}]}
    properties = PROPERTIES | {"tools": [{"type": "retrieval"}], "thread": {"messages": [message]}}
    sentence = f"a retrieval tool needs vector stores, and the server at {world.app.connect().base_url} has none"
    for _ in range(2):
        answer = world.create(properties)
        assert sentence in failure(answer)
        delete_all(world, answer)
    looks = [each.path for each in world.openai.requests if each.method == "GET"]
    assert looks.count("/v1/vector_stores") <= 1, "that was remembered"
    assert world.openai.counters()["runs_started"] == 0


@each_provider
def test_bedrock_sees_a_signature_and_no_key(world: World, provider: str) -> None:
    """The stand-in checks each: of a server with a key this shows that it takes no signature."""
    world.openai.signed = provider != "bedrock"
    reason = failure(world.create(PROPERTIES))
    assert {"api_key": "HTTP 403", "bedrock": "HTTP 401"}[provider] in reason
    assert "testing" not in reason
