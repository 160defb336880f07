"""JSON Schemas: read from a template, their types restored, and answers held against them.

CloudFormation turns numbers and booleans into strings; they come back by keyword and type only, never by looks: a
property named `minimum` or a description "5" stays what it is. Source: JSON Schema 2020-12, validation vocabulary.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from pydantic import ValidationInfo

if TYPE_CHECKING:
    from jsonschema import ValidationError

from threadrun.schema.types import encodable

_NUMBERS = frozenset(
    {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength"}
    | {"minItems", "maxItems", "minProperties", "maxProperties", "minContains", "maxContains"}
)
_BOOLEANS = frozenset({"uniqueItems", "deprecated", "readOnly", "writeOnly", "nullable"})
_SCHEMAS = frozenset(
    {"items", "additionalProperties", "additionalItems", "unevaluatedProperties", "unevaluatedItems", "contentSchema"}
    | {"contains", "propertyNames", "not", "if", "then", "else", "anyOf", "oneOf", "allOf", "prefixItems"}
)
_SCHEMA_MAPS = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
_TOLD = _NUMBERS | {"type", "enum", "const", "pattern", "format", "uniqueItems"}
_TOLD_CHARACTERS = 200
_VALUES = frozenset({"const", "default"})
_VALUE_LISTS = frozenset({"enum", "examples"})
_KINDS = {bool: frozenset({"boolean"}), type(None): frozenset({"null"})}
_KINDS |= dict.fromkeys((int, float), frozenset({"number", "integer"}))
"""What a schema calls these types of Python's."""
_ANY = frozenset({"string", *(name for names in _KINDS.values() for name in names)})
_LONG_INTEGER = 1000
"""Digits beyond which an integer is a Decimal: Python makes no int of a text of 4,300."""
_HIGH, _LOW = r"\\u[dD][89abAB][0-9a-fA-F]{2}", r"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_ESCAPES = re.compile(rf"({_HIGH}{_LOW})|{_HIGH}|{_LOW}|(\\.)", re.DOTALL)
"""In JSON text, one after the other; the groups have those that are whole characters."""


