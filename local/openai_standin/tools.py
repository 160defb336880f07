"""Exists to check the `tools` and `tool_choice` of a request, by the SDK's `ToolParam` types.

Whether a vector store or a file exists is state, and checked in `references.py`.
"""

from typing import Any

from .errors import refused
from .fields import (
    Check,
    anything,
    array,
    boolean,
    choice,
    either,
    fields,
    integer,
    mapping,
    nullable,
    one_of,
    string,
)
from .strict_schema import require_strict

NAME = r"[a-zA-Z0-9_-]+"

_CALLERS = nullable(array(choice("direct", "programmatic")))
_CONTAINER = either(
    "one of a string or object",
    {
        str: string(prefix="cntr"),
        dict: fields(
            {
                "type": choice("auto"),
                "file_ids": array(string(prefix="file")),
                "memory_limit": nullable(choice("1g", "4g", "16g", "64g")),
                "network_policy": mapping,
            },
            ["type"],
        ),
    },
)
_KNOWN: dict[str, Check] = {
    "function": fields(
        {
            "type": anything,
            "name": string(longest=64, pattern=NAME),
            "description": nullable(string()),
            "parameters": nullable(mapping),
            "output_schema": nullable(mapping),
            "strict": nullable(boolean),
            "allowed_callers": _CALLERS,
            "async": boolean,
            "defer_loading": boolean,
        },
        ["name"],
    ),
    "file_search": fields(
        {
            "type": anything,
            "vector_store_ids": array(string(prefix="vs"), fewest=1),
            "filters": nullable(mapping),
            "max_num_results": integer(1, 50),
            "ranking_options": mapping,
        },
        ["vector_store_ids"],
    ),
    "code_interpreter": fields({"type": anything, "container": _CONTAINER, "allowed_callers": _CALLERS}, ["container"]),
}
# Accepted as they are: nothing in this project sends them.
_UNCHECKED = (
    "computer",
    "computer_use_preview",
    "web_search",
    "web_search_2025_08_26",
    "web_search_preview",
    "web_search_preview_2025_03_11",
    "mcp",
    "programmatic_tool_calling",
    "image_generation",
    "local_shell",
    "shell",
    "custom",
    "namespace",
    "tool_search",
    "apply_patch",
)
TYPES = (*_KNOWN, *_UNCHECKED)
_TOOL = one_of(_KNOWN | dict.fromkeys(_UNCHECKED, anything))


def tool(value: Any, path: str) -> None:
    """Check one tool; functions are flat here, so a nested `function` is a missing name."""
    _TOOL(value, path)
    if value["type"] == "function" and value.get("strict"):
        what = f"function '{value['name']}'"
        schema = value.get("parameters") or {}
        require_strict(schema, what, f"{path}.parameters", "invalid_function_parameters")


tools: Check = array(tool, most=128)
tool_choice: Check = either("one of a string or object", {str: choice("none", "auto", "required"), dict: mapping})


def require_chosen_tool(request: dict[str, Any]) -> None:
    """Refuse a `tool_choice` that names a tool which the request does not bring."""
    chosen = request.get("tool_choice")
    offered = request.get("tools") or []
    if isinstance(chosen, str):
        if chosen == "required" and not offered:
            message = "Tool choice 'required' must be specified with 'tools' parameter."
            raise refused(message, "tool_choice")
        return
    if chosen is None or chosen.get("type") in ("allowed_tools", "mcp"):
        return
    wanted = {name: chosen.get(name) for name in ("type", "name") if chosen.get(name)}
    if not any(wanted.items() <= offer.items() for offer in _comparable(offered)):
        raise refused(f"Tool choice '{chosen.get('type')}' not found in 'tools' parameter.", "tool_choice")


def _comparable(offered: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: offer.get(name) for name in ("type", "name")} for offer in offered]
