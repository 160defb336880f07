"""The application deployed with webhooks: the server tells of each end, and who waits answers at once.

The stand-in delivers to the function's URL; the emulator needs no permission for that, AWS the two that SAM adds.
"""

from __future__ import annotations

import base64
import json
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from openai import OpenAI
from openai.types.webhooks import WebhookEndpoint

from local.dashboard import dashboard_readings
from local.deployment import APPLICATION_STACK, Application
from local.embedded_cloud import EmbeddedCloud
from local.openai_standin import Fault, OpenAIStandIn, Script
from tests.support.signed_events import signed
from tests.support.stacks import Stack

Deployed = tuple[EmbeddedCloud, Application, OpenAIStandIn]
RUN_SECONDS = 14
"""Longer than a run is lingered for."""
MAX_LAG_SECONDS = 15
"""From cold, on a busy machine; without an event it would be half a minute. The bench has the figure."""


def run_properties(name: str) -> dict[str, Any]:
    thread = {"messages": [{"role": "user", "content": "What is a stack?"}]}
    return {"model": "gpt-5.4-mini", "thread": thread, "metadata": {"run": name}}


@pytest.fixture
def stack(with_webhooks: Deployed) -> Iterator[Stack]:
    cloud, application, openai_api = with_webhooks
    stack = Stack(cloud, application, name=f"told-{uuid.uuid4().hex[:8]}")
    openai_api.script(Script(duration_s=RUN_SECONDS, match={"metadata": {"run": stack.name}}, times=None))
    yield stack
    stack.delete()


def lag_seconds(stack: Stack, openai_api: OpenAIStandIn) -> float:
    """From the end of the stack's only run, as the server knows it, to the answer that CloudFormation took."""
    [answer] = [each for each in stack.cloud.received_responses() if each["counted"] and stack.name in each["body"]]
    starts = [each for each in openai_api.requests if (each.method, each.path) == ("POST", "/v1/responses")]
    [start] = [each.time for each in starts if each.body["metadata"].get("run") == stack.name]
    return float(answer["time_epoch_s"]) - start - RUN_SECONDS


def endpoints(openai_api: OpenAIStandIn) -> list[WebhookEndpoint]:
    with OpenAI(base_url=openai_api.base_url, api_key=openai_api.api_key) as client:
        return client.webhooks.list().data


def states_of(stack: Stack) -> list[str]:
    """The states that the last execution entered."""
    client, arn = stack.cloud.client("stepfunctions"), stack.application.state_machine_arn
    [execution, *_] = client.list_executions(stateMachineArn=arn)["executions"]
    history = client.get_execution_history(executionArn=execution["executionArn"], maxResults=1000)["events"]
    return [each["stateEnteredEventDetails"]["name"] for each in history if "stateEnteredEventDetails" in each]


def test_the_application_registers_its_endpoint_once_and_keeps_the_secret_to_itself(with_webhooks: Deployed) -> None:
    cloud, _, openai_api = with_webhooks
    [endpoint] = endpoints(openai_api)
    assert endpoint.url.startswith("https://")
    assert set(endpoint.event_types) == {
        f"response.{end}" for end in ("completed", "failed", "cancelled", "incomplete")
    }
    told = json.dumps(cloud.client("cloudformation").describe_stack_events(StackName=APPLICATION_STACK), default=str)
    assert "whsec_" not in told


def test_the_end_of_a_run_is_told_and_answered_at_once(stack: Stack, with_webhooks: Deployed) -> None:
    *_, openai_api = with_webhooks
    assert stack.create(run_properties(stack.name)) == "CREATE_COMPLETE", stack.reasons()
    assert stack.outputs()["status"] == "completed"
    assert 0 < lag_seconds(stack, openai_api) < MAX_LAG_SECONDS
    around = ["Reconcile", "What next?"]
    assert states_of(stack) == [*around, "Await event", *around, "Record attributes", "Signal"]


def test_events_that_come_twice_change_nothing(stack: Stack, with_webhooks: Deployed) -> None:
    *_, openai_api = with_webhooks
    openai_api.fault(Fault("WEBHOOK", ".*", "twice", times=None))
    assert stack.create(run_properties(stack.name)) == "CREATE_COMPLETE", stack.reasons()
    assert states_of(stack).count("Signal") == 1
    until = time.monotonic() + 10
    told = [each for each in openai_api.deliveries if each.response_id in stack.outputs()["Ref"]]
    while len(told) < 2 or None in [each.status for each in told]:
        assert time.monotonic() < until
        time.sleep(0.1)
        told = [each for each in openai_api.deliveries if each.response_id in stack.outputs()["Ref"]]
    assert [each.status for each in told] == [200, 200]
    assert len({each.webhook_id for each in told}) == 1


