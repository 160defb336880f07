"""Conversations and responses behave as OpenAI's do: through its own SDK, on a clock moved by hand."""

import functools
import json
from collections.abc import Callable
from typing import Any

import openai
import pytest
from openai import OpenAI
from openai.types.conversations import Conversation, ConversationDeletedResource, ConversationItemList
from openai.types.responses import ResponseItemList
from openai.types.responses.response import Response

from local.openai_standin import OpenAIStandIn, Script
from tests.standin.support import FUNCTION, PLAIN, START, Clock, call, client_of, output_of, refusal, start, valid


def listed(client: OpenAI, conversation_id: str, **paging: Any) -> list[Any]:
    return [each.to_dict() for each in client.conversations.items.list(conversation_id, **paging)]


def ended(client: OpenAI, clock: Clock, **changes: Any) -> Response:
    response = start(client, **changes)
    clock.time += 12
    return client.responses.retrieve(response.id)


# --- conversations


def test_conversation_lives_through_create_update_delete(client: OpenAI, stand_in: OpenAIStandIn) -> None:
    """Once deleted it answers 404, and the items in it are left behind, as at OpenAI."""
    messages: Any = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "ho"}]
    conversation = client.conversations.create(metadata={"a": "1"}, items=messages)
    assert conversation.created_at == int(START)
    assert client.conversations.update(conversation.id, metadata={"b": "2"}).metadata == {"b": "2"}
    assert client.conversations.retrieve(conversation.id).metadata == {"b": "2"}
    deleted = valid(ConversationDeletedResource, client.conversations.with_raw_response.delete(conversation.id))
    assert (deleted.deleted, deleted.object) == (True, "conversation.deleted")
    error = refusal(lambda: client.conversations.retrieve(conversation.id), openai.NotFoundError)
    assert f"Conversation with id '{conversation.id}' not found." in error.message
    refusal(lambda: start(client, conversation=conversation.id), openai.NotFoundError)
    assert stand_in.counters()["orphan_items"] == 2


def test_items_are_added_shown_and_deleted(client: OpenAI, stand_in: OpenAIStandIn) -> None:
    """Deleting the items first is the only way to leave nothing behind."""
    conversation = client.conversations.create()
    items = client.conversations.items
    added = items.create(conversation.id, items=[{"role": "user", "content": "hi"}])
    item: Any = items.retrieve(str(added.data[0].id), conversation_id=conversation.id)
    assert (item.type, item.content[0].to_dict()) == ("message", {"type": "input_text", "text": "hi"})
    assert items.delete(item.id, conversation_id=conversation.id).id == conversation.id
    for gone in (items.retrieve, items.delete):
        refusal(functools.partial(gone, item.id, conversation_id=conversation.id), openai.NotFoundError)
    client.conversations.delete(conversation.id)
    assert stand_in.counters()["orphan_items"] == 0


def test_items_are_paged_in_both_orders(client: OpenAI) -> None:
    """A long conversation comes in pages; the default is newest first."""
    conversation = client.conversations.create(items=[{"role": "user", "content": str(number)} for number in range(20)])
    client.conversations.items.create(conversation.id, items=[{"role": "user", "content": "20"}])
    first = client.conversations.items.list(conversation.id)
    assert (len(first.data), first.has_more, first.last_id) == (20, True, first.data[-1].id)
    for paging, order in (({}, -1), ({"order": "asc"}, 1)):
        texts = [each["content"][0]["text"] for each in listed(client, conversation.id, limit=7, **paging)]
        assert texts == [str(number) for number in range(21)][::order]


def test_item_sent_a_second_time_is_a_duplicate(client: OpenAI) -> None:
    """A tool loop on a conversation sends the outputs only: the calls are there already."""
    conversation = client.conversations.create(items=[{"role": "user", "content": "hi"}])
    [known] = listed(client, conversation.id)
    error = refusal(lambda: start(client, conversation=conversation.id, input=[known]))
    assert "Duplicate item found" in error.message
    reference = {"type": "item_reference", "id": known["id"]}
    assert start(client, conversation=conversation.id, input=[reference]).status == "queued"
    gone = {"type": "item_reference", "id": "msg_gone"}
    refusal(lambda: start(client, input=[gone]), openai.NotFoundError)


# --- how a response goes


def test_background_response_follows_the_clock(client: OpenAI, clock: Clock) -> None:
    """Queued, in progress, completed: each seen at its time, and each valid for the SDK's strict types."""
    response, seen = start(client, metadata={"a": "b"}), []
    for elapsed in (0, 1.9, 2, 11.9, 12, 100):
        clock.time = START + elapsed
        response = valid(Response, client.responses.with_raw_response.retrieve(response.id))
        seen.append(response.status)
        if response.status != "completed":
            assert (response.output, response.usage, response.completed_at) == ([], None, None)
    assert seen == ["queued", "queued", "in_progress", "in_progress", "completed", "completed"]
    assert (response.created_at, response.completed_at) == (START, START + 12)
    assert response.output_text == 'This is the stand-in\'s answer to: "Say hello"'
    assert response.usage is not None
    assert response.usage.to_dict() == {
        "input_tokens": 2,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": 8,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 10,
    }


