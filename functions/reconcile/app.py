"""Takes steps of a request for the state machine, and waits for near ones: from the record's key to what comes next."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from threadrun.app.application import application, prepare_in_init
from threadrun.state.resource import RequestContext
from threadrun.telemetry.metrics import count

logger, metrics = prepare_in_init("reconcile", with_backend=True)
MARGIN_SECONDS = 120
"""Time for the longest step, that has several calls which get no reply, before this function's own end."""


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """`{key, request_id, retry_count}` -> `{outcome, wait_seconds, ...}`, see `workflow.waiting.NextState`."""
    app = application()
    logger.set_correlation_id(event["request_id"])
    seconds = context.get_remaining_time_in_millis() / 1000 - MARGIN_SECONDS
    waiting = app.waiting(seconds, event.get("retry_count", 0))
    request_context = RequestContext(logger.append_keys)
    try:
        step = app.stepper.take_step(event["key"], event["request_id"], waiting, request_context)
    finally:
        count(request_context.counts)
    waits = {"wait_seconds": step.wait_seconds, "waited_inline_seconds": round(waiting.waited_inline_seconds, 3)}
    logger.info("step taken", extra={"outcome": step.outcome, "looks": waiting.looks, **waits})
    metrics.add_metric(name="Steps", unit="Count", value=1)
    return asdict(step)
