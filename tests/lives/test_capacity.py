"""An account with few concurrent executions: what is refused is waited out, and no function sleeps in one of them."""

from typing import Any

import pytest

from local.openai_standin import Script
from testkit.in_process.aws import aws
from testkit.in_process.world import World
from testkit.state_machine import TABLE
from tests.support.runs import (
    ASSISTANT,
    FILE,
    NOTHING,
    PROPERTIES,
    STORE,
    THREAD,
    attributes,
    failure,
    left_at_openai,
    runs_started,
)
from threadrun.app.application import NEW_ACCOUNT_EXECUTIONS
from threadrun.storage.records import DUE
from threadrun.workflow.waiting import SCARCE_WAIT_SECONDS

POLICY = {"filename": "policy.md", "content": "Be brief."}
REFUSED = type("Lambda.TooManyRequestsException", (Exception,), {})
"""As Step Functions names what Lambda refuses at its limit."""
HOUR: dict[str, Any] = PROPERTIES | {"ServiceTimeout": "3600"}


def waits(world: World) -> int:
    """How often the state machine has waited for a look."""
    entered = [each for execution in world.states.executions for each in execution.history if isinstance(each, tuple)]
    return sum(each[0] == "Wait" for each in entered)


def others_in_flight(count: int) -> None:
    for number in range(count):
        item = {"pk": {"S": f"RESOURCE#{number}"}, "due": {"S": DUE}, "due_epoch_s": {"N": "9999999999"}}
        aws("dynamodb").put_item(TableName=TABLE, Item=item)


PASSING = (
    *("ResourceNotReadyException", "ResourceConflictException", "ENINotReadyException", "ENILimitReachedException"),
    *("SubnetIPAddressLimitReachedException", "EC2ThrottledException", "EC2UnexpectedException"),
    *("CodeArtifactUserPendingException", "SnapStartNotReadyException", "ServiceException", "SdkClientException"),
)
"""What Lambda also refuses with for a while: above all a function in a VPC that nobody has invoked for weeks."""


def test_what_lambda_refuses_for_a_while_is_waited_out(world: World) -> None:
    tool = {"type": "function", "function": {"name": "f", "handler_arn": world.tools.add("tool-f", lambda _: "done")}}
    world.openai.script(Script(output=[{"type": "function_call", "name": "f", "call_id": "1", "arguments": {}}]))
    for function in ("reconcile", "call_tool", "signal"):
        world.fail_next[function] = [type(f"Lambda.{name}", (Exception,), {})() for name in PASSING]
    attributes(world.create(HOUR | {"tools": [tool]}))
    assert not any(world.fail_next.values())


@pytest.mark.parametrize("function", ["reconcile", "signal"])
def test_a_limit_that_is_reached_for_half_an_hour_fails_nothing(world: World, function: str) -> None:
    world.fail_next[function] = [REFUSED() for _ in range(62)]
    began = world.clock()
    attributes(world.create(HOUR))
    assert world.fail_next[function] == []
    assert world.clock() - began > 1700, "each time half a minute later"
    assert runs_started(world) == 1


def test_a_limit_that_is_reached_while_functions_are_called_fails_nothing(world: World) -> None:
    tool = {"type": "function", "function": {"name": "f", "handler_arn": world.tools.add("tool-f", lambda _: "done")}}
    world.openai.script(Script(output=[{"type": "function_call", "name": "f", "call_id": "1", "arguments": {}}]))
    world.fail_next["call_tool"] = [REFUSED() for _ in range(30)]
    attributes(world.create(HOUR | {"tools": [tool]}))
    assert world.fail_next["call_tool"] == []
    assert len(world.tools.events) == 1


@pytest.mark.parametrize(
    ("kind", "properties"),
    [({}, PROPERTIES), (THREAD, {}), (ASSISTANT, {"model": "m"}), (FILE, POLICY), (STORE, {"name": "s"})],
    ids=["run", "thread", "assistant", "file", "store"],
)
def test_a_request_that_is_delivered_after_its_deadline_says_so(
    world: World, kind: dict[str, Any], properties: dict[str, Any]
) -> None:
    """Its Delete, too, where that is late as well; the next one cleans up."""
    late = world.event("Create", properties, **kind)
    world.clock.advance(700)
    assert "worked on 130 s after its deadline, as in an account with few" in failure(world.send(late))
    made = world.create(properties, **kind)["PhysicalResourceId"]
    late = world.event("Delete", properties, PhysicalResourceId=made, **kind)
    world.clock.advance(700)
    assert "worked on 130 s after its deadline" in failure(world.send(late))
    assert world.delete(made, properties, **kind)["Status"] == "SUCCESS"
    assert left_at_openai(world) == NOTHING


def test_a_process_that_ends_each_time_is_given_up(world: World) -> None:
    """Time does not mend it: nobody waits for an hour."""
    world.fail_next["reconcile"] = [type("Runtime.ExitError", (Exception,), {})() for _ in range(60)]
    answer = world.create(HOUR)
    assert "the reconcile function failed (Runtime.ExitError)" in answer["Reason"]


def test_a_function_sleeps_while_there_is_room_for_it(world: World) -> None:
    world.openai.script(Script(duration_s=100))
    attributes(world.create(HOUR))
    assert waits(world) == 0
    assert "concurrent_executions" not in vars(world.app), "one that is alone does not ask"


def test_no_function_sleeps_while_half_of_them_could(world: World) -> None:
    world.openai.script(Script(duration_s=100))
    world.tools.unreserved_executions = 20
    others_in_flight(9)
    attributes(world.create(HOUR))
    assert waits(world) == 0
    world.openai.script(Script(duration_s=100))
    others_in_flight(10)
    attributes(world.create(HOUR, logical_id="Next"))
    assert waits(world) == pytest.approx(100 / SCARCE_WAIT_SECONDS, abs=2)


def test_a_function_that_was_refused_before_does_not_sleep(world: World) -> None:
    """Others than this application may use the account's executions."""
    world.openai.script(Script(duration_s=100))
    world.fail_next["reconcile"] = [REFUSED()]
    attributes(world.create(HOUR))
    assert waits(world) == 1, "the next step was not refused"


@pytest.mark.parametrize(("unreserved", "known"), [(900, 900), (None, NEW_ACCOUNT_EXECUTIONS)])
def test_what_the_account_has_is_asked_of_lambda(world: World, unreserved: int | None, known: int) -> None:
    """Where it does not tell there may be as few as in a new one."""
    world.tools.unreserved_executions = unreserved
    assert world.app.concurrent_executions == known
