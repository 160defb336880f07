"""The life of a Custom::OpenAIThreadRun, from CloudFormation's requests to its answers and the state of the world."""

import itertools
import json
from typing import Any

import pytest

from local.openai_standin import Fault, Script
from testkit.in_process.cloudformation import STACK_ID
from testkit.in_process.world import World
from tests.support.runs import (
    CHANGED,
    NOTHING,
    PROPERTIES,
    THREAD,
    attributes,
    each_server,
    each_wire,
    failure,
    left_at_openai,
    runs_started,
)


def test_create_starts_the_run_in_the_first_invocation(world: World) -> None:
    """The model is at work before the state machine takes its first step."""
    world.invoke("custom_resource", world.event("Create", PROPERTIES))
    sent = [(request.method, request.path) for request in world.openai.requests]
    assert sent[:2] == [("POST", "/v1/conversations"), ("POST", "/v1/responses")]
    body = world.openai.requests[1].body
    conversation = body.pop("conversation")
    assert conversation.startswith("conv_")
    assert body == {
        "model": "gpt-5.4-mini",
        "background": True,
        "store": True,
        "instructions": "Answer in one sentence.",
        "temperature": 0.2,
        "metadata": {"team": "docs"},
        "input": [
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello."}]},
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "What is a stack?"}]},
        ],
    }
    assert world.openai.requests[0].body == {"metadata": {"source": "test"}}


def test_create_answers_with_every_attribute_of_the_run_and_leaves_them_typed_in_the_table(world: World) -> None:
    text = '{"verdict": "go", "score": 0.75, "ok": true, "nothing": null}'
    world.openai.script(Script(output_text=text, usage=(12, 8), queued_s=1, duration_s=2))
    answer = world.create(PROPERTIES)
    data = attributes(answer)
    assert (answer["StackId"], answer["LogicalResourceId"]) == (STACK_ID, "Run")
    assert answer["PhysicalResourceId"] == f"{data['thread_id']}:{data['id']}"
    assert {name: data[name] for name in data if name not in ("id", "thread_id")} == {
        "created_at": "1800000000",
        "started_at": "1800000001",
        "completed_at": "1800000003",
        "object": "thread.run",
        "status": "completed",
        "file_ids": "[]",
        "usage": '{"prompt_tokens": 12, "completion_tokens": 8, "total_tokens": 20, "cached_tokens": 0, '
        '"reasoning_tokens": 0}',
        "usage.prompt_tokens": "12",
        "usage.completion_tokens": "8",
        "usage.total_tokens": "20",
        "usage.cached_tokens": "0",
        "usage.reasoning_tokens": "0",
        "refusal": "",
        "citations": "[]",
        "model": "gpt-5.4-mini",
        "assistant_id": "",
        "assistant_version": "",
        "required_action": "",
        "output_text": text,
        "output_truncated": "false",
        "output.verdict": "go",
        "output.score": "0.75",
        "output.ok": "true",
        "output.nothing": "",
    }
    [(key, item)] = world.public_items().items()
    assert key == f"RUN#{answer['PhysicalResourceId']}"
    output = {"verdict": {"S": "go"}, "score": {"N": "0.75"}, "ok": {"BOOL": True}, "nothing": {"NULL": True}}
    typed = {
        "id": {"S": data["id"]},
        "status": {"S": "completed"},
        "created_at": {"N": "1800000000"},
        "file_ids": {"L": []},
        "usage.total_tokens": {"N": "20"},
        "output_text": {"S": text},
        "output": {"M": output},
    }
    assert {name: item[name] for name in typed} == typed
    assert item["usage"]["M"]["prompt_tokens"] == {"N": "12"}
    assert "staged" not in item


def test_pascal_case_properties_get_pascal_case_attributes(world: World) -> None:
    world.openai.script(Script(output_text='{"release_notes": "none"}'))
    answer = world.create(
        {
            "Model": "gpt-5.4-mini",
            "MaxCompletionTokens": "64",
            "Thread": {"Messages": [{"Role": "user", "Content": "Hello."}], "Metadata": {"own_key": "1"}},
        }
    )
    data = answer["Data"]
    assert data["Status"] == "completed"
    assert data["Usage.TotalTokens"] == str(json.loads(data["Usage"])["total_tokens"])
    assert data["Output.release_notes"] == "none"
    assert {"Id", "ThreadId", "CreatedAt", "StartedAt", "CompletedAt", "Object", "FileIds", "OutputText"} <= set(data)
    assert world.openai.requests[0].body == {"metadata": {"own_key": "1"}}
    assert world.openai.requests[1].body["max_output_tokens"] == 64


