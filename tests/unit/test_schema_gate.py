"""The gate of json_schema: which schemas are let in before a run, and how an answer is judged, exactly and in time."""

import json
import threading
import time
import urllib.request
from decimal import Decimal
from typing import Any

import pytest

from threadrun.errors import InvalidProperties
from threadrun.schema import validator
from threadrun.schema.arguments import DesiredAssistant, DesiredRun
from threadrun.schema.json_schema import first_problem
from threadrun.schema.parsing import parse_properties
from threadrun.state.attributes import output_scalars

MINIMAL: dict[str, Any] = {"model": "m", "thread": {"messages": [{"role": "user", "content": "Hello."}]}}


def let_in(schema: Any) -> Any:
    """The schema as a run has it; raises `InvalidProperties` with why it is refused."""
    form = {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}
    run = parse_properties(MINIMAL | {"response_format": form}, DesiredRun)[0]
    assert run.response_format is not None
    assert run.response_format.json_schema is not None
    return run.response_format.json_schema.schema_


# --- what is let in

REFUSED: list[tuple[Any, str]] = [
    ({"type": "objekt"}, 'integer, boolean, object, array, null or a list of these (it is "objekt")'),
    ({"properties": {"a": "string"}}, '`properties.a` must be a map or true or false: write "type: string" in it'),
    ({"required": "a"}, "is not a valid JSON Schema: `required` must be a list"),
    ({"$ref": "#/x", "x": {"required": "a"}}, "is not a valid JSON Schema: `required` must be a list"),
    *(({"pattern": each}, f"`{each}` is not a regular expression") for each in ("[a-z", "(a", "a)", "*a", "a**")),
    ({"patternProperties": {"(a": {}}}, "`(a` is not a regular expression"),
    ({"$ref": "#"}, "refers to itself without end"),
    *(({each: [{"$ref": "#"}]}, "refers to itself without end") for each in ("allOf", "anyOf", "oneOf")),
    *(({each: {"$ref": "#"}}, "refers to itself without end") for each in ("not", "if", "then", "else")),
    ({"dependentSchemas": {"a": {"$ref": "#"}}}, "refers to itself without end"),
    ({"$ref": "#", "const": 1}, "refers to itself without end"),
    ({"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"not": {"$ref": "#/$defs/a"}}}, "$ref": "#/$defs/a"}, "without end"),
    ({"properties": {"a": {"$ref": "#/$defs/a"}}}, "refers to what it does not have: #/$defs/a"),
    ({"$ref": "#/allOf/first", "allOf": [{}]}, "refers to what it does not have: #/allOf/first"),
    ({"$ref": "#/title", "title": "a"}, "refers to what it does not have: #/title"),
    ({"$ref": "http://127.0.0.1:9/a"}, "refers to what it does not have: http://127.0.0.1:9/a"),
    ({"$id": "http://[", "$ref": "#/a"}, "refers to what it does not have: #/a"),
    ('{"minimum": NaN}', "it is not valid JSON, which has no NaN"),
    ('{"minimum": 1e400}', "a number in it is too large"),
    ('{"minimum": %s}' % ("9" * 5000), "a number in it is too large"),
    ('{"a": }', "must be a JSON object: it is not valid JSON (line 1, column 7)"),
]


@pytest.mark.parametrize(("schema", "sentence"), REFUSED, ids=lambda each: str(each)[:60])
def test_a_schema_that_no_answer_could_be_held_against_is_refused(schema: Any, sentence: str) -> None:
    with pytest.raises(InvalidProperties) as raised:
        let_in(schema)
    [problem] = raised.value.problems
    assert problem.startswith("response_format.json_schema.schema: ")
    assert sentence in problem


LET_IN: list[dict[str, Any]] = [
    {"pattern": r"\p{L}+"},
    {"pattern": r"^(?<year>\d{4})-\k<year>$"},
    {"pattern": r"(?<=a+)b"},
    {"patternProperties": {r"^\p{Lu}": {"type": "string"}}},
    {"type": "object", "properties": {"child": {"$ref": "#"}}},
    {"$ref": "#/components/schemas/A", "components": {"schemas": {"A": {"type": "string"}}}},
    {"$ref": "#word", "$defs": {"word": {"$anchor": "word", "type": "string"}}},
    {"$ref": "https://json-schema.org/draft/2020-12/schema"},
    {"$schema": "http://json-schema.org/draft-07/schema#", "definitions": {"a": {}}, "$ref": "#/definitions/a"},
    {"$defs": {"a": {"$schema": "http://json-schema.org/draft-03/schema#", "extends": 7}}},
    {"type": "object", "properties": {"type": {"type": "string"}, "enum": {"type": "array"}, "pattern": {}}},
]


@pytest.mark.parametrize("schema", LET_IN, ids=str)
def test_a_schema_of_the_standard_is_let_in_as_it_is_written(schema: dict[str, Any]) -> None:
    assert let_in(schema) == let_in(json.dumps(schema)) == schema


def test_a_schema_that_takes_too_long_to_check_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validator, "SCHEMA_SECONDS", 0.1)
    with pytest.raises(InvalidProperties, match=r"takes more than 0\.1 s to check: simplify it"):
        let_in({"properties": {f"p{number}": {"type": "string"} for number in range(5000)}})


RESTORED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"type": "integer", "const": "5"}, {"type": "integer", "const": 5}),
    ({"enum": ["go", "no-go"]}, {"enum": ["go", "no-go"]}),
    ({"type": "string", "enum": ["1", "true"]}, {"type": "string", "enum": ["1", "true"]}),
    ({"type": ["string", "null"], "enum": ["a", "null"]}, {"type": ["string", "null"], "enum": ["a", "null"]}),
    ({"type": ["integer", "null"], "enum": ["1", "null"]}, {"type": ["integer", "null"], "enum": [1, None]}),
    ({"type": "number", "default": "NaN"}, {"type": "number", "default": "NaN"}),
    (
        {"type": "array", "items": {"type": "number"}, "default": ["1", "0.5"]},
        {"type": "array", "items": {"type": "number"}, "default": [1, 0.5]},
    ),
    (
        {"properties": {"n": {"type": "integer"}, "s": {"type": "string"}}, "const": {"n": "1", "s": "1"}},
        {"properties": {"n": {"type": "integer"}, "s": {"type": "string"}}, "const": {"n": 1, "s": "1"}},
    ),
    (
        {"additionalProperties": {"type": "boolean"}, "examples": [{"a": "true"}]},
        {"additionalProperties": {"type": "boolean"}, "examples": [{"a": True}]},
    ),
    (
        {"properties": {"type": {"type": "integer", "const": "5"}}},
        {"properties": {"type": {"type": "integer", "const": 5}}},
    ),
]


