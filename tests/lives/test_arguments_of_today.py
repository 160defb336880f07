"""Arguments beyond those of `openai_thread_run`: each arrives as OpenAI's document has it, which the stand-in obeys."""

from __future__ import annotations

from typing import Any

import pytest

from testkit.in_process.deployed import ASSISTANTS
from testkit.in_process.world import World
from tests.support.runs import ASSISTANT, attributes

ARRIVES: dict[str, dict[str, tuple[dict[str, Any], dict[str, Any]]]] = {
    "reasoning_effort": {
        "responses": ({"reasoning_effort": "low"}, {"reasoning": {"effort": "low"}}),
        ASSISTANTS: ({"reasoning_effort": "low"}, {"reasoning_effort": "low"}),
    },
}
"""By argument and API: what the user writes, and what the request of the run, or of the assistant, then has."""
MAKING = ("/responses", "/runs", "/assistants")
"""The ends of the paths that make a run, or an assistant."""
NEEDED = ("model", "assistant_id", "thread")
ROWS = [(wire, name) for name, wires in ARRIVES.items() for wire in wires]


@pytest.mark.parametrize(("wire", "name"), ROWS, indirect=["wire"])
def test_an_argument_arrives(world: World, properties: dict[str, Any], name: str) -> None:
    given, expected = ARRIVES[name][world.wire]
    attributes(world.create({each: properties[each] for each in properties if each in NEEDED} | given))
    assert expected.items() <= world.posted(*MAKING)[-1].items()


@pytest.mark.parametrize(("wire", "name"), ROWS, indirect=["wire"])
def test_an_argument_arrives_through_an_assistant(world: World, name: str) -> None:
    given, expected = ARRIVES[name][world.wire]
    made = world.create({"model": "gpt-5.4-mini", **given}, **ASSISTANT)
    message = {"role": "user", "content": "Think."}
    attributes(world.create({"assistant_id": made["PhysicalResourceId"], "thread": {"messages": [message]}}))
    assert any(expected.items() <= body.items() for body in world.posted(*MAKING))
