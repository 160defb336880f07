"""Exists to refuse what OpenAI refused: the rules of Assistants v2 requests that need no state.

Parameters are those of the SDK's `AssistantCreateParams`, `ThreadCreateParams`, `RunCreateParams` and
`ThreadCreateAndRunParams`.
"""

from collections.abc import Mapping
from typing import Any

from ..errors import refused
from ..fields import Check, array, boolean, choice, decimal, fields, integer, metadata, nullable, string
from .parts import EXISTING_RESOURCES, RESOURCES, RESPONSE_FORMAT, TOOL_CHOICE, message, tool

Body = dict[str, Any]

_EFFORT = nullable(choice("none", "minimal", "low", "medium", "high", "xhigh", "max"))
_SETTINGS: dict[str, Check] = {
    "instructions": nullable(string(longest=256_000)),
    "metadata": nullable(metadata),
    "response_format": RESPONSE_FORMAT,
    "temperature": nullable(decimal(0, 2)),
    "tools": nullable(array(tool, most=128)),
    "top_p": nullable(decimal(0, 1)),
}
CREATE_ASSISTANT: dict[str, Check] = {
    **_SETTINGS,
    "description": nullable(string(longest=512)),
    "model": string(),
    "name": nullable(string(longest=256)),
    "reasoning_effort": _EFFORT,
    "tool_resources": RESOURCES,
    "tools": array(tool, most=128),
}
UPDATE_ASSISTANT: dict[str, Check] = {**CREATE_ASSISTANT, "tool_resources": EXISTING_RESOURCES}
CREATE_THREAD: dict[str, Check] = {
    "messages": array(message),
    "metadata": nullable(metadata),
    "tool_resources": RESOURCES,
}
UPDATE_THREAD: dict[str, Check] = {"metadata": nullable(metadata), "tool_resources": EXISTING_RESOURCES}
UPDATE_METADATA: dict[str, Check] = {"metadata": nullable(metadata)}
_RUN: dict[str, Check] = {
    **_SETTINGS,
    "assistant_id": string(prefix="asst"),
    "max_completion_tokens": nullable(integer(256)),
    "max_prompt_tokens": nullable(integer(256)),
    "model": nullable(string()),
    "parallel_tool_calls": boolean,
    "stream": nullable(boolean),
    "tool_choice": TOOL_CHOICE,
    "truncation_strategy": nullable(
        fields({"type": choice("auto", "last_messages"), "last_messages": nullable(integer(1))}, ["type"])
    ),
}
CREATE_RUN: dict[str, Check] = {
    **_RUN,
    "additional_instructions": nullable(string(longest=256_000)),
    "additional_messages": nullable(array(message)),
    "reasoning_effort": _EFFORT,
}
CREATE_THREAD_AND_RUN: dict[str, Check] = {
    **_RUN,
    "thread": fields(CREATE_THREAD),
    "tool_resources": EXISTING_RESOURCES,
}
SUBMIT_OUTPUTS: dict[str, Check] = {
    "tool_outputs": array(fields({"tool_call_id": string(), "output": string()}, ["tool_call_id"])),
    "stream": nullable(boolean),
}


def require_not_streamed(body: Body) -> None:
    """Refuse to stream, which OpenAI would do."""
    if body.get("stream"):
        raise refused("This stand-in does not stream.", "stream", "unsupported_by_the_stand_in")


def require_consistent(settings: Mapping[str, Any]) -> None:
    """Refuse settings that contradict each other: a format without its tools, a tool that is not there."""
    wanted, tools = settings.get("response_format"), settings.get("tools") or []
    if isinstance(wanted, dict) and wanted["type"] != "text" and any(each["type"] != "function" for each in tools):
        reason = f"when `response_format` is of type `{wanted['type']}`."
        raise refused(f"Invalid tools: all tools must be of type 'function' {reason}", "tools")
    chosen = settings.get("tool_choice")
    if chosen == "required" and not tools:
        raise refused("Tool choice 'required' must be specified with 'tools' parameter.", "tool_choice")
    if isinstance(chosen, dict) and _named(chosen) not in [_named(each) for each in tools]:
        raise refused(f"Tool choice '{chosen['type']}' not found in 'tools' parameter.", "tool_choice")


def _named(tool: Mapping[str, Any]) -> tuple[str, str | None]:
    return tool["type"], tool.get("function", {}).get("name")
