"""Exists to answer without a model: a deterministic text that says it comes from a stand-in, or the smallest
JSON that a schema allows."""

import json
import math
from collections import ChainMap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator

from .hosted_tools import McpServer, items_of_tools
from .items import Item, NewId, output_item, text_of
from .patterns import matching
from .scripts import Script

Usage = dict[str, Any]

_DEEPEST = 5
_FORMATS = {
    "date-time": "2000-01-01T00:00:00Z",
    "date": "2000-01-01",
    "time": "00:00:00Z",
    "duration": "P1D",
    "email": "standin@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "uri": "https://example.com/",
}


@dataclass(frozen=True)
class Outcome:
    """How a response ends, known from its start."""

    status: str
    output: list[Item]
    usage: Usage | None
    error: dict[str, str] | None = None
    incomplete_reason: str | None = None


@dataclass
class Turn:
    """What a model does with a request until it is done or calls functions; times are in epoch seconds."""

    outcome: Outcome
    context: list[Item]
    starts_at: float
    ends_at: float
    is_delivered: bool = False

    @property
    def calls(self) -> list[Item]:
        """List the function calls that must be answered before a run can go on."""
        return [item for item in self.outcome.output if item["type"] == "function_call"]


def outcome_of(
    script: Script,
    request: Mapping[str, Any],
    context: Sequence[Item],
    new_id: NewId,
    servers: Mapping[str, McpServer],
) -> Outcome:
    """Play a script for a request; `context` is all that a model would read, the request's own items last."""
    if script.status in ("failed", "cancelled"):
        usage = _usage(script.usage) if script.usage else None
        code, message = script.error or ("server_error", "The stand-in was told to fail.")
        error = {"code": code, "message": message} if script.status == "failed" else None
        return Outcome(script.status, [], usage, error)
    raw = _scripted_output(script, request, context)
    if script.output is None and script.status == "completed":
        used = items_of_tools(servers, request.get("tools") or (), asked_text(context))
        is_open = any(item["type"] == "mcp_approval_request" for item in used)
        raw = used if is_open else [*used, *raw]
    output = [output_item(item, script.status, new_id) for item in raw]
    read = _words(str(request.get("instructions") or "")) + sum(_words(text_of(item)) for item in context)
    usage = _usage(script.usage or (read, sum(_words(text_of(item)) for item in output)))
    reason = (script.incomplete_reason or "max_output_tokens") if script.status == "incomplete" else None
    return Outcome(script.status, output, usage, incomplete_reason=reason)


def _scripted_output(script: Script, request: Mapping[str, Any], context: Sequence[Item]) -> list[dict[str, Any]]:
    if script.output is not None:
        return [dict(item) for item in script.output]
    text = script.output_text
    if text is None and script.status == "completed":
        text = default_text(request, context)
    # Nothing to say happens when the tokens were spent before the first word.
    return [] if text is None else [{"type": "message", "role": "assistant", "content": text}]


def default_text(request: Mapping[str, Any], context: Sequence[Item]) -> str:
    """Say what was received, in the format that was asked for."""
    words = " ".join(asked_text(context).split())
    answer = f'This is the stand-in\'s answer to: "{words if len(words) <= 80 else words[:79] + "…"}"'
    wanted = (request.get("text") or {}).get("format") or {}
    if wanted.get("type") == "json_schema":
        return json.dumps(smallest(wanted["schema"]))
    return json.dumps({"answer": answer}) if wanted.get("type") == "json_object" else answer


def asked_text(context: Sequence[Item]) -> str:
    """Tell the newest words that are not the model's own."""
    return next((text_of(item) for item in reversed(context) if item.get("role") != "assistant"), "")


def smallest(schema: Any, root: Any = None, depth: int = 0) -> Any:
    """Make a small value that a schema allows. References are into `root`."""
    root = schema if root is None else root
    if not isinstance(schema, Mapping):
        return None
    if "$ref" in schema:
        return smallest(_resolved(schema["$ref"], root), root, depth + 1)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    if options := schema.get("anyOf") or schema.get("oneOf"):
        # A recursive schema ends where it may be null.
        endings = [option for option in options if isinstance(option, Mapping) and option.get("type") == "null"]
        return smallest(endings[0] if endings and depth > _DEEPEST else options[0], root, depth + 1)
    if schema.get("allOf"):
        return smallest(dict(ChainMap(*reversed(schema["allOf"]))), root, depth + 1)
    return _of_type(schema, root, depth)


def _resolved(reference: str, root: Mapping[str, Any]) -> Any:
    found: Any = root
    for part in reference.lstrip("#").strip("/").split("/"):
        found = found[part.replace("~1", "/").replace("~0", "~")] if part else found
    return found


def _of_type(schema: Mapping[str, Any], root: Mapping[str, Any], depth: int) -> Any:
    kind = schema.get("type", "object" if "properties" in schema else "string")
    if isinstance(kind, list):
        kind = "null" if "null" in kind and depth > _DEEPEST else kind[0]
    if kind == "object":
        properties = schema.get("properties", {})
        return {name: smallest(properties.get(name, {}), root, depth + 1) for name in schema.get("required", ())}
    if kind == "array":
        return [smallest(schema.get("items", {}), root, depth + 1) for _ in range(schema.get("minItems", 0))]
    if kind in ("integer", "number"):
        return _small_number({**schema, "type": kind})
    if kind == "string":
        text = _FORMATS.get(schema.get("format", ""), "stand-in")
        if pattern := schema.get("pattern"):
            return matching(pattern) or text
        return text.ljust(schema.get("minLength", 0), ".")[: schema.get("maxLength", len(text) + 1000)]
    return {"boolean": False}.get(kind)


def _small_number(schema: Mapping[str, Any]) -> Any:
    """Take the first of some numbers around zero and around its bounds that a schema allows."""
    step = schema.get("multipleOf", 1)
    bounds = [each for name, each in schema.items() if name.lower().endswith(("minimum", "maximum"))]
    near = [math.floor(bound / step) * step + more for bound in [0, *bounds] for more in (0, step, -step)]
    judge = Draft202012Validator(schema)
    return next((each for each in [*near, sum(bounds) / 2, *bounds] if judge.is_valid(each)), 0)


def _words(text: str) -> int:
    return len(text.split())


def _usage(tokens: tuple[int, ...]) -> Usage:
    read, written, cached, reasoned = (*tokens, 0, 0)[:4]
    return {
        "input_tokens": read,
        "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": 0},
        "output_tokens": written,
        "output_tokens_details": {"reasoning_tokens": reasoned},
        "total_tokens": read + written,
    }
