"""Structured answers on both wires: a promised JSON Schema is sent, and the answer is held against it."""

import json
from typing import Any

import pytest

from local.openai_standin import Script
from testkit.in_process.world import World
from tests.support.runs import ASSISTANT, WIRES, attributes, delete_all, failure

pytestmark = pytest.mark.parametrize("wire", WIRES, indirect=True)
SCHEMA = {
    "type": "object",
    "properties": {"verdict": {"enum": ["go", "no-go"]}, "score": {"type": "number", "minimum": 0}},
    "required": ["verdict", "score"],
    "additionalProperties": False,
}
AS_A_MAP = json.loads(json.dumps(SCHEMA).replace("false", '"false"').replace('"minimum": 0', '"minimum": "0"'))
"""As CloudFormation hands over a schema that was written in the template itself."""
THREAD = {"messages": [{"role": "user", "content": "Is this release fit to go?"}]}


def promised(schema: Any = SCHEMA, **more: Any) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "verdict", "schema": schema, **more}}


def sent(world: World) -> dict[str, Any]:
    """The form that the last run was started with, without its type, in the words of Assistants v2."""
    if world.wire == "assistants":
        return dict(world.posted("/runs")[-1]["response_format"]["json_schema"])
    form = dict(world.posted()[-1]["text"]["format"])
    assert form.pop("type") == "json_schema"
    return form


@pytest.mark.parametrize("schema", [json.dumps(SCHEMA), AS_A_MAP], ids=["JSON text", "a map of strings"])
def test_the_keys_of_a_promised_answer_are_attributes(world: World, assistant_id: str, schema: Any) -> None:
    world.openai.script(Script(output_text='{"verdict": "go", "score": 0.75}'))
    form = promised(schema, strict="true", description="Whether it may go.")
    answer = world.create({"assistant_id": assistant_id, "thread": THREAD, "response_format": form})
    data = attributes(answer)
    assert (data["output.verdict"], data["output.score"]) == ("go", "0.75")
    assert sent(world) == {
        "name": "verdict",
        "description": "Whether it may go.",
        "schema": SCHEMA,
        "strict": True,
    }


BROKEN = {
    "no JSON": ("It is a go.", "it is not valid JSON (line 1, column 1)"),
    "nothing": ("", "it is empty"),
    "another word": (
        '{"verdict": "secret word", "score": 1}',
        'verdict is not as the schema says: enum ["go", "no-go"]',
    ),
    "a key too many": ('{"verdict": "go", "score": 1, "secret word": 1}', "the whole is not as the schema says"),
}


def test_an_answer_that_is_not_as_promised_fails_with_its_first_problem(world: World, assistant_id: str) -> None:
    """The answer's own words are not repeated: they may be secret."""
    properties = {"assistant_id": assistant_id, "thread": THREAD, "response_format": promised()}
    for name, (text, problem) in BROKEN.items():
        world.openai.script(Script(output_text=text))
        answer = world.create(properties, logical_id=name)
        assert "does not match json_schema: " + problem in failure(answer), name
        assert "secret word" not in answer["Reason"], name
        delete_all(world, answer)


PRICE = {"type": "object", "properties": {"price": {"multipleOf": 0.01}, "tree": {"$ref": "#/$defs/tree"}}}
PRICE["$defs"] = {"tree": {"type": "array", "items": {"$ref": "#/$defs/tree"}}}
KEPT = {
    "19.99": "19.99",
    "1e400": "1e400",
    "1.5e125": "15" + "0" * 124,
    "1e9999999999": "1e9999999999",
    '5, "tree": ' + "[" * 400 + "]" * 400: "5",
}


