"""The server's webhooks: which run has ended, and the execution that waits for it.

Source: https://platform.openai.com/docs/guides/webhooks; signatures follow https://www.standardwebhooks.com.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, get_args

from botocore.exceptions import BotoCoreError, ClientError
from openai import OpenAI

from threadrun.errors import TransientError
from threadrun.event_waits import EventWaits

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

EventType = Literal["response.completed", "response.failed", "response.cancelled", "response.incomplete"]
EVENT_TYPES: tuple[EventType, ...] = get_args(EventType)
MAX_BODY_BYTES = 65_536
"""An event has the response's id only."""
_NOBODY_WAITS = frozenset({"TaskTimedOut", "TaskDoesNotExist", "InvalidToken"})


class ForgedEvent(Exception):
    """Not signed with the endpoint's secret, or more than five minutes ago."""


def ended_run(body: str, headers: Mapping[str, str], secret: str) -> str | None:
    """The run that a signed event says has ended, None for any other event; raises `ForgedEvent`.

    `headers` have lower-case names.
    """
    if len(body) > MAX_BODY_BYTES:
        raise ForgedEvent(f"{len(body)} characters")
    webhooks = OpenAI(api_key="none is needed to check a signature").webhooks
    try:
        webhooks.verify_signature(body, headers, secret=secret)
    except ValueError as error:  # Of the SDK: a wrong signature, an old one, or a missing header.
        raise ForgedEvent(str(error)) from None
    try:
        event = json.loads(body)
        run_id = event["data"]["id"] if event["type"] in EVENT_TYPES else None
    except (ValueError, KeyError, TypeError):
        return None
    return run_id if isinstance(run_id, str) and run_id else None


def wake(event_waits: EventWaits, step_functions: SFNClient, run_id: str) -> Literal["woken", "noted", "unknown"]:
    """Have the execution look that waits for this run; a repeated event does nothing.

    Raises `TransientError` where the server had better send it again.
    """
    is_known, task_token = event_waits.note_event(run_id)
    if not task_token:
        return "noted" if is_known else "unknown"
    try:
        step_functions.send_task_success(taskToken=task_token, output="{}")
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in _NOBODY_WAITS:
            return "noted"
        raise TransientError(f"cannot wake the execution: {code}") from None
    except BotoCoreError as error:
        raise TransientError(f"cannot wake the execution: {type(error).__name__}") from None
    return "woken"
