"""The application as CloudFormation's users meet it: stacks by boto3 on the embedded cloud."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from local.openai_standin import OpenAIStandIn, Script
from tests.e2e.written import everything_written
from tests.support.runs import NOTHING, PROPERTIES
from tests.support.stacks import Stack, left

CHANGED = PROPERTIES | {"temperature": 0.3}


def test_the_life_of_a_stack(stack: Stack, openai_api: OpenAIStandIn) -> None:
    openai_api.script(Script(output_text="A stack is a unit of deployment.", usage=(21, 7)))
    assert stack.create(PROPERTIES) == "CREATE_COMPLETE", stack.reasons()
    outputs = stack.outputs()
    assert outputs["outputtext"] == "A stack is a unit of deployment."
    assert outputs["usagetotaltokens"] == "28"
    assert outputs["Ref"].startswith(outputs["threadid"] + ":resp_")

    sent = [request for request in openai_api.requests if request.method == "POST"]
    assert [request.path for request in sent] == ["/v1/conversations", "/v1/responses"]
    assert sent[0].body == {"metadata": {"source": "test"}}
    assert sent[1].body["background"] is True
    assert sent[1].body["store"] is True
    assert sent[1].body["conversation"] == outputs["threadid"]
    assert sent[1].body["temperature"] == 0.2

    item = stack.public_item(outputs["Ref"])
    assert item is not None
    assert item["status"] == {"S": "completed"}
    assert item["usage.total_tokens"] == {"N": "28"}

    assert stack.update(PROPERTIES | {"timeout_seconds": 50}) == "UPDATE_COMPLETE"
    assert stack.outputs()["Ref"] == outputs["Ref"], "bookkeeping starts no run"

    assert stack.update(CHANGED) == "UPDATE_COMPLETE", stack.reasons()
    replaced = stack.outputs()
    assert replaced["Ref"] != outputs["Ref"]
    assert left(openai_api)["responses"] == 1, "the old run is deleted after the update"
    assert stack.public_item(outputs["Ref"]) is None

    assert stack.delete() == "DELETE_COMPLETE"
    assert left(openai_api) == NOTHING
    assert stack.public_item(replaced["Ref"]) is None


def test_a_failed_create_is_rolled_back_without_a_trace(stack: Stack, openai_api: OpenAIStandIn) -> None:
    openai_api.script(Script(error=("server_error", "The model had a bad day.")))
    assert stack.create(PROPERTIES) == "ROLLBACK_COMPLETE"
    assert "The model had a bad day. (server_error)" in stack.reasons()
    assert left(openai_api) == NOTHING


def test_a_failed_update_is_rolled_back_to_the_old_run(stack: Stack, openai_api: OpenAIStandIn) -> None:
    stack.create(PROPERTIES)
    before = stack.outputs()
    openai_api.script(Script(error=("server_error", "No.")))
    assert stack.update(CHANGED) == "UPDATE_ROLLBACK_COMPLETE"
    assert stack.outputs() == before
    assert left(openai_api)["responses"] == 1
    assert openai_api.counters()["runs_started"] == 2, "rolling back costs no tokens"


def test_a_failing_sibling_takes_back_a_finished_replacement(stack: Stack, openai_api: OpenAIStandIn) -> None:
    stack.create(PROPERTIES)
    before = stack.outputs()
    bad = stack.resource({"model": "no-such-model", "existing_thread_id": before["threadid"]})
    assert stack.update(CHANGED, more={"Bad": bad | {"DependsOn": "Run"}}) == "UPDATE_ROLLBACK_COMPLETE"
    assert stack.outputs()["Ref"] == before["Ref"]
    assert left(openai_api)["responses"] == 1


def test_delete_while_create_still_runs(stack: Stack, openai_api: OpenAIStandIn) -> None:
    """A sibling fails: CloudFormation deletes the run by an id that it made up."""
    openai_api.script(Script(duration_s=50, match={"model": "gpt-5.4-mini"}))
    bad = stack.resource({"temperature": 3})
    assert stack.create(PROPERTIES, more={"Bad": bad}) == "ROLLBACK_COMPLETE"
    requests = [e for e in stack.cloud.sent_events() if f"/{stack.name}/" in e["StackId"]]
    deleted = [e for e in requests if e["RequestType"] == "Delete" and e["LogicalResourceId"] == "Run"]
    assert deleted[0]["PhysicalResourceId"].startswith(f"{stack.name}-Run-")
    assert left(openai_api) == NOTHING


def test_bad_input_fails_within_seconds_and_says_where(stack: Stack, openai_api: OpenAIStandIn) -> None:
    began = time.monotonic()
    status = stack.create(PROPERTIES | {"temperature": 3, "colour": "red", "stream": "yes"})
    assert status == "ROLLBACK_COMPLETE"
    assert time.monotonic() - began < 10
    for part in ("3 problems", "temperature: must be at most 2", "colour: unknown property", "stream: must be true"):
        assert part in stack.reasons()
    assert openai_api.requests == []


def test_runs_of_one_stack_and_of_several_stacks_go_in_parallel(stack: Stack, openai_api: OpenAIStandIn) -> None:
    """Seen by the runs' own times: a slow machine stretches them, but does not put them one after the other."""
    openai_api.script(Script(duration_s=20, times=None))
    others = {f"Run{number}": stack.resource(PROPERTIES) for number in range(2)}
    twin = Stack(stack.cloud, stack.application, f"{stack.name}-twin")
    with ThreadPoolExecutor() as pool:
        statuses = list(pool.map(lambda each: each.create(PROPERTIES, more=others), (stack, twin)))
    assert statuses == ["CREATE_COMPLETE", "CREATE_COMPLETE"]
    starts = [request.time for request in openai_api.requests if request.path == "/v1/responses"]
    assert len(starts) == 6
    assert max(starts) - min(starts) < 20, "the last one started before the first one ended"
    with ThreadPoolExecutor() as pool:
        assert list(pool.map(Stack.delete, (stack, twin))) == ["DELETE_COMPLETE", "DELETE_COMPLETE"]
    assert left(openai_api) == NOTHING


def test_each_request_is_answered_once(stack: Stack) -> None:
    stack.create(PROPERTIES)
    stack.update(CHANGED)
    stack.delete()
    requests = {e["RequestId"] for e in stack.cloud.sent_events() if f"/{stack.name}/" in e["StackId"]}
    answers = [answer for answer in stack.cloud.received_responses() if answer["request_id"] in requests]
    assert len(requests) == 4
    assert sorted(answer["request_id"] for answer in answers) == sorted(requests)
    assert all(answer["counted"] for answer in answers)


def test_point_09_nothing_secret_is_in_logs_or_histories(stack: Stack, openai_api: OpenAIStandIn) -> None:
    """When all tests are over, everything that they wrote is looked at once more (tests/e2e/conftest.py)."""
    prompt, output = "prompt-marker-4711", "output-marker-4712"
    openai_api.script(Script(output_text=output))
    stack.create(PROPERTIES | {"instructions": prompt})
    assert stack.outputs()["outputtext"] == output
    written = everything_written(stack.cloud, stack.application)
    assert "request received" in written
    assert "RUN#" in written
    for secret in (prompt, output, openai_api.api_key, "X-Amz-Signature"):
        assert secret not in written
