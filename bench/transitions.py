"""State transitions of executions, as AWS bills them, by the request of CloudFormation they were for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any


def count_transitions(events: Iterable[Mapping[str, Any]]) -> int:
    """States entered, and retries: a task that was scheduled more often than entered."""
    types = [str(event["type"]) for event in events]
    entered = sum(kind.endswith("StateEntered") for kind in types)
    tries = sum(kind in ("TaskScheduled", "LambdaFunctionScheduled") for kind in types)
    return entered + max(0, tries - types.count("TaskStateEntered"))


def transitions_by_request(cloud: Any, state_machine_arn: str) -> dict[str, int]:
    """Of every execution of the state machine; its input names the request."""
    client = cloud.client("stepfunctions")
    counted = {}
    pages = client.get_paginator("list_executions").paginate(stateMachineArn=state_machine_arn)
    for execution in (each for page in pages for each in page["executions"]):
        arn = execution["executionArn"]
        given = json.loads(client.describe_execution(executionArn=arn)["input"])
        histories = client.get_paginator("get_execution_history").paginate(executionArn=arn)
        events = [event for page in histories for event in page["events"]]
        counted[given.get("request_id") or given["RequestId"]] = count_transitions(events)
    return counted
