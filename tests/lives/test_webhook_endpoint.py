"""The registration of the application's webhook endpoint, by the real SDK with the stand-in."""

import io
import json
import logging
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import httpx2
import pytest
from botocore.exceptions import ClientError
from openai import OpenAI

from functions.webhook_endpoint import app
from local.openai_standin import Fault, OpenAIStandIn
from testkit.memory.backend import wanted_run
from testkit.memory.table import MemoryTable
from testkit.state_machine import TABLE
from testkit.template import template
from tests.support.runs import failure
from threadrun.app.application import Application
from threadrun.app.settings import Settings
from threadrun.app.webhook_endpoint import PAUSES_SECONDS, EndpointRequest, Registered, fulfil, mend
from threadrun.cloudformation.delivery import MAX_BODY_BYTES
from threadrun.errors import TerminalError, TransientError
from threadrun.state.base import Owned
from threadrun.state.resource import Request, ResourceRecord
from threadrun.workflow.webhooks import EVENT_TYPES

URL = "https://example.lambda-url.eu-west-1.on.aws/"
ENDPOINTS = "/v1/webhook_endpoints"
NAMES = ("function_name", "memory_limit_in_mb", "invoked_function_arn", "aws_request_id")
CONTEXT: Any = SimpleNamespace(**dict.fromkeys(NAMES, "any"), get_remaining_time_in_millis=lambda: 120_000)


@pytest.fixture
def openai_api(request: pytest.FixtureRequest) -> Iterator[OpenAIStandIn]:
    with OpenAIStandIn(api=getattr(request, "param", "responses")) as standin:
        yield standin


class Registration:
    """A deployment's endpoint at the stand-in; `kept` has the signing secrets that were kept."""

    def __init__(self, openai_api: OpenAIStandIn) -> None:
        self.fault, self._url = openai_api.fault, openai_api.base_url
        self.client = OpenAI(base_url=self._url, api_key=openai_api.api_key, max_retries=0)
        self.kept = list[str]()
        self.pauses = list[float]()

    def request(self, kind: str, physical_id: str = "", url: str = URL) -> EndpointRequest:
        wanted = {"Url": url, "Name": "threadrun x", "OpenAIBaseUrl": self._url, "OpenAIApiKeySecretArn": "arn"}
        event = {"RequestType": kind, "ResponseURL": "https://u", "StackId": "s", "RequestId": "r"}
        event |= {"LogicalResourceId": "WebhookEndpoint", "PhysicalResourceId": physical_id}
        return EndpointRequest.model_validate(event | {"ResourceProperties": {"ServiceToken": "arn", **wanted}})

    def fulfil(self, kind: str, physical_id: str = "", url: str = URL) -> str:
        request = self.request(kind, physical_id, url)
        return fulfil(request, self.client, self.kept.append, self.pauses.append, lambda: True)

    def registered(self) -> dict[str, str]:
        return {each.id: each.url for each in self.client.webhooks.list()}


@pytest.fixture
def registration(openai_api: OpenAIStandIn) -> Iterator[Registration]:
    made = Registration(openai_api)
    with made.client:
        yield made


def test_an_endpoint_is_registered_kept_with_another_secret_and_removed(registration: Registration) -> None:
    endpoint_id = registration.fulfil("Create")
    endpoint = registration.client.webhooks.retrieve(endpoint_id)
    assert (endpoint.url, set(endpoint.event_types), endpoint.name) == (URL, set(EVENT_TYPES), "threadrun x")
    assert registration.fulfil("Update", endpoint_id) == endpoint_id
    assert len(set(registration.kept)) == 2
    assert {secret[:6] for secret in registration.kept} == {"whsec_"}
    assert registration.fulfil("Delete", endpoint_id) == endpoint_id
    assert registration.registered() == {}


def test_an_endpoint_whose_creation_got_no_reply_is_taken_over(registration: Registration) -> None:
    registration.fault(Fault("POST", ENDPOINTS, "lost_reply", times=1))
    endpoint_id = registration.fulfil("Create")
    assert registration.registered() == {endpoint_id: URL}
    assert registration.pauses == [1]


def test_what_is_out_of_reach_is_tried_again_and_then_reported(registration: Registration) -> None:
    registration.fault(Fault("GET", ENDPOINTS, "status", status=503, times=None))
    with pytest.raises(TransientError, match="cannot register the webhook endpoint"):
        registration.fulfil("Create")
    assert registration.pauses == list(PAUSES_SECONDS)


