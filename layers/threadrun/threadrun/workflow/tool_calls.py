"""Answers one call that a run waits for: invokes its handler, and keeps what that gave in the record.

Only ids come in and nothing goes out, so neither arguments nor outputs enter an execution's history. A handler is
invoked again until there is an output on record, so it may get one call twice; `call_id` tells it which one.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from threadrun.errors import CallUnanswered, TooLarge, VersionConflict
from threadrun.state.progress import RequestContext
from threadrun.state.resource import ResourceRecord
from threadrun.state.run import RunRecord, ToolCall
from threadrun.storage.records import Store
from threadrun.workflow.lambda_invoke import HandlerFailed, HandlerUnavailable

MAX_ATTEMPTS = 3
"""As Lambda itself invokes asynchronously: once, and twice more."""

Invoke = Callable[[str, dict[str, Any], float], Any]
"""Invoke the function of this ARN with this event, and wait for so many seconds at most; returns what it gave.

Raises `HandlerFailed` or `HandlerUnavailable`.
"""


def answer_call(
    store: Store,
    invoke: Invoke,
    key: str,
    request_id: str,
    call_id: str,
    clock: Callable[[], float],
    request_context: RequestContext | None = None,
) -> bool:
    """See to it that the call has an output; returns whether its handler gave one now.

    `clock` gives Unix seconds; `request_context` learns what the call is about, and counts `ToolCalls` and
    `ToolFailures`.
    Raises `CallUnanswered` where the handler is to be invoked again, and `StorageUnavailable`.
    """
    request_context = request_context or RequestContext()
    record = store.load(key)
    if record is not None and request_id in record.requests:
        request_context.follow(record, record.requests[request_id])
    run = _asked_for(record, request_id, call_id)
    if run is None or clock() >= run.deadline_epoch_s:
        return False
    call = run.calls[call_id]
    arguments = _arguments(call)
    if arguments is None:
        _keep(store, key, request_id, call_id, _error("InvalidArguments", "The arguments are no JSON object."))
        return False
    event = {
        "name": call.name,
        "arguments": arguments,
        "call_id": call_id,
        "thread_id": run.thread_id,
        "run_id": run.run_id,
    }
    request_context.counts["ToolCalls"] += 1
    try:
        result = invoke(run.plan().effective.handlers[call.name], event, run.deadline_epoch_s - clock())
    except HandlerUnavailable as error:
        request_context.counts["ToolFailures"] += 1
        raise CallUnanswered(f"function {call.name}: {error.kind}") from None
    except HandlerFailed as error:
        request_context.counts["ToolFailures"] += 1
        if clock() < run.deadline_epoch_s:
            _note_failure(store, key, request_id, call_id, error)
        return False
    output = result if isinstance(result, str) else json.dumps(result, ensure_ascii=False)
    return _keep(store, key, request_id, call_id, output)


def _asked_for(record: ResourceRecord | None, request_id: str, call_id: str) -> RunRecord | None:
    """The run, if the call still wants an output."""
    request = record.requests.get(request_id) if record else None
    run = record.target(request) if record and request and request.is_open else None
    if not isinstance(run, RunRecord) or run.goal == "absent" or not run.waits_for_outputs:
        return None
    call = run.calls.get(call_id)
    return run if call is not None and call.output is None else None


def _arguments(call: ToolCall) -> dict[str, Any] | None:
    try:
        arguments = json.loads(call.arguments or "{}")
    except (ValueError, RecursionError):
        return None
    return arguments if isinstance(arguments, dict) else None


def _note_failure(store: Store, key: str, request_id: str, call_id: str, error: HandlerFailed) -> None:
    def note(call: ToolCall) -> None:
        call.attempts += 1
        if not error.is_worth_retrying or call.attempts >= MAX_ATTEMPTS:
            call.failure, call.output = error.kind, _error(error.kind, error.message)

    noted = _change(store, key, request_id, call_id, note)
    if noted is not None and noted.output is None:
        raise CallUnanswered(f"function {noted.name}: {error.kind}")


def _keep(store: Store, key: str, request_id: str, call_id: str, output: str) -> bool:
    def note(call: ToolCall) -> None:
        call.output = output

    try:
        return _change(store, key, request_id, call_id, note) is not None
    except TooLarge:
        size = len(output.encode())
        _note_failure(store, key, request_id, call_id, HandlerFailed("OutputTooLarge", f"It has {size} bytes."))
        return False


def _change(
    store: Store, key: str, request_id: str, call_id: str, change: Callable[[ToolCall], None]
) -> ToolCall | None:
    """Change the call in the record; returns it, or None where it wants no output any more."""
    while True:
        record = store.load(key)
        run = _asked_for(record, request_id, call_id)
        if record is None or run is None:
            return None
        change(run.calls[call_id])
        try:
            store.save(record)
        except VersionConflict:
            continue  # Calls of one round are answered side by side.
        return run.calls[call_id]


def _error(kind: str, message: str) -> str:
    """What the model gets where there is no output."""
    return json.dumps({"error": {"type": kind, "message": message}}, ensure_ascii=False)
