"""Registers the application's webhook endpoint with the server while it is deployed, and mends it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import ValidationError

from threadrun.app.application import Application, application
from threadrun.app.webhook_endpoint import EndpointRequest, Registered, fulfil, mend
from threadrun.cloudformation.delivery import deliver, deliver_plain_failure, encoded, failure_body
from threadrun.cloudformation.protocol import NOT_CREATED, is_response_url
from threadrun.errors import TerminalError, ThreadRunError, TransientError
from threadrun.telemetry.log_lines import error_facts, share_logger
from threadrun.telemetry.metrics import NAMESPACE
from threadrun.workflow.webhooks import wake_all

logger = Logger(service="webhook_endpoint")
metrics = Metrics(namespace=NAMESPACE, service="webhook_endpoint")
share_logger(logger)
HasTime = Callable[[], bool]


MARGIN_MILLISECONDS = 90_000
"""What is begun ends before this function does, and leaves time to respond: a try, or a call of the table (76 s)."""


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """A request for `Custom::OpenAIWebhookEndpoint`, which gets a response in any case, or the schedule's check."""
    app = application()

    def has_time() -> bool:
        return context.get_remaining_time_in_millis() >= MARGIN_MILLISECONDS

    if "Check" in event:
        metrics.add_metric(name="WebhookEndpointFaults", unit="Count", value=check(app, event["Check"], has_time))
        metrics.flush_metrics()
        return
    allow_loopback = app.settings.allow_loopback_response_url
    try:
        request = EndpointRequest.model_validate(event)
    except ValidationError as error:
        places = ", ".join(".".join(str(part) for part in each["loc"]) for each in error.errors())
        deliver_plain_failure(event, f"cannot use {places}", allow_loopback=allow_loopback)
        return
    if not is_response_url(request.response_url, allow_loopback=allow_loopback):
        raise ValueError("the ResponseURL is not CloudFormation's")
    logger.set_correlation_id(request.request_id)
    logger.append_keys(stack_id=request.stack_id, logical_id=request.logical_id)
    logger.info("request received", extra={"request_type": request.request_type})
    body = _response(app, request, has_time)
    if request.request_type == "Delete":
        # Of this endpoint no webhook will come any more. After the response CloudFormation deletes this function.
        _wake_all(app, has_time)
    deliver(request.response_url, body)


def _response(app: Application, request: EndpointRequest, has_time: HasTime) -> bytes:
    """Do what is asked for; returns the response to it, whatever happens."""
    named = {"StackId": request.stack_id, "RequestId": request.request_id, "LogicalResourceId": request.logical_id}
    try:
        client = app.connect(request.wanted.api_key_secret_arn, request.wanted.base_url)
        physical_id = fulfil(request, client, app.keep_webhook_secret, app.sleep, has_time)
        return encoded({"Status": "SUCCESS", "PhysicalResourceId": physical_id, **named})
    except Exception as error:  # Without a response CloudFormation waits until the ServiceTimeout.
        logger.error("request failed", extra=error_facts(error))
        reason = (
            error.reason
            if isinstance(error, ThreadRunError)
            else f"the webhook endpoint failed ({type(error).__name__}): see its log group"
        )
        physical_id = request.physical_id or f"{NOT_CREATED}{request.request_id}"
        return failure_body({"PhysicalResourceId": physical_id, **named}, reason)


def check(app: Application, registered: dict[str, Any], has_time: HasTime) -> bool:
    """Check the endpoint while requests wait; returns whether anything was wrong with it."""
    endpoint = Registered.model_validate(registered)
    try:
        if not app.records.are_awaited(1):
            return False
        client = app.connect(endpoint.api_key_secret_arn, endpoint.base_url)
        problem = mend(endpoint, client, app.webhook_secret, app.keep_webhook_secret)
    except TransientError as error:
        logger.warning("webhook endpoint not checked", extra={"reason": error.reason})
        return False  # The schedule comes again.
    except TerminalError as error:
        problem = error.reason
    if problem is None:
        return False
    logger.error("webhook endpoint not as registered", extra={"reason": problem})
    _wake_all(app, has_time)
    return True


def _wake_all(app: Application, has_time: HasTime) -> None:
    """Whoever is not woken looks again by itself, later: it is not worth the response, or the next check."""
    if app.event_waits is None:
        return
    try:
        woken = wake_all(app.records, app.event_waits, app.step_functions, has_time)
        logger.info("executions woken", extra={"count": woken})
    except Exception as error:
        logger.error("not all executions woken", extra=error_facts(error))