@pytest.mark.parametrize("url", [URL + "new", URL], ids=["another address", "the old one is gone"])
def test_another_endpoint_outlives_the_old_one(registration: Registration, url: str) -> None:
    """Somebody removed it by hand, perhaps; the update made another one at the same address."""
    old_id = registration.fulfil("Create")
    if url == URL:
        registration.client.webhooks.delete(old_id)
    new_id = registration.fulfil("Update", old_id, url=url)
    registration.fulfil("Delete", old_id)
    assert new_id != old_id
    assert registration.registered() == {new_id: url}


@pytest.mark.parametrize("made_up_id", ["not-created-r", "threadrun-WebhookEndpoint-1ABCDEFGHIJKL"])
def test_what_a_creation_without_a_response_left_behind_is_removed(registration: Registration, made_up_id: str) -> None:
    """CloudFormation makes up the id of what it got no response for."""
    registration.fulfil("Create")
    registration.fulfil("Create", url=URL + "other")
    registration.fulfil("Delete", made_up_id)
    assert list(registration.registered().values()) == [URL + "other"]


def registered(registration: Registration, endpoint_id: str) -> Registered:
    wanted = registration.request("Create").wanted.model_dump(by_alias=True)
    return Registered.model_validate(wanted | {"EndpointId": endpoint_id})


def mended(registration: Registration, endpoint_id: str) -> str | None:
    kept = registration.kept
    return mend(registered(registration, endpoint_id), registration.client, lambda: kept[-1], kept.append)


def rotate(client: OpenAI, endpoint_id: str) -> None:
    client.webhooks.rotate_secret(endpoint_id)


def have_fewer_events(client: OpenAI, endpoint_id: str) -> None:
    client.webhooks.update(endpoint_id, event_types=["response.failed"])


@pytest.mark.parametrize(
    ("change", "problem", "secrets"),
    [
        (lambda client, endpoint_id: None, None, 1),
        (lambda client, endpoint_id: client.webhooks.delete(endpoint_id), "it was gone", 2),
        (rotate, "its secret was another one", 2),
        (have_fewer_events, "some ends of runs were not sent to it", 1),
    ],
)
def test_what_was_changed_at_the_server_is_mended(
    registration: Registration, change: Callable[[OpenAI, str], object], problem: str | None, secrets: int
) -> None:
    endpoint_id = registration.fulfil("Create")
    change(registration.client, endpoint_id)
    assert mended(registration, endpoint_id) == problem
    assert mended(registration, endpoint_id) is None, "it is as it was"
    [(there, url)] = registration.registered().items()
    known = registration.client.webhooks.retrieve(there)
    assert (url, set(known.event_types), len(registration.kept)) == (URL, set(EVENT_TYPES), secrets)
    assert registration.kept[-1].endswith(str(known.signing_secret_hint)[-4:])
    registration.fulfil("Delete", endpoint_id)
    assert registration.registered() == {}, "CloudFormation knows the first one's id"


@pytest.mark.parametrize(("field", "odd"), [("event_types", None), ("event_types", 7), ("signing_secret_hint", 7)])
def test_an_endpoint_that_is_shown_oddly_is_checked_all_the_same(
    registration: Registration, field: str, odd: Any
) -> None:
    endpoint_id = registration.fulfil("Create")
    registration.fault(Fault("GET", ENDPOINTS, "odd", place=("data", 0, field), odd_value=odd))
    mended(registration, endpoint_id)
    assert mended(registration, endpoint_id) is None


def test_one_that_was_mended_outlives_the_id_of_the_first_one_after_an_update(registration: Registration) -> None:
    old_id = registration.fulfil("Create")
    registration.client.webhooks.delete(old_id)
    mended(registration, old_id)
    new_id = registration.fulfil("Update", old_id)
    registration.fulfil("Delete", old_id)
    assert registration.registered() == {new_id: URL}


