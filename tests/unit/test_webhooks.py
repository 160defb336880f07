"""Which events of the server count, and what they do."""

from __future__ import annotations

import json
import time
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import given, settings
from hypothesis import strategies as st
from openai import OpenAI

from functions.webhook import app as webhook
from testkit.jsonata_values import evaluated
from testkit.memory.table import MemoryTable
from testkit.state_machine import TABLE, TaskFailed, read_definition, update_item
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


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_each_end_of_a_run_counts(event_type: str) -> None:
    body = json.dumps({"type": event_type, "data": {"id": "resp_1"}})
    assert ended_run(body, signed(body), SECRET, time.time()) == "resp_1"


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"type": "response.created", "data": {"id": "resp_1"}}),
        json.dumps({"type": "batch.completed", "data": {"id": "batch_1"}}),
        json.dumps({"type": "response.completed", "data": {"id": 7}}),
        json.dumps({"type": "response.completed", "data": None}),
        json.dumps({"type": ["response.completed"]}),
        json.dumps(["response.completed"]),
        "not JSON",
        "",
    ],
)
def test_other_events_count_for_nothing(body: str) -> None:
    assert ended_run(body, signed(body), SECRET, time.time()) is None


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


class Waiters:
    """The client of Step Functions: who waits, and what happens to the call."""

    def __init__(self, *tokens: str, error: Exception | None = None) -> None:
        self.tokens, self.error = set(tokens), error

    def send_task_success(self, *, taskToken: str, output: str) -> None:
        if self.error:
            raise self.error
        if taskToken not in self.tokens:
            raise ClientError({"Error": {"Code": "TaskTimedOut", "Message": ""}}, "SendTaskSuccess")
        self.tokens.remove(taskToken)


def event_waits(table: MemoryTable) -> EventWaits:
    client: Any = table
    return EventWaits(client, TABLE)


def begins_to_wait(table: MemoryTable, key: str, token: str = "token") -> bool:
    """What the state machine's own update of the item comes to."""
    state = read_definition()["States"]["Await event"]
    states = {"input": {"wait_key": key}, "context": {"Task": {"Token": token}}}
    arguments = evaluated(state["Arguments"], states)
    try:
        update_item(table, state["Resource"], arguments)
    except TaskFailed:
        return False
    return True


def test_who_waits_for_the_run_is_woken_once() -> None:
    table, waiters = MemoryTable(TABLE), Waiters("token")
    assert begins_to_wait(table, event_waits(table).announce("resp_1", "request", 1000))
    assert event_waits(table).note_event("resp_1") == EventWait("request", "token")
    assert woken(waiters)
    assert not woken(waiters), "a repeated event does nothing"


def woken(waiters: Waiters) -> bool:
    client: Any = waiters
    return wake(client, "token")


def test_an_event_that_comes_before_the_wait_begins_keeps_it_from_beginning() -> None:
    table = MemoryTable(TABLE)
    key = event_waits(table).announce("resp_1", "request", 1000)
    assert event_waits(table).note_event("resp_1") == EventWait("request", None)
    assert not begins_to_wait(table, key)


def test_a_wait_that_is_announced_anew_can_begin() -> None:
    table = MemoryTable(TABLE)
    event_waits(table).announce("resp_1", "request", 1000)
    event_waits(table).note_event("resp_1")
    assert begins_to_wait(table, event_waits(table).announce("resp_1", "request", 2000))


def test_an_event_of_a_run_that_nobody_waits_for_leaves_nothing_behind() -> None:
    table = MemoryTable(TABLE)
    assert event_waits(table).note_event("resp_1") is None
    assert table.items == {}


@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "ThrottlingException", "Message": ""}}, "SendTaskSuccess"),
        EndpointConnectionError(endpoint_url="https://states"),
    ],
)
def test_what_cannot_be_woken_now_is_to_be_told_again(error: Exception) -> None:
    with pytest.raises(TransientError):
        woken(Waiters("token", error=error))


def test_an_event_that_comes_while_the_secret_cannot_be_read_is_to_be_sent_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unreadable() -> str:
        raise TerminalError("cannot read the webhooks' secret: ResourceNotFoundException")

    app = SimpleNamespace(webhook_secret=unreadable, clock=lambda: 1000)
    monkeypatch.setattr(webhook, "application", lambda: app)
    context = SimpleNamespace(
        function_name="webhook", memory_limit_in_mb=128, invoked_function_arn="arn", aws_request_id="1"
    )
    event = {"body": "{}", "headers": {}, "isBase64Encoded": False}
    assert webhook.handler(event, context) == {"statusCode": 503}  # type: ignore[arg-type]
