"""What is refused, and how: the document decides, the overlay adds; one row for each kind of refusal."""

import json
from typing import Any

import httpx2
import pytest

from local.openai_standin import OpenAIStandIn
from tests.standin.refused import LARGE, SHORT, TABLES, TYPE, UNKNOWN, VALUE, text_format, tool
from tests.standin.support import FUNCTION, PLAIN, REASONING, SCHEMA, output_of

QUERIES = [
    ("limit=0", "limit", SHORT),
    ("limit=101", "limit", LARGE),
    ("limit=few", "limit", TYPE),
    ("order=up", "order", VALUE),
    ("foo=1", "foo", UNKNOWN),
    ("include=everything", "include[0]", VALUE),
]


@pytest.fixture
def stand_in() -> OpenAIStandIn:
    ids = iter(range(1, 100))
    made = OpenAIStandIn(api="both", duration_s=0, new_id=lambda prefix: f"{prefix}_{next(ids)}")
    made.add_file(id="file-1")
    return made


def sent(stand_in: OpenAIStandIn, method: str, path: str, body: Any = None) -> tuple[int, dict[str, Any]]:
    headers = {"authorization": "Bearer sk-standin", "openai-beta": "assistants=v2"}
    with httpx2.Client(transport=stand_in.transport(), base_url="http://standin/v1/", headers=headers) as http:
        reply = http.request(method, path, json=body)
    return reply.status_code, reply.json()


@pytest.mark.parametrize(
    ("path", "changes", "param", "code"), [(path, *row) for path, (_, rows) in TABLES.items() for row in rows]
)
def test_what_openai_refuses_is_refused_and_leaves_nothing(
    stand_in: OpenAIStandIn, path: str, changes: dict[str, Any], param: str, code: str | None
) -> None:
    """What passes here must pass at OpenAI, where each mistake costs a deployment."""
    assert sent(stand_in, "POST", "threads", {})[1]["id"] == "thread_1"
    assistant = sent(stand_in, "POST", "assistants", {"model": PLAIN})[1]["id"]
    before = stand_in.counters()
    base = TABLES[path][0] | ({"assistant_id": assistant} if path == "threads/runs" else {})
    body = {name: value for name, value in {**base, **changes}.items() if value is not None}
    status, reply = sent(stand_in, "POST", path.strip(), body)
    assert (status, reply["error"]["param"], reply["error"]["code"]) == (400, param, code), reply
    assert reply["error"]["type"] == "invalid_request_error"
    assert stand_in.counters() == before


@pytest.mark.parametrize(("query", "param", "code"), QUERIES)
def test_a_page_that_openai_would_not_serve_is_refused(
    stand_in: OpenAIStandIn, query: str, param: str, code: str
) -> None:
    assert sent(stand_in, "POST", "conversations", {})[0] == 200
    assert sent(stand_in, "GET", "conversations/conv_1/items?limit=5&order=asc")[0] == 200
    status, reply = sent(stand_in, "GET", f"conversations/conv_1/items?{query}")
    assert (status, reply["error"]["param"], reply["error"]["code"]) == (400, param, code)


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
    (
        {"metadata": {"k": "v" * 513}},
        "Invalid 'metadata.k': string too long. Expected a string with maximum length 512, "
        "but got a string with length 513 instead.",
    ),
    (
        {"metadata": {"k" * 65: ""}},
        f"Invalid property name in 'metadata': '{'k' * 65}' is too long. Expected a string with maximum length 64, "
        "but got a string with length 65 instead.",
    ),
    ({"input": [output_of("call_1")]}, "No tool call found for function call output with call_id call_1."),
    (
        text_format(strict=True, schema=SCHEMA),
        "Invalid schema for response_format 'answer': In context=(), 'additionalProperties' is required "
        "to be supplied and to be false.",
    ),
]


@pytest.mark.parametrize(("changes", "message"), WORDINGS)
def test_wordings_are_those_of_openai(stand_in: OpenAIStandIn, changes: dict[str, Any], message: str) -> None:
    """Users search the web for these sentences."""
    assert sent(stand_in, "POST", "responses", {**TABLES["responses"][0], **changes})[1]["error"]["message"] == message


def test_a_field_that_another_kind_of_tool_has_is_unknown(stand_in: OpenAIStandIn) -> None:
    """Only the kind that is meant is told about, however many there are."""
    body = {"model": PLAIN, **tool(type="retrieval")}
    message = "Invalid value: 'retrieval'. Supported values are: 'code_interpreter', 'file_search', and 'function'."
    assert sent(stand_in, "POST", "assistants", body)[1]["error"]["message"] == message


def test_json_without_an_object_is_refused(stand_in: OpenAIStandIn) -> None:
    """A broken body must not count as an empty one."""
    headers = {"authorization": "Bearer sk-standin"}
    with httpx2.Client(transport=stand_in.transport(), headers=headers) as http:
        for body in (b"{", b"[]", json.dumps("text").encode()):
            reply = http.post("http://standin/v1/conversations", content=body)
            assert (reply.status_code, "parse the JSON" in reply.text) == (400, True)
    assert stand_in.counters()["conversations"] == 0


def test_the_largest_request_passes_and_is_echoed(stand_in: OpenAIStandIn) -> None:
    """What the project may send at most."""
    assert sent(stand_in, "POST", "vector_stores", {"file_ids": ["file-1"]})[1]["id"] == "vs_1"
    assert sent(stand_in, "POST", "conversations", {})[1]["id"] == "conv_2"
    content = [
        {"type": "input_text", "text": "hi"},
        {"type": "input_file", "file_id": "file-1"},
        {"type": "input_image", "image_url": "https://example.com/a.png", "detail": "auto"},
    ]
    echoed = {
        "conversation": {"id": "conv_2"},
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
            {"type": "file_search", "vector_store_ids": ["vs_1"], "max_num_results": 5},
            {"type": "code_interpreter", "container": {"type": "auto", "file_ids": ["file-1"]}},
            {"type": "code_interpreter", "container": "cntr_1"},
            {"type": "web_search"},
        ],
    }
    messages = [{"role": "user", "content": content}, {"role": "assistant", "content": "ok"}]
    status, reply = sent(
        stand_in, "POST", "responses", {"model": PLAIN, "input": messages, **echoed, **text_format(strict=True)}
    )
    assert (status, {name: reply[name] for name in echoed}) == (200, echoed)
    assert reply["text"]["format"]["type"] == "json_schema"
