"""The attributes of a run, typed for the table and as text for Fn::GetAtt."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from testkit.memory.backend import wanted_run
from threadrun.state.attributes import output_scalars, response_data, run_attributes
from threadrun.state.base import Owned
from threadrun.state.observations import ObservedRun


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


def test_unknown_times_are_empty_text_and_booleans_are_cloudformations() -> None:
    run = wanted_run()
    run.thread, run.run = Owned(id="conv_1"), Owned(id="resp_1")
    observed = ObservedRun("resp_1", "incomplete", output_text='{"ok": false, "nothing": null}')
    run.observe(observed, 5)
    fixed, output = response_data(run_attributes(run, observed), "snake_case")
    assert fixed["completed_at"] == ""
    assert output == {"output.ok": "false", "output.nothing": ""}


def test_the_state_machine_records_every_attribute() -> None:
    """A new attribute that the definition does not move would be lost without a word."""
    definition = yaml.safe_load((Path(__file__).parents[2] / "statemachine/thread_run.asl.yaml").read_text())
    arguments = definition["States"]["Record attributes"]["Arguments"]
    run = wanted_run()
    attributes = run_attributes(run, ObservedRun("resp_1", "completed"))
    assert set(arguments["ExpressionAttributeNames"].values()) == set(attributes)
    for name in arguments["ExpressionAttributeNames"]:
        moved = (f"{name} = staged.{name}", f"{name} = if_not_exists(staged.{name}, :unknown)")
        assert any(each in arguments["UpdateExpression"] for each in moved)
