"""Tools of a run or an assistant: which parts belong together, and a function's parameters with their types."""

from __future__ import annotations

import json
from typing import Any

import pytest

from threadrun.errors import InvalidProperties
from threadrun.schema.arguments import DesiredAssistant, DesiredRun
from threadrun.schema.json_schema import restored
from threadrun.schema.parsing import parse_properties

SCHEMA = {
    "type": "object",
    "properties": {
        "count": {"type": "integer", "minimum": 1, "default": 3, "enum": [1, 3, 5]},
        "ratio": {"type": ["number", "null"], "exclusiveMaximum": 0.5},
        "exact": {"type": "boolean", "const": True},
        "minimum": {"type": "string", "maxLength": 5, "default": "12", "description": "5"},
        "items": {"type": "array", "items": {"type": "string", "minLength": 1}, "uniqueItems": True},
        "either": {"anyOf": [{"type": "integer", "maximum": 9}, {"type": "null"}]},
    },
    "required": ["count"],
    "additionalProperties": False,
}


def stringified(value: Any) -> Any:
    """A map as CloudFormation hands it to a custom resource."""
    if isinstance(value, dict):
        return {key: stringified(item) for key, item in value.items()}
    if isinstance(value, list):
        return [stringified(item) for item in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def function(parameters: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": "f", "parameters": parameters}}


def parsed(*tools: dict[str, Any]) -> DesiredAssistant:
    return parse_properties({"model": "m", "tools": list(tools)}, DesiredAssistant)[0]


def test_a_schema_gets_its_types_back_by_keyword() -> None:
    assert restored(stringified(SCHEMA)) == SCHEMA


def test_parameters_as_text_are_taken_exactly() -> None:
    """In text nothing was turned into a string, so nothing is turned back."""
    odd = {"type": "object", "properties": {"n": {"type": "integer", "default": "3"}}}
    [tool] = parsed(function(json.dumps(odd))).tools or ()
    assert tool.function is not None
    assert tool.function.parameters == odd


def test_parameters_as_a_map_are_restored() -> None:
    [tool] = parsed(function(stringified(SCHEMA))).tools or ()
    assert tool.function is not None
    assert tool.function.parameters == SCHEMA


def test_keys_of_a_schema_are_data_in_pascal_case_too() -> None:
    raw = {"Model": "m", "Tools": [{"Type": "function", "Function": {"Name": "f", "Parameters": {"type": "object"}}}]}
    desired, style = parse_properties(raw, DesiredAssistant)
    assert style == "PascalCase"
    assert desired.tools is not None
    assert desired.tools[0].function is not None
    assert desired.tools[0].function.parameters == {"type": "object"}


@pytest.mark.parametrize(
    ("tool", "problem"),
    [
        ({"type": "search"}, r"tools\[0\]\.type: must be 'code_interpreter', 'retrieval', 'file_search' or 'function'"),
        ({"type": "function"}, "function is required for type function"),
        ({"type": "function", "function": {"description": "d"}}, r"tools\[0\]\.function\.name: is required"),
        ({"type": "function", "function": {"name": "no spaces"}}, r"tools\[0\]\.function\.name: must match"),
        (function("[1]"), r"tools\[0\]\.function\.parameters: must be a JSON object"),
        (function("{"), "must be a JSON object: this text is no JSON"),
        (function(["a"]), "must be a JSON object, as text or as a map"),
        ({"type": "retrieval", "function": {"name": "f"}}, "function is possible for type function only"),
        (
            {"type": "function", "function": {"name": "f"}, "vector_store_ids": ["vs_1"]},
            "vector_store_ids is possible for type retrieval or file_search only",
        ),
        ({"type": "retrieval", "file_ids": ["file-1"]}, "file_ids is possible for type code_interpreter only"),
    ],
)
def test_a_tool_that_cannot_be_is_named(tool: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidProperties, match=problem):
        parsed(tool)


def test_a_run_takes_from_its_assistant_what_it_does_not_say_itself() -> None:
    assistant = parse_properties(
        {"model": "a", "instructions": "A.", "temperature": "1", "tools": [{"type": "code_interpreter"}]},
        DesiredAssistant,
    )[0]
    messages = {"messages": [{"role": "user", "content": "Hi."}]}
    run = parse_properties({"assistant_id": "asst_1", "temperature": "0", "thread": messages}, DesiredRun)[0]
    effective = run.with_defaults_from(assistant)
    assert (effective.model, effective.instructions, effective.temperature) == ("a", "A.", 0)
    assert effective.tools == assistant.tools


def test_files_are_listed_once_and_in_order() -> None:
    def message(*files: str) -> dict[str, Any]:
        return {"role": "user", "content": "Hi.", "attachments": [{"file_id": each} for each in files]}

    thread = {"messages": [message("file-2", "file-1"), message("file-2")]}
    tools = [{"type": "code_interpreter", "file_ids": ["file-1", "file-3"]}]
    run = parse_properties({"model": "m", "thread": thread, "tools": tools}, DesiredRun)[0]
    assert run.attached_file_ids == ("file-2", "file-1")
    assert run.file_ids == ("file-2", "file-1", "file-3")
