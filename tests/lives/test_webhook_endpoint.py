"""The registration of the application's webhook endpoint, by the real SDK with the stand-in."""

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from openai import OpenAI

from functions.webhook_endpoint import app
from local.openai_standin import Fault, OpenAIStandIn
from tests.support.runs import failure
from threadrun.app.application import Application
from threadrun.app.settings import Settings
from threadrun.app.webhook_endpoint import PAUSES_SECONDS, EndpointRequest, fulfil
from threadrun.errors import TerminalError, TransientError
from threadrun.workflow.webhooks import EVENT_TYPES

URL = "https://example.lambda-url.eu-west-1.on.aws/"
ENDPOINTS = "/v1/webhook_endpoints"


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
        return fulfil(self.request(kind, physical_id, url), self.client, self.kept.append, self.pauses.append)

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


def test_what_a_failed_creation_left_behind_is_removed(registration: Registration) -> None:
    registration.fulfil("Create")
    registration.fulfil("Delete", "not-created-r")
    assert registration.registered() == {}


@pytest.mark.parametrize("openai_api", ["assistants"], indirect=True)
def test_a_server_without_webhooks_is_reported_in_a_sentence(registration: Registration) -> None:
    with pytest.raises(TerminalError, match="has no webhooks: deploy with EnableWebhooks=false"):
        registration.fulfil("Create")


def test_an_unforeseen_error_gets_a_response_too(monkeypatch: pytest.MonkeyPatch, registration: Registration) -> None:
    """Else it would wait until its patience ends."""
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(app, "deliver", lambda url, body: sent.append(json.loads(body)))
    settings = Settings(table_name="", allow_loopback_response_url=True)
    monkeypatch.setattr(app, "application", lambda: Application(settings))
    monkeypatch.setattr(Application, "connect", None)
    event = registration.request("Create").model_dump(by_alias=True) | {"ResponseURL": "http://127.0.0.1/"}
    names = ("function_name", "memory_limit_in_mb", "invoked_function_arn", "aws_request_id")
    app.handler(event, SimpleNamespace(**dict.fromkeys(names, "any")))  # type: ignore[arg-type]
    assert [failure(answer) for answer in sent] == ["the webhook endpoint failed (TypeError): see its log group"]
