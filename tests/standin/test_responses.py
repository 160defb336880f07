"""What responses have of their own goes as at OpenAI: through its SDK, on a clock moved by hand."""

import json
from typing import Any

import openai
import pytest
from openai import OpenAI
from openai.types.responses.response import Response

from local.openai_standin import OpenAIStandIn, Script
from tests.standin.support import FUNCTION, HELLO, PLAIN, START, Clock, call, client_of, output_of, refusal, start


def listed(client: OpenAI, conversation_id: str) -> list[Any]:
    return [each.to_dict() for each in client.conversations.items.list(conversation_id)]


def ended(client: OpenAI, clock: Clock, **changes: Any) -> Response:
    response = start(client, **changes)
    clock.time += 12
    return client.responses.retrieve(response.id)


def test_item_sent_a_second_time_is_a_duplicate(client: OpenAI) -> None:
    """A tool loop on a conversation sends the outputs only: the calls are there already."""
    conversation = client.conversations.create(items=[HELLO])
    [known] = listed(client, conversation.id)
    error = refusal(lambda: start(client, conversation=conversation.id, input=[known]))
    assert "Duplicate item found" in error.message
    reference = {"type": "item_reference", "id": known["id"]}
    assert start(client, conversation=conversation.id, input=[reference]).status == "queued"
    gone = {"type": "item_reference", "id": "msg_gone"}
    refusal(lambda: start(client, input=[gone]), openai.NotFoundError)


def test_foreground_response_is_over_at_once(client: OpenAI) -> None:
    """Without `background` OpenAI answers when it is done; nobody knows the id early enough to cancel."""
    response = client.responses.create(model=PLAIN, input="word " * 40)
    assert (response.status, response.completed_at, response.background) == ("completed", int(START), False)
    assert len(response.output_text) < 130, "the question is shortened"
    assert client.responses.retrieve(response.id).output_text == response.output_text
    assert "synchronous" in refusal(lambda: client.responses.cancel(response.id)).message


@pytest.mark.parametrize("status", [400, 409])
def test_statuses_of_refusals_vary_by_server(clock: Clock, status: int) -> None:
    """That of the lock, and that of a cancel that comes after the end; OpenAI answers the latter with 200."""
    client = client_of(OpenAIStandIn(now=clock, locked_status=status, cancel_finished_status=status))
    conversation = client.conversations.create()
    response = start(client, conversation=conversation.id)
    error = refusal(lambda: start(client, conversation=conversation.id), openai.APIStatusError)
    assert (error.status_code, error.code) == (status, "conversation_locked")
    clock.time += 1
    assert refusal(client.responses.cancel, openai.APIStatusError, response.id).status_code == status


def test_same_request_twice_makes_two_responses(client: OpenAI, stand_in: OpenAIStandIn) -> None:
    """OpenAI has no idempotency key, so neither has this."""
    twice = {start(client, extra_headers={"Idempotency-Key": "same"}).id for _ in range(2)}
    assert (len(twice), stand_in.counters()["runs_started"]) == (2, 2)


def test_background_response_without_store_vanishes(client: OpenAI, clock: Clock) -> None:
    """Only an explicit `store: true` keeps a background response for later."""
    kept = start(client)
    fleeting = client.responses.create(model=PLAIN, input="hi", background=True)
    clock.time = START + 12 + 599
    assert client.responses.retrieve(fleeting.id).status == "completed"
    clock.time += 1
    assert client.responses.retrieve(kept.id).status == "completed"
    refusal(client.responses.retrieve, openai.NotFoundError, fleeting.id)


def test_unstored_response_leaves_no_trace(client: OpenAI) -> None:
    """With `store: false` nothing can be looked up, chained to, or found in the conversation."""
    conversation = client.conversations.create()
    response = client.responses.create(model=PLAIN, input="hi", store=False, conversation=conversation.id)
    refusal(client.responses.retrieve, openai.NotFoundError, response.id)
    refusal(lambda: start(client, previous_response_id=response.id))
    assert listed(client, conversation.id) == []


def test_responses_chain_without_a_conversation(client: OpenAI, clock: Clock, stand_in: OpenAIStandIn) -> None:
    """Servers without conversations are used this way; the whole chain counts as input."""
    stand_in.script(Script(output=[call("call_1")]))
    first = start(client, tools=[FUNCTION])
    refusal(lambda: start(client, previous_response_id=first.id))
    clock.time += 12
    assert "call_1" in refusal(lambda: start(client, previous_response_id=first.id)).message
    second = ended(client, clock, previous_response_id=first.id, input=[output_of("call_1")])
    assert second.previous_response_id == first.id
    assert second.usage is not None
    assert second.usage.input_tokens == 2 + len(["{}", "42"]), "the first question, the call, its output"
    assert [each.type for each in client.responses.input_items.list(second.id)] == ["function_call_output"]