@pytest.mark.parametrize(("given", "schema"), RESTORED, ids=lambda each: str(each)[:60])
def test_values_of_a_map_get_the_type_that_stands_beside_them(given: Any, schema: Any) -> None:
    assert repr(let_in(given)) == repr(schema)


UNCLEAR: list[tuple[dict[str, Any], str]] = [
    ({"enum": ["1", "2"]}, "enum may be text or a number"),
    ({"const": "true"}, "const may be text or a boolean"),
    ({"type": ["string", "integer"], "default": "5"}, "default may be text or a number"),
    ({"type": "array", "default": ["a", "7"]}, "default may be text or a number"),
    ({"properties": {"a": {"anyOf": [{"const": "0.5"}]}}}, "properties.a.anyOf.const may be text or a number"),
    ({"type": "object", "const": {"a": {"b": "1"}}}, "const.a.b may be text or a number"),
]


@pytest.mark.parametrize(("schema", "sentence"), UNCLEAR, ids=lambda each: str(each)[:60])
def test_a_value_that_may_have_been_text_or_not_is_to_be_written_as_json_text(schema: Any, sentence: str) -> None:
    with pytest.raises(InvalidProperties) as raised:
        let_in(schema)
    assert f"{sentence}: give it one `type`, or write the whole schema as JSON text" in raised.value.reason
    assert let_in(json.dumps(schema)) == schema


def test_a_schema_that_was_let_in_is_taken_from_the_record_as_it_is() -> None:
    """JSON text is kept as a map: nothing in it may be restored, or checked, when the record is read again."""
    schema = {"enum": ["1", "2"], "properties": {"n": {"type": "integer", "default": "3"}}}
    form = {"type": "json_schema", "json_schema": {"name": "a", "schema": json.dumps(schema)}}
    tool = {"type": "function", "function": {"name": "f", "parameters": json.dumps(schema)}}
    raw = {"model": "m", "response_format": form, "tools": [tool]}
    kept = parse_properties(raw, DesiredAssistant)[0]
    assert DesiredAssistant.model_validate_json(kept.model_dump_json(by_alias=True)) == kept
    refused_now = kept.model_dump_json(by_alias=True).replace('"enum":["1","2"]', '"$ref":"#"')
    assert DesiredAssistant.model_validate_json(refused_now).response_format is not None


