"""Point 11: whatever fails, at whatever place, CloudFormation hears one answer; and where it can, the work goes on."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import botocore.client
import pytest
from botocore.exceptions import ClientError

from functions.responder import app as responder
from local.openai_standin import Fault, Script
from testkit.in_process.world import STATE_MACHINE, World
from testkit.memory.refusals import Refusal
from testkit.queue import VISIBILITY_SECONDS
from testkit.template import ROOT
from tests.support.runs import (
    NOTHING,
    PROPERTIES,
    attributes,
    delete_all,
    each_wire,
    failure,
    left_at_openai,
    runs_started,
)


def without_table(monkeypatch: pytest.MonkeyPatch, code: str, is_away: Callable[[], bool] = lambda: True) -> None:
    """DynamoDB refuses to read and to write, for as long as it is away."""
    original = vars(botocore.client.BaseClient)["_make_api_call"]

    def refused(client: Any, operation: str, arguments: dict[str, Any]) -> Any:
        if operation in ("GetItem", "PutItem") and is_away():
            raise ClientError({"Error": {"Code": code, "Message": ""}}, operation)
        return original(client, operation, arguments)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", refused)


@pytest.mark.parametrize("change", [{"RequestType": "Upsert"}, {"ResourceProperties": "none"}])
def test_point_11_an_unreadable_request_is_answered_at_once(world: World, change: dict[str, Any]) -> None:
    began = world.clock()
    answer = world.send(world.event("Create", PROPERTIES) | change)
    assert "not a CloudFormation request: check " + next(iter(change)) in failure(answer)
    assert world.clock() == began
    assert left_at_openai(world) == NOTHING


def test_point_11_an_event_without_a_url_is_dropped(world: World) -> None:
    """There is nobody to answer, and nothing that trying again could change."""
    world.deliver({"hello": "world"})
    world.settle()
    assert world.url.answers == []


def test_point_11_a_function_that_cannot_receive_is_replaced_by_the_state_machine(world: World) -> None:
    """Three crashes at import, say; the function of the steps is sound."""
    world.fail_next["custom_resource"] = [ImportError("secret text")] * 3
    made = world.create(PROPERTIES)
    attributes(made)
    assert runs_started(world) == 1
    world.fail_next["custom_resource"] = [MemoryError()] * 3
    delete_all(world, made)


def test_point_11_a_missing_permission_of_all_functions_is_answered_without_a_record(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_table(monkeypatch, "AccessDeniedException")
    reason = failure(world.create(PROPERTIES))
    assert "the function that receives requests failed (ClientError)" in reason
    assert "cannot be recorded either (ClientError)" in reason
    assert left_at_openai(world) == NOTHING


def test_point_11_a_table_that_is_out_of_reach_until_the_deadline_is_named(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_table(monkeypatch, "ThrottlingException")
    reason = failure(world.create(PROPERTIES))
    assert reason.endswith("cannot be recorded either (cannot read the record: ThrottlingException)")


@pytest.mark.parametrize("crashes", [0, 3])
def test_point_11_a_state_machine_that_refuses_to_start_is_waited_for(
    world: World, monkeypatch: pytest.MonkeyPatch, crashes: int
) -> None:
    """Step Functions throttles `StartExecution`, too: ten minutes of it cost a deployment ten minutes."""
    # Where the function that receives requests cannot either, it is the queue of failed events that comes again.
    world.fail_next["custom_resource"] = [ImportError()] * crashes
    start, back_at = world.app.hand_over, world.clock() + 600

    def refused(key: str, request_id: str) -> None:
        if world.clock() < back_at:
            raise ClientError({"Error": {"Code": "ThrottlingException", "Message": ""}}, "StartExecution")
        start(key, request_id)

    monkeypatch.setattr(type(world.app), "hand_over", lambda _, *names: refused(*names))
    attributes(world.create(PROPERTIES | {"ServiceTimeout": "3600"}))
    assert runs_started(world) == 1


def test_point_11_a_table_that_is_down_is_waited_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten minutes of DynamoDB's absence, within CloudFormation's patience: the deployment succeeds."""
    back_at = world.clock() + 600
    without_table(monkeypatch, "InternalServerError", lambda: world.clock() < back_at)
    attributes(world.create(PROPERTIES | {"ServiceTimeout": "3600"}))
    assert runs_started(world) == 1


