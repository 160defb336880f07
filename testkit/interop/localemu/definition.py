"""The state machine's definition alone, on LocalEmu and on testkit's own executor: both must go the same ways.

Its functions are scripted, so that ways are gone which no life can be made to go.
"""

from __future__ import annotations

import inspect
import io
import json
import time
import uuid
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from testkit.clock import Clock
from testkit.in_process.aws import aws
from testkit.in_process.cloud import Account, Cloud
from testkit.in_process.deployed import ENVIRONMENT
from testkit.interop.localemu.cloud import LocalEmu, localemu
from testkit.interop.page import WORKS
from testkit.interop.servers import version_of
from testkit.state_machine import INVOKE, TABLE, WAIT_FOR_TOKEN, Execution, TaskFailed, read_definition, update_item
from testkit.template import states

FUNCTIONS = ("reconcile", "call_tool", "signal")
PATIENCE_SECONDS = 60.0
AWAIT = {"outcome": "await_webhook", "wait_key": "item", "wait_seconds": 3}
RECORD = {"outcome": "record", "attributes_key": "item"}
STOP, RESPOND = {"outcome": "stop"}, {"outcome": "respond"}


@dataclass(frozen=True)
class Way:
    """What Reconcile returns, time after time, and the item of the table; a text is the name of an error."""

    results: tuple[dict[str, Any] | str, ...]
    item: dict[str, Any] | None = None
    is_woken: bool = False


WAYS = {
    "a wait": Way(({"outcome": "wait", "wait_seconds": 1}, RESPOND)),
    "a webhook that comes while it is waited for": Way((AWAIT, STOP), {}, is_woken=True),
    "a webhook that came before": Way((AWAIT, STOP), {"seen": {"BOOL": True}}),
    "a webhook that never comes": Way((AWAIT, STOP), {}),
    "no item for the webhook": Way((AWAIT, STOP)),
    "attributes recorded": Way((RECORD,), {"staged": {"M": {"id": {"S": "x"}}}}),
    "attributes recorded before": Way((RECORD,), {}),
    "three functions called": Way(({"outcome": "call_tools", "call_ids": ["a", "b", "c"]}, RESPOND)),
    "a function that fails": Way(("ValueError",)),
    "a failure that passes": Way(("StorageUnavailable", RESPOND)),
}


def scripted(event: dict[str, Any], seen: Callable[[], int]) -> Any:
    """What each of the functions returns or raises; Reconcile's key has the results, `seen` counts its events."""
    if "call_id" in event or "failure" in event:
        return {"answered": event.get("failure", "")}
    results = json.loads(event["key"])
    result = results[seen()]
    if isinstance(result, str):
        raise type(result, (Exception,), {})("scripted")
    return result


HANDLER = """
import json, os
from typing import Any, Callable

def handler(event, context):
    def seen():
        number = len([each for each in os.listdir(".") if each.startswith(event["request_id"])])
        open(f"{event['request_id']}-{number}", "w").close()
        return number
    return scripted(event, seen)

"""


def prepare(cloud: LocalEmu) -> str:
    """Deploy the table, the functions and the definition; returns the state machine's ARN."""
    archive, functions = io.BytesIO(), cloud.client("lambda")
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("app.py", HANDLER + inspect.getsource(scripted))
    for name in FUNCTIONS:
        functions.create_function(
            FunctionName=name,
            Runtime="python3.13",
            Role="arn:aws:iam::000000000000:role/scripted",
            Handler="app.handler",
            Code={"ZipFile": archive.getvalue()},
        )
    for name in FUNCTIONS:
        functions.get_waiter("function_active_v2").wait(FunctionName=name)
    cloud.client("dynamodb").create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    made = cloud.client("stepfunctions").create_state_machine(
        name="scripted", definition=json.dumps(read_definition()), roleArn="arn:aws:iam::000000000000:role/scripted"
    )
    return str(made["stateMachineArn"])


def gone_there(cloud: LocalEmu, state_machine_arn: str, way: Way) -> tuple[str, Counter[str]]:
    """How an execution on LocalEmu ended, and how often it entered each state."""
    machines, table, key = cloud.client("stepfunctions"), cloud.client("dynamodb"), {"pk": {"S": "item"}}
    table.delete_item(TableName=TABLE, Key=key)
    if way.item is not None:
        table.put_item(TableName=TABLE, Item=key | way.item)
    request_id = uuid.uuid4().hex
    given = json.dumps({"key": json.dumps(way.results), "request_id": request_id})
    arn = machines.start_execution(stateMachineArn=state_machine_arn, input=given)["executionArn"]
    deadline, is_woken = time.monotonic() + PATIENCE_SECONDS, False
    while (status := machines.describe_execution(executionArn=arn)["status"]) == "RUNNING":
        token = table.get_item(TableName=TABLE, Key=key).get("Item", {}).get(f"token_{request_id}")
        if way.is_woken and token and not is_woken:
            machines.send_task_success(taskToken=token["S"], output="{}")
            is_woken = True
        if time.monotonic() > deadline:
            return "RUNNING", Counter()
        time.sleep(0.2)
    events = machines.get_execution_history(executionArn=arn, maxResults=1000)["events"]
    entered = [each.get("stateEnteredEventDetails") for each in events]
    return status, Counter(each["name"] for each in entered if each)


def gone_here(way: Way) -> tuple[str, Counter[str]]:
    """The same of testkit's own executor."""
    clock, count = Clock(), iter(range(1000))

    def wake(token: str) -> None:
        execution.succeed(token)

    def call(resource: str, arguments: dict[str, Any]) -> Any:
        if resource == INVOKE:
            try:
                return {"Payload": scripted(arguments["Payload"], lambda: next(count))}
            except Exception as error:
                raise TaskFailed(type(error).__name__, str(error)) from None
        result = update_item(aws("dynamodb"), resource, arguments)
        if resource.endswith(WAIT_FOR_TOKEN) and way.is_woken:
            [token] = [each["S"] for each in arguments["ExpressionAttributeValues"].values()]
            clock.later(1, "webhook", lambda: wake(token))
        return result

    with Cloud() as cloud:
        account = Account(cloud, TABLE, "")
        if way.item is not None:
            account.table.put_item(TableName=TABLE, Item={"pk": {"S": "item"}} | way.item)
        given = json.dumps({"key": json.dumps(way.results), "request_id": "request"})
        execution = Execution("scripted", given, call, clock)
        execution.start()
        clock.come_to_rest()
    names = list(states(read_definition()))
    entered = [each[0] for each in execution.history if isinstance(each, tuple) and each[0] in names]
    return execution.status, Counter(entered)


def play_definition(say: Callable[[str], None]) -> dict[str, Any]:
    """Go each way on both; `works` where both ended alike and entered the same states as often."""
    outcomes = dict[str, list[str]]()
    with pytest.MonkeyPatch.context() as monkeypatch, localemu() as cloud:
        for variable, value in ENVIRONMENT.items():
            monkeypatch.setenv(variable, value)
        arn = prepare(cloud)
        for name, way in WAYS.items():
            there, here = gone_there(cloud, arn, way), gone_here(way)
            found = WORKS if there == here else f"wrong: there {told(there)}; here {told(here)}"
            outcomes[name] = [found, told(there)]
            say(f"definition on LocalEmu: {name}: {found}")
    return {"version": version_of("localemu", "localemu"), "ways": outcomes}


def told(gone: tuple[str, Counter[str]]) -> str:
    return ", ".join([gone[0], *(f"{count} {name}" for name, count in sorted(gone[1].items()))])
