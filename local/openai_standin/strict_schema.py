"""Exists because `strict: true` takes a subset of JSON Schema, and OpenAI refuses the rest at once."""

from collections.abc import Callable
from typing import Any

from .errors import ApiError, refused

Refusal = Callable[[str], ApiError]


def require_strict(schema: dict[str, Any], what: str, param: str, code: str) -> None:
    """Refuse a schema whose objects are open or leave a property optional.

    `what` names the schema ("response_format 'answer'"); `param` and `code` go into the error (400).
    """
    if schema.get("type") != "object":
        message = f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{schema.get('type')}\"'."
        raise refused(f"Invalid schema for {what}: {message}", param, code)
    _walk(schema, (), lambda problem: refused(f"Invalid schema for {what}: {problem}", param, code))


def _walk(schema: Any, where: tuple[str, ...], refusal: Refusal) -> None:
    if not isinstance(schema, dict):
        return
    properties = schema.get("properties", {})
    if not isinstance(properties, dict):
        raise refusal(f"In context={where!r}, 'properties' is required to be an object.")
    if schema.get("type") == "object" or properties:
        _require_closed(schema, properties, where, refusal)
    for name, member in properties.items():
        _walk(member, (*where, "properties", name), refusal)
    _walk(schema.get("items"), (*where, "items"), refusal)
    for index, member in enumerate(schema.get("anyOf", ())):
        _walk(member, (*where, "anyOf", str(index)), refusal)
    for keyword in ("$defs", "definitions"):
        for name, member in schema.get(keyword, {}).items():
            _walk(member, (*where, keyword, name), refusal)


def _require_closed(
    schema: dict[str, Any], properties: dict[str, Any], where: tuple[str, ...], refusal: Refusal
) -> None:
    if schema.get("additionalProperties") is not False:
        raise refusal(f"In context={where!r}, 'additionalProperties' is required to be supplied and to be false.")
    for name in properties:
        if name not in schema.get("required", ()):
            raise refusal(
                f"In context={where!r}, 'required' is required to be supplied and to be an array "
                f"including every key in properties. Missing '{name}'."
            )
