"""Answers one call of a function tool for the state machine: invokes its handler and keeps its output."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from threadrun.app.application import application, prepare_in_init
from threadrun.state.resource import RequestContext
from threadrun.workflow.tool_calls import ToolCaller, invoke

logger, metrics = prepare_in_init("call_tool", with_backend=False)
MARGIN_MILLISECONDS = 5000
"""To note, before this function's own end, that a handler took longer."""


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, str], context: LambdaContext) -> dict[str, Any]:
    """`{key, request_id, call_id}` -> `{answered}`; the output stays in the record."""
    app = application()
    logger.set_correlation_id(event["request_id"])
    logger.append_keys(call_id=event["call_id"])

    def invoke_in_time(function_arn: str, payload: dict[str, Any], seconds: float) -> Any:
        own_seconds = (context.get_remaining_time_in_millis() - MARGIN_MILLISECONDS) / 1000
        return invoke(function_arn, payload, max(min(seconds, own_seconds), 1))

    request_context = RequestContext(logger.append_keys)
    try:
        answered = ToolCaller(app.records, invoke_in_time, app.clock, **event).answer(request_context)
    finally:
        # Both also where they are 0: an average of ToolFailures is then the failure rate.
        for name in ("ToolCalls", "ToolFailures"):
            metrics.add_metric(name=name, unit="Count", value=request_context.counts[name])
    logger.info("call answered" if answered else "nothing to answer with")
    return {"answered": answered}
