"""Exists to turn input items into the items that OpenAI stores.

Shapes are those of the SDK's `ResponseInputItemParam` and `ConversationItem`.
"""

import copy
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from .errors import refused

Item = dict[str, Any]
NewId = Callable[[str], str]

_PREFIXES = {"message": "msg", "function_call": "fc", "function_call_output": "fc", "reasoning": "rs"}
_PREFIXES |= {"web_search_call": "ws", "mcp_list_tools": "mcpl", "mcp_call": "mcp", "mcp_approval_request": "mcpr"}


def kind_of(value: Item) -> str | None:
    """Name an input item's type; without one it is a message or, with nothing but an id, a reference."""
    if value.get("type") is not None:
        return str(value["type"])
    return "message" if "role" in value else "item_reference" if set(value) <= {"id", "type"} and value else None


def is_reference(item: Item) -> bool:
    """Tell whether an input item only names one that is there already."""
    return kind_of(item) == "item_reference"


def stored(given: Item, new_id: NewId) -> Item:
    """Give a checked input item the id, status and content parts that OpenAI stores it with."""
    item = copy.deepcopy(given)
    kind = kind_of(item)
    item["type"] = kind
    if not item.get("id"):
        item["id"] = new_id(_PREFIXES.get(str(kind), "item"))
    if kind in ("message", "function_call", "function_call_output"):
        item["status"] = item.get("status") or "completed"
    if kind == "message" and isinstance(item["content"], str):
        part = "output_text" if item["role"] == "assistant" else "input_text"
        item["content"] = [{"type": part, "text": item["content"]}]
    for part in item["content"] if kind == "message" else ():
        if part["type"] == "output_text":
            part.setdefault("annotations", [])
            part.setdefault("logprobs", [])
    return item


def text_of(item: Item) -> str:
    """Read the words of an item: a message's text, a call's arguments, or a tool's output."""
    words = item.get("content", item.get("output", item.get("arguments", "")))
    if isinstance(words, str):
        return words
    return "\n".join(part["text"] for part in words or () if isinstance(part.get("text"), str))


def require_calls_answered(items: Sequence[Item]) -> None:
    """Refuse a context in which a function call has no output, or an output has no call."""
    calls = [item["call_id"] for item in items if item["type"] == "function_call"]
    outputs = [item["call_id"] for item in items if item["type"] == "function_call_output"]
    if unasked := [each for each in outputs if each not in calls]:
        raise refused(f"No tool call found for function call output with call_id {unasked[0]}.", "input")
    if unanswered := [each for each in calls if each not in outputs]:
        raise refused(f"No tool output found for function call {unanswered[0]}.", "input")


def require_json_word(items: Iterable[Item]) -> None:
    """Refuse JSON mode when no message says "json"; instructions do not count."""
    if not any("json" in text_of(item).lower() for item in items if item["type"] == "message"):
        message = "Response input messages must contain the word 'json' in some form to use 'text.format' of type "
        raise refused(message + "'json_object'.", "input")


def output_item(raw: Item, status: str, new_id: NewId) -> Item:
    """Complete a scripted output item with what a script may leave out: ids, status, the parts of a text."""
    item = dict(raw)
    if item.get("type") == "message":
        item.setdefault("role", "assistant")
    if item.get("type") == "function_call":
        item.setdefault("call_id", new_id("call"))
        if not isinstance(item.get("arguments"), str):
            item["arguments"] = json.dumps(item.get("arguments", {}))
    item = stored(item, new_id)
    if status == "incomplete" and item["type"] in ("message", "function_call"):
        item["status"] = "incomplete"
    return item
