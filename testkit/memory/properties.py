"""What the resources of random lives are asked to be: changes of each kind, and properties that are refused."""

from __future__ import annotations

from typing import Any

from testkit.memory.services import SHARED_THREAD

Properties = dict[str, Any]
_UNSEEN = {"timeout_seconds", "accept_statuses", "metadata", "name", "on_tool_error", "file_ids"}
"""Properties here that change in place."""
_HELLO, _BYE = ({"messages": [{"role": "user", "content": text}]} for text in ("Hello.", "Bye."))
_MANY = [{"role": "user", "content": f"Part {number}."} for number in range(23)]
_HANDLER = "arn:aws:lambda:eu-west-1:123456789012:function:look-up"
TOOLS = [{"type": "function", "function": {"name": "look_up", "handler_arn": _HANDLER}}]
PROPERTIES: dict[str, list[Properties]] = {
    "Custom::OpenAIThreadRun": [
        {"model": "m", "thread": _HELLO},
        {"model": "m", "thread": _BYE},
        {"model": "m", "thread": _HELLO, "timeout_seconds": "40"},
        {"model": "m", "thread": _HELLO, "accept_statuses": ["completed", "failed"]},
        {"model": "m", "existing_thread_id": SHARED_THREAD, "additional_messages": _HELLO["messages"]},
        {"model": "m", "thread": _HELLO, "tools": TOOLS},
        {"model": "m", "existing_thread_id": SHARED_THREAD, "tools": TOOLS, "on_tool_error": "fail"},
        {"model": "m"},
    ],
    "Custom::OpenAIThread": [
        _HELLO,
        {**_HELLO, "metadata": {"a": "1"}},
        {"messages": _MANY},
        {"messages": _MANY, "timeout_seconds": "40"},
        {"messages": "none"},
    ],
    "Custom::OpenAIFile": [
        {"filename": "a.txt", "content": "One."},
        {"filename": "a.txt", "content": "Two."},
        {"filename": "a.txt", "content": "One.", "timeout_seconds": "40"},
        {"filename": "a.txt", "source": "s3://bucket/key"},
        {"filename": "a/b.txt", "content": "One."},
    ],
    "Custom::OpenAIVectorStore": [
        {"name": "a", "file_ids": ["file-1", "file-2"]},
        {"name": "a", "file_ids": ["file-2", "file-3"]},
        {"name": "b", "file_ids": [f"file-{number}" for number in range(50)]},
        {"name": "b", "chunking_strategy": {"type": "auto"}},
        {"file_ids": "none"},
    ],
    "Custom::OpenAIAssistant": [{"model": "m"}, {"model": "m", "name": "expert"}, {"name": "invalid"}],
}


def identity(properties: Properties) -> Properties:
    """What makes it another physical resource."""
    return {name: value for name, value in properties.items() if name not in _UNSEEN}