def test_point_11_a_table_that_stays_away_is_answered_in_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    began = world.clock()
    without_table(monkeypatch, "InternalServerError")
    failure(world.create(PROPERTIES | {"ServiceTimeout": "1000"}))
    assert world.clock() - began < 1000 + 90


@pytest.mark.on_moto  # Its URL is a server's, for a process of its own to answer to.
@pytest.mark.parametrize("request_type", ["Create", "Delete"])
def test_point_11_a_deployment_that_cannot_be_loaded_says_so(world: World, request_type: str) -> None:
    """A layer built for another architecture: nothing of the application can be imported."""
    event = world.event(request_type, PROPERTIES, physical_id="conv_1:resp_1")
    report = {"requestPayload": event, "requestContext": {"condition": "RetriesExhausted"}}
    invocation = json.dumps({"Records": [{"body": json.dumps(report)}]})
    script = (
        "import sys, json\n"
        "sys.modules['pydantic_core'] = None\n"
        f"sys.path[:0] = [{str(ROOT / 'functions/responder')!r}, {str(ROOT / 'layers/threadrun')!r}]\n"
        "import app\n"
        f"app.handler(json.loads({invocation!r}), None)\n"
    )
    environment = os.environ | {"ALLOW_LOOPBACK_RESPONSE_URL": "true"}
    subprocess.run([sys.executable, "-c", script], env=environment, check=True, cwd=Path("/"), timeout=60)
    [answer] = world.url.answers
    assert "the application cannot be loaded (ModuleNotFoundError)" in failure(answer)
    told_back = ("PhysicalResourceId", "StackId", "RequestId", "LogicalResourceId")
    assert {name: answer[name] for name in told_back} == {name: event[name] for name in told_back}


