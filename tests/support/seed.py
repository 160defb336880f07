"""Every argument and attribute of the Terraform resource `openai_thread_run`, a row each.

A row says what the user writes and where it must arrive at the server, or what must come back.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from testkit.in_process.world import World
from tests.support.runs import WIRES

WEATHER = {
    "name": "get_weather",
    "description": "Get the current weather in a given location",
    "parameters": json.dumps(
        {"type": "object", "properties": {"location": {"type": "string"}}, "required": ["location"]}
    ),
}


class Bodies:
    """What the server got: the bodies of the calls that made the thread, the run and the vector stores."""

    def __init__(self, world: World) -> None:
        posts = [(r.path, r.body) for r in world.openai.requests if r.method == "POST"]
        self.thread = next((b for p, b in posts if p in ("/v1/conversations", "/v1/threads")), {})
        self.runs = [(p, b) for p, b in posts if p == "/v1/responses" or p.endswith("/runs")]
        path, self.run = self.runs[-1]
        self.path = path.split("/")
        self.stores = [b for p, b in posts if p == "/v1/vector_stores"]


class Each(NamedTuple):
    """What differs between the two wire APIs, in the order of `WIRES`."""

    responses: Any
    assistants: Any


@dataclass(frozen=True)
class Argument:
    """`change` is laid over the basic properties; `arrived` finds the value in what the server got."""

    name: str
    change: dict[str, Any]
    arrived: dict[str, Callable[[Bodies], Any]]
    expected: dict[str, Any]


def argument(name: str, change: dict[str, Any], place: str | Each, value: Any) -> Argument:
    """A row; a place is a path, in which `*` stands for every item of a list."""
    places, values = (each if isinstance(each, Each) else (each, each) for each in (place, value))
    finders = (lambda bodies, path=path: _found(vars(bodies), path.split(".")) for path in places)
    return Argument(name, change, dict(zip(WIRES, finders, strict=True)), dict(zip(WIRES, values, strict=True)))


def _found(value: Any, path: list[str]) -> Any:
    if not path or value is None:
        return value
    first, *rest = path
    if first == "*":
        return [_found(item, rest) for item in value]
    return _found(value[int(first)] if isinstance(value, list) else value.get(first), rest)


def thread(**message: Any) -> dict[str, Any]:
    return {
        "thread": {"messages": [{"role": "user", "content": "Hello, JSON.", **message}], "metadata": {"topic": "t"}}
    }


def tools(*each: dict[str, Any]) -> dict[str, Any]:
    return {"tools": list(each)}


FUNCTION = tools({"type": "function", "function": WEATHER})
ATTACHED = thread(attachments=[{"file_id": "FILE"}]) | tools({"type": "retrieval"})
ATTACHMENTS, CONTENT = "thread.messages.0.attachments", 'Quotes " and ${braces}, 語 🙂'
TEXTS = {"thread": {"messages": [{"role": "user", "content": text} for text in ("One.", "Two.")]}}
FORMAT = Each("run.text.format", "run.response_format")

ARGUMENTS = [
    argument(
        "assistant_id",
        {"instructions": None},
        Each("run.instructions", "run.assistant_id"),
        Each("From the assistant.", "ASSISTANT"),
    ),
    argument(
        "thread",
        thread(),
        Each("run.input.*.content.*.text", "thread.messages.*.content"),
        Each([["Hello, JSON."]], ["Hello, JSON."]),
    ),
    argument(
        "existing_thread_id",
        {"thread": None, "existing_thread_id": "THREAD"},
        Each("run.conversation", "path.3"),
        "THREAD",
    ),
    argument("model", {"model": "gpt-5.4"}, "run.model", "gpt-5.4"),
    argument("instructions", {"instructions": "Be brief."}, "run.instructions", "Be brief."),
    argument("tools", FUNCTION, "run.tools.*.type", ["function"]),
    argument("metadata", {"metadata": {"a": "1"}}, "run.metadata", {"a": "1"}),
    argument("stream", {"stream": "true"}, "run.stream", None),
    argument(
        "max_completion_tokens",
        {"max_completion_tokens": "1024"},
        Each("run.max_output_tokens", "run.max_completion_tokens"),
        1024,
    ),
    argument("temperature", {"temperature": "0.7"}, "run.temperature", 0.7),
    argument("top_p", {"top_p": "0.9"}, "run.top_p", 0.9),
    argument("response_format", {"response_format": {"type": "json_object"}}, FORMAT, {"type": "json_object"}),
    argument(
        "response_format.type",
        {"response_format": {"type": "text"}},
        Each(*(f"{each}.type" for each in FORMAT)),
        "text",
    ),
    argument(
        "thread.messages", TEXTS, Each("run.input.*.content.0.text", "thread.messages.*.content"), ["One.", "Two."]
    ),
    argument("thread.metadata", thread(), "thread.metadata", {"topic": "t"}),
    argument("thread.messages.role", thread(), Each("run.input.0.role", "thread.messages.0.role"), "user"),
    argument(
        "thread.messages.content",
        thread(content=CONTENT),
        Each("run.input.0.content.0.text", "thread.messages.0.content"),
        CONTENT,
    ),
    argument(
        "thread.messages.attachments",
        ATTACHED,
        Each("stores.0.file_ids", ATTACHMENTS),
        Each(["FILE"], [{"file_id": "FILE", "tools": [{"type": "file_search"}]}]),
    ),
    argument(
        "thread.messages.metadata",
        thread(metadata={"part": "1"}),
        # OpenAI's current API has no metadata on messages.
        Each("run.input.0.metadata", "thread.messages.0.metadata"),
        Each(None, {"part": "1"}),
    ),
    argument(
        "thread.messages.attachments.file_id",
        thread(attachments=[{"file_id": "FILE"}]) | tools({"type": "code_interpreter"}),
        Each("run.tools.0.container.file_ids", f"{ATTACHMENTS}.*.file_id"),
        ["FILE"],
    ),
    argument("tools.type", ATTACHED, "run.tools.0.type", "file_search"),
    argument("tools.function", FUNCTION, "run.tools.0.type", "function"),
    *(
        argument(f"tools.function.{name}", FUNCTION, Each(f"run.tools.0.{name}", f"run.tools.0.function.{name}"), value)
        for name, value in (WEATHER | {"parameters": json.loads(WEATHER["parameters"])}).items()
    ),
]

ATTRIBUTES: dict[str, Callable[[str, str], Any]] = {
    "id": lambda value, wire: value.startswith({"responses": "resp_", "assistants": "run_"}[wire]),
    "thread_id": lambda value, wire: value.startswith({"responses": "conv_", "assistants": "thread_"}[wire]),
    "created_at": lambda value, wire: value == "1800000000",
    "completed_at": lambda value, wire: value == "1800000003",
    "started_at": lambda value, wire: value == "1800000001",
    "object": lambda value, wire: value == "thread.run",
    "status": lambda value, wire: value == "completed",
    "file_ids": lambda value, wire: value == "[]",
    "usage": lambda value, wire: json.loads(value) == {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12},
}


def filled(value: Any, names: dict[str, str]) -> Any:
    """The placeholders FILE, THREAD and ASSISTANT as the ids that the test made."""
    if isinstance(value, dict):
        return {key: filled(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, names) for item in value]
    return names.get(value, value) if isinstance(value, str) else value
