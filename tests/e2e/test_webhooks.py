"""The application deployed with webhooks: the server tells of each end, and who waits answers at once.

The stand-in delivers to the function's URL; the emulator needs no permission for that, AWS the two that SAM adds.
"""

import base64
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from openai import OpenAI
from openai.types.webhooks import WebhookEndpoint

from local.deployment import APPLICATION_STACK
from local.openai_standin import Fault, Script
from local.openai_standin.webhooks import Delivery
from tests.e2e.stacks import Deployed, Stack, counted, started
from tests.support.runs import PROPERTIES
from tests.support.signed_events import signed
from tests.support.until import until

RUN_SECONDS = {"lost": 14, "told": 14, "twice": 17}
"""Longer than the function waits inline, with time left that a webhook is worth.

They end in this order, and the end of each is delivered in another way.
"""
FAULTS = (Fault("WEBHOOK", ".*", "drop"), Fault("WEBHOOK", ".*", "twice", after=2))
MAX_LAG_SECONDS = 15
"""From cold, on a busy machine; without an event it would be half a minute. The bench has the figure."""
AROUND = ["Reconcile", "What next?"]


@pytest.fixture(scope="module")
def stacks(with_webhooks: Deployed) -> Iterator[dict[str, Stack]]:
    """Complete; the others are created while the first one waits, by functions that are warm then."""
    api, stacks = with_webhooks.openai_api, {name: Stack(with_webhooks) for name in RUN_SECONDS}
    api.fault(*FAULTS)
    for name, stack in stacks.items():
        api.script(Script(duration_s=RUN_SECONDS[name], match={"metadata": {"run": name}}))
        stack.begin_create(PROPERTIES | {"metadata": {"run": name}, "ServiceTimeout": 65})
        if name == "lost":
            until(lambda: "Await webhook" in states_of(stacks["lost"]))
        # A function may be cold: who is created first would not be the first to end.
        until(lambda name=name: name in [body["metadata"].get("run") for body in started(api)])
    assert {name: stack.wait() for name, stack in stacks.items()} == dict.fromkeys(stacks, "CREATE_COMPLETE")
    yield stacks
    for stack in stacks.values():
        stack.begin_delete()
    assert {stack.wait() for stack in stacks.values()} == {"DELETE_COMPLETE"}


def lag_seconds(stack: Stack) -> float:
    """From the run's end at OpenAI to the answer's arrival at CloudFormation."""
    [request] = stack.requests()
    [answer] = [each for each in stack.cloud.received_responses() if each["request_id"] == request["RequestId"]]
    api, run_id = stack.openai_api, stack.outputs()["Ref"].partition(":")[2]
    with OpenAI(base_url=api.base_url, api_key=api.api_key) as client:
        return float(answer["time_epoch_s"]) - (client.responses.retrieve(run_id).completed_at or 0)


def endpoints(deployed: Deployed) -> list[WebhookEndpoint]:
    api = deployed.openai_api
    with OpenAI(base_url=api.base_url, api_key=api.api_key) as client:
        return client.webhooks.list().data


def states_of(stack: Stack) -> list[str]:
    """The states that its execution entered."""
    client, arn = stack.cloud.client("stepfunctions"), stack.application.state_machine_arn
    names = {request["RequestId"] for request in stack.requests()}
    states = []
    for execution in client.list_executions(stateMachineArn=arn)["executions"]:
        if execution["name"] in names:
            history = client.get_execution_history(executionArn=execution["executionArn"], maxResults=1000)["events"]
            states += [
                each["stateEnteredEventDetails"]["name"] for each in history if "stateEnteredEventDetails" in each
            ]
    return states


def deliveries_of(stack: Stack) -> list[Delivery]:
    return [each for each in stack.openai_api.deliveries if each.response_id in stack.outputs()["Ref"]]


def test_the_application_registers_its_endpoint_once_and_keeps_the_secret_to_itself(with_webhooks: Deployed) -> None:
    [endpoint] = endpoints(with_webhooks)
    assert endpoint.url.startswith("https://")
    ends = ("completed", "failed", "cancelled", "incomplete")
    assert set(endpoint.event_types) == {f"response.{end}" for end in ends}
    cloudformation = with_webhooks.cloud.client("cloudformation")
    told = json.dumps(cloudformation.describe_stack_events(StackName=APPLICATION_STACK), default=str)
    assert "whsec_" not in told


