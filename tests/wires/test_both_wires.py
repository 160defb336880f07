"""The life of the resources on both wire APIs: the same requests, the same answers, and nothing left behind."""

from __future__ import annotations

from typing import Any

import pytest

from local.openai_standin import Fault, Script
from testkit.in_process.world import World
from tests.support.runs import WIRES, alive
from tests.support.seed import filled

pytestmark = pytest.mark.parametrize("wire", WIRES, indirect=True)
MESSAGES = {"messages": [{"role": "user", "content": "What is a stack?"}]}


@pytest.fixture
def assistant_id(world: World) -> str:
    made = world.create({"model": "gpt-5.4-mini"}, ResourceType="Custom::OpenAIAssistant", logical_id="Assistant")
    return str(made["PhysicalResourceId"])


@pytest.fixture
def before(world: World, assistant_id: str) -> dict[str, int]:
    """What is alive on the server before the test, besides files."""
    return alive(world)


def test_create_update_and_delete(world: World, assistant_id: str, before: dict[str, int]) -> None:
    properties = {"assistant_id": assistant_id, "thread": MESSAGES}
    created = world.create(properties)
    assert created["Status"] == "SUCCESS", created
    updated = world.update(created["PhysicalResourceId"], properties | {"instructions": "Be brief."})
    assert updated["PhysicalResourceId"] != created["PhysicalResourceId"]
    assert set(updated["Data"]) == set(created["Data"])
    back = world.update(updated["PhysicalResourceId"], properties)
    assert back["PhysicalResourceId"] == created["PhysicalResourceId"], "a rollback reuses the run"
    world.delete(updated["PhysicalResourceId"])
    world.delete(created["PhysicalResourceId"])
    assert alive(world) == before
    assert world.openai.counters()["runs_started"] == 2


def test_an_assistant_lives_and_goes(world: World, assistant_id: str) -> None:
    properties = {"model": "gpt-5.4", "name": "expert", "instructions": "Be brief.", "metadata": {"a": "1"}}
    kind: dict[str, Any] = {"ResourceType": "Custom::OpenAIAssistant", "logical_id": "Assistant"}
    updated = world.update(assistant_id, properties, **kind)
    assert updated["PhysicalResourceId"] == assistant_id
    assert updated["Data"]["version"] == "2"
    world.delete(assistant_id, **kind)
    assert set(alive(world).values()) == {0}


