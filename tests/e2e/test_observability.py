"""What can be seen of the deployed application, and the responder, brought its reports by AWS's own parts.

Those are Lambda's destination, EventBridge, the queue and a schedule. Metrics are read back from CloudWatch, which the
embedded cloud fills from log lines and from what its services do; tests/e2e/test_demo.py has all of them.
"""

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from local.dashboard import sweep
from local.deployment import APPLICATION_STACK
from local.openai_standin import Fault, OpenAIStandIn, Script
from tests.e2e.stacks import Stack, counted, left, logged
from tests.support.runs import NOTHING, PROPERTIES
from tests.support.until import until

FIVE_MINUTES = Script(duration_s=300)


def lines(stack: Stack) -> Iterator[dict[str, Any]]:
    """Everything that the functions logged as JSON."""
    for text in logged(stack.cloud, logGroupNamePrefix=f"/aws/lambda/{APPLICATION_STACK}/"):
        yield from (json.loads(line) for line in text.splitlines() if line.startswith("{"))


def test_log_lines_lead_from_cloudformations_request_to_openais(stack: Stack, openai_api: OpenAIStandIn) -> None:
    assert stack.create(PROPERTIES) == "CREATE_COMPLETE", stack.reasons()
    [request] = stack.requests()
    own = [line for line in lines(stack) if line.get("correlation_id") == request["RequestId"]]
    assert {line["service"] for line in own} == {"custom_resource", "reconcile", "signal"}
    run_id = stack.outputs()["Ref"].partition(":")[2]
    for service in ("reconcile", "signal"):
        [*_, last] = [line for line in own if line["service"] == service]
        assert (last["stack_id"], last["logical_id"], last["run_id"]) == (request["StackId"], "Run", run_id)
    called = [line for line in own if line["message"] == "OpenAI request"]
    assert [(line["method"], line["path"], line["http_status"]) for line in called] == [
        ("POST", "/v1/conversations", 200),
        ("POST", "/v1/responses", 200),
    ]
    assert all(re.fullmatch(r"req_\w+", line["openai_request_id"]) for line in called)
    assert all(line["stack_id"] == request["StackId"] for line in called)


def test_failures_and_retries_are_counted(stack: Stack, openai_api: OpenAIStandIn) -> None:
    openai_api.script(Script(error=("invalid_prompt", "The model had a bad day.")))
    openai_api.fault(Fault("POST", "/v1/responses", "status", status=429, retry_after=1))
    assert stack.create(PROPERTIES) == "ROLLBACK_COMPLETE"
    found = counted(stack.cloud)
    assert found["failed"]
    assert found["Retries"]


def test_the_alarms_are_there_and_notify_only_if_asked(stack: Stack) -> None:
    alarms = stack.cloud.client("cloudwatch").describe_alarms(AlarmNamePrefix=APPLICATION_STACK)["MetricAlarms"]
    assert {each["MetricName"] for each in alarms} == {"ApproximateAgeOfOldestMessage", "OverdueRequests", "RunsFailed"}
    assert all(each["AlarmActions"] == [] and each["AlarmDescription"] for each in alarms)


def test_an_aborted_execution_fails_the_stack_within_seconds(stack: Stack, openai_api: OpenAIStandIn) -> None:
    openai_api.script(FIVE_MINUTES)
    stack.begin_create(PROPERTIES)
    stop_execution(stack)
    began = time.monotonic()
    assert stack.wait() == "ROLLBACK_COMPLETE"
    assert time.monotonic() - began < 30
    assert "is aborted" in stack.reasons()
    assert left(openai_api) == NOTHING


def stop_execution(stack: Stack) -> None:
    [execution] = until(stack.running_executions)
    stack.cloud.client("stepfunctions").stop_execution(executionArn=execution)


def test_a_request_whose_function_fails_three_times_is_taken_over(stack: Stack, openai_api: OpenAIStandIn) -> None:
    """The function cannot be loaded; its queue, the responder and the state machine do all of its work."""
    with stack.broken_function("CustomResourceFunction"):
        stack.begin_create(PROPERTIES | {"ServiceTimeout": 120})
        assert stack.wait() == "CREATE_COMPLETE", stack.reasons()
    assert openai_api.counters()["runs_started"] == 1


@contextmanager
def without_reports(stack: Stack) -> Iterator[None]:
    events = stack.cloud.client("events")
    [rule] = [each["Name"] for each in events.list_rules()["Rules"] if "EndedExecutionRule" in each["Name"]]
    events.disable_rule(Name=rule)
    try:
        yield
    finally:
        events.enable_rule(Name=rule)


def test_the_sweep_answers_what_no_report_came_of(stack: Stack, openai_api: OpenAIStandIn) -> None:
    """The emulator may not fire schedules: the rule is read, and its target invoked as the rule would."""
    openai_api.script(FIVE_MINUTES)
    with without_reports(stack):
        stack.begin_create(PROPERTIES | {"timeout_seconds": 10})  # Functions may be cold.
        stop_execution(stack)
        assert sweep(stack.cloud) == 0, "it is not due yet"
        until(lambda: sweep(stack.cloud), seconds=90)
    assert stack.wait() == "ROLLBACK_COMPLETE"
    assert "no response was ready at the deadline" in stack.reasons()
    assert left(openai_api) == NOTHING
    # The emulator may take a last line of a log for one of the next invocation: metrics are made of these lines.
    until(lambda: sweep(stack.cloud) == 0 and counted(stack.cloud)["OverdueRequests"])