def test_word_json_counts_in_messages_not_in_instructions(client: OpenAI) -> None:
    """OpenAI reads the messages only, whatever the instructions say; the answer is an object, nothing more."""
    wanted: Any = {"format": {"type": "json_object"}}
    refusal(lambda: start(client, text=wanted, instructions="Answer in JSON."))
    response = client.responses.create(model=PLAIN, input="json please", text=wanted)
    assert json.loads(response.output_text) == {"answer": 'This is the stand-in\'s answer to: "json please"'}
    conversation = client.conversations.create(items=[{"role": "developer", "content": "Use json."}])
    assert start(client, text=wanted, conversation=conversation.id).status == "queued"


ANSWERS: list[tuple[dict[str, Any], Any]] = [
    ({"type": "string"}, "stand-in"),
    ({"type": "array", "items": {"type": "boolean"}, "minItems": 2}, [False, False]),
    ({"type": "integer", "minimum": 3, "multipleOf": 2}, 4),
    ({"type": "integer", "exclusiveMaximum": -3}, -4),
    ({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}, 0.5),
    ({"type": "string", "minLength": 10, "maxLength": 12}, "stand-in.."),
    ({"enum": ["red", "blue"]}, "red"),
    ({"const": 7}, 7),
    ({"type": "string", "format": "date"}, "2000-01-01"),
    ({"anyOf": [{"type": "string", "maxLength": 2}, {"type": "null"}]}, "st"),
    ({"type": "null"}, None),
    ({"type": "string", "pattern": "^#[0-9a-f]{6}$"}, "#000000"),
    ({"type": "string", "pattern": r"^v\d+\.(?:x|y)[^x]-\w?$"}, "v0.xa-"),
    ({"type": "string", "pattern": r"^\p{L}"}, "stand-in"),
    ({"type": "object", "properties": {"a": {"type": "integer"}}, "required": []}, {}),
    ({"$ref": "#/$defs/kid"}, {"kid": {"kid": None}}),
]
KID = {"anyOf": [{"$ref": "#/$defs/kid"}, {"type": "null"}]}


@pytest.mark.parametrize(("schema", "answer"), ANSWERS)
def test_structured_answer_fits_its_schema(client: OpenAI, schema: dict[str, Any], answer: Any) -> None:
    """Whatever reads a structured answer must be able to read this one, recursive schemas included."""
    kid = {"type": "object", "required": ["kid"], "properties": {"kid": KID}}
    whole = {"type": "object", "properties": {"a": schema}, "required": ["a"], "$defs": {"kid": kid}}
    wanted: Any = {"format": {"type": "json_schema", "name": "answer", "schema": whole}}
    assert json.loads(client.responses.create(model=PLAIN, input="hi", text=wanted).output_text) == {"a": answer}


def test_unanswered_call_poisons_the_conversation_until_all_are_answered(
    client: OpenAI, clock: Clock, stand_in: OpenAIStandIn
) -> None:
    """Every parallel call must be answered by `call_id`, in one request, before anything else is taken."""
    stand_in.script(Script(output=[call("call_a"), call("call_b")]))
    conversation = client.conversations.create()
    assert ended(client, clock, conversation=conversation.id, tools=[FUNCTION]).status == "completed"

    def refused(*call_ids: str) -> Any:
        outputs = [output_of(each) for each in call_ids] or "hi"
        return refusal(lambda: start(client, conversation=conversation.id, input=outputs))

    assert "No tool output found for function call call_a." in refused().message
    assert "No tool output found for function call call_b." in refused("call_a").message
    error = refused("call_a", "call_b", "call_c")
    assert "No tool call found for function call output with call_id call_c" in error.message
    assert (error.param, stand_in.counters()["runs_started"]) == ("input", 1)
    outputs = [output_of("call_a"), output_of("call_b")]
    answered = ended(client, clock, conversation=conversation.id, input=outputs)
    assert answered.output_text.endswith('"42"')
    kinds = [each["type"] for each in reversed(listed(client, conversation.id))]
    assert kinds == ["message", *["function_call"] * 2, *["function_call_output"] * 2, "message"]


def test_cancel_is_idempotent(client: OpenAI, clock: Clock) -> None:
    """Asking twice changes nothing, and moves nothing on."""
    response = start(client)
    for elapsed, status in ((3, "in_progress"), (3.5, "in_progress"), (4, "cancelled"), (5, "cancelled")):
        clock.time = START + elapsed
        assert client.responses.cancel(response.id).status == status
    other = ended(client, clock)
    assert client.responses.cancel(other.id).status == "completed", "OpenAI answers 200 unchanged"


def test_deleted_response_holds_its_conversation_to_its_end(client: OpenAI, clock: Clock) -> None:
    """Delete is no cancel: the run goes on and is billed."""
    conversation = client.conversations.create()
    client.responses.delete(start(client, conversation=conversation.id).id)
    assert refusal(lambda: start(client, conversation=conversation.id)).code == "conversation_locked"
    clock.time += 12
    assert len(listed(client, conversation.id)) == 2
