"""A run that the server ends as failed for a reason that passes is started again, as often as `max_retries` says."""

from collections import Counter
from typing import Any

import pytest

from local.openai_standin import Fault, Script
from testkit.in_process.world import World
from tests.support.runs import (
    THREAD,
    attributes,
    delete_all,
    each_server,
    each_wire,
    failure,
    left_at_openai,
    runs_started,
)

SORRY = Script(error=("server_error", "The server had an error."), usage=(9, 0))
BUSY = Script(error=("rate_limit_exceeded", "Rate limit reached for this model."))
DONE = Script(output_text="Done.", usage=(10, 5))
GEMINI = (
    "litellm.RateLimitError: GeminiException - You exceeded your current quota, please check your plan and billing "
    "details.\n* Quota exceeded for metric: generativelanguage.googleapis.com/generate_content_free_tier_requests, "
    "limit: {limit}, model: gemini-2.5-flash\nPlease retry in 44.06s."
)


@each_server
@pytest.mark.parametrize("passing", [SORRY, BUSY], ids=["server_error", "rate_limit_exceeded"])
def test_a_run_that_failed_for_a_passing_reason_is_started_again(
    world: World, properties: dict[str, Any], passing: Script
) -> None:
    world.openai.script(passing, DONE)
    answer = world.create(properties)
    data = attributes(answer)
    assert (data["status"], data["output_text"], runs_started(world)) == ("completed", "Done.", 2)
    assert answer["PhysicalResourceId"] == f"{data['thread_id']}:{data['id']}", "that of the run that has the answer"
    delete_all(world, answer)


@each_wire
@pytest.mark.parametrize(("given", "tries"), [({}, 2), ({"max_retries": "0"}, 1), ({"max_retries": "3"}, 4)])
def test_it_is_tried_as_often_as_the_user_says(
    world: World, properties: dict[str, Any], given: dict[str, str], tries: int
) -> None:
    world.openai.script(Script(error=SORRY.error, times=None))
    answer = world.create(properties | given)
    reason = failure(answer)
    assert "The server had an error. (server_error)" in reason
    assert (f"on try {tries};" in reason) == (tries > 1)
    assert runs_started(world) == tries
    delete_all(world, answer)


@each_wire
@pytest.mark.parametrize(
    "error",
    [
        ("invalid_prompt", "The prompt is not allowed."),
        ("rate_limit_exceeded", "You exceeded your current quota, please check your plan and billing details."),
        ("rate_limit_exceeded", "Request too large for gpt-5.4-mini on tokens per min (TPM)."),
    ],
)
def test_what_comes_again_at_each_try_is_final(
    world: World, properties: dict[str, Any], error: tuple[str, str]
) -> None:
    world.openai.script(Script(error=error, times=None))
    assert error[1] in failure(world.create(properties))
    assert runs_started(world) == 1


@each_server
def test_a_limit_that_never_passes_is_known_behind_a_gateways_words(world: World, properties: dict[str, Any]) -> None:
    words = (
        "litellm.RateLimitError: RateLimitError: OpenAIException - You exceeded your current quota, please check it."
    )
    world.openai.fault(
        Fault("POST", ".*/(responses|runs)", "status", status=429, code="429", message=words, times=None)
    )
    began = world.clock()
    assert words in failure(world.create(properties | {"timeout_seconds": "600"}))
    assert world.clock() < began + 60


@each_server
def test_a_quota_of_a_minute_is_waited_for(world: World, properties: dict[str, Any]) -> None:
    """Gemini has OpenAI's words for it, and says when to retry."""
    refusal = {"status": 429, "code": "429", "message": GEMINI.format(limit=10), "retry_after": 44, "times": 2}
    world.openai.fault(Fault("POST", ".*/(responses|runs)", "status", **refusal))
    world.openai.script(Script(error=("rate_limit_exceeded", GEMINI.format(limit=10))), DONE)
    began = world.clock()
    assert attributes(world.create(properties))["output_text"] == "Done."
    assert runs_started(world) == 2
    assert began + 88 <= world.clock() < began + 200


