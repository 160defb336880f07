"""Webhooks leave the stand-in at their time and verify with OpenAI's own SDK."""

import base64
import itertools
import threading
import time
import typing
from collections.abc import Iterator
from typing import Any, NamedTuple

import openai
import pytest
from openai import OpenAI
from openai.types import webhooks as types
from werkzeug import Request, Response

from local.openai_standin import Fault, OpenAIStandIn, Script
from local.openai_standin.faults import PlannedFaults
from local.openai_standin.openapi import EVENT_TYPES
from local.openai_standin.webhook_endpoints import Endpoint
from tests.standin.support import PLAIN, Clock, client_of, refusal, socket_client_of, start, valid
from tests.support.serving import serving
from tests.support.until import until

ENDS: list[Any] = ["response.completed", "response.failed", "response.cancelled", "response.incomplete"]
ELSEWHERE = "https://example.com/hook"
RUN_S = 0.2
QUIET_S = 0.5
"""Long enough for whatever is on its way to arrive."""


class Received(NamedTuple):
    """One request as the receiver got it."""

    path: str
    headers: dict[str, str]
    body: bytes
    time: float

    @property
    def webhook_id(self) -> str:
        return self.headers["webhook-id"]

    def event(self, secret: str) -> Any:
        return OpenAI(api_key="none").webhooks.unwrap(self.body, self.headers, secret=secret)


