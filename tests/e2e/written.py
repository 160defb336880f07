"""All that an application wrote where others can read it: logs, executions' inputs, outputs and histories."""

from __future__ import annotations

import json

from local.deployment import Application
from local.embedded_cloud import EmbeddedCloud


def everything_written(cloud: EmbeddedCloud, application: Application) -> str:
    """One text; the table, the bucket and the queue are not part of it: they are encrypted and expire."""
    logs, states = cloud.client("logs"), cloud.client("stepfunctions")
    written = []
    for group in logs.describe_log_groups()["logGroups"]:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"])
        written += [event["message"] for page in pages for event in page["events"]]
    pages = states.get_paginator("list_executions").paginate(stateMachineArn=application.state_machine_arn)
    for execution in [each for page in pages for each in page["executions"]]:
        arn = execution["executionArn"]
        history = states.get_paginator("get_execution_history").paginate(executionArn=arn)
        written += [json.dumps(page["events"], default=str) for page in history]
        written.append(json.dumps(states.describe_execution(executionArn=arn), default=str))
    return "\n".join(written)