@pytest.mark.parametrize(
    ("price", "attribute"), KEPT.items(), ids=["decimals", "1e400", "1.5e125", "1e9999999999", "400 levels"]
)
def test_a_paid_answer_is_not_lost_to_its_numbers_or_its_depth(
    world: World, assistant_id: str, price: str, attribute: str
) -> None:
    world.openai.script(Script(output_text=f'{{"price": {price}}}'))
    form = promised(json.dumps(PRICE))
    answer = world.create({"assistant_id": assistant_id, "thread": THREAD, "response_format": form})
    assert attributes(answer)["output.price"] == attribute


def test_half_a_character_that_is_escaped_in_an_answer_is_a_question_mark(world: World, assistant_id: str) -> None:
    """No store takes one, and parsing would bring it back after the text was cleaned."""
    text = r'{"\ud83d": "\ude00", "\uD83D\uDE00": "\\ud83d", "list": ["\ud83d"]}'
    world.openai.script(Script(output_text=text))
    answer = world.create({"assistant_id": assistant_id, "thread": THREAD})
    data = attributes(answer)
    assert (data["output.?"], data["output.😀"]) == ("?", r"\ud83d")
    delete_all(world, answer)


ASIDE = "; why: It drops a column."
TOLD = {
    '{"verdict": "maybe", "score": 1, "why": "It drops a column."}': True,
    '{"verdict": "maybe", "score": 1, "why": 7}': False,
    '{"verdict": "maybe", "score": 1}': False,
    r'{"why": "It drops a column.\ud83d"}': True,
    '["why"]': False,
    "no JSON": False,
}


def test_one_key_of_an_answer_that_fails_is_shown_where_the_user_wants_it(world: World, assistant_id: str) -> None:
    form = promised(SCHEMA | {"additionalProperties": True})
    properties = {"assistant_id": assistant_id, "thread": THREAD, "response_format": form, "reason_key": "why"}
    for text, is_told in TOLD.items():
        world.openai.script(Script(output_text=text))
        reason = failure(world.create(properties, logical_id=text))
        assert "does not match json_schema" in reason
        assert (ASIDE in reason) == is_told, text


def test_an_assistant_can_make_the_promise_for_its_runs(world: World) -> None:
    made = world.create({"model": "gpt-5.4-mini", "response_format": promised()}, **ASSISTANT)
    world.openai.script(Script(output_text='{"verdict": "maybe", "score": 1}'))
    answer = world.create({"assistant_id": made["PhysicalResourceId"], "thread": THREAD})
    assert "does not match json_schema: verdict" in failure(answer)


BAD = {
    "without a schema": ({"type": "json_schema"}, "json_schema is required for type json_schema"),
    "for another type": (promised() | {"type": "text"}, "json_schema is possible for type json_schema only"),
    "no JSON": (promised("{"), "response_format.json_schema.schema: must be a JSON object: it is not valid JSON"),
    "no schema": (promised({"type": "colour"}), "json_schema.schema: is not a valid JSON Schema: `type`"),
    "no name": ({"type": "json_schema", "json_schema": {"schema": SCHEMA}}, "json_schema.name: is required"),
}


def test_a_promise_that_cannot_be_kept_is_refused_at_once(world: World, assistant_id: str) -> None:
    before = len(world.openai.requests)
    for name, (form, sentence) in BAD.items():
        properties = {"assistant_id": assistant_id, "thread": THREAD, "response_format": form}
        assert sentence in failure(world.create(properties, logical_id=name)), name
    assert len(world.openai.requests) == before


def test_keys_of_a_schema_are_never_renamed(world: World, assistant_id: str) -> None:
    world.openai.script(Script(output_text='{"Verdict": "go"}'))
    schema = {"type": "object", "properties": {"Verdict": {"type": "string"}}, "required": ["Verdict"]}
    answer = world.create(
        {
            "AssistantId": assistant_id,
            "Thread": {"Messages": [{"Role": "user", "Content": "Fit to go?"}]},
            "ResponseFormat": {"Type": "json_schema", "JsonSchema": {"Name": "verdict", "Schema": schema}},
        }
    )
    assert answer["Data"]["Output.Verdict"] == "go", answer
    assert sent(world)["schema"] == schema
