"""Exists to prove that the stand-in behaves as OpenAI does: through its own SDK, on a clock moved by hand."""

import functools
import json
import os
import signal
import subprocess
import sys
import threading
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import openai
import pydantic
import pytest
from openai import OpenAI
from openai.types.conversations import Conversation, ConversationDeletedResource, ConversationItemList
from openai.types.responses import ResponseItemList, response_create_params, response_input_item_param, tool_param
from openai.types.responses.response import Response
from openai.types.responses.response_includable import ResponseIncludable

from local.openai_standin import Fault, OpenAIStandIn, Script, items, tools, validation

PLAIN, REASONING, UNREASONING = "gpt-5.4-mini", "gpt-5.5", "gpt-4.1-mini"
START = 1_790_000_000.25


class Clock:
    """A clock that moves only when told, or slept on; in epoch seconds."""

    def __init__(self) -> None:
        self.time = START

    def __call__(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def stand_in(clock: Clock) -> OpenAIStandIn:
    return OpenAIStandIn(duration_s=10, queued_s=2, cancel_delay_s=1, now=clock, sleep=clock.sleep)


def client_of(stand_in: OpenAIStandIn, api_key: str = "sk-standin") -> OpenAI:
    http = httpx2.Client(transport=stand_in.transport())
    return OpenAI(api_key=api_key, base_url="http://standin/v1", http_client=http, max_retries=0)


@pytest.fixture
def client(stand_in: OpenAIStandIn) -> Iterator[OpenAI]:
    with client_of(stand_in) as opened:
        yield opened


def start(client: OpenAI, **changes: Any) -> Response:
    """Start a background response as the project does."""
    request = {"model": PLAIN, "input": "Say hello", "background": True, "store": True, **changes}
    response = client.responses.create(**request)
    assert isinstance(response, Response)
    return response


def refusal(call: Callable[[], object], kind: type[openai.APIStatusError] = openai.BadRequestError) -> Any:
    """Return the error that a call is refused with; its body has all four of OpenAI's fields."""
    with pytest.raises(kind) as caught:
        call()
    assert isinstance(caught.value.body, dict)
    assert set(caught.value.body) == {"message", "type", "param", "code"}
    assert (caught.value.request_id or "").startswith("req_")
    return caught.value


FUNCTION = {"type": "function", "name": "look", "parameters": {"type": "object"}, "strict": False}


def call_item(call_id: str) -> dict[str, Any]:
    return {"type": "function_call", "call_id": call_id, "name": "look", "arguments": "{}"}


def output_of(call_id: str) -> Any:
    return {"type": "function_call_output", "call_id": call_id, "output": "42"}


# --- who may call, and what is there at all


def test_wrong_key_is_refused_and_shown_masked(stand_in: OpenAIStandIn) -> None:
    """A key must never be printed in full, not even a wrong one."""
    stranger = client_of(stand_in, "sk-wrong-key-123456")
    error = refusal(stranger.conversations.create, openai.AuthenticationError)
    assert error.code == "invalid_api_key"
    assert error.message.count("Incorrect API key provided: sk-wrong*******3456.") == 1


def test_missing_key_is_told_apart_from_a_wrong_one(stand_in: OpenAIStandIn) -> None:
    """An empty secret is another mistake than a revoked key."""
    with httpx2.Client(transport=stand_in.transport()) as http:
        reply = http.post("http://standin/v1/responses", json={})
    assert (reply.status_code, reply.json()["error"]["code"]) == (401, None)
    assert "didn't provide an API key" in reply.json()["error"]["message"]


@pytest.mark.parametrize("path", ["/v1/assistants", "/v1/threads", "/v1/threads/thread_1/runs", "/v1/nothing"])
def test_what_openai_no_longer_serves_is_an_invalid_url(stand_in: OpenAIStandIn, path: str) -> None:
    """The Assistants API is closed: a client that still uses it must notice here."""
    with httpx2.Client(transport=stand_in.transport()) as http:
        reply = http.get(f"http://standin{path}", headers={"authorization": "Bearer sk-standin"})
    assert (reply.status_code, reply.json()["error"]["message"]) == (404, f"Invalid URL (GET {path})")


@pytest.mark.parametrize("path", ["/v1/responses", "/v1/conversations"])
def test_nothing_can_be_listed(stand_in: OpenAIStandIn, path: str) -> None:
    """OpenAI lists neither, so recovery must not rest on a listing."""
    with httpx2.Client(transport=stand_in.transport()) as http:
        assert http.get(f"http://standin{path}").status_code == 405


def test_every_reply_can_be_traced(client: OpenAI) -> None:
    """Support asks for the request id, so it is there on success too."""
    raw = client.conversations.with_raw_response.create()
    assert raw.headers["x-request-id"].startswith("req_")
    assert raw.headers["openai-processing-ms"] == "0"


def test_a_body_that_is_not_json_is_refused(stand_in: OpenAIStandIn) -> None:
    """A broken body must not count as an empty one."""
    with httpx2.Client(transport=stand_in.transport()) as http:
        for body in (b"{", b"[]", b'"text"'):
            headers = {"authorization": "Bearer sk-standin"}
            reply = http.post("http://standin/v1/conversations", content=body, headers=headers)
            assert (reply.status_code, "parse the JSON" in reply.text) == (400, True)
    assert stand_in.counters()["conversations"] == 0


# --- the SDK's own types are the source of what is known


def test_known_parameters_are_those_of_the_sdk() -> None:
    """A parameter that OpenAI adds must be added here, not refused for ever."""
    annotations: dict[str, Any] = {}
    for params in typing.get_args(response_create_params.ResponseCreateParams):
        annotations |= typing.get_type_hints(params)
    assert set(validation.CREATE_RESPONSE) == set(annotations)
    assert set(validation.INCLUDABLE) == set(typing.get_args(ResponseIncludable))


def literal_types(union: Any) -> set[str]:
    """Collect the `type` values that a union of the SDK's TypedDicts allows."""
    found: set[str] = set()
    for member in typing.get_args(union):
        found |= {name for name in strings_in(typing.get_type_hints(member)["type"]) if isinstance(name, str)}
    return found


def strings_in(annotation: Any) -> list[Any]:
    arguments = typing.get_args(annotation)
    return [annotation] if not arguments else [leaf for each in arguments for leaf in strings_in(each)]


def test_known_items_and_tools_are_those_of_the_sdk() -> None:
    """An item or tool type that the SDK can send must not be called unknown."""
    assert set(items.TYPES) == literal_types(response_input_item_param.ResponseInputItemParam)
    assert set(tools.TYPES) == literal_types(tool_param.ToolParam)


# --- conversations


def test_conversation_lives_through_create_update_delete(client: OpenAI, stand_in: OpenAIStandIn) -> None:
    """Once deleted it answers 404, and the items in it are left behind, as at OpenAI."""
    conversation = client.conversations.create(
        metadata={"a": "1"}, items=[{"role": "user", "content": "hi"}, {"role": "assistant", "content": "ho"}]
    )
    assert conversation.created_at == int(START)
    assert client.conversations.update(conversation.id, metadata={"b": "2"}).metadata == {"b": "2"}
    assert client.conversations.retrieve(conversation.id).metadata == {"b": "2"}
    deleted = client.conversations.delete(conversation.id)
    assert (deleted.deleted, deleted.object) == (True, "conversation.deleted")
    error = refusal(lambda: client.conversations.retrieve(conversation.id), openai.NotFoundError)
    assert f"Conversation with id '{conversation.id}' not found." in error.message
    assert stand_in.counters()["orphan_items"] == 2


def test_items_are_added_shown_and_deleted(client: OpenAI, stand_in: OpenAIStandIn) -> None:
    """Deleting the items first is the only way to leave nothing behind."""
    conversation = client.conversations.create()
    added = client.conversations.items.create(conversation.id, items=[{"role": "user", "content": "hi"}])
    item = client.conversations.items.retrieve(str(added.data[0].id), conversation_id=conversation.id)
    assert item.type == "message"
    assert item.content[0].to_dict() == {"type": "input_text", "text": "hi"}
    left = client.conversations.items.delete(str(item.id), conversation_id=conversation.id)
    assert left.id == conversation.id
    gone: list[Callable[..., object]] = [
        client.conversations.items.retrieve,
        client.conversations.items.delete,
    ]
    for call in gone:
        again = functools.partial(call, str(item.id), conversation_id=conversation.id)
        refusal(again, openai.NotFoundError)
    client.conversations.delete(conversation.id)
    assert stand_in.counters()["orphan_items"] == 0


def test_items_are_paged_in_both_orders(client: OpenAI) -> None:
    """A long conversation comes in pages; the default is newest first."""
    conversation = client.conversations.create(items=[{"role": "user", "content": str(number)} for number in range(20)])
    client.conversations.items.create(conversation.id, items=[{"role": "user", "content": "20"}])
    first = client.conversations.items.list(conversation.id)
    assert (len(first.data), first.has_more, first.last_id) == (20, True, first.data[-1].id)

    def texts(**paging: Any) -> list[str]:
        listed = client.conversations.items.list(conversation.id, **paging)
        return [each.to_dict()["content"][0]["text"] for each in listed]  # type: ignore[index]

    assert texts(limit=7) == [str(number) for number in reversed(range(21))]
    assert texts(limit=7, order="asc") == [str(number) for number in range(21)]


@pytest.mark.parametrize(
    ("paging", "code"),
    [
        ({"limit": 0}, "integer_below_min_value"),
        ({"limit": 101}, "integer_above_max_value"),
        ({"order": "up"}, "invalid_value"),
        ({"extra_query": {"foo": "1"}}, "unknown_parameter"),
        ({"include": ["everything"]}, "invalid_value"),
    ],
)
def test_wrong_paging_is_refused(client: OpenAI, paging: dict[str, Any], code: str) -> None:
    """A page that OpenAI would not serve must not work here."""
    conversation = client.conversations.create()
    assert refusal(lambda: client.conversations.items.list(conversation.id, **paging)).code == code


def test_more_than_twenty_items_at_once_are_refused(client: OpenAI) -> None:
    """Twenty is OpenAI's limit for both calls, so longer threads must travel another way."""
    many: list[Any] = [{"role": "user", "content": "x"}] * 21
    conversation = client.conversations.create()
    for call in (
        lambda: client.conversations.create(items=many),
        lambda: client.conversations.items.create(conversation.id, items=many),
    ):
        assert refusal(call).code == "array_above_max_length"


# --- what a response refuses

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
CLOSED = {**SCHEMA, "additionalProperties": False}


def json_schema(**changes: Any) -> dict[str, Any]:
    return {"text": {"format": {"type": "json_schema", "name": "answer", "schema": CLOSED, **changes}}}


def tool(**tool: Any) -> dict[str, Any]:
    return {"tools": [tool]}


def part(**content: Any) -> dict[str, Any]:
    return {"input": [{"role": "user", "content": [content]}]}


@pytest.mark.parametrize(
    ("request_part", "code", "param"),
    [
        ({"foo": 1}, "unknown_parameter", "foo"),
        ({"model": 7}, "invalid_type", "model"),
        ({"model": "gpt-9"}, "model_not_found", "model"),
        ({"input": None}, "invalid_type", "input"),
        ({"input": {"role": "user"}}, "invalid_type", "input"),
        ({"background": "yes"}, "invalid_type", "background"),
        ({"max_output_tokens": 15}, "integer_below_min_value", "max_output_tokens"),
        ({"max_output_tokens": 20.5}, "invalid_type", "max_output_tokens"),
        ({"temperature": 2.1}, "decimal_above_max_value", "temperature"),
        ({"temperature": -0.1}, "decimal_below_min_value", "temperature"),
        ({"temperature": "0.7"}, "invalid_type", "temperature"),
        ({"top_p": 1.1}, "decimal_above_max_value", "top_p"),
        ({"top_p": -1}, "decimal_below_min_value", "top_p"),
        ({"top_p": True}, "invalid_type", "top_p"),
        ({"model": REASONING, "temperature": 1}, "unsupported_parameter", "temperature"),
        ({"model": REASONING, "top_p": 1}, "unsupported_parameter", "top_p"),
        ({"reasoning": {"effort": "low"}, "top_p": 1}, "unsupported_parameter", "top_p"),
        ({"model": UNREASONING, "reasoning": {"effort": "low"}}, "unsupported_parameter", "reasoning.effort"),
        ({"reasoning": {"effort": "huge"}}, "invalid_value", "reasoning.effort"),
        ({"metadata": {str(key): "" for key in range(17)}}, "object_above_max_properties", "metadata"),
        ({"metadata": {"k" * 65: ""}}, "property_name_above_max_length", "metadata"),
        ({"metadata": {"key": "v" * 513}}, "string_above_max_length", "metadata.key"),
        ({"metadata": {"key": 1}}, "invalid_type", "metadata.key"),
        ({"store": False}, "invalid_value", "store"),
        ({"conversation": "thread_1"}, "invalid_id_prefix", "conversation"),
        ({"previous_response_id": "run_1"}, "invalid_id_prefix", "previous_response_id"),
        ({"previous_response_id": "resp_1"}, "previous_response_not_found", "previous_response_id"),
        ({"prompt": {"id": "pmpt_1"}}, "prompt_not_found", "prompt.id"),
        ({"stream": True}, "unsupported_by_the_stand_in", "stream"),
        ({"include": ["all"]}, "invalid_value", "include[0]"),
        ({"truncation": "maybe"}, "invalid_value", "truncation"),
        ({"text": {"format": {"type": "json_object"}}}, None, "input"),
        ({"text": {"format": {"type": "yaml"}}}, "invalid_value", "text.format.type"),
        ({"text": {"format": {"type": "json_schema"}}}, "missing_required_parameter", "text.format.name"),
        (json_schema(name="my answer"), "invalid_value", "text.format.name"),
        (json_schema(json_schema={}), "unknown_parameter", "text.format.json_schema"),
        (json_schema(strict=True, schema=SCHEMA), "invalid_json_schema", "text.format.schema"),
        (
            json_schema(strict=True, schema={**CLOSED, "required": []}),
            "invalid_json_schema",
            "text.format.schema",
        ),
        (json_schema(strict=True, schema={"type": "array"}), "invalid_json_schema", "text.format.schema"),
        (tool(name="look"), "missing_required_parameter", "tools[0].type"),
        (tool(type="retrieval"), "invalid_value", "tools[0]"),
        (tool(type="function", function={"name": "look"}), "missing_required_parameter", "tools[0].name"),
        (tool(**FUNCTION, function={}), "unknown_parameter", "tools[0].function"),
        (tool(**{**FUNCTION, "name": "a b"}), "invalid_value", "tools[0].name"),
        (tool(**{**FUNCTION, "strict": True}), "invalid_function_parameters", "tools[0].parameters"),
        (tool(type="file_search"), "missing_required_parameter", "tools[0].vector_store_ids"),
        (tool(type="file_search", vector_store_ids=[]), "empty_array", "tools[0].vector_store_ids"),
        (tool(type="code_interpreter"), "missing_required_parameter", "tools[0].container"),
        (
            tool(type="code_interpreter", container={"file_ids": []}),
            "missing_required_parameter",
            "tools[0].container.type",
        ),
        ({"tool_choice": "sometimes"}, "invalid_value", "tool_choice"),
        ({"tool_choice": "required"}, None, "tool_choice"),
        ({"tools": [FUNCTION], "tool_choice": {"type": "function", "name": "hear"}}, None, "tool_choice"),
        ({"input": [{"content": "hi"}]}, "missing_required_parameter", "input[0].type"),
        ({"input": [{"role": "user"}]}, "missing_required_parameter", "input[0].content"),
        ({"input": [{"role": "tool", "content": "hi"}]}, "invalid_value", "input[0].role"),
        ({"input": [{"type": "run", "id": "1"}]}, "invalid_value", "input[0].type"),
        (
            {"input": [{"role": "user", "content": "hi", "metadata": {}}]},
            "unknown_parameter",
            "input[0].metadata",
        ),
        (part(type="text", text="hi"), "invalid_value", "input[0].content[0]"),
        (part(type="input_text"), "missing_required_parameter", "input[0].content[0].text"),
        (part(type="input_file"), "missing_required_parameter", "input[0].content[0].file_id"),
        (part(type="input_image"), "missing_required_parameter", "input[0].content[0].file_id"),
        (part(type="input_file", file_id="vs_1"), "invalid_id_prefix", "input[0].content[0].file_id"),
        (
            {"input": [{"role": "assistant", "content": [{"type": "input_text", "text": "hi"}]}]},
            "invalid_value",
            "input[0].content[0]",
        ),
        ({"input": [call_item("call_1")]}, None, "input"),
        ({"input": [output_of("call_1")]}, None, "input"),
    ],
)
def test_what_openai_refuses_is_refused(
    client: OpenAI, stand_in: OpenAIStandIn, request_part: dict[str, Any], code: str | None, param: str
) -> None:
    """A request that passes here must pass at OpenAI, where each mistake costs a deployment."""
    error = refusal(lambda: start(client, **{"extra_body": request_part}))
    assert (error.code, error.param, error.type) == (code, param, "invalid_request_error")
    assert stand_in.counters()["runs_started"] == 0


def test_wordings_are_those_of_openai(client: OpenAI) -> None:
    """Users search the web for these sentences."""
    for request_part, message in (
        ({"foo": 1}, "Unknown parameter: 'foo'."),
        ({"model": "gpt-9"}, "The requested model 'gpt-9' does not exist."),
        (
            {"max_output_tokens": 5},
            "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16, but got 5 instead.",
        ),
        (
            {"temperature": 2.5},
            "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got 2.5 instead.",
        ),
        (
            {"model": REASONING, "temperature": 1},
            "Unsupported parameter: 'temperature' is not supported with this model.",
        ),
        ({"store": "x"}, "Invalid type for 'store': expected a boolean, but got a string instead."),
        ({"truncation": "x"}, "Invalid value: 'x'. Supported values are: 'auto' and 'disabled'."),
        (
            {"input": [output_of("call_1")]},
            "No tool call found for function call output with call_id call_1.",
        ),
        (
            json_schema(strict=True, schema=SCHEMA),
            "Invalid schema for response_format 'answer': In context=(), 'additionalProperties' is required "
            "to be supplied and to be false.",
        ),
    ):
        assert message in refusal(functools.partial(start, client, extra_body=request_part)).message


def test_model_and_input_are_required(client: OpenAI) -> None:
    """Nothing has a default that would bill the wrong model."""
    error = refusal(lambda: client.post("/responses", body={"input": "hi"}, cast_to=object))
    assert (error.code, error.param) == ("missing_required_parameter", "model")
    error = refusal(lambda: client.responses.create(model=PLAIN))
    assert (error.code, error.param) == ("missing_required_parameter", "input")


def test_conversation_and_previous_response_exclude_each_other(client: OpenAI) -> None:
    """Both name a history; OpenAI takes one."""
    conversation = client.conversations.create()
    error = refusal(lambda: start(client, conversation=conversation.id, previous_response_id="resp_1"))
    assert error.code == "mutually_exclusive_parameters"


def test_unknown_conversation_is_not_found(client: OpenAI) -> None:
    """A thread that was deleted elsewhere must be told apart from a wrong request."""
    refusal(lambda: start(client, conversation="conv_gone"), openai.NotFoundError)


def test_word_json_counts_in_messages_not_in_instructions(client: OpenAI) -> None:
    """OpenAI reads the messages only, whatever the instructions say."""
    wanted: Any = {"format": {"type": "json_object"}}
    refusal(lambda: start(client, text=wanted, instructions="Answer in JSON."))
    assert start(client, text=wanted, input="Answer in JSON.").status == "queued"
    conversation = client.conversations.create(items=[{"role": "developer", "content": "Use json."}])
    assert start(client, text=wanted, conversation=conversation.id).status == "queued"


def test_full_request_is_accepted_and_echoed(client: OpenAI, stand_in: OpenAIStandIn) -> None:
    """What the project may send at most must pass, and come back as it was."""
    stand_in.add_file(id="file-1")
    store = client.vector_stores.create(file_ids=["file-1"])
    conversation = client.conversations.create()
    content = [
        {"type": "input_text", "text": "hi"},
        {"type": "input_file", "file_id": "file-1"},
        {"type": "input_image", "image_url": "https://example.com/a.png", "detail": "auto"},
    ]
    response = start(
        client,
        conversation={"id": conversation.id},
        instructions="Be brief.",
        input=[{"role": "user", "content": content}, {"role": "assistant", "content": "ok"}],
        max_output_tokens=16,
        metadata={"k" * 64: "v" * 512},
        temperature=0,
        top_p=1.0,
        parallel_tool_calls=False,
        truncation="auto",
        tool_choice={"type": "function", "name": "look"},
        tools=[
            FUNCTION,
            {"type": "file_search", "vector_store_ids": [store.id], "max_num_results": 5},
            {"type": "code_interpreter", "container": {"type": "auto", "file_ids": ["file-1"]}},
            {"type": "code_interpreter", "container": "cntr_1"},
            {"type": "web_search"},
        ],
        **json_schema(strict=True),
    )
    assert response.conversation is not None
    assert (response.conversation.id, response.background) == (conversation.id, True)
    assert (response.instructions, response.max_output_tokens) == ("Be brief.", 16)
    assert (response.temperature, response.top_p, response.truncation) == (0, 1, "auto")
    assert response.metadata == {"k" * 64: "v" * 512}
    assert [each.type for each in response.tools][:2] == ["function", "file_search"]
    assert response.text is not None
    assert response.text.format is not None
    assert response.text.format.type == "json_schema"


# --- how a response goes


def test_background_response_follows_the_clock(client: OpenAI, clock: Clock) -> None:
    """Queued, in progress, completed: each seen at its time, and each valid for the SDK's strict types."""
    response = start(client, metadata={"a": "b"})
    seen = {}
    for elapsed in (0, 1.9, 2, 11.9, 12, 100):
        clock.time = START + elapsed
        response = client.responses.retrieve(response.id)
        Response.model_validate_json(response.model_dump_json(by_alias=True))
        seen[elapsed] = response.status
        if response.status != "completed":
            assert (response.output, response.usage, response.completed_at) == ([], None, None)
    assert list(seen.values()) == ["queued", "queued", "in_progress", "in_progress", "completed", "completed"]
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
    """Without `background` OpenAI answers when it is done."""
    response = client.responses.create(model=PLAIN, input="word " * 40)
    assert (response.status, response.completed_at, response.background) == ("completed", START, False)
    assert len(response.output_text) < 130, "the question is shortened"
    assert client.responses.retrieve(response.id).output_text == response.output_text


def test_finished_response_enters_the_conversation_and_frees_it(client: OpenAI, clock: Clock) -> None:
    """Items in a conversation prove a finished response; recovery from a lost reply rests on that."""
    conversation = client.conversations.create(items=[{"role": "user", "content": "before"}])
    start(client, conversation=conversation.id)

    def roles() -> list[str]:
        return [each.role for each in client.conversations.items.list(conversation.id, order="asc")]  # type: ignore[union-attr]

    assert roles() == ["user"]
    clock.time += 12
    assert roles() == ["user", "user", "assistant"]
    assert start(client, conversation=conversation.id).status == "queued"


@pytest.mark.parametrize("status", [400, 409])
def test_conversation_is_locked_while_a_response_runs(clock: Clock, status: int) -> None:
    """The lock keeps a repeated create from starting a second billed run; its status varies by server."""
    stand_in = OpenAIStandIn(now=clock, locked_status=status)
    client = client_of(stand_in)
    conversation = client.conversations.create()
    start(client, conversation=conversation.id)
    calls: list[Callable[[], object]] = [
        lambda: start(client, conversation=conversation.id),
        lambda: client.conversations.items.create(conversation.id, items=[{"role": "user", "content": "x"}]),
    ]
    for call in calls:
        error = refusal(call, openai.BadRequestError if status == 400 else openai.ConflictError)
        assert error.code == "conversation_locked"
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
    assert client.conversations.items.list(conversation.id).data == []


def test_responses_chain_without_a_conversation(client: OpenAI, clock: Clock, stand_in: OpenAIStandIn) -> None:
    """Servers without conversations are used this way; the whole chain counts as input."""
    stand_in.script(Script(output=[call_item("call_1")]))
    first = start(client, tools=[FUNCTION])
    refusal(lambda: start(client, previous_response_id=first.id))
    clock.time += 12
    assert "call_1" in refusal(lambda: start(client, previous_response_id=first.id)).message
    second = start(client, previous_response_id=first.id, input=[output_of("call_1")])
    clock.time += 12
    second = client.responses.retrieve(second.id)
    assert second.previous_response_id == first.id
    assert second.usage is not None
    assert second.usage.input_tokens == 2 + len(["{}", "42"]), "the first question, the call, its output"
    listed = client.responses.input_items.list(second.id)
    assert [each.type for each in listed.data] == ["function_call_output"]


def test_every_object_is_valid_for_the_types_of_the_sdk(client: OpenAI, clock: Clock, stand_in: OpenAIStandIn) -> None:
    """The SDK parses leniently, so a wrong shape would show only later, as a missing attribute."""
    stand_in.script(Script(output=[call_item("call_1"), {"type": "message", "content": "wait"}]))
    conversation = client.conversations.create(items=[{"role": "assistant", "content": "ho"}])
    first = start(client, conversation=conversation.id, tools=[FUNCTION])
    clock.time += 12
    second = start(client, conversation=conversation.id, input=[output_of("call_1")])
    clock.time += 12

    def valid(kind: type[pydantic.BaseModel], raw: Any) -> None:
        kind.model_validate(raw.http_response.json())

    valid(Conversation, client.conversations.with_raw_response.retrieve(conversation.id))
    valid(Response, client.responses.with_raw_response.retrieve(first.id))
    valid(Response, client.responses.with_raw_response.retrieve(second.id))
    valid(ResponseItemList, client.responses.input_items.with_raw_response.list(second.id))
    listing = client.conversations.items.with_raw_response.list(conversation.id)
    assert len(listing.http_response.json()["data"]) == 6
    valid(ConversationItemList, listing)
    valid(ConversationDeletedResource, client.conversations.with_raw_response.delete(conversation.id))


# --- scripted ends


def test_failure_is_a_status_not_an_http_error(client: OpenAI, clock: Clock, stand_in: OpenAIStandIn) -> None:
    """A background failure is HTTP 200; a client that waits for an exception would wait for ever."""
    stand_in.script(Script(error=("rate_limit_exceeded", "too much"), duration_s=1, queued_s=0))
    conversation = client.conversations.create()
    response = start(client, conversation=conversation.id)
    clock.time += 1
    response = client.responses.retrieve(response.id)
    assert response.status == "failed"
    assert response.error is not None
    assert (response.error.code, response.error.message) == ("rate_limit_exceeded", "too much")
    assert (response.output, response.completed_at) == ([], None)
    assert client.conversations.items.list(conversation.id).data == []
    assert start(client, conversation=conversation.id).status == "queued", "the lock is free again"


@pytest.mark.parametrize("reason", ["max_output_tokens", "content_filter"])
def test_incomplete_response_gives_its_reason(
    client: OpenAI, clock: Clock, stand_in: OpenAIStandIn, reason: str
) -> None:
    """The tokens may be spent before the first word: then the text is empty."""
    stand_in.script(
        Script(incomplete_reason=reason, usage=(7, 16)),
        Script(incomplete_reason=reason, output_text="half a"),
    )
    empty, half = start(client), start(client)
    clock.time += 12
    empty, half = client.responses.retrieve(empty.id), client.responses.retrieve(half.id)
    assert (empty.status, empty.output_text, half.output_text) == ("incomplete", "", "half a")
    assert empty.incomplete_details is not None
    assert (empty.incomplete_details.reason, empty.completed_at) == (reason, None)
    assert empty.usage is not None
    assert (empty.usage.output_tokens, empty.usage.total_tokens) == (16, 23)
    assert half.output[0].status == "incomplete"  # type: ignore[union-attr]


def test_scripts_are_used_in_order_where_they_match(client: OpenAI, stand_in: OpenAIStandIn) -> None:
    """A test can say which request gets which answer, without minding the order of the others."""
    stand_in.script(
        Script(output_text="by subset", match={"model": "gpt-test", "metadata": {"a": "1"}}),
        Script(output_text="by text", match="weather"),
        Script(output_text="by field", input_contains="news", times=2),
        Script(output_text="by function", match=lambda request: request.get("top_p") == 0.5),
        Script(output_text="for ever", times=None),
    )

    def answer(text: str, model: str = PLAIN, **changes: Any) -> str:
        return str(client.responses.create(model=model, input=text, **changes).output_text)

    assert answer("hi", "gpt-test", metadata={"a": "1", "b": "2"}) == "by subset"
    assert answer("hi", "gpt-test") == "for ever"
    assert [answer("the weather"), answer("the weather")] == ["by text", "for ever"]
    assert [answer("news") for _ in range(3)] == ["by field", "by field", "for ever"]
    assert [answer("hi", top_p=0.5), answer("hi", top_p=0.5)] == ["by function", "for ever"]


def test_script_with_an_impossible_end_is_refused() -> None:
    """A typo in a test must not become a success."""
    with pytest.raises(ValueError, match="status must be one of"):
        Script(status="done")
    with pytest.raises(ValueError, match="kind must be one of"):
        Fault("GET", "/", "explode")
    with pytest.raises(ValueError, match="no regular expression"):
        Fault("GET", "/(", "reset")


def test_unanswered_call_poisons_the_conversation_until_all_are_answered(
    client: OpenAI, clock: Clock, stand_in: OpenAIStandIn
) -> None:
    """Every parallel call must be answered by `call_id` before anything else is taken."""
    calls = [call_item("call_a"), {"type": "function_call", "call_id": "call_b", "name": "look"}]
    stand_in.script(Script(output=calls))
    conversation = client.conversations.create()
    response = start(client, conversation=conversation.id, tools=[FUNCTION])
    clock.time += 12
    response = client.responses.retrieve(response.id)
    assert response.status == "completed"
    assert [(each.type, each.id is not None) for each in response.output] == [("function_call", True)] * 2

    def go_on(*new: Any) -> Response:
        return start(client, conversation=conversation.id, input=list(new) or "hi")

    assert "No tool output found for function call call_a." in refusal(go_on).message
    assert "function call call_b" in refusal(lambda: go_on(output_of("call_a"))).message
    error = refusal(lambda: go_on(output_of("call_a"), output_of("call_b"), output_of("call_c")))
    assert "No tool call found for function call output with call_id call_c" in error.message
    answered = go_on(output_of("call_a"), output_of("call_b"))
    clock.time += 12
    assert client.responses.retrieve(answered.id).output_text.endswith('"42"')
    assert go_on().status == "queued"


def test_item_sent_a_second_time_is_a_duplicate(client: OpenAI, clock: Clock) -> None:
    """A tool loop on a conversation sends the outputs only: the calls are there already."""
    conversation = client.conversations.create(items=[{"role": "user", "content": "hi"}])
    known = client.conversations.items.list(conversation.id).data[0].to_dict()
    error = refusal(lambda: start(client, conversation=conversation.id, input=[known]))
    assert "Duplicate item found" in error.message
    reference = {"type": "item_reference", "id": known["id"]}
    assert start(client, conversation=conversation.id, input=[reference]).status == "queued"
    gone = {"type": "item_reference", "id": "msg_gone"}
    refusal(lambda: start(client, input=[gone]), openai.NotFoundError)


@pytest.mark.parametrize(
    ("schema", "answer"),
    [
        (CLOSED, {"a": "stand-in"}),
        ({"type": "object", "properties": {"a": {"type": "integer"}}, "required": []}, {}),
        (
            {
                "type": "object",
                "required": ["list", "n", "x", "b", "e", "c", "when", "any", "nil", "kid"],
                "properties": {
                    "list": {"type": "array", "items": {"type": "boolean"}, "minItems": 2},
                    "n": {"type": "integer", "minimum": 3, "multipleOf": 2},
                    "x": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
                    "b": {"type": "string", "minLength": 10, "maxLength": 12},
                    "e": {"enum": ["red", "blue"]},
                    "c": {"const": 7},
                    "when": {"type": "string", "format": "date"},
                    "any": {"anyOf": [{"type": "string", "maxLength": 2}, {"type": "null"}]},
                    "nil": {"type": "null"},
                    "kid": {"$ref": "#/$defs/kid"},
                },
                "$defs": {
                    "kid": {
                        "type": "object",
                        "required": ["kid"],
                        "properties": {"kid": {"anyOf": [{"$ref": "#/$defs/kid"}, {"type": "null"}]}},
                    }
                },
            },
            {
                "list": [False, False],
                "n": 4,
                "x": 0.5,
                "b": "stand-in..",
                "e": "red",
                "c": 7,
                "when": "2000-01-01",
                "any": "st",
                "nil": None,
                "kid": {"kid": {"kid": None}},
            },
        ),
    ],
)
def test_structured_answer_fits_its_schema(client: OpenAI, schema: dict[str, Any], answer: dict[str, Any]) -> None:
    """Whatever reads a structured answer must be able to read this one, recursive schemas included."""
    changes: Any = json_schema(schema=schema)
    assert json.loads(client.responses.create(model=PLAIN, input="hi", **changes).output_text) == answer


def test_json_mode_answers_with_an_object(client: OpenAI) -> None:
    """JSON mode promises an object, nothing more."""
    response = client.responses.create(model=PLAIN, input="json please", text={"format": {"type": "json_object"}})
    assert json.loads(response.output_text) == {"answer": 'This is the stand-in\'s answer to: "json please"'}


# --- stopping and deleting


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
    assert client.conversations.items.list(conversation.id).data == []
    assert start(client, conversation=conversation.id).status == "queued", "the lock is free again"


def test_cancel_that_comes_too_late_changes_nothing(client: OpenAI, clock: Clock) -> None:
    """A response may complete between the cancel and its effect; the answer is then paid for."""
    response = start(client)
    clock.time += 11.5
    assert client.responses.cancel(response.id).status == "in_progress"
    clock.time += 1
    assert client.responses.retrieve(response.id).status == "completed"


@pytest.mark.parametrize(("status", "kind"), [(400, openai.BadRequestError), (409, openai.ConflictError)])
def test_cancel_of_a_finished_response_varies_by_server(
    clock: Clock, status: int, kind: type[openai.APIStatusError]
) -> None:
    """OpenAI answers 200 unchanged, others 400 or 409: all three must be survived."""
    stand_in = OpenAIStandIn(now=clock, cancel_finished_status=status)
    client = client_of(stand_in)
    response = start(client)
    clock.time += 1
    refusal(lambda: client.responses.cancel(response.id), kind)
    tolerant = client_of(OpenAIStandIn(now=clock, duration_s=0))
    assert tolerant.responses.cancel(start(tolerant).id).status == "completed"


def test_only_background_responses_can_be_cancelled(client: OpenAI) -> None:
    """A foreground response is over before anybody knows its id."""
    response = client.responses.create(model=PLAIN, input="hi")
    assert "synchronous" in refusal(lambda: client.responses.cancel(response.id)).message


def test_deleted_response_is_gone(client: OpenAI, stand_in: OpenAIStandIn) -> None:
    """Deleting twice answers 404, which a careful client takes for success."""
    response = start(client)
    client.responses.delete(response.id)
    gone: list[Callable[[str], object]] = [
        client.responses.delete,
        client.responses.retrieve,
        client.responses.cancel,
        client.responses.input_items.list,
    ]
    for call in gone:
        refusal(functools.partial(call, response.id), openai.NotFoundError)
    refusal(lambda: client.responses.retrieve("run_1"))
    assert stand_in.counters()["responses"] == 0


def test_deleting_a_running_response_does_not_stop_it(client: OpenAI, clock: Clock) -> None:
    """Delete is no cancel: the run goes on and is billed, so cancel must come first."""
    conversation = client.conversations.create()
    client.responses.delete(start(client, conversation=conversation.id).id)
    assert refusal(lambda: start(client, conversation=conversation.id)).code == "conversation_locked"
    clock.time += 12
    assert len(client.conversations.items.list(conversation.id).data) == 2


def test_run_that_outlives_its_conversation_leaves_orphans(
    client: OpenAI, clock: Clock, stand_in: OpenAIStandIn
) -> None:
    """Deleting the conversation under a run cleans nothing up."""
    conversation = client.conversations.create()
    start(client, conversation=conversation.id)
    client.conversations.delete(conversation.id)
    clock.time += 12
    assert stand_in.counters()["orphan_items"] == 2


# --- breaking the wire


def test_status_fault_answers_without_the_effect(client: OpenAI, stand_in: OpenAIStandIn) -> None:
    """A rate limit says when to come back, and nothing was started."""
    stand_in.fault(
        Fault("POST", "/v1/responses", "status", status=429, retry_after=7),
        Fault("POST", "/v1/responses", "status", status=429, code="insufficient_quota", message="no money"),
        Fault("*", "/v1/.*", "status", status=500),
    )
    error = refusal(lambda: start(client), openai.RateLimitError)
    assert (error.response.headers["retry-after"], error.code) == ("7", "rate_limit_exceeded")
    error = refusal(lambda: start(client), openai.RateLimitError)
    assert (error.code, error.type) == ("insufficient_quota", "insufficient_quota")
    assert refusal(lambda: start(client), openai.InternalServerError).type == "server_error"
    assert stand_in.counters()["runs_started"] == 0
    assert start(client).status == "queued"


@pytest.mark.parametrize(
    ("kind", "cause", "started"),
    [("reset", httpx2.ReadError, 0), ("lost_reply", httpx2.RemoteProtocolError, 1)],
)
def test_lost_connection_may_or_may_not_have_had_its_effect(
    client: OpenAI, stand_in: OpenAIStandIn, kind: str, cause: type[Exception], started: int
) -> None:
    """The client can't tell the two apart; that is the whole problem of a lost reply."""
    stand_in.fault(Fault("POST", "/v1/responses", kind))
    with pytest.raises(openai.APIConnectionError) as caught:
        start(client)
    assert isinstance(caught.value.__cause__, cause)
    assert stand_in.counters()["runs_started"] == started


def test_repeat_after_a_lost_reply_starts_a_second_run(client: OpenAI, stand_in: OpenAIStandIn) -> None:
    """This is why the project never lets the SDK retry a create; on a conversation the lock refuses it."""
    stand_in.fault(Fault("POST", "/v1/responses", "lost_reply", times=2))
    conversation = client.conversations.create()
    for _ in range(2):
        with pytest.raises(openai.APIConnectionError):
            start(client, conversation=conversation.id)
    assert refusal(lambda: start(client, conversation=conversation.id)).code == "conversation_locked"
    assert stand_in.counters()["runs_started"] == 1
    stand_in.fault(Fault("POST", "/v1/responses", "lost_reply"))
    with pytest.raises(openai.APIConnectionError):
        start(client)
    start(client)
    assert stand_in.counters()["runs_started"] == 3


def test_garbage_is_a_reply_that_can_not_be_read(client: OpenAI, stand_in: OpenAIStandIn) -> None:
    """A proxy in between may cut a body short; the run was started all the same."""
    stand_in.fault(Fault("POST", "/v1/responses", "garbage"))
    with pytest.raises((openai.APIResponseValidationError, json.JSONDecodeError)):
        start(client)
    assert stand_in.counters()["runs_started"] == 1


def test_slow_reply_times_out_after_its_effect(client: OpenAI, stand_in: OpenAIStandIn, clock: Clock) -> None:
    """A reply slower than the client's patience is a lost reply."""
    stand_in.fault(Fault("POST", "/v1/responses", "slow", seconds=30, times=2))
    with pytest.raises(openai.APITimeoutError):
        start(client, timeout=5)
    assert clock.time == START + 5
    assert start(client, timeout=60).status == "queued"
    assert (clock.time, stand_in.counters()["runs_started"]) == (START + 35, 2)


def test_fault_waits_for_its_turn(client: OpenAI, stand_in: OpenAIStandIn) -> None:
    """`after` lets some requests pass, `times` ends it, and other paths are never touched."""
    stand_in.fault(Fault("POST", r"/v1/conversations", "status", after=1, times=2))
    seen = []
    for _ in range(4):
        try:
            seen.append(client.conversations.create().object)
        except openai.InternalServerError:
            seen.append("500")  # type: ignore[arg-type]
        start(client)
    assert seen == ["conversation", "500", "500", "conversation"]


# --- looking behind the curtain


def test_requests_are_kept_without_the_key(client: OpenAI, stand_in: OpenAIStandIn, clock: Clock) -> None:
    """Tests read what was sent; a key has no place in that."""
    start(client)
    (request,) = stand_in.requests
    assert (request.method, request.path, request.time) == ("POST", "/v1/responses", START)
    assert request.body == {"model": PLAIN, "input": "Say hello", "background": True, "store": True}
    assert "authorization" not in request.headers
    assert "sk-standin" not in repr(stand_in.requests)


def test_reset_forgets_everything(client: OpenAI, stand_in: OpenAIStandIn) -> None:
    """One stand-in can serve many tests."""
    stand_in.script(Script(output_text="scripted", times=None))
    stand_in.fault(Fault("*", ".*", "reset", times=None))
    stand_in.reset()
    assert client.responses.create(model=PLAIN, input="hi").output_text != "scripted"
    stand_in.reset()
    assert set(stand_in.counters().values()) == {0}
    assert stand_in.requests == []


def test_other_processes_script_it_over_http(stand_in: OpenAIStandIn, client: OpenAI) -> None:
    """The demo runs it in another process, so everything can be told in JSON, without a key."""
    with httpx2.Client(transport=stand_in.transport(), base_url="http://standin/_standin/") as control:
        script = {
            "output_text": "told",
            "input_contains": "hi",
            "match": {"model": "gpt-new"},
            "usage": [1, 2],
        }
        assert control.post("scripts", json=script).json() == {"planned": 1}
        faults = [{"method": "GET", "path": "/v1/responses/.*", "kind": "status", "status": 503}]
        assert control.post("faults", json=faults).json() == {"planned": 1}
        response = client.responses.create(model="gpt-new", input="hi there")
        assert response.output_text == "told"
        assert response.usage is not None
        assert response.usage.total_tokens == 3
        refusal(lambda: client.responses.retrieve(response.id), openai.InternalServerError)
        assert control.get("counters").json()["runs_started"] == 1
        assert [each["method"] for each in control.get("requests").json()] == ["POST", "GET"]
        for path, wrong in (("scripts", {"foo": 1}), ("faults", {"kind": "x"}), ("scripts", [1])):
            assert control.post(path, json=wrong).status_code == 400
        assert control.get("nothing").status_code == 404
        assert control.post("reset").json() == {"reset": True}
    assert stand_in.counters()["runs_started"] == 0


# --- on a real socket


def test_real_server_keeps_connections_alive_for_many_clients(clock: Clock) -> None:
    """One state is shared by all threads, and none of them sees it half changed."""
    with OpenAIStandIn(now=clock) as stand_in:
        statuses: list[str | None] = []

        def work(client: OpenAI) -> None:
            conversation = client.conversations.create()
            response = start(client, conversation=conversation.id)
            statuses.append(client.responses.retrieve(response.id).status)

        with OpenAI(api_key=stand_in.api_key, base_url=stand_in.base_url, max_retries=0) as client:
            threads = [threading.Thread(target=work, args=[client]) for _ in range(16)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert statuses == ["in_progress"] * 16
        assert stand_in.counters()["responses_in_flight"] == 16
        assert stand_in.transport() is not None, "both ways share one state"


def test_real_server_loses_connections_as_told(clock: Clock) -> None:
    """Over a socket the SDK sees the same errors as in process."""
    with OpenAIStandIn(now=clock) as stand_in:
        stand_in.fault(Fault("POST", "/v1/responses", "reset"), Fault("POST", "/v1/responses", "lost_reply"))
        with OpenAI(api_key=stand_in.api_key, base_url=stand_in.base_url, max_retries=0) as client:
            causes = []
            for _ in range(2):
                with pytest.raises(openai.APIConnectionError) as caught:
                    start(client)
                causes.append(type(caught.value.__cause__))
            assert causes == [httpx2.ReadError, httpx2.RemoteProtocolError]
            assert stand_in.counters()["runs_started"] == 1
            assert start(client).status == "in_progress"


def test_stopped_server_cuts_kept_connections(clock: Clock) -> None:
    """After a stop nobody is served any more, not even over a connection that is still open."""
    stand_in = OpenAIStandIn(now=clock)
    with pytest.raises(RuntimeError, match="not listening"):
        _ = stand_in.base_url
    stand_in.start()
    with OpenAI(api_key=stand_in.api_key, base_url=stand_in.base_url, max_retries=0) as client:
        client.conversations.create()
        stand_in.stop()
        with pytest.raises(openai.APIConnectionError):
            client.conversations.create()
    assert stand_in.counters()["conversations"] == 1


def test_process_prints_its_urls_and_ends_on_sigterm() -> None:
    """`make demo` starts it this way, and it must never print a prompt."""
    command = [sys.executable, "-m", "local.openai_standin", "--api-key", "sk-other", "--run-seconds", "0"]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        urls = json.loads(process.stdout.readline())
        with OpenAI(api_key="sk-other", base_url=urls["base_url"], max_retries=0) as client:
            assert start(client, input="secret words").status == "completed"
            with pytest.raises(openai.BadRequestError):
                start(client, input="secret words", temperature=9)
        counters = httpx2.get(f"{urls['control_url']}/counters").json()
        os.kill(process.pid, signal.SIGTERM)
        output, errors = process.communicate(timeout=5)
    assert counters["runs_started"] == 1
    assert (process.returncode, output, errors) == (0, b"", b"")