def test_rolling_back_to_an_answer_of_many_keys_shows_it_again(world: World) -> None:
    """Their names fill the item, too, in which the answer is staged a second time."""
    output = json.dumps({f"k{number}": "abc" for number in range(11_000)}, separators=(",", ":"))
    world.openai.script(Script(output_text=output))
    old = world.create(PROPERTIES)
    new = world.update(old["PhysicalResourceId"], CHANGED)
    assert attributes(world.update(new["PhysicalResourceId"], PROPERTIES)) == attributes(old)


def test_rolling_back_to_a_run_that_openai_forgot_keeps_what_is_on_record(world: World) -> None:
    """Responses are kept for 30 days: what OpenAI forgot is no reason to pay for another run."""
    old = world.create(PROPERTIES)
    new = world.update(old["PhysicalResourceId"], CHANGED)
    thread_id, run_id = old["PhysicalResourceId"].split(":")
    world.app.backend.runs.delete(thread_id, run_id)
    back = world.update(new["PhysicalResourceId"], PROPERTIES)
    assert attributes(back) == attributes(old)
    assert (back["PhysicalResourceId"], runs_started(world)) == (old["PhysicalResourceId"], 2)
    world.delete(new["PhysicalResourceId"])
    world.delete(back["PhysicalResourceId"])
    assert left_at_openai(world) == NOTHING
    assert world.public_items() == {}


def test_rolling_back_reuses_a_run_that_is_known_by_its_answer_only(world: World) -> None:
    """The reply to its start was lost, so nobody knows the response's own id."""
    world.openai.fault(Fault("POST", "/v1/responses", "lost_reply"))
    old = world.create(PROPERTIES)
    assert ":msg_" in old["PhysicalResourceId"]
    new = world.update(old["PhysicalResourceId"], CHANGED)
    back = world.update(new["PhysicalResourceId"], PROPERTIES)
    assert back["PhysicalResourceId"] == old["PhysicalResourceId"]
    assert runs_started(world) == 2


def test_no_function_is_called_for_a_run_that_was_cut_off_though_only_its_items_show_it(world: World) -> None:
    """The arguments of its last call may be half of them."""
    arn = world.tools.add("tool-tell", lambda event: "told")
    tool = {"type": "function", "function": {"name": "tell", "handler_arn": arn}}
    call = {"type": "function_call", "name": "tell", "arguments": {}}
    world.openai.script(Script(incomplete_reason="max_output_tokens", output=[call]))
    world.openai.fault(Fault("POST", "/v1/responses", "lost_reply"))
    answer = world.create(PROPERTIES | {"tools": [tool]})
    assert "ended as `incomplete`" in failure(answer)
    assert world.tools.events == []
    assert world.delete(answer["PhysicalResourceId"])["Status"] == "SUCCESS"


def test_a_start_that_a_gateway_repeats_is_billed_once(world: World) -> None:
    """The second one is refused, as the first one's run holds the thread: the lock proves that it has begun."""
    world.openai.fault(Fault("POST", "/v1/responses", "repeated"))
    made = world.create(PROPERTIES)
    assert attributes(made)["status"] == "completed"
    assert runs_started(world) == 1
    assert world.delete(made["PhysicalResourceId"])["Status"] == "SUCCESS"
    assert left_at_openai(world)["conversations"] == 0


def test_a_gateway_that_fails_each_request_about_an_ended_run_keeps_no_stack(world: World) -> None:
    """Those in front of chat-only providers do: what is on record counts, and its deletion is given up."""
    old = world.create(PROPERTIES)
    new = world.update(old["PhysicalResourceId"], CHANGED)
    world.openai.fault(Fault("*", r"/v1/responses/\w+", "status", status=500, times=None))
    back = world.update(new["PhysicalResourceId"], PROPERTIES)
    assert attributes(back) == attributes(old)
    for each in (new, back):
        assert world.delete(each["PhysicalResourceId"])["Status"] == "SUCCESS"
    assert left_at_openai(world)["conversations"] == 0