def test_foreground_response_is_over_at_once(client: OpenAI) -> None:
    """Without `background` OpenAI answers when it is done; nobody knows the id early enough to cancel."""
    response = client.responses.create(model=PLAIN, input="word " * 40)
    assert (response.status, response.completed_at, response.background) == ("completed", START, False)
    assert len(response.output_text) < 130, "the question is shortened"
    assert client.responses.retrieve(response.id).output_text == response.output_text
    assert "synchronous" in refusal(lambda: client.responses.cancel(response.id)).message


def test_finished_response_enters_the_conversation_and_frees_it(client: OpenAI, clock: Clock) -> None:
    """Items in a conversation prove a finished response; recovery from a lost reply rests on that."""
    conversation = client.conversations.create(items=[{"role": "user", "content": "before"}])
    start(client, conversation=conversation.id)
    assert [each["role"] for each in listed(client, conversation.id)] == ["user"]
    clock.time += 12
    assert [each["role"] for each in listed(client, conversation.id)] == ["assistant", "user", "user"]
    assert start(client, conversation=conversation.id).status == "queued"


@pytest.mark.parametrize(("status", "kind"), [(400, openai.BadRequestError), (409, openai.ConflictError)])
def test_conversation_is_locked_while_a_response_runs(
    clock: Clock, status: int, kind: type[openai.APIStatusError]
) -> None:
    """The lock keeps a repeated create from starting a second billed run; its status varies by server."""
    stand_in = OpenAIStandIn(now=clock, locked_status=status)
    client = client_of(stand_in)
    conversation = client.conversations.create()
    start(client, conversation=conversation.id)
    message: Any = {"role": "user", "content": "x"}
    for again in (
        lambda: start(client, conversation=conversation.id),
        lambda: client.conversations.items.create(conversation.id, items=[message]),
    ):
        assert refusal(again, kind).code == "conversation_locked"
    counters = stand_in.counters()
    assert (counters["runs_started"], counters["max_concurrent_per_conversation"]) == (1, 1)


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
    error = refusal(lambda: client.responses.retrieve(fleeting.id), openai.NotFoundError)
    assert f"Response with id '{fleeting.id}' not found." in error.message


def test_unstored_response_leaves_no_trace(client: OpenAI) -> None:
    """With `store: false` nothing can be looked up, chained to, or found in the conversation."""
    conversation = client.conversations.create()
    response = client.responses.create(model=PLAIN, input="hi", store=False, conversation=conversation.id)
    refusal(lambda: client.responses.retrieve(response.id), openai.NotFoundError)
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
    items = valid(ResponseItemList, client.responses.input_items.with_raw_response.list(second.id))
    assert [each.type for each in items.data] == ["function_call_output"]


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
    ({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}, 0.5),
    ({"type": "string", "minLength": 10, "maxLength": 12}, "stand-in.."),
    ({"enum": ["red", "blue"]}, "red"),
    ({"const": 7}, 7),
    ({"type": "string", "format": "date"}, "2000-01-01"),
    ({"anyOf": [{"type": "string", "maxLength": 2}, {"type": "null"}]}, "st"),
    ({"type": "null"}, None),
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


# --- function calls


def test_tool_loop_of_several_rounds_ends_with_an_answer(client: OpenAI, clock: Clock, stand_in: OpenAIStandIn) -> None:
    """Two rounds, the first with three calls at once; each round is scripted by the outputs it brings."""
    stand_in.script(
        Script(output=[call("call_1", at="a"), call("call_2", at="b"), call("call_3")], match="Look around"),
        Script(output=[call("call_4", at="c")], match="seen b", usage=(20, 5)),
        Script(output_text="All seen.", match="seen c", usage=(30, 2)),
    )
    conversation = client.conversations.create()
    go_on = functools.partial(ended, client, clock, conversation=conversation.id, tools=[FUNCTION])
    first: Any = go_on(input="Look around")
    assert [each.arguments for each in first.output] == ['{"at": "a"}', '{"at": "b"}', "{}"]
    assert all(each.id for each in first.output)
    outputs = {"call_2": "seen b", "call_1": "seen a", "call_3": "nothing"}
    second: Any = go_on(input=[output_of(*each) for each in outputs.items()])
    assert [each.call_id for each in second.output] == ["call_4"]
    third: Any = go_on(input=[output_of("call_4", "seen c")])
    assert (third.status, third.output_text) == ("completed", "All seen.")
    assert (second.usage.total_tokens, third.usage.total_tokens) == (25, 32)
    valid(Response, client.responses.with_raw_response.retrieve(first.id))
    valid(Conversation, client.conversations.with_raw_response.retrieve(conversation.id))
    valid(ConversationItemList, client.conversations.items.with_raw_response.list(conversation.id))
    calls, results = ["function_call"], ["function_call_output"]
    kinds = [each["type"] for each in listed(client, conversation.id, order="asc")]
    assert kinds == ["message", *calls * 3, *results * 3, *calls, *results, "message"]
    assert stand_in.counters()["runs_started"] == 3


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
    assert start(client, conversation=conversation.id).status == "queued"


