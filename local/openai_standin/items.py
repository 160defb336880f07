"""Exists to check input items and to turn them into the items that OpenAI stores.

Shapes are those of the SDK's `ResponseInputItemParam` and `ConversationItem`.
"""

import copy
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from .content import INPUT_PARTS, OUTPUT_PARTS, content
from .errors import missing, refused
from .fields import Check, anything, choice, either, fields, mapping, nullable, string, unsupported_value

Item = dict[str, Any]
NewId = Callable[[str], str]

_STATUS = nullable(choice("in_progress", "completed", "incomplete"))


def _message(value: Any, path: str) -> None:
    role = value.get("role")
    parts = content(OUTPUT_PARTS if role == "assistant" else INPUT_PARTS)
    known = {
        "type": anything,
        "id": string(prefix="msg"),
        "role": choice("user", "assistant", "system", "developer"),
        "content": parts,
        "status": _STATUS,
        "phase": nullable(choice("commentary", "final_answer")),
    }
    fields(known, ["role", "content"])(value, path)


_CALL: dict[str, Check] = {
    "type": anything,
    "id": nullable(string(prefix="fc")),
    "call_id": string(longest=64),
    "caller": nullable(mapping),
    "name": nullable(string()),
    "namespace": nullable(string()),
    "status": _STATUS,
}
_CALL_OUTPUT = either("one of a string or array of objects", {str: anything, list: content(INPUT_PARTS)})
_KNOWN: dict[str, Check] = {
    "message": _message,
    "function_call": fields({**_CALL, "arguments": string(), "async": anything}, ["call_id", "name", "arguments"]),
    "function_call_output": fields({**_CALL, "output": _CALL_OUTPUT}, ["call_id", "output"]),
    "item_reference": fields({"type": anything, "id": string()}, ["id"]),
}
# Accepted as they are: this stand-in runs none of their tools.
_UNCHECKED = (
    "reasoning",
    "file_search_call",
    "web_search_call",
    "computer_call",
    "computer_call_output",
    "tool_search_call",
    "tool_search_output",
    "additional_tools",
    "configuration_update",
    "compaction",
    "compaction_trigger",
    "image_generation_call",
    "code_interpreter_call",
    "local_shell_call",
    "local_shell_call_output",
    "shell_call",
    "shell_call_output",
    "apply_patch_call",
    "apply_patch_call_output",
    "mcp_list_tools",
    "mcp_approval_request",
    "mcp_approval_response",
    "mcp_call",
    "custom_tool_call",
    "custom_tool_call_output",
    "program",
    "program_output",
)
TYPES = (*_KNOWN, *_UNCHECKED)

_PREFIXES = {"message": "msg", "function_call": "fc", "function_call_output": "fc", "reasoning": "rs"}


def kind_of(value: Item) -> str | None:
    """Name an input item's type; without one it is a message or, with nothing but an id, a reference."""
    if value.get("type") is not None:
        return str(value["type"])
    return "message" if "role" in value else "item_reference" if set(value) <= {"id", "type"} and value else None


def input_item(value: Any, path: str) -> None:
    """Check one input item."""
    mapping(value, path)
    kind = kind_of(value)
    if kind is None:
        raise missing(f"{path}.type")
    if kind not in TYPES:
        raise unsupported_value(kind, f"{path}.type", TYPES)
    _KNOWN.get(kind, anything)(value, path)


def stored(value: str | Item, new_id: NewId) -> Item:
    """Give a checked input item the id, status and content parts that OpenAI stores it with."""
    item: Item = {"role": "user", "content": value} if isinstance(value, str) else copy.deepcopy(value)
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
    for call_id in outputs:
        if call_id not in calls:
            message = f"No tool call found for function call output with call_id {call_id}."
            raise refused(message, "input")
    for call_id in calls:
        if call_id not in outputs:
            raise refused(f"No tool output found for function call {call_id}.", "input")


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
    if status == "incomplete" and item["type"] == "message":
        item["status"] = "incomplete"
    return item
