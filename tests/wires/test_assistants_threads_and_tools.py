"""Assistants, shared threads, files and tools, from CloudFormation's requests to what arrived at OpenAI."""

from __future__ import annotations

import json
from typing import Any

from local.openai_standin import Script
from testkit.in_process.world import World
from tests.support.runs import NOTHING, left_at_openai, runs_started

ASSISTANT: dict[str, Any] = {
    "name": "expert",
    "model": "gpt-5.4-mini",
    "instructions": "You are an expert.",
    "temperature": "0.5",
    "tools": [{"type": "function", "function": {"name": "look_up", "parameters": '{"type": "object"}'}}],
}
QUESTION = {"messages": [{"role": "user", "content": "What is a stack?"}]}
TYPES = {"run": "Custom::OpenAIThreadRun", "thread": "Custom::OpenAIThread", "assistant": "Custom::OpenAIAssistant"}


def kind(name: str, logical_id: str | None = None) -> dict[str, Any]:
    return {"ResourceType": TYPES[name], "logical_id": logical_id or name.title()}


def last_start(world: World) -> dict[str, Any]:
    bodies = [r.body for r in world.openai.requests if (r.method, r.path) == ("POST", "/v1/responses")]
    return dict(bodies[-1])


def test_an_assistant_keeps_its_id_and_raises_its_version(world: World) -> None:
    created = world.create(ASSISTANT, **kind("assistant"))
    assistant_id = created["PhysicalResourceId"]
    assert assistant_id.startswith("asst_")
    assert created["Data"] == {
        "id": assistant_id,
        "created_at": "1800000000",
        "version": "1",
        "name": "expert",
        "model": "gpt-5.4-mini",
    }
    updated = world.update(assistant_id, ASSISTANT | {"instructions": "Be brief."}, **kind("assistant"))
    assert (updated["PhysicalResourceId"], updated["Data"]["version"]) == (assistant_id, "2")
    same = world.update(assistant_id, ASSISTANT | {"instructions": "Be brief."}, **kind("assistant"))
    assert same["Data"]["version"] == "2"
    back = world.update(assistant_id, ASSISTANT, **kind("assistant"))
    assert back["Data"]["version"] == "3"
    assert world.openai.requests == [], "OpenAI has no assistants any more: it is ours"
    assert world.delete(assistant_id, **kind("assistant"))["Status"] == "SUCCESS"
    assert not [key for key in world.items() if key.startswith("ASSISTANT#")]


def test_a_run_uses_its_assistant_and_overrides_it(world: World) -> None:
    assistant_id = world.create(ASSISTANT, **kind("assistant"))["PhysicalResourceId"]
    run = world.create({"assistant_id": assistant_id, "instructions": "Be brief.", "thread": QUESTION})
    assert run["Status"] == "SUCCESS"
    sent = last_start(world)
    assert (sent["model"], sent["instructions"], sent["temperature"]) == ("gpt-5.4-mini", "Be brief.", 0.5)
    assert sent["tools"] == [{"type": "function", "name": "look_up", "parameters": {"type": "object"}, "strict": False}]
    assert (run["Data"]["assistant_id"], run["Data"]["assistant_version"]) == (assistant_id, "1")


def test_a_run_keeps_its_record_when_its_assistant_goes(world: World) -> None:
    assistant_id = world.create(ASSISTANT, **kind("assistant"))["PhysicalResourceId"]
    properties = {"assistant_id": assistant_id, "thread": QUESTION}
    run = world.create(properties)
    world.delete(assistant_id, **kind("assistant"))
    again = world.update(run["PhysicalResourceId"], properties | {"timeout_seconds": "60"})
    assert again["Data"] == run["Data"]
    assert world.delete(run["PhysicalResourceId"])["Status"] == "SUCCESS"


def test_an_unknown_assistant_is_a_clear_error_before_anything_is_made(world: World) -> None:
    answer = world.create({"assistant_id": "asst_nobody", "thread": QUESTION})
    assert answer["Status"] == "FAILED"
    assert "no assistant asst_nobody is known" in answer["Reason"]
    assert world.openai.requests == []