# --- other ends


def test_failure_is_a_status_not_an_http_error(client: OpenAI, clock: Clock, stand_in: OpenAIStandIn) -> None:
    """A background failure is HTTP 200; a client that waits for an exception would wait for ever."""
    stand_in.script(Script(error=("rate_limit_exceeded", "too much"), duration_s=1, queued_s=0))
    conversation = client.conversations.create()
    response = start(client, conversation=conversation.id)
    clock.time += 1
    response = client.responses.retrieve(response.id)
    assert response.error is not None
    assert (response.status, response.error.code) == ("failed", "rate_limit_exceeded")
    assert (response.error.message, response.output, response.completed_at) == ("too much", [], None)
    assert listed(client, conversation.id) == []
    assert start(client, conversation=conversation.id).status == "queued", "the lock is free again"


@pytest.mark.parametrize("reason", ["max_output_tokens", "content_filter"])
def test_incomplete_response_gives_its_reason(
    client: OpenAI, clock: Clock, stand_in: OpenAIStandIn, reason: str
) -> None:
    """The tokens may be spent before the first word: then the text is empty."""
    half = Script(incomplete_reason=reason, output_text="half a")
    stand_in.script(Script(incomplete_reason=reason, usage=(7, 16)), half)
    first, second = ended(client, clock), ended(client, clock)
    assert (first.status, first.output_text, second.output_text) == ("incomplete", "", "half a")
    assert first.incomplete_details is not None
    assert (first.incomplete_details.reason, first.completed_at) == (reason, None)
    assert first.usage is not None
    assert (first.usage.output_tokens, first.usage.total_tokens) == (16, 23)
    assert second.output[0].status == "incomplete"  # type: ignore[union-attr]


def test_cancel_takes_a_moment_and_is_idempotent(client: OpenAI, clock: Clock) -> None:
    """Only a later look tells whether a cancel took effect; asking twice changes nothing."""
    conversation = client.conversations.create()
    response = start(client, conversation=conversation.id)
    clock.time += 3
    assert client.responses.cancel(response.id).status == "in_progress"
    clock.time += 0.5
    assert client.responses.cancel(response.id).status == "in_progress"
    clock.time += 0.5
    cancelled = client.responses.retrieve(response.id)
    assert (cancelled.status, cancelled.output, cancelled.completed_at) == ("cancelled", [], None)
    assert client.responses.cancel(response.id).status == "cancelled"
    assert listed(client, conversation.id) == []
    assert start(client, conversation=conversation.id).status == "queued", "the lock is free again"


def test_cancel_that_comes_too_late_changes_nothing(client: OpenAI, clock: Clock) -> None:
    """A response may complete between the cancel and its effect; the answer is then paid for."""
    response = start(client)
    clock.time += 11.5
    assert client.responses.cancel(response.id).status == "in_progress"
    clock.time += 1
    assert client.responses.retrieve(response.id).status == "completed"
    assert client.responses.cancel(response.id).status == "completed", "OpenAI answers 200 unchanged"


@pytest.mark.parametrize(("status", "kind"), [(400, openai.BadRequestError), (409, openai.ConflictError)])
def test_cancel_of_a_finished_response_varies_by_server(
    clock: Clock, status: int, kind: type[openai.APIStatusError]
) -> None:
    client = client_of(OpenAIStandIn(now=clock, cancel_finished_status=status))
    response = start(client)
    clock.time += 1
    refusal(lambda: client.responses.cancel(response.id), kind)


def test_deleted_response_is_gone(client: OpenAI, stand_in: OpenAIStandIn) -> None:
    """Deleting twice answers 404, which a careful client takes for success."""
    response, responses = start(client), client.responses
    responses.delete(response.id)
    gone: list[Callable[[str], object]] = [responses.delete, responses.retrieve, responses.cancel]
    for again in (*gone, responses.input_items.list):
        refusal(functools.partial(again, response.id), openai.NotFoundError)
    refusal(lambda: responses.retrieve("run_1"))
    assert stand_in.counters()["responses"] == 0


def test_deleting_does_not_stop_a_run(client: OpenAI, clock: Clock, stand_in: OpenAIStandIn) -> None:
    """Delete is no cancel: the run goes on and is billed, and deleting the conversation under it leaves orphans."""
    conversation, other = client.conversations.create(), client.conversations.create()
    client.responses.delete(start(client, conversation=conversation.id).id)
    start(client, conversation=other.id)
    client.conversations.delete(other.id)
    assert refusal(lambda: start(client, conversation=conversation.id)).code == "conversation_locked"
    clock.time += 12
    assert len(listed(client, conversation.id)) == 2
    assert stand_in.counters()["orphan_items"] == 2
