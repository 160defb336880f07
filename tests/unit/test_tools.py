"""Tools of a run or an assistant, and the schemas of their parameters and of answers."""

import json
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

from threadrun.errors import InvalidProperties
from threadrun.schema.arguments import DesiredAssistant, DesiredRun
from threadrun.schema.json_schema import first_problem
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


ODD = {"type": "object", "properties": {"n": {"type": "integer", "default": "3"}}}


@pytest.mark.parametrize(
    ("given", "schema"),
    [(stringified(SCHEMA), SCHEMA), (json.dumps(ODD), ODD)],
    ids=["a map gets its types back by keyword", "text is taken exactly: in it nothing was turned into a string"],
)
@pytest.mark.parametrize("words", [str.lower, str.title], ids=["snake_case", "PascalCase"])
def test_parameters_of_a_function_are_a_schema_whose_keys_are_data(
    given: Any, schema: dict[str, Any], words: Callable[[str], str]
) -> None:
    named = {words("name"): "f", words("parameters"): given}
    raw = {words("model"): "m", words("tools"): [{words("type"): "function", words("function"): named}]}
    desired, style = parse_properties(raw, DesiredAssistant)
    assert style == ("PascalCase" if "Model" in raw else "snake_case")
    [tool] = desired.tools or ()
    assert tool.function is not None
    assert tool.function.parameters == schema


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
        ({"type": "function", "function": {"name": "f", "handler_arn": "f"}}, "handler_arn: must match"),
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
        parse_properties({"model": "m", "tools": [tool]}, DesiredAssistant)


def test_files_are_listed_once_and_in_order() -> None:
    def message(*files: str) -> dict[str, Any]:
        return {"role": "user", "content": "Hi.", "attachments": [{"file_id": each} for each in files]}

    thread = {"messages": [message("file-2", "file-1"), message("file-2")]}
    tools = [{"type": "code_interpreter", "file_ids": ["file-1", "file-3"]}]
    run = parse_properties({"model": "m", "thread": thread, "tools": tools}, DesiredRun)[0]
    assert run.attached_file_ids == ("file-2", "file-1")
    assert run.file_ids == ("file-2", "file-1", "file-3")


# --- answers held against a schema


@pytest.mark.parametrize(
    ("schema", "text", "problem"),
    [
        ({"type": "object"}, "{}", None),
        ({}, "7", None),
        ({"$defs": {"n": {"type": "number"}}, "properties": {"a": {"$ref": "#/$defs/n"}}}, '{"a": 1}', None),
        ({"type": "object"}, "[1]", 'the whole is not as the schema says: type "object"'),
        ({"items": {"maxLength": 2}}, '["ab", "secret"]', "[1] is not as the schema says: maxLength 2"),
        ({"properties": {"a": {"required": ["b", "c"]}}}, '{"a": {"b": 1}}', "a lacks c"),
        ({"enum": ["x" * 300]}, '"secret"', "the whole is not as the schema says: enum"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "7", "the whole is not as the schema says: anyOf"),
        ({"$ref": "#/$defs/nowhere"}, "7", "its schema refers to what it does not have"),
        ({"type": "object"}, '{"secret": ', "it is no JSON"),
        ({"type": "object"}, "[" * 100_000, "it is no JSON"),
    ],
)
def test_the_first_problem_of_an_answer_is_told_by_place_and_rule_and_never_by_its_own_words(
    schema: dict[str, Any], text: str, problem: str | None
) -> None:
    assert first_problem(text, schema) == problem


def test_a_reference_is_never_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    """The schema is a stack author's: it must not make the function call an address of their choice."""

    def fetched(*_: object, **__: object) -> None:
        pytest.fail("a reference was fetched")

    monkeypatch.setattr(urllib.request, "urlopen", fetched)
    problem = first_problem("7", {"$ref": "http://127.0.0.1:9/schema"})
    assert problem == "its schema refers to what it does not have"
