"""Receives CloudFormation's requests: writes the record, takes the first step, and starts the state machine.

The first step starts the thread and the run, so no time passes before the model works. The state machine is
given the record's key only.
"""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from threadrun.app.application import Application, application, prepare_in_init
from threadrun.cloudformation.delivery import deliver_plain_failure
from threadrun.cloudformation.events import Event, parse_event
from threadrun.cloudformation.intake import record_request
from threadrun.cloudformation.respond import Delivered
from threadrun.errors import InvalidEvent, ResponseNotDelivered
from threadrun.state.resource import RequestContext, resource_key
from threadrun.telemetry.metrics import count, measure_response

logger, metrics = prepare_in_init("custom_resource", with_backend=True)


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Entry point of the ServiceToken: a response reaches CloudFormation from here only where no work is left."""
    app = application()
    allow_loopback = app.settings.allow_loopback_response_url
    try:
        request = parse_event(event, allow_loopback=allow_loopback)
    except InvalidEvent as error:
        if not deliver_plain_failure(event, error.reason, allow_loopback=allow_loopback):
            raise
        logger.warning("response to an unreadable request sent", extra={"reason": error.reason})
        return
    logger.set_correlation_id(request.request_id)
    logger.append_keys(stack_id=request.stack_id, logical_id=request.logical_id)
    logger.info("request received", extra={"request_type": request.request_type})
    metrics.add_metric(name=f"{request.request_type}Requests", unit="Count", value=1)
    request_context = RequestContext(logger.append_keys)
    try:
        handle(app, request, request_context)
    finally:
        count(request_context.counts)


def handle(app: Application, event: Event, request_context: RequestContext) -> None:
    limits = app.backend.runs.limits
    request = record_request(app.records, event, app.clock, app.settings.tool_function_arns, limits)
    key = resource_key(event.stack_id, event.logical_id)
    if request.response is not None:
        _log_response(app, app.responses.send(key, event.request_id, url=event.response_url))
        return
    step = app.stepper.take_step(key, event.request_id, context=request_context)
    logger.info("first step taken", extra={"outcome": step.outcome, "wait_seconds": step.wait_seconds})
    if step.outcome == "respond":
        try:
            _log_response(app, app.responses.send(key, event.request_id))
            return
        except ResponseNotDelivered as error:  # The state machine tries again.
            logger.warning("the response is handed over", extra={"reason": error.reason})
    if step.outcome != "stop":
        app.hand_over(key, event.request_id)


def _log_response(app: Application, delivered: Delivered | None) -> None:
    """Log and measure a response that was sent from here; the state machine does so for its own."""
    if delivered is not None:
        _, facts = measure_response(delivered, app.clock())
        logger.info("response sent", extra=facts)
