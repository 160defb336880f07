"""Every argument and attribute of the Terraform resource `openai_thread_run` on both wire APIs."""

from __future__ import annotations

from typing import Any

import pytest

from local.openai_standin import Script
from testkit.in_process.world import World
from tests.support.runs import ASSISTANT, THREAD, attributes, each_wire
from tests.support.seed import ARGUMENTS, ATTRIBUTES, Bodies, filled, of, thread

SEED_ARGUMENTS, SEED_ATTRIBUTES = 25, 9
"""The bullets of the resource's page under Argument Reference, nested blocks included, and Attribute Reference."""


def test_there_is_a_row_for_each_bullet_of_the_seed() -> None:
    assert len(ARGUMENTS) == SEED_ARGUMENTS
    assert len(ATTRIBUTES) == SEED_ATTRIBUTES


@pytest.fixture
def names(world: World) -> dict[str, str]:
    """Ids of a file, a thread and an assistant that exist."""
    assistant = {"model": "gpt-5.4-mini", "instructions": "From the assistant."}
    made = {
        "ASSISTANT": world.create(assistant, **ASSISTANT)["PhysicalResourceId"],
        "THREAD": world.create({}, **THREAD)["PhysicalResourceId"],
    }
    return {"FILE": world.openai.add_file(), **made}


def run(world: World, names: dict[str, str], change: dict[str, Any], logical_id: str = "Run") -> dict[str, str]:
    """Create a run; its own requests are counted from here."""
    properties = {"assistant_id": "ASSISTANT", **thread(), **change}
    world.forget_requests()
    return attributes(world.create(filled(properties, names), logical_id=logical_id))


@each_wire
def test_each_argument_arrives(world: World, wire: str, names: dict[str, str]) -> None:
    arrived = {}
    for name, (change, place, _) in ARGUMENTS.items():
        run(world, names, change, name)
        arrived[name] = Bodies(world).at(of(wire, place))
    assert arrived == {name: filled(of(wire, value), names) for name, (_, _, value) in ARGUMENTS.items()}


@each_wire
def test_each_attribute_comes_back(world: World, wire: str, names: dict[str, str]) -> None:
    world.openai.script(Script(output_text="Hi.", usage=(5, 7), queued_s=1, duration_s=2))
    data = run(world, names, {})
    wrong = {name: data[name] for name, is_right in ATTRIBUTES.items() if not is_right(data[name], wire)}
    assert wrong == {}