# --- how an answer is judged

WHOLE = "the whole is not as the schema says: "
PEOPLE = {
    "patternProperties": {r"^\p{Lu}": {"type": "integer"}, "^a": {"type": "integer"}},
    "additionalProperties": False,
}
NESTED = {"type": ["object", "array", "null"], "properties": {"a": {"$ref": "#"}}, "items": {"$ref": "#"}}
NUMBERS = {"additionalProperties": {"type": "number"}}
JUDGED: list[tuple[Any, str, str | None]] = [
    ({"type": "object"}, "{}", None),
    ({}, "7", None),
    ({"$defs": {"n": {"type": "number"}}, "properties": {"a": {"$ref": "#/$defs/n"}}}, '{"a": 1}', None),
    ({"type": "object"}, "[1]", WHOLE + 'type "object"'),
    ({"items": {"maxLength": 2}}, '["ab", "secret"]', "[1] is not as the schema says: maxLength 2"),
    ({"properties": {"a": {"required": ["b", "c"]}}}, '{"a": {"b": 1}}', "a lacks c"),
    ({"enum": ["x" * 300]}, '"secret"', WHOLE + "enum"),
    ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "7", WHOLE + "anyOf"),
    ({"properties": {"a": False}}, '{"a": 1}', WHOLE + "false"),
    ({"$ref": "#/$defs/nowhere"}, "7", "its schema refers to what it does not have"),
    ({"$ref": "#"}, "7", "it is nested too deep to be held against its schema"),
    # A key that the schema leaves to the answer is a word of the answer.
    (NUMBERS, '{"secret": "x"}', '* is not as the schema says: type "number"'),
    ({"properties": {"by": NUMBERS}}, '{"by": {"secret": "x"}}', 'by.* is not as the schema says: type "number"'),
    ({"items": NUMBERS}, '[{"secret": "x"}]', '[0].* is not as the schema says: type "number"'),
    (
        {"patternProperties": {"^s": {"type": "number"}}},
        '{"secret": "x"}',
        '* is not as the schema says: type "number"',
    ),
    ({"unevaluatedProperties": {"required": ["a"]}}, '{"secret": {}}', WHOLE + "unevaluatedProperties"),
    ({"propertyNames": {"maxLength": 3}}, '{"secret": 1}', WHOLE + "maxLength 3"),
    (
        {"$defs": {"n": NUMBERS}, "properties": {"a": {"$ref": "#/$defs/n"}}},
        '{"a": {"secret": "x"}}',
        'a.* is not as the schema says: type "number"',
    ),
    # Texts that are no JSON.
    ({}, '{"secret": ', "it is not valid JSON (line 1, column 12)"),
    ({}, "", "it is empty"),
    ({}, '{"a": NaN}', "it is not valid JSON, which has no NaN"),
    ({}, "[-Infinity]", "it is not valid JSON, which has no -Infinity"),
    # Numbers are what is written.
    ({"multipleOf": 0.01}, "19.99", None),
    ({"multipleOf": 0.01}, "19.995", WHOLE + "multipleOf 0.01"),
    ({"multipleOf": 0.01}, "1e400", None),
    ({"multipleOf": 3}, "1e9999999999", WHOLE + "multipleOf 3"),
    ({"multipleOf": 3}, "1e-9999999999", WHOLE + "multipleOf 3"),
    ({"multipleOf": 3}, "-" + "9" * 5000, None),
    ({"type": "integer", "maximum": 10}, "1e9999999999", WHOLE + "maximum 10"),
    ({"type": "integer"}, "1.0", None),
    ({"type": "integer"}, "true", WHOLE + 'type "integer"'),
    ({"type": "integer"}, "1.5", WHOLE + 'type "integer"'),
    ({"const": 0.1}, "0.1", None),
    ({"maximum": 0.1}, "0.10000000000000000000001", WHOLE + "maximum 0.1"),
    (
        {"$schema": "http://json-schema.org/draft-07/schema#", "items": {"$ref": "#"}, "multipleOf": 0.01},
        "[19.99]",
        None,
    ),
    ({}, "1e99999999999999999999", "it is nested too deep, or a number in it is too large, to be read"),
    # Depth.
    (NESTED, '{"a":' * 200 + "[" * 200 + "null" + "]" * 200 + "}" * 200, None),
    (NESTED, "[" * 100_000, "it is nested too deep, or a number in it is too large, to be read"),
    (NESTED, "[" * 5000 + "]" * 5000, "it is nested too deep to be held against its schema"),
    # Patterns are ECMA's.
    ({"pattern": r"^(?<two>a|b)\k<two>$"}, '"bb"', None),
    ({"pattern": r"^(?<two>a|b)\k<two>$"}, '"ab"', WHOLE + r'pattern "^(?<two>a|b)\\k<two>$"'),
    ({"pattern": "^a$"}, '"a\\n"', WHOLE + 'pattern "^a$"'),
    ({"pattern": r"^\d$"}, '"\u0663"', WHOLE + r'pattern "^\\d$"'),
    ({"pattern": "^[^]$"}, '"\\n"', None),
    ({"pattern": "[[a]"}, '"b"', WHOLE + 'pattern "[[a]"'),
    ({"pattern": r"^\p{Lu}"}, '"a"', None),
    (PEOPLE, '{"Ann": 1, "of any name": "x"}', None),
    (PEOPLE, '{"ann": "x"}', '* is not as the schema says: type "integer"'),
    ({"patternProperties": {"^(?<y>x)$": {}, "^(?<y>q)$": {}}, "additionalProperties": False}, '{"q": 1}', None),
    # Items.
    ({"uniqueItems": True}, '[1, true, "1", [1], [true], {"a": 1}, {"a": true}, {"b": [1]}]', None),
    ({"uniqueItems": True}, '[{"a": [1, {}]}, {"a": [1.0, {}]}]', WHOLE + "uniqueItems true"),
    ({"uniqueItems": True}, json.dumps([{"a": [number]} for number in range(9000)]), None),
    ({"uniqueItems": False}, "[1, 1]", None),
]


