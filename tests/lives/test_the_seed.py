"""Every argument and attribute of the Terraform resource `openai_thread_run` on both wire APIs."""

from __future__ import annotations

from typing import Any

import pytest

from local.openai_standin import Script
from testkit.in_process.world import World
from tests.support.runs import WIRES
from tests.support.seed import ARGUMENTS, ATTRIBUTES, Argument, Bodies, filled, thread

SEED_ARGUMENTS, SEED_ATTRIBUTES = 25, 9
"""The bullets of the resource's page under Argument Reference, nested blocks included, and Attribute Reference."""


def test_there_is_a_row_for_each_bullet_of_the_seed() -> None:
    assert len(ARGUMENTS) == len({row.name for row in ARGUMENTS}) == SEED_ARGUMENTS
    assert len(ATTRIBUTES) == SEED_ATTRIBUTES


@pytest.fixture
def names(world: World, request: pytest.FixtureRequest) -> dict[str, str]:
    """Ids of a file, a thread and an assistant that exist; the run's own calls are counted from here."""
    file_id = world.openai.add_file()
    assistant = {"model": "gpt-5.4-mini", "instructions": "From the assistant."}
    made = world.create(assistant, ResourceType="Custom::OpenAIAssistant", logical_id="Assistant")
    shared = world.create({}, ResourceType="Custom::OpenAIThread", logical_id="Thread")
    world.forget_requests()
    return {"FILE": file_id, "ASSISTANT": made["PhysicalResourceId"], "THREAD": shared["PhysicalResourceId"]}


def run(world: World, names: dict[str, str], change: dict[str, Any]) -> dict[str, Any]:
    properties = {"assistant_id": "ASSISTANT", **thread(), **change}
    given = {name: value for name, value in properties.items() if value is not None}
    answer = world.create(filled(given, names))
    assert answer["Status"] == "SUCCESS", answer
    return answer


@pytest.mark.parametrize("wire", WIRES, indirect=True)
@pytest.mark.parametrize("row", ARGUMENTS, ids=lambda row: row.name)
def test_each_argument_arrives(world: World, wire: str, names: dict[str, str], row: Argument) -> None:
    run(world, names, row.change)
    assert row.arrived[wire](Bodies(world)) == filled(row.expected[wire], names)


@pytest.mark.parametrize("wire", WIRES, indirect=True)
def test_each_attribute_comes_back(world: World, wire: str, names: dict[str, str]) -> None:
    world.openai.script(Script(output_text="Hi.", usage=(5, 7), queued_s=1, duration_s=2))
    data = run(world, names, {})["Data"]
    wrong = {name: data[name] for name, is_right in ATTRIBUTES.items() if not is_right(data[name], wire)}
    assert wrong == {}