class Receiver:
    """A tiny server that keeps what it gets; it answers with `statuses` in turn, then with 200."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.statuses: list[int] = []
        self.holding = threading.Event()
        self.holding.set()
        self.origin = ""

    def take(self, request: Request) -> Response:
        headers = {name.lower(): value for name, value in request.headers}
        self.received.append(Received(request.environ["REQUEST_URI"], headers, request.get_data(), time.time()))
        self.holding.wait(10)
        return Response(status=self.statuses.pop(0) if self.statuses else 200)

    @property
    def port(self) -> int:
        return int(self.origin.rpartition(":")[2])

    def url(self) -> str:
        return f"{self.origin}/hook?a=b"

    def wait_for(self, count: int) -> list[Received]:
        until(lambda: len(self.received) >= count)
        return list(self.received)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    with serving(receiver.take) as receiver.origin:
        yield receiver
        receiver.holding.set()


@pytest.fixture
def stand_in() -> Iterator[OpenAIStandIn]:
    with OpenAIStandIn(
        api="both", duration_s=RUN_S, cancel_delay_s=0.1, webhook_retry_s=0.1, webhook_timeout_s=0.4
    ) as stand_in:
        yield stand_in


@pytest.fixture
def client(stand_in: OpenAIStandIn) -> Iterator[OpenAI]:
    with socket_client_of(stand_in) as opened:
        yield opened


def subscribe(client: OpenAI, url: str, event_types: list[Any] = ENDS) -> types.WebhookEndpointWithSecret:
    return client.webhooks.create(event_types=event_types, name="threadrun", url=url)


def test_replies_and_event_types_are_those_of_the_sdk(client: OpenAI) -> None:
    """The document has nothing to hold them against; a new event type is noticed here."""
    raw = client.webhooks.with_raw_response
    made = valid(types.WebhookEndpointWithSecret, raw.create(event_types=ENDS[:1], name="one", url=ELSEWHERE))
    assert made.id.startswith("whe_")
    assert len(base64.b64decode(made.signing_secret.removeprefix("whsec_"), validate=True)) == 32
    valid(types.WebhookEndpointList, raw.list())
    valid(types.WebhookEndpoint, raw.update(made.id, event_types=ENDS))
    valid(types.WebhookEndpoint, raw.retrieve(made.id))
    valid(types.WebhookEndpointWithSecret, raw.rotate_secret(made.id))
    assert valid(types.DeletedWebhookEndpoint, raw.delete(made.id)).deleted
    refusal(client.webhooks.rotate_secret, openai.NotFoundError, made.id)
    refusal(client.webhooks.test, openai.NotFoundError, made.id, event_type=ENDS[0])
    hints = typing.get_type_hints(types.webhook_create_params.WebhookCreateParams)
    assert typing.get_args(typing.get_args(hints["event_types"])[0]) == EVENT_TYPES
    listed = valid(types.WebhookEventTypeList, client.webhooks.event_types.with_raw_response.list())
    assert tuple(listed.data) == EVENT_TYPES


def test_end_of_a_response_is_reported_at_its_time(client: OpenAI, stand_in: OpenAIStandIn, receiver: Receiver) -> None:
    """Nobody looks: the event itself is the first that is heard of the end."""
    endpoint = subscribe(client, receiver.url())
    began, response, answered = time.time(), start(client), time.time()
    (got,) = receiver.wait_for(1)
    event = got.event(endpoint.signing_secret)
    assert (event.type, event.object, event.data.id) == ("response.completed", "event", response.id)
    assert (event.id[:4], got.webhook_id[:3]) == ("evt_", "wh_")
    assert (got.path, got.headers["host"]) == ("/hook?a=b", f"127.0.0.1:{receiver.port}")
    assert got.headers["content-type"] == "application/json"
    assert began + RUN_S <= got.time < answered + RUN_S + 0.3
    assert event.created_at == int(client.responses.retrieve(response.id).completed_at or 0)
    until(lambda: len(stand_in.deliveries) == 1)
    (delivery,) = stand_in.deliveries
    assert delivery[:4] == (endpoint.id, "response.completed", response.id, got.webhook_id)
    assert (abs(delivery.time - got.time) < 0.3, delivery.status) == (True, 200)
    assert endpoint.signing_secret not in repr(stand_in.deliveries) + repr(stand_in.world.webhook_endpoints)


def test_each_way_to_end_has_its_event(client: OpenAI, stand_in: OpenAIStandIn, receiver: Receiver) -> None:
    """A failure is as much worth knowing as an answer; who subscribed to something else hears nothing."""
    stand_in.script(*[Script(status=status) for status in ("failed", "incomplete", "cancelled")])
    started = [start(client).id for _ in range(3)]
    endpoint = subscribe(client, receiver.url())  # While they run: it is told as well.
    subscribe(client, receiver.url(), ["batch.completed"])
    receiver.wait_for(3)
    started.append(start(client).id)
    client.responses.cancel(started[-1])
    events = [each.event(endpoint.signing_secret) for each in receiver.wait_for(4)]
    expected = ["response.failed", "response.incomplete", "response.cancelled", "response.cancelled"]
    assert {each.data.id: each.type for each in events} == dict(zip(started, expected, strict=True))


def test_refused_delivery_is_repeated_after_growing_pauses(
    client: OpenAI, stand_in: OpenAIStandIn, receiver: Receiver
) -> None:
    """The id stays, so that repeats can be told; a redirect is no success."""
    endpoint = subscribe(client, receiver.url())
    receiver.statuses = [500, 404, 302]
    start(client)
    got = receiver.wait_for(4)
    assert len({each.webhook_id for each in got}) == len({each.body for each in got}) == 1
    pauses = [later.time - earlier.time for earlier, later in itertools.pairwise(got)]
    assert all(0 <= pause - wanted < 0.3 for pause, wanted in zip(pauses, (0.1, 0.2, 0.4), strict=True)), pauses
    assert got[0].headers["webhook-timestamp"] <= got[-1].headers["webhook-timestamp"]
    got[-1].event(endpoint.signing_secret)
    time.sleep(QUIET_S)
    assert [each.status for each in stand_in.deliveries] == [500, 404, 302, 200]


def test_delivery_that_is_not_answered_in_time_is_repeated(
    client: OpenAI, stand_in: OpenAIStandIn, receiver: Receiver
) -> None:
    """A slow endpoint is one that failed, and nobody else waits for it."""
    subscribe(client, receiver.url())
    receiver.holding.clear()
    start(client)
    receiver.wait_for(1)
    began = time.monotonic()
    client.conversations.create()
    assert time.monotonic() - began < 0.3
    receiver.wait_for(2)
    receiver.holding.set()
    until(lambda: [each.status for each in stand_in.deliveries][:2] == [None, 200])


def test_rotated_secret_counts_from_the_next_delivery(client: OpenAI, receiver: Receiver) -> None:
    """Unless the old one is to be kept, it is good for nothing at once; then it is for a day."""
    first = subscribe(client, receiver.url())
    second = client.webhooks.rotate_secret(first.id)
    start(client)
    (got,) = receiver.wait_for(1)
    got.event(second.signing_secret)
    with pytest.raises(openai.InvalidWebhookSignatureError):
        got.event(first.signing_secret)
    third = client.webhooks.rotate_secret(first.id, keep_old_secret_active_for_24_hours=True)
    start(client)
    got = receiver.wait_for(2)[1]
    for secret in (second.signing_secret, third.signing_secret):
        got.event(secret)
    endpoint = Endpoint({"id": "whe_1"}, 0)
    endpoint.rotate(1000, keep_old=True)
    assert [len(endpoint.signature(b"", at).split()) for at in (1000, 1000 + 86_399, 1000 + 86_400)] == [2, 2, 1]


def test_deleted_endpoint_gets_nothing_more(client: OpenAI, stand_in: OpenAIStandIn, receiver: Receiver) -> None:
    """Neither the next event, nor another try of the last."""
    endpoint = subscribe(client, receiver.url())
    receiver.statuses = [500]
    start(client)
    until(lambda: len(stand_in.deliveries) == 1)
    client.webhooks.delete(endpoint.id)
    start(client)
    time.sleep(RUN_S + QUIET_S)
    assert len(receiver.received) == len(stand_in.deliveries) == 1


def test_sample_tells_what_the_endpoint_answered(client: OpenAI, stand_in: OpenAIStandIn, receiver: Receiver) -> None:
    """It is sent once, even where all webhooks are lost."""
    stand_in.fault(Fault("WEBHOOK", ".*", "drop", times=None))
    endpoint = subscribe(client, receiver.url(), ["response.failed"])
    receiver.statuses = [503]
    raw = client.webhooks.with_raw_response
    result = valid(types.WebhookEndpointTestResult, raw.test(endpoint.id, event_type="response.completed"))
    assert (result.status_code, result.webhook_endpoint_id) == (503, endpoint.id)
    (got,) = receiver.received
    assert got.event(endpoint.signing_secret).type == result.event_type == "response.completed"
    nowhere = subscribe(client, ELSEWHERE)
    refusal(lambda: client.webhooks.test(nowhere.id, event_type="response.completed"))
    time.sleep(QUIET_S)
    assert [each.status for each in stand_in.deliveries] == [503, None]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({}, "..........."),
        ({"times": 2, "after": 1}, "x..xxxxxxxx"),
        ({"share": 0.5}, "x.x.x.x.x.x"),
        ({"share": 0.1}, "xxxxxxxxx.x"),
        ({"share": 0}, "xxxxxxxxxxx"),
        ({"path": "response.failed"}, "xxxxxxxxxxx"),
        ({"kind": "twice", "times": 1}, "Xxxxxxxxxxx"),
        ({"begins_at": 3, "ends_at": 6}, "xxx...xxxxx"),
        ({"method": "*", "kind": "reset"}, "xxxxxxxxxxx"),
    ],
)
def test_faults_hit_the_same_ones_every_time(fault: dict[str, Any], expected: str) -> None:
    """A share is spread evenly, not drawn: a test that fails must fail again."""
    planned = PlannedFaults()
    planned.plan(Fault(**{"method": "WEBHOOK", "path": ".*", "kind": "drop", "times": None, **fault}))
    found = [len(planned.delays("response.completed", second)) for second in range(len(expected))]
    assert "".join(".xX"[each] for each in found) == expected


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_has_no_webhook_tells_nothing(client: OpenAI, receiver: Receiver) -> None:
    """Whoever waits for the reply needs none, and OpenAI never had them for runs on threads."""
    subscribe(client, receiver.url())
    client.responses.create(model=PLAIN, input="hi")
    assistant = client.beta.assistants.create(model=PLAIN)
    client.beta.threads.create_and_run(assistant_id=assistant.id)
    time.sleep(RUN_S + QUIET_S)
    assert receiver.received == []


def test_names_lead_to_this_machine_or_nowhere(client: OpenAI, stand_in: OpenAIStandIn, receiver: Receiver) -> None:
    """The embedded cloud gives its functions names under localhost, or AWS's own; a test must not send anything out."""
    stand_in.reach("on.aws", receiver.port)
    stand_in.reset()
    local = f"abc.lambda-url.us-east-1.localhost:{receiver.port}"
    for url in (f"http://{local}/hook", "https://abc.lambda-url.us-east-1.on.aws/", "http://localhost:1/", ELSEWHERE):
        subscribe(client, url)
    start(client)
    got = receiver.wait_for(2)
    assert {(each.path, each.headers["host"]) for each in got} == {
        ("/hook", local),
        ("/", "abc.lambda-url.us-east-1.on.aws"),
    }
    until(lambda: [each.status for each in stand_in.deliveries].count(None) >= 2)