class Waiting:
    """An application of which two requests wait for the webhook of one run."""

    def __init__(self, registration: Registration, monkeypatch: pytest.MonkeyPatch) -> None:
        self.endpoint_id = registration.fulfil("Create")
        self.table, states, now = MemoryTable(TABLE), Mock(), time.time()
        self.woken = states.send_task_success
        settings = Settings(table_name=TABLE, enable_webhooks=True, allow_loopback_response_url=True)
        self.app = Application(settings)
        self.app._dynamodb, self.app.step_functions = self.table, states  # type: ignore[assignment]
        monkeypatch.setattr(Application, "connect", lambda *_: registration.client)
        monkeypatch.setattr(Application, "webhook_secret", lambda _: registration.kept[-1])
        monkeypatch.setattr(Application, "keep_webhook_secret", lambda _, secret: registration.kept.append(secret))
        monkeypatch.setattr(app, "application", lambda: self.app)
        monkeypatch.setattr(app, "deliver", lambda *_: None)
        self._check = {"Check": registered(registration, self.endpoint_id).model_dump(by_alias=True)}
        for name in ("first", "second"):
            request = {"request_id": name, "request_type": "Create", "response_url": "https://u", "target_key": name}
            times = {"received_epoch_s": now, "deadline_epoch_s": now + 600}
            record = ResourceRecord(stack_id="s", logical_id=name)
            record.requests[name] = Request.model_validate(request | times)
            record.made[name] = run = wanted_run(thread=None, existing_thread_id="conv_1")
            run.thread, run.run = Owned(id="conv_1", is_ours=False), Owned(id="resp_1", is_ours=False)
            self.app.records.save(record)
            assert self.app.event_waits is not None
            self.app.event_waits.announce("resp_1", name, now + 600)
            self.table.items["WAIT#resp_1"] |= {f"token_{name}": {"S": f"token of {name}"}}

    def invoke(self, event: dict[str, Any]) -> None:
        app.handler(event, CONTEXT)

    def check(self) -> set[str]:
        """The tokens that a check wakes."""
        self.woken.reset_mock()
        self.invoke(self._check)
        return {each.kwargs["taskToken"] for each in self.woken.call_args_list}


BOTH = {"token of first", "token of second"}


@pytest.fixture
def waiting(registration: Registration, monkeypatch: pytest.MonkeyPatch) -> Waiting:
    return Waiting(registration, monkeypatch)


def test_runs_that_wait_are_looked_at_when_the_endpoint_was_changed_at_the_server(
    registration: Registration, waiting: Waiting
) -> None:
    """By the check of each minute: webhooks may have been lost."""
    assert waiting.check() == set()
    registration.client.webhooks.delete(waiting.endpoint_id)
    assert waiting.check() == BOTH
    assert waiting.check() == set(), "it has been mended"


def test_where_the_endpoint_cannot_be_mended_runs_are_looked_at_each_minute(
    registration: Registration, waiting: Waiting
) -> None:
    registration.fault(Fault("GET", ENDPOINTS, "status", status=403, times=2))
    registration.fault(Fault("GET", ENDPOINTS, "status", status=503, after=0, times=3))
    assert [waiting.check(), waiting.check()] == [BOTH, BOTH]
    assert waiting.check() == set(), "what passes by itself is checked by the next one"


def test_an_endpoint_is_not_asked_for_while_nothing_waits(
    registration: Registration, waiting: Waiting, openai_api: OpenAIStandIn
) -> None:
    waiting.table.items.clear()
    openai_api.forget_requests()
    registration.client.webhooks.delete(waiting.endpoint_id)
    openai_api.forget_requests()
    assert waiting.check() == set()
    assert openai_api.requests == []


def test_runs_that_wait_are_looked_at_when_webhooks_are_switched_off(
    registration: Registration, waiting: Waiting
) -> None:
    """The endpoint's Delete comes when all functions know that there are no webhooks any more."""
    event = registration.request("Delete", waiting.endpoint_id).model_dump(by_alias=True)
    waiting.invoke(event | {"ResponseURL": "http://127.0.0.1/"})
    assert {each.kwargs["taskToken"] for each in waiting.woken.call_args_list} == BOTH
    assert registration.registered() == {}


def throttle(waiting: Waiting, monkeypatch: pytest.MonkeyPatch) -> None:
    refusal = ClientError({"Error": {"Code": "ThrottlingException", "Message": ""}}, "Query")
    monkeypatch.setattr(waiting.table, "query", Mock(side_effect=refusal))


