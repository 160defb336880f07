"""Which events of the server count, and whom they wake. Waits and their events: tests/random_lives."""

import json
import time
from collections.abc import Callable
from types import SimpleNamespace
from unittest.mock import Mock

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from openai import OpenAI

from functions.webhook import app as webhook
from testkit.jsonata_values import evaluated
from testkit.memory.table import MemoryTable
from testkit.state_machine import TABLE, read_definition
from tests.support.signed_events import BODY, KEY, SECRET, signed
from threadrun.errors import TerminalError, TransientError
from threadrun.storage.event_waits import EventWaits, wait_key
from threadrun.workflow.webhooks import EVENT_TYPES, ForgedWebhook, ended_run, wake

SDK = OpenAI(api_key="none")


def is_accepted(verify: Callable[[], object]) -> bool:
    try:
        verify()
    except (ForgedWebhook, ValueError):
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


Headers = dict[str, str]
FORMS: dict[str, Callable[[Headers], Headers]] = {
    "whole": lambda headers: headers,
    "two signatures": lambda headers: headers | {"webhook-signature": f"v1,Zg== {headers['webhook-signature']}"},
    "another scheme": lambda headers: headers | {"webhook-signature": headers["webhook-signature"].replace("v1", "v2")},
    "no time": lambda headers: headers | {"webhook-timestamp": "now"},
    "unsigned": lambda headers: {name: value for name, value in headers.items() if name != "webhook-signature"},
    "no headers": lambda headers: {},
}


@settings(deadline=None, max_examples=300)
@given(
    form=st.sampled_from(list(FORMS)),
    body=st.text(max_size=200),
    added=st.sampled_from(["", "", " "]),
    age_s=st.sampled_from([0, 100, 280, -280, 320, -320]),
    key=st.sampled_from([KEY, KEY, b"another key"]),
)
@example(form="whole", body=BODY, added="", age_s=900, key=KEY)
@example(form="whole", body=BODY, added="", age_s=-900, key=KEY)
def test_what_the_sdk_accepts_is_accepted_and_nothing_else(
    form: str, body: str, added: str, age_s: float, key: bytes
) -> None:
    """Neither an event that is forged, nor one that is late or from the future."""
    headers = FORMS[form](signed(body + added, age_s=age_s, key=key))
    by_the_sdk = is_accepted(lambda: SDK.webhooks.verify_signature(body, headers, secret=SECRET))
    assert is_accepted(lambda: ended_run(body, headers, SECRET, time.time())) == by_the_sdk


def test_a_large_event_is_refused_before_it_is_looked_into() -> None:
    body = BODY + " " * 70_000
    with pytest.raises(ForgedWebhook):
        ended_run(body, signed(body), SECRET, time.time())


def test_each_request_that_waits_for_a_run_is_woken() -> None:
    """Two stacks may have adopted one run; one that comes later finds what was noted."""
    table, states, now = MemoryTable(TABLE), Mock(), time.time()
    waits = EventWaits(table, TABLE)  # type: ignore[arg-type]
    app = Mock(clock=lambda: now, webhook_secret=lambda: SECRET, event_waits=waits, step_functions=states)
    assert [waits.announce("resp_1", each, now + 600) for each in ("first", "second")] == [None, None]
    definition = read_definition()["States"]["Await webhook"]["Arguments"]
    for each in ("first", "second"):
        context = {"Task": {"Token": f"token of {each}"}, "Execution": {"Input": {"request_id": each}}}
        table.update_item(**evaluated(definition, {"input": {"wait_key": wait_key("resp_1")}, "context": context}))
    assert webhook.receive(app, BODY, signed(BODY)) == "woken"
    woken = [each.kwargs["taskToken"] for each in states.send_task_success.call_args_list]
    assert woken == ["token of first", "token of second"]
    assert waits.announce("resp_1", "third", now + 600) == pytest.approx(now, abs=0.001)


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": ""}}, "SendTaskSuccess")


def test_a_repeated_webhook_wakes_no_execution() -> None:
    states = Mock()
    states.send_task_success.side_effect = [None, refused("TaskTimedOut")]
    assert [wake(states, "token"), wake(states, "token")] == [True, False]


@pytest.mark.parametrize(
    "error", [refused("ThrottlingException"), EndpointConnectionError(endpoint_url="https://states")]
)
def test_what_cannot_be_woken_now_is_to_be_repeated(error: Exception) -> None:
    states = Mock()
    states.send_task_success.side_effect = error
    with pytest.raises(TransientError):
        wake(states, "token")


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> Mock:
    app = Mock(clock=lambda: 1000, webhook_secret=lambda: SECRET)
    monkeypatch.setattr(webhook, "application", lambda: app)
    return app


def status_of(event: dict[str, object]) -> object:
    names = ("function_name", "memory_limit_in_mb", "invoked_function_arn", "aws_request_id")
    context = SimpleNamespace(**dict.fromkeys(names, "any"))
    return webhook.handler(event, context)["statusCode"]  # type: ignore[arg-type]


def test_an_event_that_comes_while_the_secret_cannot_be_read_is_to_be_sent_again(app: Mock) -> None:
    app.webhook_secret = Mock(side_effect=TerminalError("cannot read the webhooks' secret: ResourceNotFoundException"))
    assert status_of({"body": "{}", "headers": {}, "isBase64Encoded": False}) == 503


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"body": None, "headers": None},
        {"headers": {}, "body": "", "requestContext": {"http": {"method": "GET"}}},
        {"headers": [], "body": BODY},
        {"headers": "none", "body": 7, "isBase64Encoded": "yes"},
        {"headers": {"webhook-id": ["1"]}, "body": {}, "isBase64Encoded": True},
    ],
)
def test_a_request_of_any_form_is_refused_with_400(app: Mock, event: dict[str, object]) -> None:
    assert status_of(event) == 400


ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=20)
"""Lone surrogates, too: an event is JSON, which can hold them."""
SIGNED_AT_1000 = signed(BODY, age_s=time.time() - 1000)
ANY_VALUE = st.one_of(ANY_TEXT, st.none(), st.integers(), st.sampled_from(["9" * 4000, "-1e400", "1000", "v1,é"]))


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.one_of(ANY_TEXT, st.none()),
    headers=st.one_of(st.none(), st.fixed_dictionaries({}, optional=dict.fromkeys(SIGNED_AT_1000, ANY_VALUE))),
    is_base64=st.booleans(),
)
@example(body=BODY, headers=SIGNED_AT_1000 | {"webhook-timestamp": "9" * 4000}, is_base64=False)
@example(body=BODY, headers=SIGNED_AT_1000 | {"webhook-id": "\ud800"}, is_base64=False)
@example(body=BODY, headers=SIGNED_AT_1000 | {"webhook-signature": "\ud800"}, is_base64=False)
@example(body="\ud800", headers=SIGNED_AT_1000, is_base64=False)
@example(body="A", headers=SIGNED_AT_1000, is_base64=True)
@example(body="/w==", headers=SIGNED_AT_1000, is_base64=True)
def test_headers_and_bodies_of_any_shape_are_refused_with_400(
    app: Mock, body: str | None, headers: dict[str, object] | None, is_base64: bool
) -> None:
    """Anybody can send any: a failure of the function would be an alarm, and billed longer."""
    assert status_of({"body": body, "headers": headers, "isBase64Encoded": is_base64}) == 400
    assert app.event_waits.mock_calls == []
