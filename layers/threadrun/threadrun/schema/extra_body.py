"""Fields of the request that starts a run which no argument has: taken as they are, for what is new tomorrow.

Source: `CreateResponse` and `CreateRunRequest` of OpenAI's OpenAPI document.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, ValidationInfo, WithJsonSchema
from pydantic.alias_generators import to_snake

from threadrun.schema.json_schema import is_template_map, object_of, read_json, untyped
from threadrun.schema.types import check_nesting

OURS = frozenset(
    {"background", "store", "stream", "conversation", "input", "previous_response_id", "assistant_id", "thread"}
)
"""A run that is waited for, found again and deleted depends on them."""
_SAME_NAME = (
    *("model", "instructions", "tools", "metadata", "temperature", "top_p", "tool_choice", "parallel_tool_calls"),
    *("max_tool_calls", "service_tier", "prompt_cache_key", "safety_identifier", "additional_instructions"),
    *("additional_messages", "max_completion_tokens", "response_format", "reasoning_effort", "truncation"),
)
_ARGUMENTS = dict(zip(_SAME_NAME, _SAME_NAME, strict=True)) | {
    "max_output_tokens": "max_completion_tokens",
    "reasoning.effort": "reasoning_effort",
    "text.format": "response_format",
    "text.verbosity": "verbosity",
    "truncation_strategy": "truncation",
}
"""By the field's place in the request, the argument that it has."""


def _read(value: Any, info: ValidationInfo) -> Mapping[str, Any]:
    given = object_of(value)
    for place in _places(given):
        if place in OURS:
            raise ValueError(f"{place} is set by this application: leave it out")
        if argument := _ARGUMENTS.get(place):
            raise ValueError(f"{place} has an argument of its own: write it as {argument}")
    if is_template_map(value, info):
        _require_text_only(given)
    return given


def _require_text_only(value: Any, *place: str) -> None:
    """Refuse what may have been a number or a boolean: the server would refuse the text in its place."""
    if isinstance(value, Mapping | list):
        inner = value.items() if isinstance(value, Mapping) else enumerate(value)
        for name, each in inner:
            _require_text_only(each, *place, str(name))
    elif isinstance(value, str):
        parsed = None
        with suppress(ValueError):
            parsed = read_json(value)
        if isinstance(parsed, int | Decimal):
            at, kind = ".".join(place), untyped(parsed)
            raise ValueError(f"{at} may be text or {kind}: write the whole of extra_body as JSON text")


def _places(given: Mapping[str, Any]) -> Iterator[str]:
    for name, value in given.items():
        field = to_snake(name)  # No field of OpenAI's is in PascalCase, so that only a slip is.
        yield field
        if isinstance(value, Mapping):
            yield from (f"{field}.{to_snake(inner)}" for inner in value)


ExtraBody = Annotated[
    dict[str, Any],
    BeforeValidator(_read),
    BeforeValidator(check_nesting),  # The last one comes first.
    WithJsonSchema({"type": "object", "contentMediaType": "application/json"}),
]
"""JSON text, taken exactly, or a map of texts."""


def merged(fields: Mapping[str, Any], extra: Mapping[str, Any] | None) -> dict[str, Any]:
    """The fields of a request with these in addition: maps are merged, anything else is what `extra` says.

    The SDK takes fields that it does not know as `extra_body`.
    """
    if not extra:
        return dict(fields)
    return {**fields, "extra_body": {name: _deep(fields.get(name), value) for name, value in extra.items()}}


def _deep(own: Any, value: Any) -> Any:
    if isinstance(own, Mapping) and isinstance(value, Mapping):
        return {**own, **{name: _deep(own.get(name), each) for name, each in value.items()}}
    return value