def run_out_of_time(waiting: Waiting, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first of two requests takes as long as a table that throttles may."""
    left = [120_000, 80_000]
    monkeypatch.setattr(CONTEXT, "get_remaining_time_in_millis", lambda: left.pop(0))


@pytest.mark.parametrize(("trouble", "woken"), [(throttle, 0), (run_out_of_time, 2)])
def test_an_endpoint_that_is_removed_gets_its_response_whomever_it_can_wake(
    registration: Registration,
    waiting: Waiting,
    monkeypatch: pytest.MonkeyPatch,
    trouble: Callable[[Waiting, pytest.MonkeyPatch], None],
    woken: int,
) -> None:
    """Each request has the tokens of both, as they wait for one run."""
    sent = Mock()
    monkeypatch.setattr(app, "deliver", sent)
    event = registration.request("Delete", waiting.endpoint_id).model_dump(by_alias=True)
    trouble(waiting, monkeypatch)
    waiting.invoke(event | {"ResponseURL": "http://127.0.0.1/"})
    assert json.loads(sent.call_args.args[1])["Status"] == "SUCCESS"
    assert waiting.woken.call_count == woken


@pytest.mark.parametrize("openai_api", ["assistants"], indirect=True)
def test_a_server_without_webhooks_is_reported_in_a_sentence(registration: Registration) -> None:
    with pytest.raises(TerminalError, match="has no webhooks: deploy with EnableWebhooks=false"):
        registration.fulfil("Create")


Invoke = Callable[[Callable[..., object] | None], str]
"""Asks for a new endpoint, with what connects to the server; returns the response."""


@pytest.fixture
def invoke(monkeypatch: pytest.MonkeyPatch, registration: Registration) -> Invoke:
    sent: list[bytes] = []
    monkeypatch.setattr(app, "deliver", lambda url, body: sent.append(body))
    settings = Settings(table_name="", allow_loopback_response_url=True)
    monkeypatch.setattr(app, "application", lambda: Application(settings, sleep=registration.pauses.append))

    def invoke(connect: Callable[..., object] | None) -> str:
        monkeypatch.setattr(Application, "connect", connect)
        event = registration.request("Create").model_dump(by_alias=True) | {"ResponseURL": "http://127.0.0.1/"}
        app.handler(event, CONTEXT)
        return sent[-1].decode()

    return invoke


def test_an_unforeseen_error_gets_a_response_too(invoke: Invoke) -> None:
    """Else it would wait until its patience ends."""
    reason = failure(json.loads(invoke(None)))
    assert reason == "the webhook endpoint failed (TypeError): see its log group"


def test_the_reason_of_an_endpoint_fits_and_can_be_read(registration: Registration, invoke: Invoke) -> None:
    """One control character makes all events of the application's stack unreadable."""
    registration.fault(Fault("GET", ENDPOINTS, "status", status=403, message="no\x01" + "x" * 5000))
    body = invoke(lambda *_: registration.client)
    assert len(body.encode()) <= MAX_BODY_BYTES
    assert failure(json.loads(body)).startswith("cannot register the webhook endpoint: no?xxx")
    assert failure(json.loads(body)).endswith("...")


def test_a_server_that_does_not_answer_is_reported_before_the_function_ends(
    registration: Registration, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a VPC without a way there."""
    spent = registration.pauses

    def send(_: object, request: httpx2.Request, **__: object) -> httpx2.Response:
        spent.append(request.extensions["timeout"]["read"])
        raise httpx2.ConnectTimeout("no route")

    def left() -> int:
        return int(1000 * (timeout_s - sum(spent)))

    timeout_s = template()["Globals"]["Function"]["Timeout"]
    assert "Timeout" not in template()["Resources"]["WebhookEndpointFunction"]["Properties"]
    monkeypatch.setattr(CONTEXT, "get_remaining_time_in_millis", left)
    monkeypatch.setattr(httpx2.Client, "send", send)
    reason = failure(json.loads(invoke(lambda *_: registration.client)))
    assert reason.startswith("cannot register the webhook endpoint: the API could not be reached")
    assert len(spent) > 3, "it was tried again"
    assert sum(spent) < timeout_s / 2


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """The function's log, as Lambda gets it."""
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    handler.setFormatter(app.logger.registered_formatter)
    logging.getLogger(app.logger.name).addHandler(handler)
    yield log
    logging.getLogger(app.logger.name).removeHandler(handler)


@pytest.mark.parametrize("broken", ["", "\n2"], ids=["the server quotes it", "the HTTP library quotes it"])
def test_the_key_is_not_in_the_log_of_a_failure(
    registration: Registration, invoke: Invoke, logged: io.StringIO, broken: str
) -> None:
    key = registration.client.api_key
    registration.fault(Fault("GET", ENDPOINTS, "status", status=401, message=f"Incorrect API key: {key}"))
    body = invoke(lambda *_: registration.client.with_options(api_key=key + broken))
    assert "request failed" in logged.getvalue()
    assert key not in logged.getvalue() + body