def test_webhook_can_be_lost_late_or_twice(client: OpenAI, stand_in: OpenAIStandIn, receiver: Receiver) -> None:
    """A repeat has the id of the first; another kind of event is not touched."""
    stand_in.fault(Fault("WEBHOOK", ".*", "drop"))
    subscribe(client, receiver.url())
    lost = start(client).id
    time.sleep(RUN_S + QUIET_S)
    assert client.responses.retrieve(lost).status == "completed"
    assert (receiver.received, stand_in.deliveries) == ([], [])
    late, twice = Fault("WEBHOOK", ".*", "delay", seconds=0.3), Fault("WEBHOOK", ".*", "twice", seconds=0.2)
    stand_in.fault(late, twice, Fault("WEBHOOK", ".*failed", "drop"))
    began, _, answered = time.time(), start(client), time.time()
    first, second = receiver.wait_for(2)
    assert first.webhook_id == second.webhook_id
    assert began + RUN_S + 0.3 <= first.time < answered + RUN_S + 0.6
    assert began + RUN_S + 0.5 <= second.time < answered + RUN_S + 0.8


def test_hundreds_of_ends_are_reported_at_once(receiver: Receiver, clock: Clock) -> None:
    """Deliveries go side by side, each response has its own; a clock that is moved by hand is noticed."""
    with OpenAIStandIn(now=clock, duration_s=1000) as stand_in, client_of(stand_in) as client:
        subscribe(client, receiver.url())
        started = {start(client).id for _ in range(200)}
        time.sleep(0.2)
        assert receiver.received == []
        clock.sleep(1001)
        got = receiver.wait_for(200)
        assert len({each.webhook_id for each in got}) == 200
        assert {each.headers["webhook-timestamp"] for each in got} == {str(int(clock.time))}
        until(lambda: {each.response_id for each in stand_in.deliveries} == started)


def test_stop_ends_all_threads_at_once(receiver: Receiver) -> None:
    """Not even a delivery under way is waited for, and what was cut off is not on record."""
    before = set(threading.enumerate())
    receiver.holding.clear()
    with OpenAIStandIn(duration_s=0) as stand_in:
        with socket_client_of(stand_in) as client:
            subscribe(client, receiver.url())
            for _ in range(2):
                start(client)
            receiver.wait_for(2)
        began = time.monotonic()
    assert time.monotonic() - began < 0.5
    names = {each.name for each in set(threading.enumerate()) - before}
    assert not any("postman" in name for name in names), names
    assert stand_in.deliveries == []