def test_a_run_that_no_cancellation_ends_is_deleted_all_the_same(world: World) -> None:
    world.openai.script(Script(duration_s=3000, times=None))
    world.openai.fault(Fault("POST", r"/v1/responses/\w+/cancel", "status", status=409, times=None))
    made = world.create(PROPERTIES | {"timeout_seconds": "60"})
    assert "did not end within 60 s" in failure(made)
    assert world.delete(made["PhysicalResourceId"])["Status"] == "SUCCESS"
    assert left_at_openai(world)["conversations"] == 0


@each_wire
@pytest.mark.parametrize("status", [400, 401, 403, 405, 501, 503])
def test_a_run_that_the_server_does_not_show_can_be_deleted(
    world: World, wire: str, properties: dict[str, Any], status: int
) -> None:
    path = r"/v1/responses/\w+" if wire == "responses" else r"/v1/threads/\w+/runs/\w+"
    world.openai.fault(Fault("GET", path, "status", status=status, times=None))
    made = world.create(properties)
    failure(made)
    assert world.delete(made["PhysicalResourceId"])["Status"] == "SUCCESS"
    assert left_at_openai(world) == NOTHING


@each_server
def test_bookkeeping_alone_starts_no_run_and_sends_no_request(world: World, properties: dict[str, Any]) -> None:
    old = world.create(properties)
    calls = len(world.openai.requests)
    new = world.update(old["PhysicalResourceId"], properties | {"timeout_seconds": "60", "deletion_policy": "retain"})
    assert (new["PhysicalResourceId"], new["Data"]) == (old["PhysicalResourceId"], old["Data"])
    assert len(world.openai.requests) == calls


@each_server
@pytest.mark.parametrize("change", [{"instructions": "Answer in two sentences."}, {"triggers": {"commit": "b"}}])
def test_a_change_starts_a_new_run_and_rolling_back_reuses_the_former_one(
    world: World, properties: dict[str, Any], change: dict[str, Any]
) -> None:
    """Another resource of the stack failed after this one was replaced: going back costs no tokens."""
    old = world.create(properties)
    one = left_at_openai(world)
    new = world.update(old["PhysicalResourceId"], properties | change)
    assert attributes(new).keys() == attributes(old).keys()
    assert new["PhysicalResourceId"] != old["PhysicalResourceId"]
    back = world.update(new["PhysicalResourceId"], properties)
    assert (back["PhysicalResourceId"], back["Data"]) == (old["PhysicalResourceId"], old["Data"])
    assert runs_started(world) == 2
    assert [item for item in world.public_items().values() if "staged" in item] == []
    world.delete(new["PhysicalResourceId"])
    assert left_at_openai(world) == one
    assert list(world.public_items()) == [f"RUN#{old['PhysicalResourceId']}"]
    for _ in range(2):
        deleted = world.delete(old["PhysicalResourceId"], properties)
        assert (deleted["Status"], deleted["PhysicalResourceId"]) == ("SUCCESS", old["PhysicalResourceId"])
        assert (left_at_openai(world), world.public_items()) == (NOTHING, {})


@pytest.mark.parametrize("signature_version", [4, 2])
def test_a_life_by_hosts_whose_clocks_differ_by_seconds(world: World, signature_version: int) -> None:
    """Every other request is dated before the one that it follows; URLs of version 2 have `Expires` only."""
    world.signature_version, world.clocks_ahead_s = signature_version, itertools.cycle([0, -4])
    world.openai.script(Script(duration_s=0, times=None))
    changed = PROPERTIES | {"temperature": "0.3"}
    old = world.create(PROPERTIES)["PhysicalResourceId"]
    new = world.update(old, changed, OldResourceProperties=PROPERTIES)["PhysicalResourceId"]
    assert world.update(new, PROPERTIES, OldResourceProperties=changed)["PhysicalResourceId"] == old
    for physical_id in (new, old):
        assert world.delete(physical_id)["Status"] == "SUCCESS"
    assert (left_at_openai(world), world.public_items()) == (NOTHING, {})