@pytest.mark.parametrize(("schema", "text", "problem"), JUDGED, ids=lambda each: str(each)[:50])
def test_the_first_problem_of_an_answer_is_told_by_place_and_rule_and_never_by_its_own_words(
    schema: dict[str, Any], text: str, problem: str | None
) -> None:
    assert first_problem(text, schema) == problem


def test_an_answer_that_takes_too_long_to_judge_ends_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """A regular expression that goes through every way to read a text runs for years."""
    monkeypatch.setattr(validator, "ANSWER_SECONDS", 0.2)
    sentence = "to hold it against its schema takes more than 0.2 s: simplify the schema"
    assert first_problem(json.dumps("a" * 60 + "!"), {"pattern": "^(a+)+$"}) == sentence
    assert first_problem('"aaa"', {"pattern": "^(a+)+$"}) is None


def test_nothing_is_interrupted_after_an_answer_was_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validator, "ANSWER_SECONDS", 0.05)
    assert first_problem("7", {"type": "integer"}) is None
    until = time.process_time() + 0.2
    while time.process_time() < until:
        pass


def test_an_answer_is_judged_in_another_thread_too() -> None:
    problems: list[str | None] = []
    thread = threading.Thread(target=lambda: problems.append(first_problem("7", {"type": "string"})))
    thread.start()
    thread.join()
    assert problems == [WHOLE + 'type "string"']


def test_a_reference_is_never_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    """The schema is a stack author's: it must not make the function call an address of their choice."""

    def fetched(*_: object, **__: object) -> None:
        pytest.fail("a reference was fetched")

    monkeypatch.setattr(urllib.request, "urlopen", fetched)
    schema = {"$ref": "http://127.0.0.1:9/schema"}
    assert first_problem("7", schema) == "its schema refers to what it does not have"
    with pytest.raises(InvalidProperties, match="refers to what it does not have"):
        let_in(schema)


def test_attributes_of_an_answer_are_the_numbers_that_were_written() -> None:
    written = {"price": "19.990", "far": "1e9999999999", "farther": "1e99999999999999999999", "long": "9" * 5000}
    text = "{" + ", ".join(f'"{name}": {number}' for name, number in written.items()) + "}"
    assert output_scalars(text) == written | {"price": Decimal("19.990")}
    assert str(output_scalars(text)["price"]) == "19.990"
