"""What is refused, and how: the document decides, the overlay adds; one row for each kind of refusal.

A row is what a request changes, the param and the code of its refusal; None leaves a field out.
"""

import json
from typing import Any

import pytest

from local.openai_standin import OpenAIStandIn
from tests.standin.support import (
    CLOSED,
    FUNCTION,
    HELLO,
    NESTED,
    PLAIN,
    REASONING,
    SCHEMA,
    UNREASONING,
    attachment,
    call,
    output_of,
    sent,
)

MISSING, UNKNOWN, TYPE, VALUE = "missing_required_parameter", "unknown_parameter", "invalid_type", "invalid_value"
SHORT, LARGE, LONG = "integer_below_min_value", "integer_above_max_value", "string_above_max_length"
MANY, UNSUPPORTED, PREFIX = "array_above_max_length", "unsupported_parameter", "invalid_id_prefix"
EXCLUSIVE, BAD_SCHEMA = "mutually_exclusive_parameters", "invalid_json_schema"
GONE = [{"type": "input_file", "file_id": "file-gone"}]
SEARCH, INTERPRETER = {"type": "file_search"}, {"type": "code_interpreter"}

Row = tuple[dict[str, Any], str | None, str | None]


def strict(**changes: Any) -> dict[str, Any]:
    wanted = {"type": "json_schema", "name": "answer", "strict": True, "schema": CLOSED, **changes}
    return {"text": {"format": wanted}}


def tool(*tools: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"tools": [{**each, **more} for each in tools or [{}]]}


def part(**content: Any) -> dict[str, Any]:
    return {"input": [{"role": "user", "content": [content]}]}


