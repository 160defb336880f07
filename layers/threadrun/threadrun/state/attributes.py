"""The attributes of a run: as the public item of the table, and as Data of an answer.

Names and meaning: the Terraform resource `openai_thread_run`; `output.<key>` are the top-level scalars of an
output that is a JSON object. It must not know where the attributes go.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, fields
from decimal import Decimal
from typing import Any

from pydantic.alias_generators import to_pascal

from threadrun.schema.json_schema import read_json
from threadrun.schema.parsing import KeyStyle
from threadrun.state.files import FileRecord
from threadrun.state.observations import ObservedRun, Usage
from threadrun.state.run import RunRecord
from threadrun.state.run_values import Resolution
from threadrun.state.shared import AssistantRecord, ThreadRecord
from threadrun.state.stores import VectorStoreRecord

OBJECT = "thread.run"
_DYNAMODB_DIGITS, _DYNAMODB_NAME_BYTES = 38, 65_535
_NAMES = (
    *("id", "thread_id", "created_at", "started_at", "completed_at", "object", "status", "file_ids", "usage", "model"),
    *("assistant_id", "assistant_version", "required_action", "output_text", "output_truncated", "refusal"),
    *("citations", "output", *(f"usage.{each.name}" for each in fields(Usage))),
)
"""Of `run_attributes`."""


def run_attributes(run: RunRecord, observed: ObservedRun) -> dict[str, Any]:
    """Typed attributes of a run that has ended: times in Unix seconds, unknown ones None."""
    state, resolution = run.observed, run.resolution or Resolution()
    usage = asdict(state.usage)
    text = observed.output_text.encode("utf-8", "replace").decode()
    return {
        "id": run.run_id,
        "thread_id": run.thread_id,
        "created_at": state.created_at,
        "started_at": state.started_at,
        "completed_at": state.completed_at,
        "object": OBJECT,
        "status": state.status,
        "file_ids": list(resolution.file_ids),
        "usage": usage,
        **{f"usage.{name}": tokens for name, tokens in usage.items()},
        "model": state.model,
        "assistant_id": resolution.assistant_id,
        "assistant_version": resolution.assistant_version,
        # Their arguments stay text: numbers in them need not fit DynamoDB.
        "required_action": [asdict(call) for call in observed.calls] if state.status == "requires_action" else None,
        "output_text": text,
        "output_truncated": not observed.are_all_cited,
        "refusal": observed.refusal or None,
        "citations": [asdict(citation) for citation in observed.citations],
        "output": output_scalars(text),
    }


def with_all_attributes(recorded: Mapping[str, Any]) -> dict[str, Any] | None:
    """Attributes as an item has them, though it lacks some: an older version, or people, wrote it.

    None where the answer is not there: only the server has it then.
    """
    if not isinstance(recorded.get("output_text"), str):
        return None
    known = {"object": OBJECT, "file_ids": [], "citations": [], "output_truncated": False, **recorded}
    output = recorded.get("output")
    return {**dict.fromkeys(_NAMES), **known, "output": output if isinstance(output, dict) else {}}


def made_attributes(made: ThreadRecord | AssistantRecord | FileRecord | VectorStoreRecord) -> dict[str, Any]:
    if isinstance(made, FileRecord | VectorStoreRecord):
        return made.attributes()
    common = {"id": made.physical_id, "created_at": made.created_at}
    if isinstance(made, ThreadRecord):
        return common
    return common | {"version": made.version, "name": made.name, "model": made.model}


def output_scalars(text: str) -> dict[str, Any]:
    """Top-level scalars of an output that is a JSON object, by keys that DynamoDB can hold; else nothing."""
    try:
        value = read_json(text, _storable_number)
    except ValueError:
        return {}
    if not isinstance(value, dict):
        return {}
    return {
        key: _storable(item)
        for key, item in value.items()
        if 0 < len(key.encode()) <= _DYNAMODB_NAME_BYTES and not isinstance(item, dict | list)
    }


def response_data(attributes: Mapping[str, Any], style: KeyStyle) -> tuple[dict[str, str], dict[str, str]]:
    """The attributes as Fn::GetAtt gives them, all text: the fixed ones, and those that may have no room."""
    rename = to_pascal if style == "PascalCase" else str
    fixed = {
        ".".join(rename(part) for part in name.split(".")): _text(value)
        for name, value in attributes.items()
        if name not in ("output", "output_text", "output_truncated")
    }
    optional = {f"{rename('output')}.{key}": _text(value) for key, value in attributes.get("output", {}).items()}
    if attributes.get("object") == OBJECT:
        name, required = rename("required_action"), attributes["required_action"]
        fixed[name] = ""
        optional = {name: _text(required), **optional} if required else optional
    return fixed, optional


def _text(value: Any) -> str:
    """A value as CloudFormation writes scalars; lists and maps as JSON; unknown as empty text."""
    if value is None:
        return ""
    return str(value) if isinstance(value, str | Decimal) else json.dumps(value, default=str, ensure_ascii=False)


def _storable(value: Any) -> Any:
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def _storable_number(text: str) -> Decimal | str:
    """A number that DynamoDB can hold: its numbers have 38 digits, longer ones stay text."""
    with suppress(ArithmeticError):
        number = Decimal(text)
        if len(number.as_tuple().digits) <= _DYNAMODB_DIGITS and -130 <= number.adjusted() <= 125:
            return number
    return text
