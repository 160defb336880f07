"""What a JSON Schema leaves open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jsonschema import Draft202012Validator

_KEYWORDS = frozenset(Draft202012Validator.VALIDATORS) - {"$schema", "$id"}


def says_nothing(schema: Mapping[str, Any]) -> bool:
    """Whether it has no keyword, so that any JSON is right."""
    return not _KEYWORDS & schema.keys()


def is_open_object(schema: Any) -> bool:
    """Whether an object within it may have keys that are not named."""
    if isinstance(schema, list):
        return any(map(is_open_object, schema))
    if not isinstance(schema, Mapping):
        return False
    is_open = schema.get("type") == "object" and schema.get("additionalProperties") is not False
    within = [
        each
        for keyword, value in schema.items()
        if keyword not in ("enum", "const", "default", "examples")
        for each in (value.values() if keyword in _MAPS and isinstance(value, Mapping) else [value])
    ]
    return is_open or any(map(is_open_object, within))


_MAPS = ("properties", "$defs", "definitions", "patternProperties")
