"""What can be seen of the deployed application: events by a rule, log lines, metrics, the dashboard and the alarms.

The emulator does not make metrics of log lines: what the dashboard and the alarms name is looked for in the lines that
CloudWatch would read, and that AWS's own metrics are of resources that exist.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema

from local.deployment import APPLICATION_STACK, ROOT, wait_for_stack
from local.openai_standin import Fault, OpenAIStandIn, Script
from tests.e2e.conftest import Stack
from tests.e2e.test_cloudformation import PROPERTIES
from tests.e2e.test_examples import EXAMPLES, begin, physical_id
from tests.e2e.test_responder import running_executions, until

SCHEMA = json.loads((ROOT / "docs" / "events.schema.json").read_text())
ELSEWHERE = {
    "EventsUnsent": "the bus takes every event here: tests/flow/test_events_and_metrics.py",
    "EventsReceived": "this application is deployed without webhooks",
    "EventsRefused": "this application is deployed without webhooks",
}
SEARCH = re.compile(r"\{(\w+),service,(\w+)\} MetricName=\"(\w+)\" service=\"(\w+)\"")
Dimensions = frozenset[tuple[str, str]]


def lines(stack: Stack) -> Iterator[dict[str, Any]]:
    """Everything that the functions logged as JSON."""
    logs = stack.cloud.client("logs")
    for group in logs.describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{APPLICATION_STACK}/")["logGroups"]:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"])
        for text in (event["message"] for page in pages for event in page["events"]):
            for line in text.splitlines():
                if line.startswith("{"):
                    yield json.loads(line)


def written_metrics(stack: Stack) -> set[tuple[str, str, Dimensions]]:
    """Namespace, name and dimensions of each metric that CloudWatch would make of the lines."""
    found = set()
    for line in lines(stack):
        for directive in line.get("_aws", {}).get("CloudWatchMetrics", ()):
            for names in directive["Dimensions"]:
                dimensions = frozenset((name, line[name]) for name in names)
                assert all(isinstance(value, str) for _, value in dimensions)
                found |= {(directive["Namespace"], each["Name"], dimensions) for each in directive["Metrics"]}
    return found


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
    stack.cloud.client("cloudformation").create_stack(
        StackName=listening.name, TemplateBody=(EXAMPLES / "run_events.yaml").read_text()
    )
    assert wait_for_stack(stack.cloud, listening.name) == "CREATE_COMPLETE"
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


def looked_at(stack: Stack) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Namespace, name and dimensions of what the dashboard and the alarms name; `*` is any value."""
    cloudwatch = stack.cloud.client("cloudwatch")
    body = cloudwatch.get_dashboard(DashboardName=f"{APPLICATION_STACK}-{stack.cloud.region}")["DashboardBody"]
    for widget in json.loads(body)["widgets"]:
        for row in widget["properties"].get("metrics", ()):
            if isinstance(row[0], str):
                namespace, name, *pairs = [part for part in row if isinstance(part, str)]
                yield namespace, name, dict(zip(pairs[::2], pairs[1::2], strict=True))
            elif found := SEARCH.search(row[0]["expression"]):
                yield found[1], found[3], {"service": found[4], found[2]: "*"}
    for alarm in cloudwatch.describe_alarms(AlarmNamePrefix=APPLICATION_STACK)["MetricAlarms"]:
        yield alarm["Namespace"], alarm["MetricName"], {each["Name"]: each["Value"] for each in alarm["Dimensions"]}


def overdue_request(stack: Stack, openai_api: OpenAIStandIn) -> None:
    """A request whose execution is stopped, and nobody reports it: the sweep finds it."""
    events, schedules = stack.cloud.client("events"), stack.cloud.client("events").list_rules()["Rules"]
    [schedule] = [each for each in schedules if each.get("ScheduleExpression") == "rate(1 minute)"]
    [target] = events.list_targets_by_rule(Rule=schedule["Name"])["Targets"]
    [reports] = [each["Name"] for each in schedules if "EndedExecutionRule" in each["Name"]]
    functions = stack.cloud.client("lambda")

    def sweep() -> int:
        return int(json.loads(functions.invoke(FunctionName=target["Arn"], Payload=b"{}")["Payload"].read())["overdue"])

    late = Stack(stack.cloud, stack.application, f"{stack.name}-late")
    openai_api.script(Script(duration_s=300))
    events.disable_rule(Name=reports)
    try:
        late.begin_create(PROPERTIES | {"timeout_seconds": 3})
        [execution] = until(lambda: running_executions(late))
        stack.cloud.client("stepfunctions").stop_execution(executionArn=execution)
        until(sweep, seconds=40)
    finally:
        events.enable_rule(Name=reports)
    assert late.wait() == "ROLLBACK_COMPLETE"


def test_every_metric_of_the_dashboard_and_the_alarms_has_data_after_some_runs(
    stack: Stack, openai_api: OpenAIStandIn
) -> None:
    call = {"type": "function_call", "name": "look_up_stock", "call_id": "call_1", "arguments": {"article": "nut"}}
    openai_api.script(Script(output=[call], duration_s=4), Script(output_text="No nuts.", usage=(21, 7)))
    openai_api.fault(Fault("POST", "/v1/responses", "status", status=429, retry_after=1))
    begin(stack, "function_tool.yaml")
    physical_id(stack, "Stock")
    assert stack.wait() == "CREATE_COMPLETE", stack.reasons()
    failing = Stack(stack.cloud, stack.application, f"{stack.name}-failing")
    openai_api.script(Script(error=("server_error", "The model had a bad day.")))
    assert failing.create(PROPERTIES) == "ROLLBACK_COMPLETE"
    overdue_request(stack, openai_api)

    written = written_metrics(stack)
    named = list(looked_at(stack))
    assert {namespace for namespace, *_ in named} == {"ThreadRun", "AWS/States", "AWS/Lambda", "AWS/SQS"}
    functions = stack.cloud.client("lambda").get_paginator("list_functions").paginate()
    queues = stack.cloud.client("sqs").list_queues()["QueueUrls"]
    exists = {each["FunctionName"] for page in functions for each in page["Functions"]}
    exists |= {url.rpartition("/")[2] for url in queues} | {stack.application.state_machine_arn, "StateTransition"}
    for namespace, name, dimensions in named:
        if namespace != "ThreadRun":
            assert set(dimensions.values()) <= exists, name
        elif name not in ELSEWHERE:
            fitting = [
                (where, what, values)
                for where, what, values in written
                if (where, what) == (namespace, name)
                and {key for key, _ in values} == set(dimensions)
                and all(dimensions[key] in ("*", value) for key, value in values)
            ]
            assert fitting, f"{name} {dimensions} has no data"
    assert set(ELSEWHERE) <= {name for _, name, _ in named}


def test_the_alarms_are_there_and_tell_nobody_unless_asked(stack: Stack) -> None:
    alarms = stack.cloud.client("cloudwatch").describe_alarms(AlarmNamePrefix=APPLICATION_STACK)["MetricAlarms"]
    assert {each["MetricName"] for each in alarms} == {"ApproximateAgeOfOldestMessage", "OverdueRequests", "RunsFailed"}
    assert all(each["AlarmActions"] == [] and each["AlarmDescription"] for each in alarms)
