"""How a search of files is narrowed and ranked: the options of `file_search`.

Source: OpenAI's OpenAPI document (FileSearchTool, ComparisonFilter, CompoundFilter, RankingOptions).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationInfo, WithJsonSchema

from threadrun.schema.deployment import responses_only
from threadrun.schema.json_schema import is_template_map, object_of
from threadrun.schema.types import NUMBER, Number, Properties, Text, check_nesting

_ORDERED = ("gt", "gte", "lt", "lte")
_LISTED = ("in", "nin")
_COMPARED = ("eq", "ne", *_ORDERED, *_LISTED)
_COMBINED = ("and", "or")
_SHOWN_CHARACTERS = 40


def _read_filters(value: Any, info: ValidationInfo) -> dict[str, Any]:
    """CloudFormation makes text of a map's numbers: those that are compared by size return."""
    return _filter(object_of(value), "", is_restored=is_template_map(value, info))


def _filter(given: Any, place: str, *, is_restored: bool) -> dict[str, Any]:
    found = {str(key).lower(): each for key, each in given.items()} if isinstance(given, Mapping) else {}
    kind, parts, value = found.get("type"), found.get("filters"), found.get("value")
    if found.keys() == {"type", "filters"} and kind in _COMBINED and isinstance(parts, list) and parts:
        read = [_filter(each, f"{place}filters[{i}].", is_restored=is_restored) for i, each in enumerate(parts)]
        return found | {"filters": read}
    if found.keys() == {"type", "key", "value"} and kind in _COMPARED and isinstance(found["key"], str):
        values = value if isinstance(value, list) and kind in _LISTED else [value]
        if values and all(isinstance(each, str | int | float) for each in values):
            return found | {"value": _number(value) if is_restored and kind in _ORDERED else value}
    was = f" (it is {str(kind)[:_SHOWN_CHARACTERS]!r})" if isinstance(kind, str) else ""
    if kind in (*_COMPARED, *_COMBINED):
        raise ValueError(f"{place}type {kind} needs {_needs(str(kind))}, and nothing else")
    raise ValueError(f"{place}type must be one of {', '.join((*_COMPARED, *_COMBINED))}{was}")


def _needs(kind: str) -> str:
    if kind in _COMBINED:
        return "filters, a list"
    return "key and value, a list" if kind in _LISTED else "key and value, one text, number or boolean"


def _number(value: Any) -> Any:
    """A number that CloudFormation made text of; anything else is returned as it is."""
    if not isinstance(value, str) or not re.fullmatch(NUMBER, value) or not math.isfinite(number := float(value)):
        return value
    return int(number) if number.is_integer() else number


Filters = Annotated[
    dict[str, Any],
    BeforeValidator(_read_filters),
    BeforeValidator(check_nesting),  # The last one comes first.
    WithJsonSchema(
        {
            "type": "object",
            "contentMediaType": "application/json",
            "examples": ['{"type": "eq", "key": "kind", "value": "policy"}'],
        }
    ),
]
"""A filter of OpenAI's: JSON text, or a map."""


class HybridSearch(Properties):
    embedding_weight: Number = Field(description="The weight of what a text means, as a number.")
    text_weight: Number = Field(description="The weight of the words in it.")


class RankingOptions(Properties):
    ranker: Text | None = Field(None, description="The ranker, `auto` for example.")
    score_threshold: Annotated[Number, Field(ge=0, le=1)] | None = Field(
        None, description="The least score of a result, 0 to 1. Default: 0."
    )
    hybrid_search: HybridSearch | None = Field(
        None,
        description="How much meaning and words count for the rank.",
        json_schema_extra=responses_only(),
    )
