"""The response that CloudFormation gets where everything else failed: functions, executions, or time.

What can still be done is handed to the state machine; what cannot gets the response FAILED. The record decides, so
that there is one response however many paths lead here.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from threadrun.app.application import Application
from threadrun.cloudformation.delivery import deliver_plain_failure
from threadrun.cloudformation.events import Event, parse_event
from threadrun.cloudformation.intake import record_request
from threadrun.cloudformation.protocol import URL_LIFE_SECONDS
from threadrun.cloudformation.respond import Delivered
from threadrun.errors import InvalidEvent, ThreadRunError, TransientError
from threadrun.state.resource import Request, ResourceRecord, resource_key
from threadrun.storage.records import error_code
from threadrun.telemetry.log_lines import error_facts
from threadrun.telemetry.metrics import measure_response

GRACE_SECONDS = 15
"""Time after its deadline in which a request's own execution still responds best."""
logger = Logger(service="responder", child=True)


def rescue_request(app: Application, raw: Mapping[str, Any], reason: str) -> None:
    """Take over a request whose function has failed three times.

    Raises `TransientError` while there is time left to try again, `ResponseNotDelivered` at any time.
    """
    try:
        event = parse_event(raw, allow_loopback=app.settings.allow_loopback_response_url)
    except InvalidEvent as error:
        _respond_plainly(app, raw, error.reason)
        return
    try:
        request = record_request(app.records, event, app.clock, app.settings.deployment)
    except Exception as error:  # Whatever it is: CloudFormation must get a response.
        if isinstance(error, TransientError) and _has_time(app, event):
            raise
        logger.error("the request cannot be recorded", extra=error_facts(error) | _event_names(event))
        _respond_plainly(app, raw, f"{reason}; it cannot be recorded either ({_told(error)})")
        return
    _continue_request(app, event, request, reason)


def _continue_request(app: Application, event: Event, request: Request, reason: str) -> None:
    key = resource_key(event.stack_id, event.logical_id)
    if request.response is None:
        try:
            app.hand_over(key, event.request_id)
            logger.warning("the request is handed over", extra={"reason": reason, **_event_names(event)})
            return
        except (BotoCoreError, ClientError) as error:
            logger.error("the state machine cannot be started", extra=error_facts(error) | _event_names(event))
            if _has_time(app, event):
                code = error_code(error)
                raise TransientError(f"cannot start the state machine: {code}") from None  # The queue comes again.
    _log_response(app, app.responses.send(key, event.request_id, failure=reason, url=event.response_url))


def _has_time(app: Application, event: Event) -> bool:
    """Without a date in its URL, the request counts as due."""
    return app.clock() < (event.issued_epoch_s or 0) + event.work_seconds(None)


def _log_response(app: Application, delivered: Delivered | None) -> None:
    if delivered is not None:
        _, facts = measure_response(delivered, app.clock())
        found_by = _request_names(delivered.record, delivered.request)
        logger.warning("response sent by the responder", extra=found_by | facts)


def _told(error: Exception) -> str:
    return error.reason if isinstance(error, ThreadRunError) else type(error).__name__


def _event_names(event: Event) -> dict[str, str]:
    """What the request is found by in the lines of all functions."""
    return {"correlation_id": event.request_id, "stack_id": event.stack_id, "logical_id": event.logical_id}


def _request_names(record: ResourceRecord, request: Request) -> dict[str, str]:
    return {"correlation_id": request.request_id, **record.names(request)}


def _respond_plainly(app: Application, raw: Mapping[str, Any], reason: str) -> None:
    if not deliver_plain_failure(raw, reason, allow_loopback=app.settings.allow_loopback_response_url):
        logger.error("the event has no URL for a response", extra={"fields": sorted(raw)})


def respond_to_ended_execution(app: Application, detail: Mapping[str, Any]) -> bool:
    """Respond for an execution that failed, timed out or was aborted; `detail` is that of its status change event.

    Returns whether a response was due. Raises `ResponseNotDelivered` or `StorageUnavailable`.
    Source: https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
    """
    given = json.loads(detail.get("input") or "{}")
    status = str(detail.get("status", "FAILED")).replace("_", " ").lower()
    if not given.get("key") or not given.get("request_id"):
        logger.error("an execution without a record's key", extra={"execution": detail.get("name")})
        return False
    failure = f"the request was not finished: its execution {detail.get('name')} is {status}"
    delivered = app.responses.send(given["key"], given["request_id"], failure=failure)
    _log_response(app, delivered)
    return delivered is not None


def sweep(app: Application) -> int:
    """Respond to the requests that are past their deadline; returns how many there were.

    One that gets no response, whatever the reason, counts and keeps nobody from the next one.
    """
    count, keys = 0, list(app.records.overdue(app.clock() - GRACE_SECONDS))
    # In any order: those whose URL is dead take seconds each, and would come first each time.
    random.shuffle(keys)
    for key in keys:
        try:
            count += _respond_to_overdue(app, key)
        except Exception as error:
            count += 1
            logger.error("an overdue request gets no response", extra={"key": key, "reason": _told(error)})
    return count


def _respond_to_overdue(app: Application, key: str) -> bool:
    """Respond to the overdue request of this record; returns whether it has one."""
    record = app.records.load(key)
    request = record.undelivered if record else None
    if record is None or request is None:
        return False
    logger.warning("a request is past its deadline", extra=_request_names(record, request))
    if app.clock() > request.received_epoch_s + URL_LIFE_SECONDS:
        app.responses.abandon(key, request.request_id)
        return True
    known = "; ".join(record.waited_for(request)) or "nothing"
    failure = f"no response was ready at the deadline; last known state: {known}"
    _log_response(app, app.responses.send(key, request.request_id, failure=failure))
    return True
