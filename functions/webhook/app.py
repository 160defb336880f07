"""Receives the server's webhooks at a function URL: executions that wait for the run look at once."""

from __future__ import annotations

from typing import Any, Literal

from aws_lambda_powertools.utilities.data_classes import LambdaFunctionUrlEvent
from aws_lambda_powertools.utilities.typing import LambdaContext

from threadrun.app.application import Application, application, prepare_in_init
from threadrun.errors import ThreadRunError
from threadrun.workflow.webhooks import ForgedWebhook, ended_run, wake

logger, metrics = prepare_in_init("webhook", with_backend=False)


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """A request of the function URL -> its response: 200, or 400 where it is forged, or 503 to have it sent again."""
    try:
        result = receive(application(), *_read(event))
    except ForgedWebhook as error:
        logger.warning("webhook refused", extra={"reason": type(error).__name__})
        metrics.add_metric(name="WebhooksRefused", unit="Count", value=1)
        return {"statusCode": 400}
    except ThreadRunError as error:
        logger.warning("webhook to be sent again", extra={"reason": error.reason})
        return {"statusCode": 503}
    logger.info("webhook received", extra={"result": result})
    metrics.add_metric(name="WebhooksReceived", unit="Count", value=1)
    return {"statusCode": 200}


def _read(event: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """The body and the headers, whose names are in lower case; anybody can send any."""
    request = LambdaFunctionUrlEvent(event)
    try:
        return request.decoded_body or "", {name: str(value) for name, value in request.headers.items()}
    except (ValueError, TypeError, AttributeError):  # Neither base64 nor UTF-8, or no text at all.
        raise ForgedWebhook("an unreadable body") from None


def receive(app: Application, body: str, headers: dict[str, str]) -> Literal["woken", "noted", "unknown"]:
    """Take one webhook; raises `ForgedWebhook`, or `ThreadRunError` where it is to be sent again."""
    run_id = ended_run(body, headers, app.webhook_secret(), app.clock())
    wait = app.event_waits.note_webhook(run_id, app.clock()) if run_id and app.event_waits else None
    if wait is None:
        return "unknown"
    logger.set_correlation_id(",".join(wait.request_ids))
    logger.append_keys(run_id=run_id)
    woken = [wake(app.step_functions, token) for token in wait.task_tokens]
    return "woken" if any(woken) else "noted"