def test_a_lost_event_costs_only_time(stack: Stack, with_webhooks: Deployed) -> None:
    """Here the net is drawn in by the request's own deadline, a minute; else it is ten minutes away."""
    *_, openai_api = with_webhooks
    openai_api.fault(Fault("WEBHOOK", ".*", "drop", times=None))
    assert stack.create(run_properties(stack.name)) == "CREATE_COMPLETE", stack.reasons()
    assert stack.outputs()["status"] == "completed"
    assert lag_seconds(stack, openai_api) > MAX_LAG_SECONDS
    assert states_of(stack)[:4] == ["Reconcile", "What next?", "Await event", "Reconcile"]


class Sender:
    """Somebody who knows the URL: the server, with the signing secret, or anybody."""

    def __init__(self, cloud: EmbeddedCloud, openai_api: OpenAIStandIn) -> None:
        [endpoint] = endpoints(openai_api)
        self._host, self._port = endpoint.url.removeprefix("https://").rstrip("/"), cloud.port
        stacks, secrets = cloud.client("cloudformation"), cloud.client("secretsmanager")
        found = stacks.describe_stack_resource(StackName=APPLICATION_STACK, LogicalResourceId="WebhookSecret")
        secret_id = found["StackResourceDetail"]["PhysicalResourceId"]
        self.secret = secrets.get_secret_value(SecretId=secret_id)["SecretString"]

    def send(self, run_id: str, key: bytes | None = None) -> int:
        """The status of the reply; without a key it is signed as the server does."""
        body = json.dumps({"object": "event", "type": "response.completed", "data": {"id": run_id}})
        key = key or base64.b64decode(self.secret.removeprefix("whsec_"))
        headers = {**signed(body, key=key), "host": self._host, "content-type": "application/json"}
        request = urllib.request.Request(f"http://127.0.0.1:{self._port}/", body.encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as reply:
                return int(reply.status)
        except urllib.error.HTTPError as error:
            return error.code


@pytest.fixture(scope="module")
def sender(with_webhooks: Deployed) -> Sender:
    cloud, _, openai_api = with_webhooks
    return Sender(cloud, openai_api)


def items(deployed: Deployed) -> int:
    cloud, application, _ = deployed
    return int(cloud.client("dynamodb").scan(TableName=application.table_name, Select="COUNT")["Count"])


def test_a_forged_event_is_refused_quickly_and_leaves_nothing_behind(with_webhooks: Deployed, sender: Sender) -> None:
    before = items(with_webhooks)
    for _ in range(3):
        began = time.monotonic()
        assert sender.send("resp_1", key=b"somebody else's") == 400
    assert time.monotonic() - began < 1, "once it is warm"
    assert items(with_webhooks) == before


def test_the_dashboard_counts_events_where_there_are_webhooks(with_webhooks: Deployed, sender: Sender) -> None:
    cloud, *_ = with_webhooks
    assert [sender.send("resp_of_others"), sender.send("resp_1", key=b"somebody else's")] == [200, 400]
    counted = {each.metric.name: each.value for each in dashboard_readings(cloud) if each.metric.title == "Webhooks"}
    assert set(counted) == {"EventsReceived", "EventsRefused"}
    assert all(counted.values())


def test_a_storm_of_events_is_absorbed(stack: Stack, with_webhooks: Deployed, sender: Sender) -> None:
    """Of other runs in the same project of OpenAI, while one of ours is waited for: its own event may come late."""
    stack.begin_create(run_properties(stack.name))
    time.sleep(3)
    before = items(with_webhooks)
    with ThreadPoolExecutor(16) as pool:
        statuses = set(pool.map(sender.send, (f"resp_of_others_{number}" for number in range(1000))))
    assert statuses <= {200, 429}, "what is beyond the reserved concurrency is throttled, and sent again"
    assert stack.wait() == "CREATE_COMPLETE", stack.reasons()
    assert items(with_webhooks) <= before + 2, "the run's own: its public item, and that it is waited for"