@each_server
def test_an_imported_run_is_read_and_left_alone(world: World, properties: dict[str, Any]) -> None:
    """And so is its item, which stays with who made it."""
    made = world.create(properties, logical_id="Made")
    one = left_at_openai(world)
    adopted = world.create({"import_id": made["PhysicalResourceId"]}, logical_id="Adopted")
    assert adopted["PhysicalResourceId"] == made["PhysicalResourceId"]
    assert adopted["Data"]["output_text"] == made["Data"]["output_text"]
    assert world.delete(adopted["PhysicalResourceId"], logical_id="Adopted")["Status"] == "SUCCESS"
    assert (left_at_openai(world), runs_started(world)) == (one, 1)
    assert list(world.public_items()) == [f"RUN#{made['PhysicalResourceId']}"]
    world.delete(made["PhysicalResourceId"], logical_id="Made")
    assert world.public_items() == {}


@each_server
def test_importing_a_run_of_another_thread_is_refused_and_deletes_nothing(
    world: World, properties: dict[str, Any], wire: str
) -> None:
    pairs = [world.create(properties, logical_id=name)["PhysicalResourceId"].split(":") for name in ("One", "Two")]
    two, items = left_at_openai(world), world.public_items()
    wrong = {"import_id": f"{pairs[0][0]}:{pairs[1][1]}", "deletion_policy": "delete"}
    answer = world.create(wrong, logical_id="Adopted")
    said = {"responses": "it does not belong to thread conv_", "chains": "it does not belong to thread chain_"}
    assert said.get(wire, f"cannot adopt run {pairs[1][1]}") in failure(answer)
    assert world.delete(answer["PhysicalResourceId"], wrong, logical_id="Adopted")["Status"] == "SUCCESS"
    assert (left_at_openai(world), world.public_items()) == (two, items)


@each_server
def test_a_run_whose_adoption_failed_by_its_status_is_left_alone(world: World, properties: dict[str, Any]) -> None:
    world.openai.script(Script(incomplete_reason="max_output_tokens"))
    made = world.create(properties | {"accept_statuses": ["incomplete"]}, logical_id="Made")["PhysicalResourceId"]
    one, users = left_at_openai(world), world.public_items()[f"RUN#{made}"]["used_by"]
    answer = world.create({"import_id": made, "deletion_policy": "delete"}, logical_id="Adopted")
    assert "ended as `incomplete`; only `completed` is accepted" in failure(answer)
    assert world.delete(answer["PhysicalResourceId"], logical_id="Adopted")["Status"] == "SUCCESS"
    assert (left_at_openai(world), world.public_items()[f"RUN#{made}"]["used_by"]) == (one, users)


@each_server
def test_retained_runs_outlive_the_resource(world: World, properties: dict[str, Any]) -> None:
    answer = world.create(properties | {"deletion_policy": "retain"})
    one = left_at_openai(world)
    assert world.delete(answer["PhysicalResourceId"])["Status"] == "SUCCESS"
    assert left_at_openai(world) == one != NOTHING


@each_server
def test_an_accepted_status_counts_as_success(world: World, properties: dict[str, Any]) -> None:
    world.openai.script(Script(incomplete_reason="max_output_tokens", output_text="Half an ans"))
    data = attributes(world.create(properties | {"accept_statuses": ["completed", "incomplete"]}))
    assert (data["status"], data["completed_at"], data["output_text"]) == ("incomplete", "", "Half an ans")


@each_wire
def test_runs_on_one_thread_wait_their_turn_and_leave_it(world: World, properties: dict[str, Any]) -> None:
    """Whether it is a run's own or is shared, runs queue up behind each other: that is no error."""
    thread_id = world.create(PROPERTIES["thread"], **THREAD)["PhysicalResourceId"]
    thread_alone = left_at_openai(world)
    world.openai.script(Script(duration_s=60), Script(duration_s=8, times=2))
    on_it = properties | {"thread": None, "existing_thread_id": thread_id}
    events = [world.event("Create", on_it, logical_id=f"Run{number}") for number in range(3)]
    for event in events:
        world.invoke("custom_resource", event)
    world.settle()
    answers = {answer["RequestId"]: answer["Status"] for answer in world.url.answers}
    assert [answers[event["RequestId"]] for event in events] == ["SUCCESS"] * 3
    assert world.openai.counters()["max_concurrent_per_conversation"] <= 1
    assert runs_started(world) == 3
    for answer in world.url.answers[-3:]:
        assert answer["Data"]["thread_id"] == thread_id
        world.delete(answer["PhysicalResourceId"], logical_id=answer["LogicalResourceId"])
    assert left_at_openai(world) == thread_alone
