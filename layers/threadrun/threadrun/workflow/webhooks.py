"""The server's webhooks: which run has ended, and the execution that waits for it.

Source: https://platform.openai.com/docs/guides/webhooks; signatures follow https://www.standardwebhooks.com.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable, Mapping
from contextlib import suppress
from itertools import takewhile
from typing import TYPE_CHECKING, Literal, get_args

from botocore.exceptions import BotoCoreError, ClientError

from threadrun.errors import ThreadRunError, TransientError
from threadrun.schema.types import from_json
from threadrun.state.run import RunRecord
from threadrun.storage.event_waits import EventWaits
from threadrun.storage.records import Records, error_code

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

EventType = Literal["response.completed", "response.failed", "response.cancelled", "response.incomplete"]
EVENT_TYPES: tuple[EventType, ...] = get_args(EventType)
TOLERANCE_SECONDS = 300
MAX_BODY_BYTES = 65_536
"""A webhook has the response's id only."""
_NEVER_EPOCH_S = 10**12
"""Later than the deadline of any request, in Unix seconds."""
_NOT_WAITING = frozenset({"TaskTimedOut", "TaskDoesNotExist", "InvalidToken"})


class ForgedWebhook(Exception):
    """Not signed with the endpoint's secret, or more than five minutes ago."""


def ended_run(body: str, headers: Mapping[str, str], secret: str, now: float) -> str | None:
    """The run that a signed webhook says has ended, None for any other webhook; raises `ForgedWebhook`.

    `headers` have lower-case names, `now` is in Unix seconds.
    """
    _require_signed(body, headers, secret, now)
    try:
        event = from_json(body)
        run_id = event["data"]["id"] if event["type"] in EVENT_TYPES else None
    except (ValueError, KeyError, TypeError):
        return None
    return run_id if isinstance(run_id, str) and run_id else None


def _require_signed(body: str, headers: Mapping[str, str], secret: str, now: float) -> None:
    # The SDK's own check would make a cold start, and with it the response, a second later: it imports all of the SDK.
    if len(body) > MAX_BODY_BYTES:
        raise ForgedWebhook("too large")
    try:
        timestamp = int(headers["webhook-timestamp"])
        signatures = [each.removeprefix("v1,").encode() for each in headers["webhook-signature"].split()]
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{body}".encode()
    except (KeyError, ValueError):  # Not Unicode, too.
        raise ForgedWebhook("a header is missing, or unreadable") from None
    if not now - TOLERANCE_SECONDS <= timestamp <= now + TOLERANCE_SECONDS:
        raise ForgedWebhook("too old, or from the future")
    key = base64.b64decode(secret.removeprefix("whsec_"))
    expected = base64.b64encode(hmac.digest(key, signed, "sha256"))
    # Two of them for a day after the secret was rotated.
    if not any(hmac.compare_digest(expected, each) for each in signatures):
        raise ForgedWebhook("signed with another secret")


def wake(step_functions: SFNClient, task_token: str) -> bool:
    """Have a waiting execution look; False if none waits. Raises `TransientError` to have the webhook sent again."""
    try:
        step_functions.send_task_success(taskToken=task_token, output="{}")
    except (ClientError, BotoCoreError) as error:
        code = error_code(error)
        if code in _NOT_WAITING:
            return False
        raise TransientError(f"cannot wake the execution: {code}") from None
    return True


def wake_all(records: Records, event_waits: EventWaits, step_functions: SFNClient, has_time: Callable[[], bool]) -> int:
    """Have executions that wait for a webhook look while `has_time`, as one may have been lost; returns how many did.

    One that cannot be woken now looks again by itself, later. Raises `StorageUnavailable`.
    """
    woken = 0
    for key in takewhile(lambda _: has_time(), records.overdue(_NEVER_EPOCH_S)):
        with suppress(ThreadRunError):
            record = records.load(key)
            started = [each.started for each in record.made.values() if isinstance(each, RunRecord)] if record else []
            waits = [event_waits.find(each.run_id) for each in started if each is not None]
            woken += sum(wake(step_functions, token) for wait in waits for token in wait.task_tokens)
    return woken
