"""Receives CloudFormation's requests: writes the record, takes the first step, and starts the state machine.

The first step starts the thread and the run, so no time passes before the model works. The state machine is
given the record's key only.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from threadrun.admission import admit
from threadrun.answers import answer_request
from threadrun.application import Application, application
from threadrun.cloudformation import Event, parse_event
from threadrun.desired import RESOURCE_MODELS, AnyDesired
from threadrun.errors import AnswerUndelivered, TerminalError, TooLarge, VersionConflict
from threadrun.properties import KeyStyle, parse_properties
from threadrun.record import Request, ResourceRecord, resource_key
from threadrun.steps import Step, take_step

logger = Logger(service="custom_resource")
metrics = Metrics(namespace="ThreadRun", service="custom_resource")


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Entry point of the ServiceToken: an answer reaches CloudFormation from here only where no work is left."""
    app = application()
    request = parse_event(event, allow_loopback=app.settings.allow_loopback_response_url)
    logger.set_correlation_id(request.request_id)
    logger.append_keys(stack_id=request.stack_id, logical_id=request.logical_id)
    logger.info("request received", extra={"request_type": request.request_type})
    metrics.add_metric(name=f"{request.request_type}Requests", unit=MetricUnit.Count, value=1)
    handle(app, request)


def handle(app: Application, event: Event) -> None:
    """Work on one request, new or repeated."""
    request = _record_request(app, event)
    key = resource_key(event.stack_id, event.logical_id)
    if request.answer is not None:
        answer_request(app.store, key, event.request_id, url=event.response_url)
        return
    step = take_step(app.store, app.backend, key, event.request_id, app.clock)
    logger.info("first step taken", extra={"outcome": step.outcome, "wait_seconds": step.wait_seconds})
    if step.outcome == "answer":
        _answer(app, key, event.request_id)
    elif step.outcome in ("wait", "record"):
        _start_execution(app, key, event.request_id, step)


def _answer(app: Application, key: str, request_id: str) -> None:
    """Answer from here; where CloudFormation's URL does not take it, the state machine goes on trying."""
    try:
        answer_request(app.store, key, request_id)
    except AnswerUndelivered as error:
        logger.warning("the answer is handed over", extra={"reason": error.reason})
        _start_execution(app, key, request_id, Step("answer"))


def _record_request(app: Application, event: Event) -> Request:
    """The request as it stands in the record, entered there if it is new."""
    wanted, problem = _read_properties(event)
    while True:
        record = app.store.load(resource_key(event.stack_id, event.logical_id)) or ResourceRecord(
            stack_id=event.stack_id, logical_id=event.logical_id
        )
        request = record.requests.get(event.request_id)
        if request is not None and not request.is_open:
            return request
        if request is not None:
            request.response_url = event.response_url  # A repeated delivery can carry a new URL.
        else:
            request = admit(record, event, wanted, problem, app.clock())
        try:
            app.store.save(record)
        except VersionConflict:
            continue
        except TooLarge as error:
            wanted, problem = None, error.reason
            continue
        return request


def _read_properties(event: Event) -> tuple[tuple[AnyDesired, KeyStyle] | None, str | None]:
    """What the properties ask for, or why they can't be used; a Delete needs none of them."""
    if event.request_type == "Delete":
        return None, None
    model = RESOURCE_MODELS.get(event.resource_type)
    if model is None:
        return None, f"unknown resource type {event.resource_type}, known are {', '.join(RESOURCE_MODELS)}"
    try:
        return parse_properties(event.properties, model), None
    except TerminalError as error:
        return None, error.reason


def _start_execution(app: Application, key: str, request_id: str, step: Step) -> None:
    """Hand over to the state machine; its name makes a repeated hand-over harmless."""
    client = app.step_functions
    try:
        client.start_execution(
            stateMachineArn=app.settings.state_machine_arn,
            name=request_id,
            input=json.dumps({"key": key, "request_id": request_id, **asdict(step)}),
        )
    except client.exceptions.ExecutionAlreadyExists:
        logger.info("the state machine is already at work on this request")
