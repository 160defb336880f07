"""Assistants, shared threads, files and tools, from CloudFormation's requests to what arrived at OpenAI."""

import json
from typing import Any

import botocore.client
import openai
import pytest
from botocore.exceptions import ReadTimeoutError

from local.openai_standin import Fault
from local.openai_standin.storage import new_store
from testkit.in_process.world import World
from tests.support.runs import ASSISTANT, NOTHING, THREAD, attributes, delete_all, each_wire, failure, left_at_openai

EXPERT: dict[str, Any] = {
    "name": "expert",
    "model": "gpt-5.4-mini",
    "instructions": "You are an expert.",
    "temperature": "0.5",
    "tools": [{"type": "function", "function": {"name": "look_up", "parameters": '{"type": "object"}'}}],
}
BRIEF = EXPERT | {"instructions": "Be brief."}
QUESTION = {"messages": [{"role": "user", "content": "What is a stack?"}]}


def test_an_assistant_keeps_its_id_and_raises_its_version_with_each_change(world: World) -> None:
    event = world.event("Create", EXPERT, **ASSISTANT)
    created = world.send(event)
    assert world.send(event) == created, "a repeated request makes no other one"
    assistant_id = created["PhysicalResourceId"]
    assert assistant_id.startswith("asst_")
    known = {"id": assistant_id, "created_at": "1800000000", "name": "expert", "model": "gpt-5.4-mini"}
    assert created["Data"] == known | {"version": "1"}
    failed = world.update(assistant_id, EXPERT | {"temperature": "3"}, **ASSISTANT)
    assert "temperature" in failure(failed)
    assert failed["PhysicalResourceId"] == assistant_id
    for properties, version in ((EXPERT, "1"), (BRIEF, "2"), (BRIEF, "2"), (EXPERT, "3")):
        updated = world.update(assistant_id, properties, **ASSISTANT)
        assert (updated["PhysicalResourceId"], updated["Data"]) == (assistant_id, known | {"version": version})
    assert world.openai.requests == [], "OpenAI has no assistants any more: it is ours"
    assert [key for key in world.items() if key.startswith("ASSISTANT#")] == [f"ASSISTANT#{assistant_id}"]
    assert world.delete(assistant_id, **ASSISTANT)["Status"] == "SUCCESS"
    assert not [key for key in world.items() if key.startswith("ASSISTANT#")]


