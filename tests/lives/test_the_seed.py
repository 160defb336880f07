"""Arguments and attributes on both wire APIs: all of the Terraform resource `openai_thread_run`, and those beyond."""

from typing import Any

import pytest

from local.openai_standin import Script
from testkit.in_process.deployed import ASSISTANTS
from testkit.in_process.world import World
from tests.support.runs import ASSISTANT, THREAD, attributes, each_wire
from tests.support.seed import ARGUMENTS, ATTRIBUTES, Bodies, filled, of, thread


def test_there_is_a_row_for_each_bullet_of_the_seed() -> None:
    """Of the resource's page under Argument Reference, nested blocks included, and Attribute Reference."""
    assert (len(ARGUMENTS), len(ATTRIBUTES)) == (25, 9)


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


# --- arguments beyond those of the seed: each arrives as OpenAI's document has it, which the stand-in obeys

ARRIVES: dict[str, dict[str, tuple[dict[str, Any], dict[str, Any]]]] = {
    "reasoning_effort": {
        "responses": ({"reasoning_effort": "low"}, {"reasoning": {"effort": "low"}}),
        ASSISTANTS: ({"reasoning_effort": "low"}, {"reasoning_effort": "low"}),
    },
}
"""By argument and API: what the user writes, and what the request of the run, or of the assistant, then has."""
MAKING = ("/responses", "/runs", "/assistants")
"""The ends of the paths that make a run, or an assistant."""
ROWS = [(wire, name) for name, wires in ARRIVES.items() for wire in wires]


@pytest.mark.parametrize(("wire", "name"), ROWS, indirect=["wire"])
def test_an_argument_arrives(world: World, properties: dict[str, Any], name: str) -> None:
    given, expected = ARRIVES[name][world.wire]
    needed = {"model", "assistant_id", "thread"} & properties.keys()
    attributes(world.create({each: properties[each] for each in needed} | given))
    assert expected.items() <= world.posted(*MAKING)[-1].items()


@pytest.mark.parametrize(("wire", "name"), ROWS, indirect=["wire"])
def test_an_argument_arrives_through_an_assistant(world: World, name: str) -> None:
    given, expected = ARRIVES[name][world.wire]
    made = world.create({"model": "gpt-5.4-mini", **given}, **ASSISTANT)
    message = {"role": "user", "content": "Think."}
    attributes(world.create({"assistant_id": made["PhysicalResourceId"], "thread": {"messages": [message]}}))
    assert any(expected.items() <= body.items() for body in world.posted(*MAKING))
