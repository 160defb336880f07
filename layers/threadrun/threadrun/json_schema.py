"""Gives a JSON Schema back the numbers and booleans that CloudFormation turned into strings.

By keyword only, never by looks: a property named `minimum` or a description "5" stays what it is.
Source: JSON Schema 2020-12, validation vocabulary.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_NUMBERS = frozenset(
    {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength"}
    | {"minItems", "maxItems", "minProperties", "maxProperties", "minContains", "maxContains"}
)
_BOOLEANS = frozenset({"uniqueItems", "deprecated", "readOnly", "writeOnly", "nullable"})
_SCHEMAS = frozenset(
    {"items", "additionalProperties", "additionalItems", "unevaluatedProperties", "unevaluatedItems"}
    | {"contains", "propertyNames", "not", "if", "then", "else"}
)
_SCHEMA_LISTS = frozenset({"anyOf", "oneOf", "allOf", "prefixItems"})
_SCHEMA_MAPS = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
_VALUES = frozenset({"const", "default"})
_VALUE_LISTS = frozenset({"enum", "examples"})


def restored(schema: Any) -> Any:
    """The schema with typed keywords; values of `const`, `default` and `enum` follow the sibling `type`."""
    if schema in ("true", "false"):
        return schema == "true"
    if not isinstance(schema, Mapping):
        return schema
    types = schema.get("type")
    kinds = frozenset(types if isinstance(types, list) else [types])
    return {keyword: _restored_keyword(keyword, value, kinds) for keyword, value in schema.items()}


def _restored_keyword(keyword: str, value: Any, kinds: frozenset[Any]) -> Any:
    if keyword in _NUMBERS:
        return _typed(value, frozenset({"number"}))
    if keyword in _BOOLEANS:
        return _typed(value, frozenset({"boolean"}))
    if keyword in _SCHEMAS:
        return [restored(each) for each in value] if isinstance(value, list) else restored(value)
    if keyword in _SCHEMA_LISTS and isinstance(value, list):
        return [restored(each) for each in value]
    if keyword in _SCHEMA_MAPS and isinstance(value, Mapping):
        return {name: restored(each) for name, each in value.items()}
    if keyword in _VALUES:
        return _typed(value, kinds)
    if keyword in _VALUE_LISTS and isinstance(value, list):
        return [_typed(each, kinds) for each in value]
    return value


def _typed(value: Any, kinds: frozenset[Any]) -> Any:
    """A string as the number or boolean that the schema's type calls for, where it reads as one."""
    if not isinstance(value, str) or "string" in kinds:
        return value
    try:
        parsed = json.loads(value)
    except ValueError:
        return value
    if isinstance(parsed, bool):
        return parsed if "boolean" in kinds else value
    if isinstance(parsed, int | float):
        return parsed if kinds & {"number", "integer"} else value
    return value
