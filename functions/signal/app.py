"""Responds to CloudFormation for the state machine: from the record's key to one delivered response."""

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
    """`{key, request_id, failure?}` -> `{responded}`; `failure` says why the state machine ended early."""
    app = application()
    logger.set_correlation_id(event["request_id"])
    delivered = app.responses.send(event["key"], event["request_id"], failure=event.get("failure") or None)
    metrics.add_metric(name="Responses", unit="Count", value=int(delivered is not None))
    if delivered is None:
        logger.info("no response is due")
        return {"responded": False}
    logger.append_keys(**delivered.record.names(delivered.request))
    end, facts = measure_response(delivered, app.clock())
    logger.info("response sent", extra=facts)
    if end is not None and end.run.run_id is not None:
        refusal = put_event(app.event_bus, delivered, end)
        if refusal:
            logger.warning("the event of the run's end was not put", extra={"reason": refusal})
        metrics.add_metric(name="EventsUnsent", unit="Count", value=int(bool(refusal)))
    return {"responded": True}