RESPONSES: list[Row] = [
    ({"foo": 1}, "foo", UNKNOWN),
    ({"model": None}, "model", MISSING),
    ({"model": "gpt-9"}, "model", "model_not_found"),
    ({"input": None}, "input", MISSING),
    ({"input": {"role": "user"}}, "input", TYPE),
    ({"max_output_tokens": 20.0}, "max_output_tokens", TYPE),
    ({"max_tool_calls": 0}, "max_tool_calls", SHORT),
    ({"temperature": 2.1}, "temperature", "decimal_above_max_value"),
    ({"temperature": -0.1}, "temperature", "decimal_below_min_value"),
    ({"top_p": True}, "top_p", TYPE),
    ({"model": REASONING, "temperature": 1}, "temperature", UNSUPPORTED),
    ({"reasoning": {"effort": "low"}, "top_p": 1}, "top_p", UNSUPPORTED),
    ({"model": UNREASONING, "reasoning": {"effort": "low"}}, "reasoning.effort", UNSUPPORTED),
    ({"reasoning": {"effort": "huge"}}, "reasoning.effort", VALUE),
    ({"metadata": {str(key): "" for key in range(17)}}, "metadata", "object_above_max_properties"),
    ({"metadata": {"k" * 65: ""}}, "metadata", "property_name_above_max_length"),
    ({"metadata": {"key": "v" * 513}}, "metadata.key", LONG),
    ({"metadata": {"key": 1}}, "metadata.key", TYPE),
    ({"store": False}, "store", VALUE),
    ({"conversation": "thread_1"}, "conversation", PREFIX),
    ({"conversation": {"id": "thread_1"}}, "conversation.id", PREFIX),
    ({"previous_response_id": "run_1"}, "previous_response_id", PREFIX),
    ({"previous_response_id": "resp_1"}, "previous_response_id", "previous_response_not_found"),
    ({"conversation": "conv_1", "previous_response_id": "resp_1"}, "previous_response_id", EXCLUSIVE),
    ({"prompt": {"id": "pmpt_1"}}, "prompt.id", "prompt_not_found"),
    ({"stream": True}, "stream", "unsupported_by_the_stand_in"),
    ({"text": {"format": {"type": "json_object"}}}, "input", None),
    ({"text": {"format": {"type": "yaml"}}}, "text.format.type", VALUE),
    ({"text": {"format": {"type": "json_schema", "schema": {}}}}, "text.format.name", MISSING),
    (strict(name="my answer"), "text.format.name", VALUE),
    (strict(name="a" * 65), "text.format.name", LONG),
    (strict(schema=SCHEMA), "text.format.schema", BAD_SCHEMA),
    (strict(schema={**CLOSED, "required": []}), "text.format.schema", BAD_SCHEMA),
    (strict(schema={**CLOSED, "properties": 7}), "text.format.schema", BAD_SCHEMA),
    (strict(schema={**CLOSED, "properties": {"a": {"anyOf": [SCHEMA]}}}), "text.format.schema", BAD_SCHEMA),
    (strict(schema={"type": "array"}), "text.format.schema", BAD_SCHEMA),
    (tool(type="function", function={"name": "look"}), "tools[0].name", MISSING),
    (tool(FUNCTION, function={}), "tools[0].function", UNKNOWN),
    (tool(FUNCTION, name="a b"), "tools[0].name", VALUE),
    (tool(FUNCTION, strict=True), "tools[0].parameters", "invalid_function_parameters"),
    (tool(*[FUNCTION] * 129), "tools", MANY),
    (tool(SEARCH, vector_store_ids=[]), "tools[0].vector_store_ids", "empty_array"),
    (tool(SEARCH, vector_store_ids=["file-1"]), "tools[0].vector_store_ids[0]", PREFIX),
    (tool(SEARCH, vector_store_ids=["vs_1"], max_num_results=51), "tools[0].max_num_results", LARGE),
    (tool(INTERPRETER, container={"file_ids": []}), "tools[0].container.type", MISSING),
    (tool(INTERPRETER, container="file-1"), "tools[0].container", PREFIX),
    (
        tool(INTERPRETER, container={"type": "auto", "file_ids": ["file-1", "file-gone"]}),
        "tools[0].container.file_ids[1]",
        None,
    ),
    ({"tool_choice": "required"}, "tool_choice", None),
    ({"tools": [FUNCTION], "tool_choice": {"type": "function", "name": "hear"}}, "tool_choice", None),
    ({"input": [{"type": "run", "id": "1"}]}, "input[0]", VALUE),
    ({"input": [{**call("call_1"), "arguments": "{}", "id": "msg_1"}]}, "input[0].id", PREFIX),
    (part(type="text", text="hi"), "input[0].content[0]", VALUE),
    (part(type="input_file"), "input[0].content[0].file_id", MISSING),
    (part(type="input_image", detail="auto"), "input[0].content[0].file_id", MISSING),
    (part(type="input_image", detail="auto", file_id="file-gone"), "input[0].content[0].file_id", None),
    (part(type="input_file", file_id="vs_1"), "input[0].content[0].file_id", PREFIX),
    ({"input": [HELLO, {"role": "user", "content": GONE}]}, "input[1].content[0].file_id", None),
    ({"input": [{"role": "assistant", "content": GONE}]}, "input[0].content[0]", VALUE),
    ({"input": [{**call("call_1"), "arguments": "{}"}]}, "input", None),
    ({"input": [output_of("call_1")]}, "input", None),
]
STRICT = {"type": "function", "function": {"name": "look", "strict": True, "parameters": {"type": "object"}}}
LOST_CODE = {"code_interpreter": {"file_ids": ["file-gone"]}}
TWO_STORES = {"file_search": {"vector_store_ids": ["vs_1"], "vector_stores": [{}]}}
ASSISTANTS: list[Row] = [
    ({"model": REASONING, "temperature": 1}, "temperature", UNSUPPORTED),
    ({"model": UNREASONING, "reasoning_effort": "low"}, "reasoning_effort", UNSUPPORTED),
    (tool(type="function", function={"name": "a b"}), "tools[0].function.name", VALUE),
    (tool(STRICT), "tools[0].function.parameters", "invalid_function_parameters"),
    (tool(NESTED, NESTED), "tools", None),
    ({"response_format": {"type": "json_object"}, "tools": [SEARCH]}, "tools", None),
    ({"tool_resources": LOST_CODE}, "tool_resources.code_interpreter.file_ids[0]", None),
    ({"tool_resources": TWO_STORES}, "tool_resources.file_search", EXCLUSIVE),
]
LOST = {"attachments": [attachment("file-gone", "file_search")]}
RUNS: list[Row] = [
    ({"assistant_id": "gpt"}, "assistant_id", PREFIX),
    ({"instructions": "i" * 256_001}, "instructions", LONG),
    ({"model": REASONING, "top_p": 0.5}, "top_p", UNSUPPORTED),
    ({"stream": True}, "stream", "unsupported_by_the_stand_in"),
    ({"tool_choice": "required"}, "tool_choice", None),
    ({"tool_choice": {"type": "function", "function": {"name": "look"}}}, "tool_choice", None),
    ({"thread": {"messages": [{**HELLO, **LOST}]}}, "thread.messages[0].attachments[0].file_id", None),
]
IMAGE = [{"type": "image_file", "image_file": {"file_id": "file-gone"}}]
MESSAGE: list[Row] = [
    ({"content": ""}, "content", None),
    ({"content": IMAGE}, "content[0].image_file.file_id", None),
    ({"attachments": [{"file_id": "file-1"}]}, "attachments[0].tools", MISSING),
    (LOST, "attachments[0].file_id", None),
]
URLS = ("http://example.com/hook", "http://localhost.example.com", "ftp://127.0.0.1/", "https://")
WEBHOOKS: list[Row] = [
    ({"event_types": ["response.completed", "response.done"]}, "event_types[1]", VALUE),
    ({"event_types": []}, "event_types", "empty_array"),
    ({"event_types": None}, "event_types", MISSING),
    ({"name": ""}, "name", "empty_string"),
    *[({"url": url}, "url", VALUE) for url in (*URLS, "https://example.com:port/", "https://example.com/a b")],
]
PAGES = [
    ("limit=0", "limit", SHORT),
    ("limit=101", "limit", LARGE),
    ("limit=few", "limit", TYPE),
    ("order=up", "order", VALUE),
    ("foo=1", "foo", UNKNOWN),
    ("include=everything", "include[0]", VALUE),
]
REQUEST = {"model": PLAIN, "input": "Say hello", "background": True, "store": True}
ENDPOINT = {"event_types": ["response.failed"], "name": "one", "url": "https://example.com"}
TABLES: list[tuple[str, dict[str, Any], list[Row]]] = [
    ("responses", REQUEST, RESPONSES),
    ("conversations", {}, [({"items": [HELLO] * 21}, "items", MANY)]),
    ("conversations", {}, [({"items": [{"role": "user", "content": GONE}]}, "items[0].content[0].file_id", None)]),
    ("assistants", {"model": PLAIN}, ASSISTANTS),
    ("threads/runs", {"thread": {"messages": [HELLO]}}, RUNS),
    ("threads/thread_1/messages", HELLO, MESSAGE),
    (
        "threads",
        {},
        [({"messages": [HELLO, {**HELLO, **row}]}, f"messages[1].{at}", code) for row, at, code in MESSAGE],
    ),
    ("vector_stores", {}, [({"file_ids": ["vs_1"]}, "file_ids[0]", PREFIX)]),
    ("vector_stores", {}, [({"file_ids": ["file-gone"]}, "file_ids[0]", None)]),
    ("webhook_endpoints", ENDPOINT, WEBHOOKS),
    *[(f"GET conversations/conv_1/items?{query}", {}, [({}, *refused)]) for query, *refused in PAGES],
]


