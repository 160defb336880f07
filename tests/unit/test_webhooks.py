"""Which events of the server count, and what they do."""

from __future__ import annotations

import json
import time
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import given, settings
from hypothesis import strategies as st
from openai import OpenAI

from functions.webhook import app as webhook
from testkit.memory.services import MemoryTable
from testkit.state_machine import TaskFailed
from tests.support.signed_events import BODY, KEY, SECRET, signed
from threadrun.errors import TerminalError, TransientError
from threadrun.storage.event_waits import EventWait, EventWaits
from threadrun.workflow.webhooks import EVENT_TYPES, ForgedEvent, ended_run, wake


def sdk_accepts(body: str, headers: dict[str, str]) -> bool:
    try:
        OpenAI(api_key="none").webhooks.verify_signature(body, headers, secret=SECRET)
    except ValueError:
        return False
    return True


def is_accepted(body: str, headers: dict[str, str]) -> bool:
    try:
        ended_run(body, headers, SECRET, time.time())
    except ForgedEvent:
        return False
    return True


@pytest.mark.parametrize(
    ("body", "run_id"),
    [
        *((json.dumps({"type": each, "data": {"id": "resp_1"}}), "resp_1") for each in EVENT_TYPES),
        (json.dumps({"type": "response.created", "data": {"id": "resp_1"}}), None),
        (json.dumps({"type": "batch.completed", "data": {"id": "batch_1"}}), None),
        (json.dumps({"type": "response.completed", "data": {"id": 7}}), None),
        (json.dumps({"type": "response.completed", "data": None}), None),
        (json.dumps({"type": ["response.completed"]}), None),
        (json.dumps(["response.completed"]), None),
        ("not JSON", None),
        ("", None),
    ],
)
def test_each_end_of_a_run_counts_and_nothing_else(body: str, run_id: str | None) -> None:
    assert ended_run(body, signed(body), SECRET, time.time()) == run_id


@pytest.mark.parametrize(
    "headers",
    [
        signed(BODY, key=b"another key"),
        signed(BODY + " "),
        signed(BODY, age_s=900),
        signed(BODY, age_s=-900),
        {**signed(BODY), "webhook-timestamp": "now"},
        {name: value for name, value in signed(BODY).items() if name != "webhook-signature"},
        {},
    ],
    ids=["another key", "another body", "too old", "from the future", "no time", "unsigned", "no headers"],
)
def test_a_forged_or_late_event_is_refused_as_the_sdk_does(headers: dict[str, str]) -> None:
    assert not is_accepted(BODY, headers)
    assert not sdk_accepts(BODY, headers)


@settings(deadline=None)
@given(
    body=st.text(max_size=200),
    age_s=st.sampled_from([0, 100, 280, -280, 320, -320]),
    key=st.sampled_from([KEY, KEY, b"another key"]),
    more=st.sampled_from(["", "v1,Zm9yZ2Vk ", "v2,abc "]),
)
def test_what_the_sdk_accepts_is_accepted_and_nothing_else(body: str, age_s: float, key: bytes, more: str) -> None:
    headers = signed(body, age_s=age_s, key=key)
    headers["webhook-signature"] = more + headers["webhook-signature"]
    assert is_accepted(body, headers) == sdk_accepts(body, headers)


def test_a_large_event_is_refused_before_it_is_looked_into() -> None:
    body = BODY + " " * 70_000
    with pytest.raises(ForgedEvent):
        ended_run(body, signed(body), SECRET, time.time())


class Waits:
    """A table of waits, and what the state machine's own update of its items comes to."""

    def __init__(self) -> None:
        self.table = MemoryTable()
        client: Any = self.table
        self._events = EventWaits(client, "table")
        self.announce = lambda: self._events.announce("resp_1", "request", 1000)
        self.note_event = lambda: self._events.note_event("resp_1")

    def begin(self, key: str) -> bool:
        try:
            self.table.update_natively(Key={"pk": {"S": key}}, ExpressionAttributeValues={":token": {"S": "token"}})
        except TaskFailed:
            return False
        return True


def test_who_waits_for_the_run_is_woken() -> None:
    waits = Waits()
    assert waits.begin(waits.announce())
    assert waits.note_event() == EventWait("request", "token")


def test_an_event_that_comes_before_the_wait_begins_keeps_it_from_beginning_until_it_is_announced_anew() -> None:
    waits = Waits()
    key = waits.announce()
    assert waits.note_event() == EventWait("request", None)
    assert not waits.begin(key)
    assert waits.begin(waits.announce())


def test_an_event_of_a_run_that_nobody_waits_for_leaves_nothing_behind() -> None:
    waits = Waits()
    assert waits.note_event() is None
    assert waits.table.items == {}


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": ""}}, "SendTaskSuccess")


def test_a_repeated_event_wakes_nobody() -> None:
    states = Mock()
    states.send_task_success.side_effect = [None, refused("TaskTimedOut")]
    assert [wake(states, "token"), wake(states, "token")] == [True, False]


@pytest.mark.parametrize(
    "error", [refused("ThrottlingException"), EndpointConnectionError(endpoint_url="https://states")]
)
def test_what_cannot_be_woken_now_is_to_be_told_again(error: Exception) -> None:
    states = Mock()
    states.send_task_success.side_effect = error
    with pytest.raises(TransientError):
        wake(states, "token")


def test_an_event_that_comes_while_the_secret_cannot_be_read_is_to_be_sent_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = Mock(clock=lambda: 1000)
    app.webhook_secret.side_effect = TerminalError("cannot read the webhooks' secret: ResourceNotFoundException")
    monkeypatch.setattr(webhook, "application", lambda: app)
    names = ("function_name", "memory_limit_in_mb", "invoked_function_arn", "aws_request_id")
    context = SimpleNamespace(**dict.fromkeys(names, "any"))
    event = {"body": "{}", "headers": {}, "isBase64Encoded": False}
    assert webhook.handler(event, context) == {"statusCode": 503}  # type: ignore[arg-type]
