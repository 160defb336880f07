"""Puts how a run ended on the account's default event bus: docs/events.md."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from threadrun.cloudformation.respond import Delivered
from threadrun.storage.records import error_code
from threadrun.telemetry.run_end import RunEnd

SOURCE, DETAIL_TYPE = "threadrun", "OpenAI Thread Run Status Change"


UNKNOWN_ERROR = "UnknownError"
"""Where the bus refuses an event without a code."""


class EventBus(Protocol):
    """EventBridge's client, as far as it is used here."""

    def put_events(self, *, Entries: list[dict[str, Any]]) -> Any: ...


def put_event(bus: EventBus, delivered: Delivered, end: RunEnd) -> str | None:
    """Put the event of a run's end; returns why not, where the bus does not take it.

    It never raises: CloudFormation has its response, and the request is over.
    """
    detail, stack_id = json.dumps(_detail(delivered, end)), delivered.record.stack_id
    entry = {"Source": SOURCE, "DetailType": DETAIL_TYPE, "Resources": [stack_id], "Detail": detail}
    try:
        reply = bus.put_events(Entries=[entry])
    except (ClientError, BotoCoreError) as error:
        return error_code(error)
    return reply["Entries"][0].get("ErrorCode", UNKNOWN_ERROR) if reply["FailedEntryCount"] else None


def _detail(delivered: Delivered, end: RunEnd) -> dict[str, Any]:
    """The event's content: names and numbers. No prompt, output, reason, URL or key."""
    run = end.run
    return {
        "stack_id": delivered.record.stack_id,
        "logical_id": delivered.record.logical_id,
        "request_id": delivered.request.request_id,
        "request_type": delivered.request.request_type,
        "response": delivered.response.status,
        "failure": end.failure,
        "thread_id": run.thread_id,
        "run_id": run.run_id,
        "status": run.observed.status,
        "model": run.observed.model,
        "usage": asdict(run.observed.usage),
        "seconds": round(end.seconds, 3),
    }
