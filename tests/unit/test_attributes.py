"""The attributes of a run, typed for the table and as text for Fn::GetAtt; and the pages that describe them all."""

from __future__ import annotations

from decimal import Decimal

import pytest

from local.reference import ATTRIBUTES, page
from testkit.memory.backend import wanted_run
from testkit.state_machine import read_definition
from threadrun.schema.arguments import RESOURCE_MODELS
from threadrun.state.attributes import made_attributes, output_scalars, response_data, run_attributes
from threadrun.state.base import Window
from threadrun.state.observations import ObservedRun
from threadrun.state.shared import AssistantRecord, ThreadRecord


@pytest.mark.parametrize(
    ("text", "scalars"),
    [
        ('{"a": "x", "b": 1, "c": 0.5}', {"a": "x", "b": 1, "c": Decimal("0.5")}),
        ('{"d": true, "e": null, "f": [1], "g": {}}', {"d": True, "e": None}),
        ("plain text", {}),
        ("[1, 2]", {}),
        ('{"a": NaN}', {}),
        ('{"a": 1} and more', {}),
        ('{"": 1}', {}),
        ("", {}),
        ('{"n": 123456789012345678901234567890123456789}', {"n": "123456789012345678901234567890123456789"}),
        ('{"n": 1e500}', {"n": "1E+500"}),
        ("[" * 100_000, {}),
    ],
)
def test_only_top_level_scalars_of_a_json_object_count(text: str, scalars: dict[str, object]) -> None:
    assert output_scalars(text) == scalars


def test_the_state_machine_records_every_attribute() -> None:
    """A new attribute that the definition does not move would be lost without a word."""
    arguments = read_definition()["States"]["Record attributes"]["Arguments"]
    attributes = run_attributes(wanted_run(), ObservedRun("resp_1", "completed"))
    assert set(arguments["ExpressionAttributeNames"].values()) == set(attributes)
    for name in arguments["ExpressionAttributeNames"]:
        moved = (f"{name} = staged.{name}", f"{name} = if_not_exists(staged.{name}, :unknown)")
        assert any(each in arguments["UpdateExpression"] for each in moved)


def test_every_attribute_of_a_run_is_described() -> None:
    observed = ObservedRun("r", "completed", output_text='{"k": 1}')
    fixed, output = response_data(run_attributes(wanted_run(), observed), "snake_case")
    given = {*fixed, "output_text", "output_truncated", *(name.replace(".k", ".<key>") for name in output)}
    assert set(ATTRIBUTES["Custom::OpenAIThreadRun"]) == given


@pytest.mark.parametrize(
    ("kind", "record"), [("Custom::OpenAIThread", ThreadRecord), ("Custom::OpenAIAssistant", AssistantRecord)]
)
def test_every_attribute_of_the_others_is_described(
    kind: str, record: type[ThreadRecord] | type[AssistantRecord]
) -> None:
    made = record(key="k", identity="i", window=Window(since_epoch_s=0, deadline_epoch_s=1))
    assert set(ATTRIBUTES[kind]) == set(made_attributes(made))


@pytest.mark.parametrize("kind", RESOURCE_MODELS)
def test_every_argument_has_a_description(kind: str) -> None:
    assert "None" not in page(RESOURCE_MODELS[kind])