def test_a_failed_update_of_an_assistant_keeps_the_old_version(world: World) -> None:
    assistant_id = world.create(ASSISTANT, **kind("assistant"))["PhysicalResourceId"]
    failed = world.update(assistant_id, ASSISTANT | {"temperature": "3"}, **kind("assistant"))
    assert (failed["Status"], failed["PhysicalResourceId"]) == ("FAILED", assistant_id)
    back = world.update(assistant_id, ASSISTANT, **kind("assistant"))
    assert back["Data"]["version"] == "1"


def test_a_repeated_creation_makes_one_assistant(world: World) -> None:
    event = world.event("Create", ASSISTANT, **kind("assistant"))
    first, again = world.send(event), world.send(event)
    assert first == again
    assert len([key for key in world.items() if key.startswith("ASSISTANT#")]) == 1


def messages(count: int) -> list[dict[str, str]]:
    return [{"role": "user", "content": f"Message {number}."} for number in range(count)]


def test_a_thread_takes_any_number_of_messages_in_order(world: World) -> None:
    """Twenty fit one call."""
    created = world.create({"messages": messages(45), "metadata": {"a": "1"}}, **kind("thread"))
    assert created["Status"] == "SUCCESS"
    assert created["Data"]["id"] == created["PhysicalResourceId"]
    batches = [r.body["items"] for r in world.openai.requests if r.path.endswith("/items") and r.method == "POST"]
    assert [len(batch) for batch in batches] == [20, 20, 5]
    assert [item["content"][0]["text"] for batch in batches for item in batch] == [m["content"] for m in messages(45)]
    assert world.delete(created["PhysicalResourceId"], **kind("thread"))["Status"] == "SUCCESS"
    assert left_at_openai(world) == NOTHING


def test_a_lost_reply_doubles_no_message(world: World) -> None:
    from local.openai_standin import Fault

    world.openai.fault(Fault("POST", "/v1/conversations/.*/items", "lost_reply", after=1))
    created = world.create({"messages": messages(45)}, **kind("thread"))
    items = world.app.backend.threads.count_messages(created["PhysicalResourceId"])
    assert items == 45


def test_metadata_of_a_thread_changes_in_place_and_messages_replace_it(world: World) -> None:
    created = world.create({"messages": messages(1), "metadata": {"a": "1"}}, **kind("thread"))
    thread_id = created["PhysicalResourceId"]
    changed = world.update(thread_id, {"messages": messages(1), "metadata": {"a": "2"}}, **kind("thread"))
    assert changed["PhysicalResourceId"] == thread_id
    assert world.openai.requests[-1].body == {"metadata": {"a": "2"}}
    replaced = world.update(thread_id, {"messages": messages(2)}, **kind("thread"))
    assert replaced["PhysicalResourceId"] != thread_id


def test_runs_on_a_shared_thread_queue_up(world: World) -> None:
    thread_id = world.create({"messages": messages(1)}, **kind("thread"))["PhysicalResourceId"]
    world.openai.script(Script(duration_s=8, times=None))
    events = [
        world.event("Create", {"model": "gpt-5.4-mini", "existing_thread_id": thread_id}, logical_id=f"Run{number}")
        for number in range(3)
    ]
    for event in events:
        world.invoke("custom_resource", event)
    world.settle()
    answers = {answer["RequestId"]: answer["Status"] for answer in world.url.answers}
    assert [answers[event["RequestId"]] for event in events] == ["SUCCESS"] * 3
    assert world.openai.counters()["max_concurrent_per_conversation"] == 1
    assert runs_started(world) == 3


def attached(*files: str) -> dict[str, Any]:
    attachments = [{"file_id": file_id} for file_id in files]
    return {"messages": [{"role": "user", "content": "Read this.", "attachments": attachments}]}