def test_point_11_an_execution_of_a_deployment_that_cannot_be_loaded_waits_for_a_better_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its queue brings the report again: by then the deployment may have been rolled back."""
    world.fail_next["reconcile"] = [ImportError()]
    world.fail_next["signal"] = [ImportError()]
    monkeypatch.setattr(responder, "import_failure", "the application cannot be loaded")
    world.deliver(world.event("Create", PROPERTIES))
    world.clock.later(60, "roll back", lambda: monkeypatch.setattr(responder, "import_failure", None))
    world.settle()
    assert world.clock() - world.clock.BEGIN >= VISIBILITY_SECONDS, "the first report found it broken"
    [answer] = world.url.answers
    assert "is failed" in failure(answer)
    assert answer["PhysicalResourceId"].startswith("conv_")


def test_point_11_a_signal_function_that_is_broken_is_answered_for(world: World) -> None:
    """The run has ended, and was paid for: it counts, whatever becomes of the work after it."""
    world.fail_next["signal"] = [KeyError("secret text")]
    answer = world.create(PROPERTIES)
    assert attributes(answer)["status"] == "completed"
    delete_all(world, answer)


def recorded_attributes(world: World) -> dict[str, str]:
    """Those of the one response, which are in their places of the public item too."""
    [answer] = world.url.answers
    data = attributes(answer)
    [item] = world.public_items().values()
    assert "staged" not in item
    assert (item["status"]["S"], item["output_text"]["S"]) == (data["status"], data["output_text"])
    return data


def test_point_11_a_run_that_has_ended_is_a_success_though_the_table_throttles_its_attributes(world: World) -> None:
    """For longer than the state machine tries to move them; then the function that responds does it."""
    world.fail_next[STATE_MACHINE] = [Refusal("ThrottlingException")] * 9
    world.deliver(world.event("Create", PROPERTIES))
    world.settle()
    assert world.fail_next[STATE_MACHINE] == []
    assert recorded_attributes(world)["status"] == "completed"


def test_point_11_a_run_that_has_ended_is_a_success_though_its_execution_is_lost(world: World) -> None:
    """The attributes lie ready when it is stopped, and the sweep finds them."""
    world.fail_next[STATE_MACHINE] = [Refusal("ThrottlingException")]
    world.deliver(world.event("Create", PROPERTIES))
    while world.fail_next[STATE_MACHINE] and (task := world.clock.next_task()):
        world.clock.run_task(task)
    world.abort_execution(is_reported=False)
    world.clock.advance(600)
    assert world.sweep() == 1
    assert recorded_attributes(world)["status"] == "completed"


def test_point_11_reports_of_what_was_answered_change_nothing(world: World) -> None:
    """Whoever is second finds the answer given."""
    event = world.event("Create", PROPERTIES)
    world.send(event)
    [execution] = world.states.executions
    world._report_execution(execution)
    world.report_failure(event, RuntimeError())
    world.clock.advance(4000)
    assert world.sweep() == 0
    world.settle()
    assert len({json.dumps(answer, sort_keys=True) for answer in world.url.answers}) == 1
    assert runs_started(world) == 1


def test_point_11_the_sweep_responds_where_no_execution_is_at_work(world: World) -> None:
    """The report of the dead execution was lost."""
    event = world.event("Create", PROPERTIES)
    world.deliver(event)
    world.abort_execution(is_reported=False)
    world.settle()
    assert world.sweep() == 0, "it is not due yet"
    world.clock.advance(600)
    assert world.sweep() == 1
    assert world.sweep() == 0
    [answer] = world.url.answers
    assert answer["RequestId"] == event["RequestId"]
    assert "no response was ready at the deadline; last known state: the run is queued" in answer["Reason"]


def test_point_11_the_sweep_says_what_was_waited_for(world: World) -> None:
    """A retry of a call comes up to a minute later, which may be after the deadline."""
    tool = {"name": "order", "handler_arn": world.tools.add("tool-order", always_throttled)}
    world.openai.script(Script(output=[{"type": "function_call", "name": "order", "call_id": "1", "arguments": {}}]))
    properties = PROPERTIES | {"tools": [{"type": "function", "function": tool}]}
    world.deliver(world.event("Create", properties))
    world.clock.pass_time(600)
    assert world.sweep() == 1
    [answer] = world.url.answers
    assert "no response was ready at the deadline; last known state: the run's functions are being called" in failure(
        answer
    )


@each_wire
def test_point_11_the_sweep_says_what_a_delete_waited_for(world: World, properties: dict[str, Any]) -> None:
    made = world.create(properties)
    world.openai.fault(Fault("DELETE", "/v1/.*", "status", status=503, message="Later.", times=None))
    world.deliver(world.event("Delete", {}, physical_id=made["PhysicalResourceId"]))
    world.abort_execution(is_reported=False)
    world.clock.advance(700)
    assert world.sweep() == 1
    reason = failure(world.url.answers[-1])
    assert "last known state: cannot delete " in reason
    assert "Later. (HTTP 503" in reason


def always_throttled(event: dict[str, Any]) -> None:
    raise Refusal("TooManyRequestsException", status=429)


def test_point_11_whatever_fails_the_sweep_for_one_keeps_nobody_from_the_next_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each comes first now and then: a URL that is dead takes seconds, and the function has a minute and a half."""
    monkeypatch.setattr(type(world.app), "hand_over", lambda *_: None)
    for name in ("Broken", "Fine"):
        world.deliver(world.event("Create", PROPERTIES, logical_id=name))
    world.clock.advance(600)
    send = world.app.responses.send

    def broken(key: str, *names: str, **more: Any) -> Any:
        record = world.records.load(key)
        if record is not None and record.logical_id == "Broken":
            raise KeyError("citations")
        return send(key, *names, **more)

    monkeypatch.setattr(type(world.app.responses), "send", lambda _, *names, **more: broken(*names, **more))
    orders = []
    monkeypatch.setattr("threadrun.app.responder.random.shuffle", lambda keys: (orders.append(keys), keys.sort()))
    assert world.sweep() == 2
    assert len(orders[0]) == 2
    assert [answer["LogicalResourceId"] for answer in world.url.answers] == ["Fine"]


def test_point_11_the_sweep_gives_up_when_the_url_is_dead(world: World) -> None:
    world.url.refusals += [403] * 2000
    world.deliver(world.event("Create", PROPERTIES))
    world.settle()
    world.clock.advance(3 * 3600)
    assert world.sweep() == 1
    assert world.sweep() == 0
    assert world.url.answers == []