def test_the_end_of_a_run_comes_by_webhook_and_gets_its_response_at_once(stacks: dict[str, Stack]) -> None:
    assert stacks["told"].outputs()["status"] == "completed"
    assert lag_seconds(stacks["told"]) < MAX_LAG_SECONDS
    assert states_of(stacks["told"]) == [*AROUND, "Await webhook", *AROUND, "Record attributes", "Signal"]


def test_events_that_come_twice_change_nothing(stacks: dict[str, Stack]) -> None:
    assert states_of(stacks["twice"]).count("Signal") == 1
    until(lambda: [each.status for each in deliveries_of(stacks["twice"])] == [200, 200], seconds=10)
    assert len({each.webhook_id for each in deliveries_of(stacks["twice"])}) == 1


def test_a_lost_event_costs_only_time(stacks: dict[str, Stack]) -> None:
    """Here the net is drawn in by the request's own deadline, a minute; else it is ten minutes away."""
    assert deliveries_of(stacks["lost"]) == []
    assert stacks["lost"].outputs()["status"] == "completed"
    assert lag_seconds(stacks["lost"]) > MAX_LAG_SECONDS
    assert states_of(stacks["lost"])[:4] == [*AROUND, "Await webhook", "Reconcile"]


class Sender:
    """Somebody who knows the URL: the server, with the signing secret, or anybody."""

    def __init__(self, deployed: Deployed) -> None:
        [endpoint] = endpoints(deployed)
        self._host, self._port = endpoint.url.removeprefix("https://").rstrip("/"), deployed.cloud.port
        secret_id = Stack(deployed, APPLICATION_STACK).physical_id("WebhookSecret")
        self._secret = deployed.cloud.client("secretsmanager").get_secret_value(SecretId=secret_id)["SecretString"]

    def send(self, run_id: str, key: bytes | None = None) -> int:
        """The status of the reply; without a key it is signed as the server does."""
        body = json.dumps({"object": "event", "type": "response.completed", "data": {"id": run_id}})
        key = key or base64.b64decode(self._secret.removeprefix("whsec_"))
        headers = {**signed(body, key=key), "host": self._host, "content-type": "application/json"}
        request = urllib.request.Request(f"http://127.0.0.1:{self._port}/", body.encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as reply:
                return int(reply.status)
        except urllib.error.HTTPError as error:
            return error.code


@pytest.fixture(scope="module")
def sender(with_webhooks: Deployed) -> Sender:
    return Sender(with_webhooks)


def items(deployed: Deployed) -> int:
    table = deployed.cloud.client("dynamodb")
    return int(table.scan(TableName=deployed.application.table_name, Select="COUNT")["Count"])


def test_a_forged_event_is_refused_quickly_and_leaves_nothing_behind(with_webhooks: Deployed, sender: Sender) -> None:
    before = items(with_webhooks)
    for _ in range(3):
        began = time.monotonic()
        assert sender.send("resp_1", key=b"somebody else's") == 400
    assert time.monotonic() - began < 1, "once it is warm"
    assert items(with_webhooks) == before
    assert sender.send("resp_of_others") == 200
    found = counted(with_webhooks.cloud)
    assert found["WebhooksReceived"]
    assert found["WebhooksRefused"]


def test_a_storm_of_events_is_absorbed(with_webhooks: Deployed, sender: Sender) -> None:
    """Of other runs in the same project of OpenAI, while one of ours is waited for: its own event may come late."""
    stack = Stack(with_webhooks)
    with_webhooks.openai_api.script(Script(duration_s=RUN_SECONDS["told"]))
    stack.begin_create(PROPERTIES)
    time.sleep(3)
    before = items(with_webhooks)
    with ThreadPoolExecutor(16) as pool:
        statuses = set(pool.map(sender.send, (f"resp_of_others_{number}" for number in range(1000))))
    assert statuses == {200, 429}, "what is beyond the reserved concurrency is refused, and sent again"
    assert stack.wait() == "CREATE_COMPLETE", stack.reasons()
    assert items(with_webhooks) <= before + 2, "the run's own: its public item, and that it is waited for"
    assert stack.delete() == "DELETE_COMPLETE"