def test_a_shared_thread_lives_and_goes(world: World) -> None:
    messages = [{"role": "user", "content": f"Part {number}."} for number in range(23)]
    kind: dict[str, Any] = {"ResourceType": "Custom::OpenAIThread", "logical_id": "Thread"}
    created = world.create({"messages": messages, "metadata": {"a": "1"}}, **kind)
    assert world.app.backend.threads.count_messages(created["PhysicalResourceId"]) == 23
    world.delete(created["PhysicalResourceId"], **kind)
    assert set(alive(world).values()) == {0}


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "unknown file id": (
        {"thread": {"messages": [{"role": "user", "content": "Read.", "attachments": [{"file_id": "file-nobody"}]}]}},
        "file-nobody",
    ),
    "file that fails to index": (
        {
            "thread": {"messages": [{"role": "user", "content": "Read.", "attachments": [{"file_id": "BAD_FILE"}]}]},
            "tools": [{"type": "retrieval"}],
        },
        "cannot index the attached files: BAD_FILE",
    ),
    "function tool without name": (
        {"tools": [{"type": "function", "function": {}}]},
        "tools[0].function.name: is required",
    ),
    "parameters that are no JSON object": (
        {"tools": [{"type": "function", "function": {"name": "f", "parameters": "[]"}}]},
        "tools[0].function.parameters: must be a JSON object",
    ),
    "tool type that does not exist": ({"tools": [{"type": "telepathy"}]}, "tools[0].type: must be"),
    "assistant that does not exist": ({"assistant_id": "asst_nobody"}, "asst_nobody"),
    "too few tokens": ({"max_completion_tokens": "15"}, "max_completion_tokens: must be at least"),
    "model that does not exist": ({"model": "no-such-model"}, "no-such-model"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_fails_with_its_reason_and_leaves_nothing(
    world: World, assistant_id: str, before: dict[str, int], name: str
) -> None:
    change, sentence = BAD[name]
    names = {"BAD_FILE": world.openai.add_file(fails_indexing=True)}
    answer = world.create(filled({"assistant_id": assistant_id, "thread": MESSAGES} | change, names))
    assert answer["Status"] == "FAILED"
    assert sentence.replace("BAD_FILE", names["BAD_FILE"]) in answer["Reason"]
    world.delete(answer["PhysicalResourceId"])
    assert alive(world) == before
    assert world.openai.counters()["runs_started"] == 0


def test_a_failed_run_tells_the_servers_reason(world: World, assistant_id: str, before: dict[str, int]) -> None:
    world.openai.script(Script(error=("server_error", "A bad day.")))
    answer = world.create({"assistant_id": assistant_id, "thread": MESSAGES})
    assert "A bad day. (server_error)" in answer["Reason"]
    world.delete(answer["PhysicalResourceId"])
    assert alive(world) == before


def test_a_lost_start_is_found_and_not_doubled(world: World, assistant_id: str, before: dict[str, int]) -> None:
    world.openai.script(Script(output_text="Found again.", duration_s=5))
    path = {"responses": "/v1/responses", "assistants": "/v1/threads/.*/runs"}[world.wire]
    world.openai.fault(Fault("POST", path, "lost_reply"))
    answer = world.create({"assistant_id": assistant_id, "thread": MESSAGES})
    assert answer["Data"]["output_text"] == "Found again."
    assert world.openai.counters()["runs_started"] == 1


def test_a_run_over_its_deadline_is_cancelled(world: World, assistant_id: str, before: dict[str, int]) -> None:
    world.openai.script(Script(duration_s=300))
    answer = world.create({"assistant_id": assistant_id, "thread": MESSAGES, "ServiceTimeout": "30"})
    assert "ended expired" in answer["Reason"]
    world.delete(answer["PhysicalResourceId"])
    assert alive(world) == before


def test_import_adopts_a_run_and_refuses_a_wrong_pair(world: World, assistant_id: str) -> None:
    properties = {"assistant_id": assistant_id, "thread": MESSAGES}
    one, two = (world.create(properties, logical_id=name)["PhysicalResourceId"] for name in ("One", "Two"))
    adopted = world.create({"import_id": one}, logical_id="Adopted")
    assert adopted["PhysicalResourceId"] == one
    wrong = world.create({"import_id": one.split(":")[0] + ":" + two.split(":")[1]}, logical_id="Wrong")
    assert wrong["Status"] == "FAILED"
    assert world.delete(adopted["PhysicalResourceId"], logical_id="Adopted")["Status"] == "SUCCESS"
    assert world.app.backend.runs.observe(*one.split(":")).status == "completed"


def test_runs_on_one_thread_queue_up(world: World, assistant_id: str) -> None:
    kind: dict[str, Any] = {"ResourceType": "Custom::OpenAIThread", "logical_id": "Thread"}
    thread_id = world.create(MESSAGES, **kind)["PhysicalResourceId"]
    properties = {"assistant_id": assistant_id, "existing_thread_id": thread_id}
    events = [world.event("Create", properties, logical_id=f"Run{number}") for number in range(3)]
    for event in events:
        world.invoke("custom_resource", event)
    world.settle()
    answers = {answer["RequestId"]: answer for answer in world.url.answers}
    assert [answers[event["RequestId"]]["Status"] for event in events] == ["SUCCESS"] * 3
    assert world.openai.counters()["runs_started"] == 3
