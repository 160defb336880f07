"""`threadrun why`: from a stack's name to the reason, the run, the log lines and the remedy."""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from rich.console import Console

from local.openai_standin import Script
from testkit.in_process.aws import aws
from testkit.in_process.world import TABLE, World
from tests.support.runs import PROPERTIES, delete_all, failure
from threadrun_cli.why import Stacks, WhyError, show

pytestmark = pytest.mark.on_moto  # It reads the table with boto3, as people do.


class Pages:
    """A client whose paginators have one page each, by their names."""

    def __init__(self, **pages: Callable[..., dict[str, Any]]) -> None:
        self._pages = pages
        self.asked: list[dict[str, Any]] = []

    def get_paginator(self, name: str) -> Any:
        def paginate(**arguments: Any) -> Iterator[dict[str, Any]]:
            self.asked.append(arguments)
            yield self._pages[name](**arguments)

        return type("Paginator", (), {"paginate": staticmethod(paginate)})

    def describe_stacks(self, *, StackName: str) -> dict[str, Any]:
        return {
            "Stacks": [{"Outputs": [{"OutputKey": "TableName", "OutputValue": TABLE}] * (StackName == "threadrun")}]
        }


def event(
    world: World, name: str, status: str, reason: str = "", kind: str = "Custom::OpenAIThreadRun"
) -> dict[str, Any]:
    stack_id = world.event("Create", {})["StackId"]
    return {
        "StackId": stack_id,
        "LogicalResourceId": name,
        "PhysicalResourceId": stack_id if kind == "AWS::CloudFormation::Stack" else "x",
        "ResourceType": kind,
        "ResourceStatus": status,
        "ResourceStatusReason": reason,
        "Timestamp": datetime.fromtimestamp(world.clock(), UTC),
    }


def told(
    world: World, reason: str, application: str = "threadrun", more: Sequence[dict[str, Any]] = ()
) -> tuple[str, Pages]:
    stack = "AWS::CloudFormation::Stack"
    events = [
        event(world, "example", "ROLLBACK_COMPLETE", kind=stack),
        *more,
        event(world, "Other", "CREATE_FAILED", "Resource creation cancelled"),
        event(world, "Run", "CREATE_FAILED", f"Message returned: {reason}"),
        event(world, "example", "CREATE_IN_PROGRESS", kind=stack),
        event(world, "Run", "CREATE_FAILED", "of an earlier operation"),
    ]
    line = {
        "service": "custom_resource",
        "message": "openai",
        "http_status": 400,
        "openai_request_id": "req_1",
        "x": "secret",
    }

    def filtered(*, filterPattern: str, **_: Any) -> dict[str, Any]:
        """As an emulator does that takes no notice of the pattern."""
        own = line | {"correlation_id": filterPattern.split('"')[1]}
        messages = [json.dumps(own), "REPORT", json.dumps(line | {"message": "of another", "correlation_id": "other"})]
        return {"events": [{"timestamp": at, "message": message} for at, message in enumerate(messages)]}

    groups = {"logGroups": [{"logGroupName": "/aws/lambda/threadrun/custom-resource"}]}
    logs = Pages(describe_log_groups=lambda **_: groups, filter_log_events=filtered)
    clients = {"cloudformation": Pages(describe_stack_events=lambda **_: {"StackEvents": events}), "logs": logs}
    status, failures = Stacks(lambda name: clients.get(name) or aws("dynamodb"), application).failures("example")
    console = Console(record=True, width=200, color_system=None)
    show(console, "example", status, failures)
    return console.export_text(), logs


def test_why_tells_the_reason_the_run_its_log_lines_and_what_to_do(world: World) -> None:
    world.openai.script(Script(status="incomplete"))
    answer = world.create(PROPERTIES)
    delete_all(world, answer)
    text, logs = told(world, failure(answer))
    assert answer["Reason"] in text
    for part in ("status incomplete", "model gpt-5.4-mini", "custom_resource openai 400 req_1", "accept_statuses"):
        assert part in text
    for part in ("secret", "cancelled", "an earlier operation", "of another", PROPERTIES["instructions"]):
        assert part not in text
    assert "aws cloudformation delete-stack --stack-name example" in text
    assert answer["RequestId"] in logs.asked[-1]["filterPattern"]


def test_a_refused_property_is_told_with_its_own_remedy(world: World) -> None:
    text, _ = told(world, failure(world.create({**PROPERTIES, "temperature": "3"})))
    assert "a value outside its limits" in text


def test_a_stack_that_is_not_the_application_is_named(world: World) -> None:
    with pytest.raises(WhyError, match="stack other is not the application: --application names its stack"):
        told(world, failure(world.create({**PROPERTIES, "temperature": "3"})), application="other")


@pytest.mark.parametrize(
    ("reason", "known"),
    [
        (
            "CustomResource attribute error: Vendor response doesn't contain output.v attribute in object "
            "arn:aws:cloudformation:us-east-1:123456789012:stack/example/1|Run|2",
            "attributes of Custom::OpenAIThreadRun: id, thread_id",
        ),
        ("Requested attribute output.v does not exist in schema for Custom::OpenAIThreadRun", "output_text"),
        ("No export named threadrun-ServiceToken found. Rollback requested by user.", "deploy the application"),
    ],
)
def test_what_failed_because_of_a_reference_to_the_resource_is_told(world: World, reason: str, known: str) -> None:
    of_another = event(world, "Page", "CREATE_FAILED", reason, "AWS::SSM::Parameter")
    text, _ = told(world, failure(world.create({**PROPERTIES, "temperature": "3"})), more=[of_another])
    for part in ("Page: ", reason, known):
        assert part in text
