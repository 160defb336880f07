"""JSON Schemas: read from a template, their types restored, and answers held against them.

CloudFormation turns numbers and booleans into strings; they come back by keyword only, never by looks: a property
named `minimum` or a description "5" stays what it is. Source: JSON Schema 2020-12, validation vocabulary.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonschema import ValidationError

_NUMBERS = frozenset(
    {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength"}
    | {"minItems", "maxItems", "minProperties", "maxProperties", "minContains", "maxContains"}
)
_BOOLEANS = frozenset({"uniqueItems", "deprecated", "readOnly", "writeOnly", "nullable"})
_SCHEMAS = frozenset(
    {"items", "additionalProperties", "additionalItems", "unevaluatedProperties", "unevaluatedItems"}
    | {"contains", "propertyNames", "not", "if", "then", "else", "anyOf", "oneOf", "allOf", "prefixItems"}
)
_SCHEMA_MAPS = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
_TOLD = _NUMBERS | {"type", "enum", "const", "pattern", "format", "uniqueItems"}
_TOLD_CHARACTERS = 200
_VALUES = frozenset({"const", "default"})
_VALUE_LISTS = frozenset({"enum", "examples"})
_KINDS = {bool: frozenset({"boolean"})} | dict.fromkeys((int, float), frozenset({"number", "integer"}))
"""What a schema calls these types of Python's."""


def read_schema(value: Any) -> Any:
    """JSON text is taken exactly; a map gets back the types that CloudFormation made strings of."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            raise ValueError("must be a JSON object: this text is no JSON") from None
        if not isinstance(value, dict):
            raise ValueError("must be a JSON object")
        return value
    if isinstance(value, Mapping):
        return restored(value)
    raise ValueError("must be a JSON object, as text or as a map")


def check_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """Refuse what is no JSON Schema, before a run is paid for that could not be held against it."""
    # Imported where it is needed: most runs have no schema, and every cold start would pay for it.
    from jsonschema import Draft202012Validator, SchemaError

    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        place = ".".join(map(str, error.absolute_path)) or "it"
        raise ValueError(f"is no JSON Schema: {place} is not as it must be") from None
    return schema


def first_problem(text: str, schema: Mapping[str, Any]) -> str | None:
    """What is wrong with an answer that was to follow the schema; None where nothing is.

    Tells places and rules, never the answer's own words: those may be secret.
    """
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match
    from jsonschema_specifications import REGISTRY
    from referencing.exceptions import Unresolvable

    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        return "it is no JSON" if text else "it is empty"
    try:
        # With a registry of its own it fetches no reference: a schema must not make this process call anybody.
        error = best_match(Draft202012Validator(schema, registry=REGISTRY).iter_errors(answer))
    except Unresolvable:
        return "its schema refers to what it does not have"
    if error is None:
        return None
    place = _place(error)
    if error.validator == "required":
        missing = [name for name in error.validator_value if name not in error.instance]
        return f"{place} lacks {', '.join(missing)}"
    if error.validator in _TOLD and len(told := json.dumps(error.validator_value)) <= _TOLD_CHARACTERS:
        return f"{place} is not as the schema says: {error.validator} {told}"
    return f"{place} is not as the schema says: {error.validator}"


def _place(error: ValidationError) -> str:
    """Where the answer breaks the rule. Keys that the schema names are told; any other one is a word of the answer."""
    rules, place = list(error.absolute_schema_path), ""
    named = {name for keyword, name in pairwise(rules) if keyword == "properties"}
    for step in error.absolute_path:
        place += f"[{step}]" if isinstance(step, int) else f".{step}" if step in named else ".*"
    return place.removeprefix(".") or "the whole"


def text_at(text: str, key: str) -> str | None:
    """The text under a top-level key of an answer, None where there is none."""
    try:
        value = json.loads(text)[key]
    except (ValueError, RecursionError, KeyError, TypeError, IndexError):
        return None
    return value if isinstance(value, str) else None


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
    with suppress(ValueError):
        parsed = json.loads(value)
        if kinds & _KINDS.get(type(parsed), frozenset()):
            return parsed
    return value