@pytest.mark.parametrize(
    ("path", "base", "changes", "param", "code"), [(path, base, *row) for path, base, rows in TABLES for row in rows]
)
def test_what_openai_refuses_is_refused_and_leaves_nothing(
    numbered: OpenAIStandIn, path: str, base: dict[str, Any], changes: dict[str, Any], param: str, code: str | None
) -> None:
    """What passes here must pass at OpenAI, where each mistake costs a deployment."""
    if path == "threads/runs":
        base = {**base, "assistant_id": sent(numbered, "POST", "assistants", {"model": PLAIN})[1]["id"]}
    before = numbered.counters()
    body = {name: value for name, value in {**base, **changes}.items() if value is not None}
    method, _, place = path.rpartition(" ")
    status, reply = sent(numbered, method or "POST", place, body)
    wanted = {"type": "invalid_request_error", "param": param, "code": code}
    assert (status, reply["error"]) == (400, {**wanted, "message": reply["error"]["message"]})
    assert numbered.counters() == before


LENGTH = "Expected a string with maximum length {}, but got a string with length {} instead."
WORDINGS: list[tuple[dict[str, Any], str]] = [
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
    ({"model": REASONING, "top_p": 1}, "Unsupported parameter: 'top_p' is not supported with this model."),
    ({"store": "x"}, "Invalid type for 'store': expected a boolean, but got a string instead."),
    (
        {"input": 1},
        "Invalid type for 'input': expected one of a string or array of objects, but got an integer instead.",
    ),
    ({"truncation": "x"}, "Invalid value: 'x'. Supported values are: 'auto' and 'disabled'."),
    ({"metadata": {"k": "v" * 513}}, f"Invalid 'metadata.k': string too long. {LENGTH.format(512, 513)}"),
    (
        {"metadata": {"k" * 65: ""}},
        f"Invalid property name in 'metadata': '{'k' * 65}' is too long. {LENGTH.format(64, 65)}",
    ),
    ({"input": [output_of("c")]}, "No tool call found for function call output with call_id c."),
    (
        strict(schema=SCHEMA),
        "Invalid schema for response_format 'answer': In context=(), 'additionalProperties' is required "
        "to be supplied and to be false.",
    ),
]


