"""The responder, brought its reports by AWS's own parts: Lambda's destination, EventBridge, the queue, a schedule."""

from __future__ import annotations

import json
import time

from local.openai_standin import OpenAIStandIn, Script
from tests.support.runs import NOTHING, PROPERTIES
from tests.support.stacks import Stack, left, running_executions, until


def test_an_aborted_execution_fails_the_stack_within_seconds(stack: Stack, openai_api: OpenAIStandIn) -> None:
    openai_api.script(Script(duration_s=300))
    stack.begin_create(PROPERTIES)
    [execution] = until(lambda: running_executions(stack))
    stack.cloud.client("stepfunctions").stop_execution(executionArn=execution)
    began = time.monotonic()
    assert stack.wait() == "ROLLBACK_COMPLETE"
    assert time.monotonic() - began < 30
    assert "is aborted" in stack.reasons()
    assert left(openai_api) == NOTHING


def test_a_request_whose_function_fails_three_times_is_taken_over(stack: Stack, openai_api: OpenAIStandIn) -> None:
    """The function cannot be loaded; its queue, the responder and the state machine do all of its work."""
    with stack.broken_function("CustomResourceFunction"):
        stack.begin_create(PROPERTIES | {"ServiceTimeout": 120})
        assert stack.wait() == "CREATE_COMPLETE", stack.reasons()
    assert openai_api.counters()["runs_started"] == 1


def test_the_sweep_answers_what_no_report_came_of(stack: Stack, openai_api: OpenAIStandIn) -> None:
    """The emulator may not fire schedules: the rule is read, and its target invoked as the rule would."""
    events = stack.cloud.client("events")
    rules = events.list_rules()["Rules"]
    [schedule] = [each for each in rules if each.get("ScheduleExpression") == "rate(1 minute)"]
    [target] = events.list_targets_by_rule(Rule=schedule["Name"])["Targets"]
    [reports] = [each["Name"] for each in rules if "EndedExecutionRule" in each["Name"]]

    def sweep() -> int:
        reply = stack.cloud.client("lambda").invoke(FunctionName=target["Arn"], Payload=b"{}")
        return int(json.loads(reply["Payload"].read())["overdue"])

    openai_api.script(Script(duration_s=300))
    events.disable_rule(Name=reports)
    try:
        stack.begin_create(PROPERTIES | {"timeout_seconds": 3})
        [execution] = until(lambda: running_executions(stack))
        stack.cloud.client("stepfunctions").stop_execution(executionArn=execution)
        assert sweep() == 0, "it is not due yet"
        until(sweep, seconds=40)
    finally:
        events.enable_rule(Name=reports)
    assert stack.wait() == "ROLLBACK_COMPLETE"
    assert "no answer was ready at its deadline" in stack.reasons()
    assert left(openai_api) == NOTHING


def test_a_run_of_five_minutes_fails_within_30_seconds_and_is_cancelled(
    stack: Stack, openai_api: OpenAIStandIn
) -> None:
    openai_api.script(Script(duration_s=300))
    began = time.monotonic()
    stack.begin_create(PROPERTIES | {"ServiceTimeout": 30})
    until(lambda: "ended expired" in stack.reasons(), seconds=30)
    assert time.monotonic() - began < 30
    assert stack.wait() == "ROLLBACK_COMPLETE"
    assert left(openai_api) == NOTHING
