"""Arguments and attributes on both wire APIs: all of the Terraform resource `openai_thread_run`, and those beyond."""

from typing import Any

import pytest

from local.openai_standin import Script
from testkit.in_process.deployed import ASSISTANTS
from testkit.in_process.world import World
from tests.support.runs import ASSISTANT, THREAD, attributes, each_wire, failure
from tests.support.seed import ARGUMENTS, ATTACHED, ATTRIBUTES, FUNCTION, Bodies, filled, of, thread, tools
from threadrun.schema.generation import Generation


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

ASKED = {"role": "user", "content": "And in winter?"}
REFUSED: dict[str, Any] = {}
"""In place of fields: the API has none for the argument, which is refused by name before anything is made."""
ARRIVES: dict[str, dict[str, tuple[dict[str, Any], dict[str, Any]]]] = {
    "reasoning_effort": {
        "responses": ({"reasoning_effort": "low"}, {"reasoning": {"effort": "low"}}),
        ASSISTANTS: ({"reasoning_effort": "low"}, {"reasoning_effort": "low"}),
    },
    "verbosity": {
        "responses": ({"verbosity": "low"}, {"text": {"verbosity": "low"}}),
        ASSISTANTS: ({"verbosity": "low"}, REFUSED),
    },
    "service_tier": {
        "responses": ({"service_tier": "flex"}, {"service_tier": "flex"}),
        ASSISTANTS: ({"service_tier": "flex"}, REFUSED),
    },
    **{
        name: {
            "responses": ({name: given}, {name: expected}),
            ASSISTANTS: ({name: given}, REFUSED),
        }
        for name, given, expected in [
            ("prompt_cache_key", "docs", "docs"),
            ("safety_identifier", "5f2c", "5f2c"),
            ("max_tool_calls", "3", 3),
        ]
    },
    "parallel_tool_calls": {
        "responses": ({"parallel_tool_calls": "false"}, {"parallel_tool_calls": False}),
        ASSISTANTS: ({"parallel_tool_calls": "false"}, {"parallel_tool_calls": False}),
    },
    "tool_choice": {
        "responses": (
            {"tool_choice": "get_weather", **FUNCTION},
            {"tool_choice": {"type": "function", "name": "get_weather"}},
        ),
        ASSISTANTS: (
            {"tool_choice": "get_weather", **FUNCTION},
            {"tool_choice": {"type": "function", "function": {"name": "get_weather"}}},
        ),
    },
    "tool_choice of a type": {
        "responses": (
            {"tool_choice": "code_interpreter", **tools({"type": "code_interpreter"})},
            {"tool_choice": {"type": "code_interpreter"}},
        ),
        ASSISTANTS: (
            {"tool_choice": "retrieval", **ATTACHED},
            {"tool_choice": {"type": "file_search"}},
        ),
    },
    "tool_choice of another type": {
        "responses": (
            {"tool_choice": "web_search", **tools({"type": "web_search"})},
            {"tool_choice": {"type": "allowed_tools", "mode": "required", "tools": [{"type": "web_search"}]}},
        )
    },
    "extra_body": {
        "responses": (
            {"extra_body": '{"top_logprobs": 3, "reasoning": {"summary": "auto"}}', "reasoning_effort": "low"},
            {"top_logprobs": 3, "reasoning": {"effort": "low", "summary": "auto"}},
        ),
        ASSISTANTS: ({"extra_body": '{"max_prompt_tokens": 9000}'}, {"max_prompt_tokens": 9000}),
    },
    "additional_messages": {
        "responses": (
            {"additional_messages": [ASKED], "thread": None, "existing_thread_id": "THREAD"},
            {
                "conversation": "THREAD",
                "input": [
                    {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "And in winter?"}]}
                ],
            },
        ),
        ASSISTANTS: (
            {"additional_messages": [ASKED], "thread": None, "existing_thread_id": "THREAD"},
            {"additional_messages": [ASKED]},
        ),
    },
    "additional_instructions": {
        "responses": (
            {"additional_instructions": "In French."},
            {"instructions": "From the assistant.\n\nIn French."},
        ),
        ASSISTANTS: ({"additional_instructions": "In French."}, {"additional_instructions": "In French."}),
    },
    "truncation": {
        "responses": ({"truncation": "auto"}, {"context_management": [{"type": "compaction"}]}),
        ASSISTANTS: ({"truncation": "auto"}, {"truncation_strategy": {"type": "auto"}}),
    },
    "truncation=disabled": {ASSISTANTS: ({"truncation": "disabled"}, REFUSED)},
}
"""By argument and API: what the user writes, and what the request of the run, or of the assistant, then has."""
MAKING = ("/responses", "/runs", "/assistants")
"""The ends of the paths that make a run, or an assistant."""
ROWS = [(wire, name) for name, wires in ARRIVES.items() for wire in wires]
TAKEN = [(wire, name) for wire, name in ROWS if ARRIVES[name][wire][1] is not REFUSED]
IN_VAIN = [row for row in ROWS if row not in TAKEN]
OF_ASSISTANTS = [row for row in TAKEN if row[1] in Generation.model_fields]


@pytest.mark.parametrize(("wire", "name"), TAKEN, indirect=["wire"])
def test_an_argument_arrives(world: World, names: dict[str, str], name: str) -> None:
    given, expected = ARRIVES[name][world.wire]
    run(world, names, given)
    assert filled(expected, names).items() <= world.posted(*MAKING)[-1].items()


@pytest.mark.parametrize(("wire", "name"), OF_ASSISTANTS, indirect=["wire"])
def test_an_argument_arrives_through_an_assistant(world: World, name: str) -> None:
    given, expected = ARRIVES[name][world.wire]
    made = world.create({"model": "gpt-5.4-mini", **given}, **ASSISTANT)
    message = {"role": "user", "content": "Think."}
    attributes(world.create({"assistant_id": made["PhysicalResourceId"], "thread": {"messages": [message]}}))
    assert any(expected.items() <= body.items() for body in world.posted(*MAKING))


@pytest.mark.parametrize(("wire", "name"), IN_VAIN, indirect=["wire"])
def test_what_an_api_has_no_place_for_is_refused_by_name_before_anything_is_made(
    world: World, names: dict[str, str], name: str
) -> None:
    given, _ = ARRIVES[name][world.wire]
    wanted = {"assistant_id": "ASSISTANT", **thread(), **given, "temperature": "3"}
    world.forget_requests()
    refusals = [failure(world.create(filled(wanted, names)))]
    if name in Generation.model_fields:
        refusals.append(failure(world.create({"model": "gpt-5.4-mini", **given, "temperature": "3"}, **ASSISTANT)))
    for refusal in refusals:
        argument, _, value = name.partition("=")
        assert f"{argument}: Assistants v2 has no {' '.join(filter(None, (argument, value)))}" in refusal
        assert "temperature: must be at most 2" in refusal, "beside every other problem"
    assert world.openai.requests == []
