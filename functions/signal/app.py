"""Answers CloudFormation for the state machine: from the record's key to one delivered answer."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from threadrun.app.application import application, prepare_in_init
from threadrun.telemetry.metrics import measure_response
from threadrun.telemetry.run_events import put_event

logger, metrics = prepare_in_init("signal", with_backend=False)


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, str], context: LambdaContext) -> dict[str, Any]:
    """`{key, request_id, failure?}` -> `{answered}`; `failure` tells why the state machine ended early."""
    app = application()
    logger.set_correlation_id(event["request_id"])
    answered = app.responses.send(event["key"], event["request_id"], failure=event.get("failure") or None)
    metrics.add_metric(name="Answers", unit="Count", value=int(answered is not None))
    if answered is None:
        logger.info("nothing to answer")
        return {"answered": False}
    logger.append_keys(**answered.record.names(answered.request))
    end, facts = measure_response(answered, app.clock())
    logger.info("request answered", extra=facts)
    if end is not None and end.run.run_id is not None:
        refusal = put_event(app.event_bus, answered, end)
        if refusal:
            logger.warning("the event of the run's end was not put", extra={"reason": refusal})
        metrics.add_metric(name="EventsUnsent", unit="Count", value=int(bool(refusal)))
    return {"answered": True}
