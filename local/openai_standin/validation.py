"""Exists to refuse what OpenAI refuses: the rules of a request that need no state.

Parameters are those of the SDK's `ResponseCreateParams`, `ConversationCreateParams` and `ItemCreateParams`.
"""

from collections.abc import Mapping
from typing import Any

from .errors import missing, refused, unsupported
from .fields import (
    Check,
    array,
    boolean,
    choice,
    decimal,
    either,
    fields,
    integer,
    mapping,
    metadata,
    nullable,
    string,
    unsupported_value,
)
from .items import input_item
from .strict_schema import require_strict
from .tools import NAME, require_chosen_tool, tool_choice, tools

Body = dict[str, Any]

# Each model with the reasoning effort it uses unasked; None means that it cannot reason at all.
MODELS: Mapping[str, str | None] = {
    "gpt-5.4-mini": "none",
    "gpt-5.4": "none",
    "gpt-5.5": "medium",
    "gpt-4.1-mini": None,
}

INCLUDABLE = (
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "message.input_image.image_url",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
    "reasoning.encrypted_content",
    "message.output_text.logprobs",
)
_INCLUDE = nullable(array(choice(*INCLUDABLE)))
_SUMMARY = nullable(choice("auto", "concise", "detailed"))
_REASONING = fields(
    {
        "context": nullable(choice("auto", "current_turn", "all_turns")),
        "effort": nullable(choice("none", "minimal", "low", "medium", "high", "xhigh", "max")),
        "generate_summary": _SUMMARY,
        "mode": nullable(string()),
        "summary": _SUMMARY,
    }
)
_JSON_SCHEMA = fields(
    {
        "type": choice("json_schema"),
        "name": string(longest=64, pattern=NAME),
        "schema": mapping,
        "description": string(),
        "strict": nullable(boolean),
    },
    ["name", "schema"],
)


def _format(value: Any, path: str) -> None:
    mapping(value, path)
    kind = value.get("type")
    if kind is None:
        raise missing(f"{path}.type")
    if kind == "json_schema":
        _JSON_SCHEMA(value, path)
        if value.get("strict"):
            what = f"response_format '{value['name']}'"
            require_strict(value["schema"], what, f"{path}.schema", "invalid_json_schema")
    elif kind in ("text", "json_object"):
        fields({"type": string()})(value, path)
    else:
        raise unsupported_value(kind, f"{path}.type", ("json_object", "json_schema", "text"))


_CONVERSATION = either(
    "one of a string or object",
    {str: string(prefix="conv"), dict: fields({"id": string(prefix="conv")}, ["id"])},
)
_INPUT = either("one of a string or array of objects", {str: string(), list: array(input_item)})
_TIERS = ("auto", "default", "flex", "scale", "priority", "fast", "ultrafast")

CREATE_RESPONSE: dict[str, Check] = {
    "access_programs": mapping,
    "background": nullable(boolean),
    "background_options": mapping,
    "context_management": nullable(array(mapping)),
    "conversation": nullable(_CONVERSATION),
    "image": mapping,
    "include": _INCLUDE,
    "input": _INPUT,
    "instructions": nullable(string()),
    "max_output_tokens": nullable(integer(16)),
    "max_tool_calls": nullable(integer(1)),
    "metadata": nullable(metadata),
    "model": string(),
    "moderation": nullable(mapping),
    "parallel_tool_calls": nullable(boolean),
    "previous_response_id": nullable(string(prefix="resp")),
    "prompt": nullable(mapping),
    "prompt_cache_key": nullable(string()),
    "prompt_cache_options": mapping,
    "prompt_cache_retention": nullable(choice("in_memory", "24h")),
    "reasoning": nullable(_REASONING),
    "safety_identifier": nullable(string(longest=128)),
    "service_tier": nullable(choice(*_TIERS)),
    "store": nullable(boolean),
    "stream": nullable(boolean),
    "stream_options": nullable(mapping),
    "temperature": nullable(decimal(0, 2)),
    "text": fields({"format": _format, "verbosity": nullable(choice("low", "medium", "high"))}),
    "tool_choice": tool_choice,
    "tools": tools,
    "top_logprobs": nullable(integer(0, 20)),
    "top_p": nullable(decimal(0, 1)),
    "truncation": nullable(choice("auto", "disabled")),
    "user": string(),
}
_ITEMS = array(input_item, most=20)

create_conversation: Check = fields({"items": nullable(_ITEMS), "metadata": nullable(metadata)})
update_conversation: Check = fields({"metadata": nullable(metadata)}, ["metadata"])
create_items: Check = fields({"items": _ITEMS}, ["items"])


def create_response(body: Body, models: Mapping[str, str | None]) -> None:
    """Refuse a body that OpenAI would not start a response for (400)."""
    fields(CREATE_RESPONSE)(body, "")
    if body.get("prompt") is not None:
        raise refused("Prompt not found.", "prompt.id", "prompt_not_found")
    if "model" not in body:
        raise missing("model")
    require_model_exists(body["model"], models)
    effort = (body.get("reasoning") or {}).get("effort")
    require_model_takes(body, effort, models[body["model"]], "reasoning.effort")
    _require_consistent(body)
    require_chosen_tool(body)


def require_model_exists(model: str, models: Mapping[str, str | None]) -> None:
    """Refuse a model that nobody knows (400)."""
    if model not in models:
        raise refused(f"The requested model '{model}' does not exist.", "model", "model_not_found")


def require_model_takes(
    body: Body, effort: str | None, default_effort: str | None, effort_param: str = "reasoning_effort"
) -> None:
    """Refuse sampling from a model that reasons, and effort from one that can't (400)."""
    if effort is not None and default_effort is None:
        raise unsupported(effort_param)
    reasons = (effort or default_effort) not in (None, "none")
    for name in ("temperature", "top_p"):
        if reasons and body.get(name) is not None:
            raise unsupported(name)


def _require_consistent(body: Body) -> None:
    if body.get("stream"):
        # Honest rather than faithful: OpenAI would stream.
        raise refused("This stand-in does not stream.", "stream", "unsupported_by_the_stand_in")
    if body.get("background") and body.get("store") is False:
        raise refused("Background responses require 'store' to be true.", "store", "invalid_value")
    if body.get("conversation") and body.get("previous_response_id"):
        names = "'previous_response_id' or 'conversation'"
        message = f"Mutually exclusive parameters: Ensure you are only providing one of: {names}."
        raise refused(message, "previous_response_id", "mutually_exclusive_parameters")
    if not any(body.get(name) is not None for name in ("input", "previous_response_id", "conversation")):
        message = "One of 'input' or 'previous_response_id' or 'prompt' or 'conversation' must be provided."
        raise refused(message, "input", "missing_required_parameter")