def read_json(text: str, number: Callable[[str], Any] | None = None) -> Any:
    """JSON as its standard has it: no NaN, no infinities. `number` reads numbers, exactly unless given.

    An escaped half of a character is read as `?`, like one that is written out (`encodable`).

    Raises ValueError, which says what is wrong without a word of the text.
    """
    read = number or _exactly
    try:
        whole = _ESCAPES.sub(lambda escape: escape[1] or escape[2] or "?", text)
        return json.loads(whole, parse_float=read, parse_int=read, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        told = f"it is not valid JSON (line {error.lineno}, column {error.colno})" if text else "it is empty"
        raise ValueError(told) from None
    except (RecursionError, ArithmeticError):
        raise ValueError("it is nested too deep, or a number in it is too large, to be read") from None


def _exactly(text: str) -> int | Decimal:
    return int(text) if len(text) < _LONG_INTEGER and text.lstrip("-").isdecimal() else Decimal(text)


def _as_sent(text: str) -> int | float:
    """A number of a schema, in a type that is sent to the server as it is."""
    number = float(text)
    if math.isinf(number):
        raise OverflowError
    return int(text) if text.lstrip("-").isdecimal() else number


def _refuse_constant(name: str) -> None:
    raise ValueError(f"it is not valid JSON, which has no {name}")


def read_object(text: str) -> dict[str, Any]:
    """A JSON object of the user's, exactly."""
    try:
        value = encodable(read_json(text, _as_sent))
    except ValueError as error:
        raise ValueError(f"must be a JSON object: {error}") from None
    if not isinstance(value, dict):
        raise ValueError("must be a JSON object")
    return value


def object_of(value: Any) -> Mapping[str, Any]:
    """A JSON object of the user's, given as text, which is taken exactly, or as a map."""
    if isinstance(value, str):
        return read_object(value)
    if isinstance(value, Mapping):
        return value
    raise ValueError("must be a JSON object, as text or as a map")


def is_template_map(value: Any, info: ValidationInfo) -> bool:
    """Whether it is a map of a template's: CloudFormation made text of the numbers and booleans in it.

    Only what comes from there is read with a context; in a record, or a server's reply, types are right.
    """
    return not isinstance(value, str) and info.context is not None


def read_schema(value: Any, info: ValidationInfo) -> Any:
    """A schema with the types that CloudFormation made strings of."""
    schema = object_of(value)
    return restored(schema) if is_template_map(value, info) else schema


def check_schema(schema: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
    """Refuse what is no JSON Schema, before a run is paid for that could not be held against it."""
    if info.mode == "json":
        return schema  # Of a record: it was checked before it was saved.
    # Imported where it is needed: most runs have no schema, and every cold start would pay for it.
    from threadrun.schema.validator import require_schema

    require_schema(schema)
    return schema


def first_problem(text: str, schema: Mapping[str, Any]) -> str | None:
    """What is wrong with an answer that was to follow the schema; None where nothing is.

    Tells places and rules, never the answer's own words: those may be secret.
    """
    from referencing.exceptions import Unresolvable

    from threadrun.schema.validator import ANSWER_SECONDS, best_error, bounded

    try:
        with bounded(ANSWER_SECONDS):
            error: Any = best_error(read_json(text), schema)
    except TimeoutError:
        return f"to hold it against its schema takes more than {ANSWER_SECONDS} s: simplify the schema"
    except RecursionError:
        return "it is nested too deep to be held against its schema"
    except Unresolvable:
        return "its schema refers to what it does not have"
    except ValueError as problem:
        return str(problem)
    if error is None:
        return None
    place = _place(error)
    if error.validator == "required":
        missing = [name for name in error.validator_value if name not in error.instance]
        return f"{place} lacks {', '.join(missing)}"
    value = json.dumps(error.validator_value, default=float)
    if error.validator in _TOLD and len(value) <= _TOLD_CHARACTERS:
        return f"{place} is not as the schema says: {error.validator} {value}"
    return f"{place} is not as the schema says: {error.validator or 'false'}"


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
        value = read_json(text)[key]
    except (ValueError, KeyError, TypeError, IndexError):
        return None
    return value if isinstance(value, str) else None


def restored(schema: Any, *place: str) -> Any:
    """The schema with typed keywords. Values in it, as of `const`, follow the `type` beside them.

    Raises ValueError where a text may have been a number or a boolean and no type tells.
    """
    if schema in ("true", "false"):
        return schema == "true"
    if not isinstance(schema, Mapping):
        return schema
    return {keyword: _restored_keyword(schema, keyword, value, *place) for keyword, value in schema.items()}


def _restored_keyword(schema: Mapping[str, Any], keyword: str, value: Any, *above: str) -> Any:
    place = (*above, keyword)
    if keyword in _NUMBERS:
        return _typed(value, frozenset({"number"}), place)
    if keyword in _BOOLEANS:
        return _typed(value, frozenset({"boolean"}), place)
    if keyword in _SCHEMAS:
        return [restored(each, *place) for each in value] if isinstance(value, list) else restored(value, *place)
    if keyword in _SCHEMA_MAPS and isinstance(value, Mapping):
        return {name: restored(each, *place, name) for name, each in value.items()}
    if keyword in _VALUES:
        return _restored_value(value, schema, place)
    if keyword in _VALUE_LISTS and isinstance(value, list):
        return [_restored_value(each, schema, place) for each in value]
    return value


def _restored_value(value: Any, schema: Any, place: tuple[str, ...]) -> Any:
    """A value that `schema` describes, with what is in it."""
    schema = schema if isinstance(schema, Mapping) else {}
    if isinstance(value, list):
        return [_restored_value(each, schema.get("items"), place) for each in value]
    if isinstance(value, Mapping):
        named, others = schema.get("properties"), schema.get("additionalProperties")
        known = named if isinstance(named, Mapping) else {}
        return {name: _restored_value(each, known.get(name, others), (*place, name)) for name, each in value.items()}
    types = schema.get("type")
    kinds = frozenset(each for each in (types if isinstance(types, list) else [types]) if isinstance(each, str))
    return _typed(value, kinds or _ANY, place)


def _typed(value: Any, kinds: frozenset[str], place: tuple[str, ...]) -> Any:
    """A string as the number or boolean that one of these types calls for, where it reads as one."""
    if not isinstance(value, str):
        return value
    parsed: Any = value
    with suppress(ValueError):
        parsed = read_json(value, _as_sent)
    if not kinds & _KINDS.get(type(parsed), frozenset()):
        return value
    if "string" not in kinds:
        return parsed
    if parsed is None:
        return value  # A template cannot have null, so this was text.
    at, kind = ".".join(place), untyped(parsed)
    raise ValueError(f"{at} may be text or {kind}: give it one `type`, or write the whole schema as JSON text")


def untyped(parsed: object) -> str:
    """What a text of a template that reads as this may have been."""
    return "a boolean" if isinstance(parsed, bool) else "a number"
