"""What can be seen of the deployed application: events by a rule, log lines, metrics, the dashboard and the alarms.

What the dashboard and the alarms name is read back from CloudWatch, which the embedded cloud fills from log lines and
from what its services do.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema

from local.dashboard import dashboard_readings, sweep
from local.deployment import APPLICATION_STACK, ROOT
from local.openai_standin import Fault, OpenAIStandIn, Script
from tests.support.runs import PROPERTIES
from tests.support.stacks import Stack, physical_id, running_executions, until

SCHEMA = json.loads((ROOT / "docs" / "events.schema.json").read_text())
WITHOUT = {"ExecutionsFailed", "ExecutionsTimedOut"}
"""Of AWS: there are none, and no execution ends so here."""


def lines(stack: Stack) -> Iterator[dict[str, Any]]:
    """Everything that the functions logged as JSON."""
    logs = stack.cloud.client("logs")
    for group in logs.describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{APPLICATION_STACK}/")["logGroups"]:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"])
        for text in (event["message"] for page in pages for event in page["events"]):
            for line in text.splitlines():
                if line.startswith("{"):
                    yield json.loads(line)


def received(stack: Stack, queue_url: str) -> dict[str, Any] | None:
    sqs = stack.cloud.client("sqs")
    for message in sqs.receive_message(QueueUrl=queue_url).get("Messages", ()):
        sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
        event: dict[str, Any] = json.loads(message["Body"])
        return event
    return None


def test_the_end_of_a_run_arrives_at_a_queue_by_the_rule_of_the_example(
    stack: Stack, openai_api: OpenAIStandIn
) -> None:
    """With the permission's condition: IAM is enforced on the function's role."""
    listening = Stack(stack.cloud, stack.application, f"{stack.name}-events")
    assert listening.create_example("run_events.yaml") == "CREATE_COMPLETE", listening.reasons()
    queue_url = listening.outputs()["QueueUrl"]
    openai_api.script(Script(usage=(21, 7)))
    assert stack.create(PROPERTIES) == "CREATE_COMPLETE", stack.reasons()
    event = until(lambda: received(stack, queue_url))
    jsonschema.validate(event["detail"], SCHEMA)
    assert (event["source"], event["detail-type"]) == ("threadrun", "OpenAI Thread Run Status Change")
    assert f"{event['detail']['thread_id']}:{event['detail']['run_id']}" == stack.outputs()["Ref"]
    assert event["detail"]["usage"]["total_tokens"] == 28
    assert event["resources"] == [event["detail"]["stack_id"]]
    listening.delete()


def test_log_lines_lead_from_cloudformations_request_to_openais(stack: Stack, openai_api: OpenAIStandIn) -> None:
    assert stack.create(PROPERTIES) == "CREATE_COMPLETE", stack.reasons()
    [request] = [each for each in stack.cloud.sent_events() if f"/{stack.name}/" in each["StackId"]]
    own = [line for line in lines(stack) if line.get("correlation_id") == request["RequestId"]]
    assert {line["service"] for line in own} == {"custom_resource", "reconcile", "signal"}
    run_id = stack.outputs()["Ref"].partition(":")[2]
    for service in ("reconcile", "signal"):
        [*_, last] = [line for line in own if line["service"] == service]
        assert (last["stack_id"], last["logical_id"], last["run_id"]) == (request["StackId"], "Run", run_id)
    called = [line for line in own if line["message"] == "OpenAI called"]
    assert [(line["method"], line["path"], line["http_status"]) for line in called] == [
        ("POST", "/v1/conversations", 200),
        ("POST", "/v1/responses", 200),
    ]
    assert all(re.fullmatch(r"req_\w+", line["openai_request_id"]) for line in called)
    assert all(line["stack_id"] == request["StackId"] for line in called)


def overdue_request(stack: Stack, openai_api: OpenAIStandIn) -> None:
    """A request whose execution is stopped, and nobody reports it: the sweep finds it."""
    events = stack.cloud.client("events")
    [reports] = [each["Name"] for each in events.list_rules()["Rules"] if "EndedExecutionRule" in each["Name"]]
    late = Stack(stack.cloud, stack.application, f"{stack.name}-late")
    openai_api.script(Script(duration_s=300))
    events.disable_rule(Name=reports)
    try:
        late.begin_create(PROPERTIES | {"timeout_seconds": 3})
        [execution] = until(lambda: running_executions(late))
        stack.cloud.client("stepfunctions").stop_execution(executionArn=execution)
        until(lambda: sweep(stack.cloud), seconds=90)
    finally:
        events.enable_rule(Name=reports)
    assert late.wait() == "ROLLBACK_COMPLETE"


def test_every_metric_of_the_dashboard_and_the_alarms_has_data_after_some_runs(
    stack: Stack, openai_api: OpenAIStandIn
) -> None:
    call = {"type": "function_call", "name": "look_up_stock", "call_id": "call_1", "arguments": {"article": "nut"}}
    openai_api.script(Script(output=[call], duration_s=4), Script(output_text="No nuts.", usage=(21, 7)))
    openai_api.fault(Fault("POST", "/v1/responses", "status", status=429, retry_after=1))
    stack.begin_create_example("function_tool.yaml")
    physical_id(stack, "Stock")
    assert stack.wait() == "CREATE_COMPLETE", stack.reasons()
    failing = Stack(stack.cloud, stack.application, f"{stack.name}-failing")
    openai_api.script(Script(error=("server_error", "The model had a bad day.")))
    assert failing.create(PROPERTIES) == "ROLLBACK_COMPLETE"
    overdue_request(stack, openai_api)

    readings = dashboard_readings(stack.cloud)
    without = {reading.metric.name for reading in readings if reading.value is None}
    assert without <= WITHOUT, "CloudWatch has no data of these"
    assert {reading.metric.namespace for reading in readings} == {"ThreadRun", "AWS/States", "AWS/Lambda", "AWS/SQS"}
    values = {(each.metric.name, dict(each.metric.dimensions).get("reason")): each.value for each in readings}
    happened = [("RunsFailed", "failed"), ("ToolCalls", None), ("Retries", None), ("OverdueRequests", None)]
    assert [each for each in happened if not values[each]] == []


def test_the_alarms_are_there_and_tell_nobody_unless_asked(stack: Stack) -> None:
    alarms = stack.cloud.client("cloudwatch").describe_alarms(AlarmNamePrefix=APPLICATION_STACK)["MetricAlarms"]
    assert {each["MetricName"] for each in alarms} == {"ApproximateAgeOfOldestMessage", "OverdueRequests", "RunsFailed"}
    assert all(each["AlarmActions"] == [] and each["AlarmDescription"] for each in alarms)