@each_server
def test_a_quota_of_none_is_final(world: World, properties: dict[str, Any]) -> None:
    """Gemini says when to retry there, too."""
    words = GEMINI.format(limit=0)
    refusal = {"status": 429, "code": "429", "message": words, "retry_after": 44, "times": None}
    world.openai.fault(Fault("POST", ".*/(responses|runs)", "status", **refusal))
    began = world.clock()
    assert "limit: 0" in failure(world.create(properties))
    assert world.clock() < began + 40


@each_wire
def test_a_failure_that_the_user_accepts_is_the_result(world: World, properties: dict[str, Any]) -> None:
    world.openai.script(SORRY)
    data = attributes(world.create(properties | {"accept_statuses": ["completed", "failed"]}))
    assert (data["status"], runs_started(world)) == ("failed", 1)


@each_server
def test_a_round_that_failed_is_made_again(world: World, wire: str, properties: dict[str, Any]) -> None:
    """Where the run goes on under a new id the functions are not called again; on Assistants v2 the run is another."""
    calls = list[Any]()
    arn = world.tools.add("tool-tell", lambda event: calls.append(event) or "told")
    call = Script(output=[{"type": "function_call", "name": "tell", "arguments": {}}], usage=(10, 1))
    tools = [{"type": "function", "function": {"name": "tell", "handler_arn": arn}}]
    again = [call] if wire == "assistants" else []
    world.openai.script(call, SORRY, *again, DONE)
    answer = world.create(properties | {"tools": tools})
    data = attributes(answer)
    assert data["output_text"] == "Done."
    assert len(calls) == 1 + len(again)
    delete_all(world, answer)


@each_wire
def test_a_second_start_whose_reply_is_lost_is_found(world: World, wire: str, properties: dict[str, Any]) -> None:
    world.openai.script(SORRY, DONE)
    path = {"responses": "/v1/responses", "assistants": "/v1/threads/[^/]+/runs"}[wire]
    world.openai.fault(Fault("POST", path, "lost_reply", after=1))
    answer = world.create(properties)
    assert attributes(answer)["output_text"] == "Done."
    assert runs_started(world) == 2
    assert world.delete(answer["PhysicalResourceId"])["Status"] == "SUCCESS"
    # Of the second response nobody knows the id: the server forgets it in time.
    assert left_at_openai(world) == Counter({"responses": 1} if wire == "responses" else {})


@each_wire
def test_a_message_that_a_run_adds_is_there_once(world: World, wire: str, properties: dict[str, Any]) -> None:
    thread_id = world.create({}, **THREAD)["PhysicalResourceId"]
    asked = {"role": "user", "content": "And in winter?"}
    world.openai.script(SORRY, DONE)
    given = {name: properties[name] for name in ("model", "assistant_id") if name in properties}
    attributes(world.create(given | {"existing_thread_id": thread_id, "additional_messages": [asked]}))
    assert runs_started(world) == 2
    assert world.app.backend.threads.count_messages(thread_id) == 1


@each_wire
def test_how_often_it_is_tried_starts_nothing(world: World, properties: dict[str, Any]) -> None:
    made = world.create(properties)["PhysicalResourceId"]
    assert world.update(made, properties | {"max_retries": "3"})["PhysicalResourceId"] == made
    assert runs_started(world) == 1


@each_wire
def test_a_run_of_somebody_else_is_not_started_again(world: World, properties: dict[str, Any]) -> None:
    world.openai.script(SORRY)
    made = world.create(properties | {"accept_statuses": ["failed"]})["PhysicalResourceId"]
    reason = failure(world.create({"import_id": made}, logical_id="Adopted"))
    assert "ended as `failed`" in reason
    assert runs_started(world) == 1
    assert "on try" not in reason