def test_a_delete_finds_the_assistant_that_was_saved_without_reply(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = vars(botocore.client.BaseClient)["_make_api_call"]

    def lost(client: Any, operation: str, arguments: dict[str, Any]) -> Any:
        reply = original(client, operation, arguments)
        if operation == "PutItem" and arguments["Item"]["pk"]["S"].startswith("ASSISTANT#"):
            raise ReadTimeoutError(endpoint_url="https://dynamodb")
        return reply

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", lost)
    world.deliver(world.event("Create", EXPERT, **ASSISTANT))
    assert [key for key in world.items() if key.startswith("ASSISTANT#")]
    assert world.delete("example-Assistant-1ABCDEF", **ASSISTANT)["Status"] == "SUCCESS"
    assert not [key for key in world.items() if key.startswith("ASSISTANT#")]


def test_a_run_uses_its_assistant_overrides_it_and_outlives_it(world: World) -> None:
    assistant_id = world.create(EXPERT, **ASSISTANT)["PhysicalResourceId"]
    properties = {"assistant_id": assistant_id, "instructions": "Be brief.", "thread": QUESTION}
    run = world.create(properties)
    data = attributes(run)
    sent = world.posted()[-1]
    assert (sent["model"], sent["instructions"], sent["temperature"]) == ("gpt-5.4-mini", "Be brief.", 0.5)
    assert sent["tools"] == [{"type": "function", "name": "look_up", "parameters": {"type": "object"}, "strict": False}]
    assert (data["assistant_id"], data["assistant_version"]) == (assistant_id, "1")
    world.delete(assistant_id, **ASSISTANT)
    again = world.update(run["PhysicalResourceId"], properties | {"timeout_seconds": "60"})
    assert attributes(again) == data
    delete_all(world, run)


def messages(count: int) -> list[dict[str, str]]:
    return [{"role": "user", "content": f"Message {number}."} for number in range(count)]


def test_a_thread_takes_any_number_of_messages_in_order(world: World) -> None:
    """Twenty fit one call; a lost reply doubles none."""
    world.openai.fault(Fault("POST", "/v1/conversations/.*/items", "lost_reply", after=1))
    created = world.create({"messages": messages(45), "metadata": {"a": "1"}}, **THREAD)
    assert attributes(created)["id"] == created["PhysicalResourceId"]
    batches = [body["items"] for body in world.posted("/items")]
    assert [len(batch) for batch in batches] == [20, 20, 5]
    assert [item["content"][0]["text"] for batch in batches for item in batch] == [m["content"] for m in messages(45)]
    assert world.app.backend.threads.count_messages(created["PhysicalResourceId"]) == 45
    assert world.delete(created["PhysicalResourceId"], **THREAD)["Status"] == "SUCCESS"
    assert left_at_openai(world) == NOTHING


def attached(*files: str) -> dict[str, Any]:
    attachments = [{"file_id": file_id} for file_id in files]
    return {"messages": [{"role": "user", "content": "Read this.", "attachments": attachments}]}


def test_code_interpreter_gets_the_files_in_its_container(world: World) -> None:
    one, two = world.openai.add_file(), world.openai.add_file()
    tools = [{"type": "code_interpreter", "file_ids": [two]}]
    answer = world.create({"model": "gpt-5.4-mini", "thread": attached(one), "tools": tools})
    assert world.posted()[-1]["tools"] == [
        {"type": "code_interpreter", "container": {"type": "auto", "file_ids": [one, two]}}
    ]
    assert json.loads(answer["Data"]["file_ids"]) == [one, two]


def test_attachments_without_a_tool_are_part_of_the_message(world: World) -> None:
    file_id = world.openai.add_file()
    world.create({"model": "gpt-5.4-mini", "thread": attached(file_id)})
    [message] = world.posted()[-1]["input"]
    assert message["content"] == [
        {"type": "input_text", "text": "Read this."},
        {"type": "input_file", "file_id": file_id},
    ]


@each_wire
def test_metadata_of_a_thread_changes_in_place_and_messages_replace_it(world: World) -> None:
    thread_id = world.create({"messages": messages(1), "metadata": {"a": "1"}}, **THREAD)["PhysicalResourceId"]
    changed = world.update(thread_id, {"messages": messages(1), "metadata": {"a": "2"}}, **THREAD)
    assert changed["PhysicalResourceId"] == thread_id
    assert world.openai.requests[-1].body == {"metadata": {"a": "2"}}
    replaced = world.update(thread_id, {"messages": messages(2)}, **THREAD)
    assert replaced["PhysicalResourceId"] != thread_id
    for each in (thread_id, replaced["PhysicalResourceId"]):
        world.delete(each, **THREAD)
    assert left_at_openai(world) == NOTHING


@each_wire
def test_a_store_of_attached_files_goes_with_its_run_and_a_users_files_and_stores_stay(
    world: World, properties: dict[str, Any]
) -> None:
    file_id, tool = world.openai.add_file(name="notes.txt"), {"type": "retrieval"}
    run = world.create(properties | {"thread": attached(file_id), "tools": [tool]})
    assert json.loads(attributes(run)["file_ids"]) == [file_id]
    if world.wire == "responses":
        [store] = world.posted("/v1/vector_stores")
        assert (store["file_ids"], store["expires_after"]) == ([file_id], {"anchor": "last_active_at", "days": 7})
        assert [each["type"] for each in world.posted()[-1]["tools"]] == ["file_search"]
    delete_all(world, run)
    assert world.openai.counters()["files"] == 1
    with openai.OpenAI(api_key=world.openai.api_key, base_url=world.openai.base_url) as client:
        own = client.vector_stores.create(name="mine").id
    run = world.create(properties | {"tools": [tool | {"vector_store_ids": [own]}]})
    world.delete(run["PhysicalResourceId"])
    assert left_at_openai(world) == {"vector_stores": 1}


@each_wire
def test_a_runs_tool_without_ids_takes_those_of_the_assistants_tool_of_its_type(world: World) -> None:
    """So it does on a server that keeps them with its assistants; `retrieval` is another name of `file_search`."""
    file_id, own_id = world.openai.add_file(name="data.csv"), world.openai.add_file(name="own.csv")
    with world.openai.world.lock:
        store_id = new_store(world.openai.world, {"name": "mine"}).id
    granted = [
        {"type": "retrieval", "vector_store_ids": [store_id]},
        {"type": "code_interpreter", "file_ids": [file_id]},
    ]
    assistant_id = world.create(EXPERT | {"tools": granted}, **ASSISTANT)["PhysicalResourceId"]
    tools = [{"type": "code_interpreter"}, {"type": "file_search"}]
    for ids, used in (({}, file_id), ({"file_ids": [own_id]}, own_id)):
        own = [tools[0] | ids, tools[1]]
        run = world.create({"assistant_id": assistant_id, "thread": QUESTION, "tools": own})
        assert json.loads(attributes(run)["file_ids"]) == [used]
        if world.wire == "responses":
            code, search = world.posted()[-1]["tools"]
            assert (code["container"]["file_ids"], search["vector_store_ids"]) == ([used], [store_id])
        else:
            assert world.posted("/runs")[-1]["tools"] == tools, "the server has the ids"
        world.delete(run["PhysicalResourceId"])
    assert left_at_openai(world)["vector_stores"] == 1