def test_retrieval_gets_a_vector_store_of_the_attached_files(world: World) -> None:
    file_id = world.openai.add_file(name="notes.txt")
    properties = {"model": "gpt-5.4-mini", "thread": attached(file_id), "tools": [{"type": "retrieval"}]}
    answer = world.create(properties)
    assert answer["Status"] == "SUCCESS", answer
    [store] = [r.body for r in world.openai.requests if (r.method, r.path) == ("POST", "/v1/vector_stores")]
    assert store["file_ids"] == [file_id]
    assert store["expires_after"] == {"anchor": "last_active_at", "days": 7}
    [tool] = last_start(world)["tools"]
    assert tool["type"] == "file_search"
    assert json.loads(answer["Data"]["file_ids"]) == [file_id]
    world.delete(answer["PhysicalResourceId"])
    assert left_at_openai(world) == NOTHING
    assert world.openai.counters()["vector_stores"] == 0
    assert world.openai.counters()["files"] == 1, "the user's file stays"


def test_a_file_that_cannot_be_indexed_is_named(world: World) -> None:
    good, bad = world.openai.add_file(), world.openai.add_file(fails_indexing=True)
    answer = world.create({"model": "gpt-5.4-mini", "thread": attached(good, bad), "tools": [{"type": "file_search"}]})
    assert answer["Status"] == "FAILED"
    assert f"cannot index the attached files: {bad}: " in answer["Reason"]
    world.delete(answer["PhysicalResourceId"])
    assert left_at_openai(world) == NOTHING
    assert world.openai.counters()["vector_stores"] == 0
    assert runs_started(world) == 0


def test_an_unknown_file_fails_and_leaves_nothing(world: World) -> None:
    for tools in ([], [{"type": "retrieval"}], [{"type": "code_interpreter"}]):
        answer = world.create({"model": "gpt-5.4-mini", "thread": attached("file-nobody"), "tools": tools})
        assert answer["Status"] == "FAILED"
        assert "file-nobody" in answer["Reason"]
        world.delete(answer["PhysicalResourceId"])
        assert left_at_openai(world) == NOTHING
        assert world.openai.counters()["vector_stores"] == 0


def test_vector_stores_of_the_user_are_used_and_stay(world: World) -> None:
    import openai

    client = openai.OpenAI(api_key=world.openai.api_key, base_url=world.openai.base_url)
    store = client.vector_stores.create(name="mine")
    client.close()
    tools = [{"type": "retrieval", "vector_store_ids": [store.id]}]
    answer = world.create({"model": "gpt-5.4-mini", "thread": QUESTION, "tools": tools})
    assert last_start(world)["tools"] == [{"type": "file_search", "vector_store_ids": [store.id]}]
    world.delete(answer["PhysicalResourceId"])
    assert world.openai.counters()["vector_stores"] == 1


def test_code_interpreter_gets_the_files_in_its_container(world: World) -> None:
    one, two = world.openai.add_file(), world.openai.add_file()
    tools = [{"type": "code_interpreter", "file_ids": [two]}]
    answer = world.create({"model": "gpt-5.4-mini", "thread": attached(one), "tools": tools})
    assert last_start(world)["tools"] == [
        {"type": "code_interpreter", "container": {"type": "auto", "file_ids": [one, two]}}
    ]
    assert json.loads(answer["Data"]["file_ids"]) == [one, two]


def test_attachments_without_a_tool_are_part_of_the_message(world: World) -> None:
    file_id = world.openai.add_file()
    world.create({"model": "gpt-5.4-mini", "thread": attached(file_id)})
    [message] = last_start(world)["input"]
    assert message["content"] == [
        {"type": "input_text", "text": "Read this."},
        {"type": "input_file", "file_id": file_id},
    ]


def test_retrieval_without_anything_to_read_is_refused_and_leaves_nothing(world: World) -> None:
    answer = world.create({"model": "gpt-5.4-mini", "thread": QUESTION, "tools": [{"type": "retrieval"}]})
    assert "a retrieval tool needs files attached to a message, or vector_store_ids" in answer["Reason"]
    world.delete(answer["PhysicalResourceId"])
    assert left_at_openai(world) == NOTHING


def test_a_function_call_without_a_handler_ends_in_requires_action(world: World) -> None:
    world.openai.script(Script(output=[{"type": "function_call", "name": "look_up", "arguments": {}}]))
    tools = [{"type": "function", "function": {"name": "look_up"}}]
    answer = world.create({"model": "gpt-5.4-mini", "thread": QUESTION, "tools": tools})
    assert (answer["Status"], answer["Data"]["status"]) == ("SUCCESS", "requires_action")
