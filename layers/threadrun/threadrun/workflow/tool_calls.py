"""Answers one call that a run waits for: invokes its handler, a Lambda function, and keeps its output in the record.

Only ids come in and nothing goes out, so neither arguments nor outputs enter an execution's history. A handler is
invoked again until there is an output on record, so it may get one call twice; `call_id` tells it which one.
Source: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

from threadrun.errors import CallUnanswered, TooLarge
from threadrun.schema.types import from_json
from threadrun.state.resource import RequestContext, ResourceRecord
from threadrun.state.run import RunRecord
from threadrun.state.run_values import ToolCall
from threadrun.storage.records import ROOM_OF_RECORD, ROOM_OF_RESULTS, Records, Room, error_code

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

MAX_MESSAGE_CHARACTERS = 4096
_RETRIED_STATUSES = frozenset({409, 429})
"""Beside 5xx: the function is being changed, or throttled."""
MAX_ATTEMPTS = 3
"""As Lambda itself invokes asynchronously: once, and twice more."""


class HandlerFailed(Exception):
    """The handler returned no result. `kind` may be logged; `message` is the handler's own, for the model only."""

    def __init__(self, kind: str, message: str, *, is_worth_retrying: bool = False) -> None:
        super().__init__(kind)
        self.kind, self.message, self.is_worth_retrying = kind, message, is_worth_retrying


class HandlerUnavailable(Exception):
    """Lambda did not invoke it, and may do so later; its text is the kind of the error."""


@dataclass(frozen=True)
class ToolCaller:
    """Answers the call `call_id` by its handler, for a request of the record `key`. `clock` gives Unix seconds."""

    records: Records
    invoke: Callable[[str, dict[str, Any], float], Any]
    """As the function `invoke`."""
    clock: Callable[[], float]
    key: str
    request_id: str
    call_id: str

    def answer(self, context: RequestContext | None = None) -> bool:
        """See to it that the call has an output; returns whether its handler returned one now.

        `context` gets the call's names, and counts `ToolCalls` and `ToolFailures`. Raises `CallUnanswered`
        where the handler is to be invoked again, and `StorageUnavailable`.
        """
        context = context or RequestContext()
        record = self.records.load(self.key)
        if record is not None and self.request_id in record.requests:
            context.on_names(**record.names(record.requests[self.request_id]))
        run = self._asked_for(record)
        plan = run.plan() if run is not None else None
        if run is None or plan is None or self.clock() >= run.deadline_epoch_s:
            return False
        call = run.round.calls[self.call_id]
        arguments = _arguments(call)
        if arguments is None:
            self._keep(_error("InvalidArguments", "The arguments are not a JSON object."))
            return False
        ids = {"call_id": self.call_id, "thread_id": run.thread_id, "run_id": run.run_id}
        context.counts["ToolCalls"] += 1
        try:
            event = {"name": call.name, "arguments": arguments, **ids}
            result = self.invoke(plan.effective.handlers[call.name], event, run.deadline_epoch_s - self.clock())
        except HandlerUnavailable as error:
            context.counts["ToolFailures"] += 1
            raise CallUnanswered(f"function {call.name}: {error}") from None
        except HandlerFailed as error:
            context.counts["ToolFailures"] += 1
            if self.clock() < run.deadline_epoch_s:
                self._note_failure(error)
            return False
        return self._keep(result if isinstance(result, str) else json.dumps(result, ensure_ascii=False))

    def _note_failure(self, error: HandlerFailed) -> None:
        def note(call: ToolCall) -> dict[str, object]:
            attempts = call.attempts + 1
            if error.is_worth_retrying and attempts < MAX_ATTEMPTS:
                return {"attempts": attempts}
            return {"attempts": attempts, "failure": error.kind, "output": _error(error.kind, error.message)}

        noted = self._change(note)
        if noted is not None and noted.output is None:
            raise CallUnanswered(f"function {noted.name}: {error.kind}")

    def _keep(self, output: str) -> bool:
        try:
            return self._change(lambda call: {"output": output}, ROOM_OF_RESULTS) is not None
        except TooLarge:
            message = f"It has {len(output.encode())} bytes, which is too much beside the other results of this round."
            self._note_failure(HandlerFailed("OutputTooLarge", message))
            return False

    def _change(self, change: Callable[[ToolCall], dict[str, object]], room: Room = ROOM_OF_RECORD) -> ToolCall | None:
        """Change the call in the record; returns it, or None if it needs no output any more."""

        def change_call(record: ResourceRecord) -> ToolCall | None:
            run = self._asked_for(record)
            if run is None:
                return None
            run.change_call(self.call_id, **change(run.round.calls[self.call_id]))
            return run.round.calls[self.call_id]

        return self.records.update(self.key, change_call, room)

    def _asked_for(self, record: ResourceRecord | None) -> RunRecord | None:
        """The run that waits for this call, None if nothing waits for it any more."""
        request = record.requests.get(self.request_id) if record else None
        # What is not wanted any more is of no open request.
        run = record.target(request) if record and request and request.is_open else None
        if not isinstance(run, RunRecord) or not run.waits_for_outputs:
            return None
        call = run.round.calls.get(self.call_id)
        return run if call is not None and call.output is None else None


def _arguments(call: ToolCall) -> dict[str, Any] | None:
    try:
        arguments = from_json(call.arguments or "{}")
    except ValueError:
        return None
    return arguments if isinstance(arguments, dict) else None


def _error(kind: str, message: str) -> str:
    """What the model gets where there is no output."""
    return json.dumps({"error": {"type": kind, "message": message}}, ensure_ascii=False)


def invoke(function_arn: str, event: dict[str, Any], timeout_seconds: float) -> Any:
    """What the function returns for this event, as Python data.

    Raises `HandlerFailed` for its own failure, for none in `timeout_seconds` and for what IAM or Lambda refuses;
    `HandlerUnavailable` for what the service may do later.
    """
    try:
        reply = _client(timeout_seconds).invoke(FunctionName=function_arn, Payload=json.dumps(event).encode())
        payload = reply["Payload"].read()
    except ReadTimeoutError:
        raise HandlerFailed("TimedOut", f"There was no result in {timeout_seconds:.0f} s.") from None
    except ClientError as error:
        code, status = error_code(error), error.response["ResponseMetadata"]["HTTPStatusCode"]
        if status >= 500 or status in _RETRIED_STATUSES:
            raise HandlerUnavailable(code) from None
        raise HandlerFailed(code, "The function cannot be invoked.") from None
    except BotoCoreError as error:
        raise HandlerUnavailable(error_code(error)) from None
    try:
        result = from_json(payload or b"null")
    except ValueError:
        raise HandlerFailed("NoJSON", "The result is not valid JSON.", is_worth_retrying=True) from None
    if "FunctionError" in reply:
        report = result if isinstance(result, dict) else {}
        kind, message = str(report.get("errorType") or "Error"), str(report.get("errorMessage") or "")
        # The next try may succeed: the error may be a passing one.
        raise HandlerFailed(kind[:128], message[:MAX_MESSAGE_CHARACTERS], is_worth_retrying=True)
    return result


def _client(timeout_seconds: float) -> LambdaClient:
    # Without retries: one after a time-out would invoke a handler twice that still works.
    config = Config(
        connect_timeout=5, read_timeout=timeout_seconds, retries={"total_max_attempts": 1}, tcp_keepalive=True
    )
    return boto3.client("lambda", config=config)
