"""Every argument and attribute of the Terraform resource `openai_thread_run`, a row each.

A row says what the user writes and where it must arrive at the server, or what must come back.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
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
SCHEMA = json.loads(str(WEATHER["parameters"]))


@dataclass(frozen=True)
class Argument:
    """`change` is laid over the basic properties; `arrived` finds the value in the bodies that the server got."""

    name: str
    change: dict[str, Any]
    arrived: dict[str, Callable[[Bodies], Any]]
    expected: dict[str, Any]


class Bodies:
    """What the server got: the bodies of the calls that made the assistant, the thread and the run."""

    def __init__(self, world: World) -> None:
        posts = [(r.path, r.body) for r in world.openai.requests if r.method == "POST"]
        self.thread = next((b for p, b in posts if p in ("/v1/conversations", "/v1/threads")), {})
        self.runs = [(p, b) for p, b in posts if p == "/v1/responses" or p.endswith("/runs")]
        self.run_path, self.run = self.runs[-1]
        self.stores = [b for p, b in posts if p == "/v1/vector_stores"]


def both(find: Callable[[Bodies], Any]) -> dict[str, Callable[[Bodies], Any]]:
    return dict.fromkeys(WIRES, find)


def same(value: Any) -> dict[str, Any]:
    return dict.fromkeys(WIRES, value)


def thread(**message: Any) -> dict[str, Any]:
    return {
        "thread": {"messages": [{"role": "user", "content": "Hello, JSON.", **message}], "metadata": {"topic": "t"}}
    }


def tools(*each: dict[str, Any]) -> dict[str, Any]:
    return {"tools": list(each)}


FUNCTION = tools({"type": "function", "function": WEATHER})
ATTACHED = thread(attachments=[{"file_id": "FILE"}]) | tools({"type": "retrieval"})

ARGUMENTS = [
    Argument(
        "assistant_id",
        {"instructions": None},
        {"responses": lambda b: b.run["instructions"], "assistants": lambda b: b.run["assistant_id"]},
        {"responses": "From the assistant.", "assistants": "ASSISTANT"},
    ),
    Argument(
        "thread",
        thread(),
        {"responses": lambda b: len(b.run["input"]), "assistants": lambda b: len(b.thread["messages"])},
        same(1),
    ),
    Argument(
        "existing_thread_id",
        {"thread": None, "existing_thread_id": "THREAD"},
        {"responses": lambda b: b.run["conversation"], "assistants": lambda b: b.run_path.split("/")[3]},
        same("THREAD"),
    ),
    Argument("model", {"model": "gpt-5.4"}, both(lambda b: b.run["model"]), same("gpt-5.4")),
    Argument("instructions", {"instructions": "Be brief."}, both(lambda b: b.run["instructions"]), same("Be brief.")),
    Argument("tools", FUNCTION, both(lambda b: len(b.run["tools"])), same(1)),
    Argument("metadata", {"metadata": {"a": "1"}}, both(lambda b: b.run["metadata"]), same({"a": "1"})),
    Argument("stream", {"stream": "true"}, both(lambda b: "stream" in b.run), same(False)),
    Argument(
        "max_completion_tokens",
        {"max_completion_tokens": "1024"},
        {"responses": lambda b: b.run["max_output_tokens"], "assistants": lambda b: b.run["max_completion_tokens"]},
        same(1024),
    ),
    Argument("temperature", {"temperature": "0.7"}, both(lambda b: b.run["temperature"]), same(0.7)),
    Argument("top_p", {"top_p": "0.9"}, both(lambda b: b.run["top_p"]), same(0.9)),
    Argument(
        "response_format",
        {"response_format": {"type": "json_object"}},
        {"responses": lambda b: b.run["text"]["format"], "assistants": lambda b: b.run["response_format"]},
        same({"type": "json_object"}),
    ),
    Argument(
        "thread.messages",
        {"thread": {"messages": [{"role": "user", "content": text} for text in ("One.", "Two.")]}},
        {
            "responses": lambda b: [item["content"][0]["text"] for item in b.run["input"]],
            "assistants": lambda b: [message["content"] for message in b.thread["messages"]],
        },
        same(["One.", "Two."]),
    ),
    Argument("thread.metadata", thread(), both(lambda b: b.thread["metadata"]), same({"topic": "t"})),
    Argument(
        "thread.messages.role",
        thread(),
        {"responses": lambda b: b.run["input"][0]["role"], "assistants": lambda b: b.thread["messages"][0]["role"]},
        same("user"),
    ),
    Argument(
        "thread.messages.content",
        thread(content='Quotes " and ${braces}, 語 🙂'),
        {
            "responses": lambda b: b.run["input"][0]["content"][0]["text"],
            "assistants": lambda b: b.thread["messages"][0]["content"],
        },
        same('Quotes " and ${braces}, 語 🙂'),
    ),
    Argument(
        "thread.messages.attachments",
        ATTACHED,
        {
            "responses": lambda b: b.stores[0]["file_ids"],
            "assistants": lambda b: b.thread["messages"][0]["attachments"],
        },
        {"responses": ["FILE"], "assistants": [{"file_id": "FILE", "tools": [{"type": "file_search"}]}]},
    ),
    Argument(
        "thread.messages.metadata",
        thread(metadata={"part": "1"}),
        # OpenAI's current API has no metadata on messages.
        {
            "responses": lambda b: "metadata" in b.run["input"][0],
            "assistants": lambda b: b.thread["messages"][0]["metadata"],
        },
        {"responses": False, "assistants": {"part": "1"}},
    ),
    Argument(
        "thread.messages.attachments.file_id",
        thread(attachments=[{"file_id": "FILE"}]) | tools({"type": "code_interpreter"}),
        {
            "responses": lambda b: b.run["tools"][0]["container"]["file_ids"],
            "assistants": lambda b: [each["file_id"] for each in b.thread["messages"][0]["attachments"]],
        },
        same(["FILE"]),
    ),
    Argument("tools.type", ATTACHED, both(lambda b: b.run["tools"][0]["type"]), same("file_search")),
    Argument("tools.function", FUNCTION, both(lambda b: b.run["tools"][0]["type"]), same("function")),
    *(
        Argument(
            f"tools.function.{name}",
            FUNCTION,
            {
                "responses": lambda b, name=name: b.run["tools"][0][name],
                "assistants": lambda b, name=name: b.run["tools"][0]["function"][name],
            },
            same(SCHEMA if name == "parameters" else WEATHER[name]),
        )
        for name in ("name", "description", "parameters")
    ),
    Argument(
        "response_format.type",
        {"response_format": {"type": "text"}},
        {
            "responses": lambda b: b.run["text"]["format"]["type"],
            "assistants": lambda b: b.run["response_format"]["type"],
        },
        same("text"),
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
