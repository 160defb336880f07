"""Every argument and attribute of the Terraform resource `openai_thread_run`, a row each.

A row says what the user writes and where it must arrive at the server, or what must come back.
"""

import json
from collections.abc import Callable
from typing import Any

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
        self.thread: Any = next((b for p, b in posts if p in ("/v1/conversations", "/v1/threads")), {})
        self.runs = [(p, b) for p, b in posts if p == "/v1/responses" or p.endswith("/runs")]
        path, self.run = self.runs[-1]
        self.path = path.split("/")
        self.stores = [b for p, b in posts if p == "/v1/vector_stores"]

    def at(self, place: str) -> Any:
        """What is at a path, in which `*` stands for every item of a list."""
        return _found(vars(self), place.split("."))


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

Row = tuple[dict[str, Any], Any, Any]
"""What is laid over the basic properties, where it arrives, and what: a pair where the wires differ, as in `WIRES`."""
ARGUMENTS: dict[str, Row] = {
    "assistant_id": (
        {"instructions": None},
        ("run.instructions", "run.assistant_id"),
        ("From the assistant.", "ASSISTANT"),
    ),
    "thread": (
        thread(),
        ("run.input.*.content.*.text", "thread.messages.*.content"),
        ([["Hello, JSON."]], ["Hello, JSON."]),
    ),
    "existing_thread_id": ({"thread": None, "existing_thread_id": "THREAD"}, ("run.conversation", "path.3"), "THREAD"),
    "model": ({"model": "gpt-5.4"}, "run.model", "gpt-5.4"),
    "instructions": ({"instructions": "Be brief."}, "run.instructions", "Be brief."),
    "tools": (FUNCTION, "run.tools.*.type", ["function"]),
    "metadata": ({"metadata": {"a": "1"}}, "run.metadata", {"a": "1"}),
    "stream": ({"stream": "true"}, "run.stream", None),
    "max_completion_tokens": (
        {"max_completion_tokens": "1024"},
        ("run.max_output_tokens", "run.max_completion_tokens"),
        1024,
    ),
    "temperature": ({"temperature": "0.7"}, "run.temperature", 0.7),
    "top_p": ({"top_p": "0.9"}, "run.top_p", 0.9),
    "response_format": (
        {"response_format": {"type": "json_object"}},
        ("run.text.format", "run.response_format"),
        {"type": "json_object"},
    ),
    "response_format.type": (
        {"response_format": {"type": "text"}},
        ("run.text.format.type", "run.response_format.type"),
        "text",
    ),
    "thread.messages": (TEXTS, ("run.input.*.content.0.text", "thread.messages.*.content"), ["One.", "Two."]),
    "thread.metadata": (thread(), "thread.metadata", {"topic": "t"}),
    "thread.messages.role": (thread(), ("run.input.0.role", "thread.messages.0.role"), "user"),
    "thread.messages.content": (
        thread(content=CONTENT),
        ("run.input.0.content.0.text", "thread.messages.0.content"),
        CONTENT,
    ),
    "thread.messages.attachments": (
        ATTACHED,
        ("stores.0.file_ids", ATTACHMENTS),
        (["FILE"], [{"file_id": "FILE", "tools": [{"type": "file_search"}]}]),
    ),
    "thread.messages.metadata": (
        thread(metadata={"part": "1"}),
        # OpenAI's current API has no metadata on messages.
        ("run.input.0.metadata", "thread.messages.0.metadata"),
        (None, {"part": "1"}),
    ),
    "thread.messages.attachments.file_id": (
        thread(attachments=[{"file_id": "FILE"}]) | tools({"type": "code_interpreter"}),
        ("run.tools.0.container.file_ids", f"{ATTACHMENTS}.*.file_id"),
        ["FILE"],
    ),
    "tools.type": (ATTACHED, "run.tools.0.type", "file_search"),
    "tools.function": (FUNCTION, "run.tools.0.type", "function"),
    **{
        f"tools.function.{name}": (FUNCTION, (f"run.tools.0.{name}", f"run.tools.0.function.{name}"), value)
        for name, value in (WEATHER | {"parameters": json.loads(WEATHER["parameters"])}).items()
    },
}

ATTRIBUTES: dict[str, Callable[[str, str], Any]] = {
    "id": lambda value, wire: value.startswith({"responses": "resp_", "assistants": "run_"}[wire]),
    "thread_id": lambda value, wire: value.startswith({"responses": "conv_", "assistants": "thread_"}[wire]),
    "created_at": lambda value, wire: value == "1800000000",
    "completed_at": lambda value, wire: value == "1800000003",
    "started_at": lambda value, wire: value == "1800000001",
    "object": lambda value, wire: value == "thread.run",
    "status": lambda value, wire: value == "completed",
    "file_ids": lambda value, wire: value == "[]",
    "usage": lambda value, wire: (
        {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}.items() <= json.loads(value).items()
    ),
}


def of(wire: str, each: Any) -> Any:
    """What of a row is this wire's."""
    return each[WIRES.index(wire)] if isinstance(each, tuple) else each


def filled(value: Any, names: dict[str, str]) -> Any:
    """The placeholders FILE, THREAD and ASSISTANT as the ids that the test made."""
    if isinstance(value, dict):
        return {key: filled(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, names) for item in value]
    return names.get(value, value) if isinstance(value, str) else value
