"""Responds to requests of failed functions and failed executions, and to overdue ones.

The queue brings Lambda's own reports of failed invocations and EventBridge's of ended executions, one at a
time; a schedule brings the sweep. It must respond even where the application itself cannot be imported.
"""

from __future__ import annotations

import json
import os
from typing import Any

from threadrun.cloudformation.delivery import deliver_plain_failure

try:
    from aws_lambda_powertools import Logger, Metrics

    from threadrun.app.application import application
    from threadrun.app.responder import rescue_request, respond_to_ended_execution, sweep

    Logger(service="responder")
    metrics = Metrics(namespace="ThreadRun", service="responder")
    import_failure = None
except Exception as error:  # A layer built for another architecture, say: every function fails like this one.
    import_failure = f"the application cannot be loaded ({type(error).__name__}): build and deploy it again"


def handler(event: dict[str, Any], context: object) -> dict[str, int]:
    """A queue's event with one message, or a schedule's; raises what the queue is to bring again."""
    if "Records" not in event:
        return {"overdue": 0 if import_failure else _sweep()}
    for message in event["Records"]:
        _respond(json.loads(message["body"]))
    return {"messages": len(event["Records"])}


def _sweep() -> int:
    overdue = sweep(application())
    # Also where it is 0: without it the sweep itself has stopped.
    metrics.add_metric(name="OverdueRequests", unit="Count", value=overdue)
    metrics.flush_metrics()
    return overdue


def _respond(report: dict[str, Any]) -> None:
    is_execution = report.get("source") == "aws.states"
    if import_failure is None and is_execution:
        respond_to_ended_execution(application(), report["detail"])
    elif import_failure is None:
        # Never Lambda's message, which may hold what the request held.
        kind = (report.get("responsePayload") or {}).get("errorType") or report["requestContext"]["condition"]
        reason = f"the function that receives requests failed ({kind}): see its log group"
        rescue_request(application(), report["requestPayload"], reason)
    elif is_execution:
        raise RuntimeError(import_failure)  # Its record is out of reach until the application loads again.
    else:
        allow_loopback = os.environ.get("ALLOW_LOOPBACK_RESPONSE_URL") == "true"
        deliver_plain_failure(report["requestPayload"], import_failure, allow_loopback=allow_loopback)