@pytest.mark.parametrize(("changes", "message"), WORDINGS)
def test_wordings_are_those_of_openai(numbered: OpenAIStandIn, changes: dict[str, Any], message: str) -> None:
    """Users search the web for these sentences."""
    assert sent(numbered, "POST", "responses", {**REQUEST, **changes})[1]["error"]["message"] == message


def test_a_field_that_another_kind_of_tool_has_is_unknown(numbered: OpenAIStandIn) -> None:
    """Only the kind that is meant is told about, however many there are."""
    message = "Invalid value: 'retrieval'. Supported values are: 'code_interpreter', 'file_search', and 'function'."
    body = {"model": PLAIN, **tool(type="retrieval")}
    assert sent(numbered, "POST", "assistants", body)[1]["error"]["message"] == message


@pytest.mark.parametrize("body", [b"{", b"[]", json.dumps("text").encode()])
def test_json_without_an_object_is_refused(numbered: OpenAIStandIn, body: bytes) -> None:
    """A broken body must not count as an empty one."""
    status, reply = sent(numbered, "POST", "conversations", body)
    assert (status, "parse the JSON" in reply["error"]["message"]) == (400, True)
    assert numbered.counters()["conversations"] == 1


def test_the_largest_request_passes_and_is_echoed(numbered: OpenAIStandIn) -> None:
    """What the project may send at most."""
    content = [
        {"type": "input_text", "text": "hi"},
        {"type": "input_file", "file_id": "file-1"},
        {"type": "input_image", "image_url": "https://example.com/a.png", "detail": "auto"},
    ]
    echoed = {
        "conversation": {"id": "conv_1"},
        "instructions": "Be brief.",
        "max_output_tokens": 16,
        "metadata": {"k" * 64: "v" * 512},
        "temperature": 0,
        "top_p": 1.0,
        "parallel_tool_calls": False,
        "truncation": "auto",
        "tool_choice": {"type": "function", "name": "look"},
        "tools": [
            FUNCTION,
            {**SEARCH, "vector_store_ids": ["vs_1"], "max_num_results": 5},
            {**INTERPRETER, "container": {"type": "auto", "file_ids": ["file-1"]}},
            {**INTERPRETER, "container": "cntr_1"},
            {"type": "web_search"},
        ],
    }
    messages = [{"role": "user", "content": content}, {"role": "assistant", "content": "ok"}]
    status, reply = sent(numbered, "POST", "responses", {"model": PLAIN, "input": messages, **echoed, **strict()})
    assert (status, {name: reply[name] for name in echoed}) == (200, echoed)
    assert reply["text"]["format"]["type"] == "json_schema"
