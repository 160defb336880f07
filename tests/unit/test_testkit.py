"""What tests play with does as AWS does: the state machine's executor as specified, the table in memory as moto.

Tables are asked the same, by the same client, and answer alike; where DynamoDB is stricter than moto, so is the memory.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonata
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from testkit.clock import Clock
from testkit.in_process.aws import aws
from testkit.in_process.cloud import Account, Cloud
from testkit.in_process.deployed import ENVIRONMENT
from testkit.in_process.moto import create_table
from testkit.jsonata_values import evaluated
from testkit.memory.refusals import Refusal
from testkit.state_machine import TABLE, WAIT_FOR_TOKEN, Execution, TaskFailed, read_definition, update_item

END = {"Type": "Succeed"}


@pytest.fixture
def played(tmp_path: Path) -> Callable[..., Execution]:
    """Play an execution to its end; a task's results may be errors."""

    def play(states: dict[str, Any], results: Iterator[Any], given: dict[str, Any] | None = None) -> Execution:
        path = tmp_path / "definition.yaml"
        path.write_text(json.dumps({"StartAt": next(iter(states)), "States": {**states, "End": END}}))

        def call(resource: str, arguments: dict[str, Any]) -> Any:
            result = next(results)
            if isinstance(result, Exception):
                raise result
            return result

        execution = Execution("one", json.dumps(given or {}), call, Clock(), definition=path)
        execution.start()
        execution.clock.come_to_rest()
        return execution

    return play


def task(**more: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": "look", "Next": "End", **more}


def test_a_definition_is_walked_state_by_state(played: Callable[..., Execution]) -> None:
    wait = {"Type": "Wait", "Seconds": "{% $states.input.wait %}", "Next": "Look"}
    choices = [{"Condition": "{% $states.input.wait > 0 %}", "Next": "Wait"}]
    states = {
        "Wait": wait,
        "Look": task(Output="{% $states.result %}", Next="Done?"),
        "Done?": {"Type": "Choice", "Choices": choices, "Default": "End"},
    }
    execution = played(states, iter([{"wait": 7}, {"wait": 0}]), {"wait": 3})
    assert (execution.status, execution.transitions) == ("SUCCEEDED", 7)
    assert execution.clock() - Clock.BEGIN == 3 + 7


def test_an_error_goes_where_the_definition_catches_it(played: Callable[..., Execution]) -> None:
    said = "{% 'it was ' & $states.errorOutput.Error %}"
    catch = [{"ErrorEquals": ["Late"], "Output": {"said": said}, "Next": "End"}]
    execution = played({"Look": task(Catch=catch, Next="Look")}, iter([TaskFailed("Late")]))
    assert execution.transitions == 2
    assert execution.history[-1] == ("End", {"said": "it was Late"})


@pytest.mark.parametrize(("failures", "status", "seconds"), [(2, "SUCCEEDED", 2 + 3), (3, "FAILED", 2 + 3)])
def test_an_error_is_retried_as_often_as_the_definition_says(
    played: Callable[..., Execution], failures: int, status: str, seconds: float
) -> None:
    """Each time after twice as long, and never longer than the longest delay."""
    retry = {"ErrorEquals": ["Late"], "IntervalSeconds": 2, "BackoffRate": 2, "MaxAttempts": 2, "MaxDelaySeconds": 3}
    execution = played({"Look": task(Retry=[retry])}, iter([TaskFailed("Late")] * failures + [{}]))
    assert (execution.status, execution.clock() - Clock.BEGIN) == (status, seconds)


@pytest.mark.parametrize(
    ("code", "optimised", "sdk"),
    [
        ("ThrottlingException", "DynamoDB.AmazonDynamoDBException", "DynamoDb.DynamoDbException"),
        ("InternalServerError", "DynamoDB.InternalServerErrorException", "DynamoDb.InternalServerErrorException"),
        (
            "ConditionalCheckFailedException",
            "DynamoDB.ConditionalCheckFailedException",
            "DynamoDb.ConditionalCheckFailedException",
        ),
    ],
)
def test_an_error_of_the_table_has_the_name_that_the_integration_gives_it(code: str, optimised: str, sdk: str) -> None:
    def refuse(**_: Any) -> None:
        raise Refusal(code)

    client = SimpleNamespace(update_item=refuse)
    for resource, name in (("dynamodb:updateItem", optimised), ("aws-sdk:dynamodb:updateItem", sdk)):
        with pytest.raises(TaskFailed, match=f"^{name}$"):
            update_item(client, f"arn:aws:states:::{resource}", {})


def test_a_token_that_does_not_come_is_a_timeout(played: Callable[..., Execution]) -> None:
    catch = [{"ErrorEquals": ["States.Timeout"], "Output": {}, "Next": "End"}]
    states = {"Await": task(Resource=f"look{WAIT_FOR_TOKEN}", TimeoutSeconds=60, Catch=catch, Next="Await")}
    execution = played(states, iter([{}]))
    assert (execution.status, execution.waits, execution.clock() - Clock.BEGIN) == ("SUCCEEDED", 1, 60)


@pytest.mark.parametrize("at_once", [1, 2, 9])
@pytest.mark.parametrize("failing", [False, True])
def test_a_map_ends_with_its_last_item_or_its_first_error(
    played: Callable[..., Execution], at_once: int, failing: bool
) -> None:
    states = {
        "All": {
            "Type": "Map",
            "Items": "{% $states.input.items %}",
            "MaxConcurrency": at_once,
            "ItemSelector": {"item": "{% $states.context.Map.Item.Value %}"},
            "ItemProcessor": {"StartAt": "Each", "States": {"Each": {**task(End=True), "Output": {}}}},
            "Catch": [{"ErrorEquals": ["States.ALL"], "Output": {"failed": True}, "Next": "End"}],
            "Output": {"failed": False},
            "Next": "End",
        }
    }
    results = [{}, TaskFailed("Late") if failing else {}, {}]
    execution = played(states, iter(results), {"items": ["a", "b", "c"]})
    assert execution.history[-1] == ("End", {"failed": failing})


def test_an_execution_ends_in_time() -> None:
    """By the definition's own limit."""
    look = {"Payload": {"outcome": "wait", "wait_seconds": 7}}
    execution = Execution("one", '{"key": "k", "request_id": "r"}', lambda *_: look, Clock())
    execution.start()
    execution.clock.come_to_rest()
    assert (execution.status, execution.clock() - Clock.BEGIN) == ("TIMED_OUT", read_definition()["TimeoutSeconds"])


@pytest.mark.parametrize(
    "expression", ["$states.input.key", "$states.context.Execution.Input", "$states.input.key = 'k'"]
)
def test_a_path_is_what_jsonata_says_it_is(expression: str) -> None:
    """Paths are followed without it."""
    states = {"input": {"key": "k"}, "context": {"Execution": {"Input": {"list": [1, {"a": None}]}}}}
    compiled = jsonata.Jsonata(expression)
    frame = compiled.create_frame()
    frame.bind("states", states)
    assert evaluated("{% " + expression + " %}", states) == compiled.evaluate(None, frame)


def test_a_path_to_nothing_is_an_error() -> None:
    with pytest.raises(KeyError):
        evaluated("{% $states.input.other %}", {"input": {}})


# --- the table

Step = tuple[str, dict[str, Any]]
"""A method of the client, and its arguments but for the table's name."""
KEY = {"pk": {"S": "key"}}
VERSION_2: dict[str, Any] = {**KEY, "version": {"N": "2"}, "body": {"B": b"\x00\xff"}}
IS_NEW = {"ConditionExpression": "attribute_not_exists(version)"}
STAGED = {"status": {"S": "completed"}, "output": {"M": {"verdict": {"S": "yes"}}}, "file_ids": {"L": [{"S": "file"}]}}


def as_read(version: int) -> dict[str, Any]:
    """What the condition of a save says."""
    values = {":read": {"N": str(version)}}
    return {"ConditionExpression": "version = :read", "ExpressionAttributeValues": values}


def put(item: dict[str, Any], **more: Any) -> Step:
    return "put_item", {"Item": item, **more}


def get(key: str = "key") -> Step:
    return "get_item", {"Key": {"pk": {"S": key}}, "ConsistentRead": True}


def update(expression: str, values: dict[str, Any] | None = None, **more: Any) -> Step:
    given = {"ExpressionAttributeValues": values} if values else {}
    return "update_item", {"Key": KEY, "UpdateExpression": expression, **given, **more}


def delete(**more: Any) -> Step:
    return "delete_item", {"Key": KEY, **more}


def stage(output_bytes: int = 10, user: str = "record") -> Step:
    """A run's attributes, as they are laid ready."""
    recorded = read_definition()["States"]["Record attributes"]["Arguments"]["ExpressionAttributeNames"].values()
    texts = {name: {"S": "-"} for name in recorded} | {"output_text": {"S": "x" * output_bytes}}
    values = {":attributes": {"M": texts | STAGED}, ":uri": {"NULL": True}, ":user": {"SS": [user]}}
    return update("SET staged = :attributes, output_s3_uri = :uri ADD used_by :user", values)


def natively(state: str) -> Step:
    """The state machine's own update in this state."""
    context = {"Task": {"Token": "token"}, "Execution": {"Input": {"request_id": "request"}}}
    states = {"input": {"attributes_key": "key", "wait_key": "key"}, "context": context}
    arguments = evaluated(read_definition()["States"][state]["Arguments"], states)
    return "update_item", {name: value for name, value in arguments.items() if name != "TableName"}


def leave(user: str) -> Step:
    """A record has no more use for an item."""
    asked = {"ConditionExpression": "attribute_exists(pk)", "ReturnValues": "ALL_NEW"}
    return update("DELETE used_by :user", {":user": {"SS": [user]}}, **asked)


UNUSED_ITEM = {"ConditionExpression": "attribute_not_exists(used_by)"}


def due(key: str, epoch_s: int, **more: Any) -> Step:
    return put({"pk": {"S": key}, "due": {"S": "answer"}, "due_epoch_s": {"N": str(epoch_s)}, **more})


def overdue(now: int) -> Step:
    asked = {"IndexName": "DueAnswers", "KeyConditionExpression": "due = :due AND due_epoch_s < :now"}
    return "query", asked | {"ExpressionAttributeValues": {":due": {"S": "answer"}, ":now": {"N": str(now)}}}


def counted(at_most: int) -> Step:
    asked = {"IndexName": "DueAnswers", "KeyConditionExpression": "due = :due", "Select": "COUNT", "Limit": at_most}
    return "query", asked | {"ExpressionAttributeValues": {":due": {"S": "answer"}}}


SEEN = update(
    "SET seen = :now", {":now": {"N": "7.25"}}, ConditionExpression="attribute_exists(pk)", ReturnValues="ALL_NEW"
)
ANNOUNCED = update(
    "SET expires_epoch_s = :expires ADD request_ids :request",
    {":expires": {"N": "9"}, ":request": {"SS": ["request"]}},
    ReturnValues="ALL_NEW",
)
PLAYS: dict[str, list[Step]] = {
    "a record is entered once": [get(), put(KEY, **IS_NEW), put(VERSION_2, **IS_NEW), get()],
    "a save needs the version that was read": [
        put(VERSION_2, **as_read(1)),
        put(VERSION_2),
        put({**KEY, "version": {"N": "3"}}, **as_read(1)),
        put({**KEY, "version": {"N": "3"}}, **as_read(2)),
        get(),
    ],
    "numbers are compared as numbers": [put({**KEY, "version": {"N": "2.0"}}), put(VERSION_2, **as_read(2)), get()],
    "a text is no number": [put({**KEY, "version": {"S": "2"}}), put(VERSION_2, **as_read(2))],
    "attributes are recorded": [stage(), get(), natively("Record attributes"), get(), natively("Record attributes")],
    "attributes are laid ready again": [
        *(stage(), natively("Record attributes")),
        *(stage(20), get(), natively("Record attributes"), get()),
    ],
    "nothing is recorded that is not there": [natively("Record attributes"), get()],
    "an item without a part of its attributes": [
        update("SET staged = :attributes", {":attributes": {"M": STAGED}}),
        *(natively("Record attributes"), get()),
    ],
    "an event is noted where somebody waits": [SEEN, get(), put(KEY), SEEN, get()],
    "a wait begins": [natively("Await webhook"), ANNOUNCED, natively("Await webhook"), get(), SEEN],
    "a wait does not begin after its event": [ANNOUNCED, SEEN, natively("Await webhook"), ANNOUNCED],
    "an item is deleted when no record uses it": [
        *(delete(**UNUSED_ITEM), leave("record"), put(KEY), leave("record"), delete(**UNUSED_ITEM), get()),
        *(stage(), stage(), stage(user="second"), get(), leave("nobody"), leave("record"), delete(**UNUSED_ITEM)),
        *(get(), leave("second"), delete(**UNUSED_ITEM), get()),
    ],
    "an index holds the items that have both its keys, in their order": [
        *(due("later", 12, body={"B": b"-"}), due("now", 7), due("much later", 100)),
        put({"pk": {"S": "none"}, "due": {"S": "answer"}}),
        *(overdue(13), overdue(12), overdue(101), overdue(0), counted(9), counted(2)),
        *(put({"pk": {"S": "now"}}), overdue(13)),
    ],
    "a key of the index is not empty": [put({**KEY, "due": {"S": ""}}), get()],
    "an item has 400 kB": [
        put({**KEY, "text": {"S": "x" * 404_000}}),
        put({**KEY, "text": {"S": "x" * 410_000}}),
        put({**KEY, "text": {"S": "ü" * 205_000}}),
        put({**KEY, "body": {"B": b"x" * 410_000}}),
        *(update("SET more = :text", {":text": {"S": "x" * 8000}}), delete()),
        *(stage(190_000), natively("Record attributes"), stage(190_000), get()),
        *(delete(), stage(410_000)),
    ],
    "a key is a text that is not empty": [
        get(""),
        put({"pk": {"S": ""}}),
        put({"pk": {"N": "1"}}),
        put({"body": {"S": "-"}}),
        ("get_item", {"Key": {"id": {"S": "key"}}}),
        ("get_item", {"Key": {**KEY, "version": {"N": "1"}}}),
    ],
    "the key does not change": [put(KEY), update("SET pk = :new", {":new": {"S": "another"}}), get()],
    "placeholders are given and used": [
        put(KEY),
        update("SET owner = :owner", {":owner": {"S": "record"}}),
        update("SET seen = :true"),
        update("SET seen = :true", {":true": {"BOOL": True}, ":false": {"BOOL": False}}),
        update("SET seen = :true", {":true": {"BOOL": True}}, ExpressionAttributeNames={"#owner": "owner"}),
        get(),
    ],
    "nothing is set twice, and nothing to what is not there": [
        put(KEY),
        update("SET seen = :true, seen = :true", {":true": {"BOOL": True}}),
        update("SET seen = :true REMOVE seen", {":true": {"BOOL": True}}),
        update("SET seen = staged"),
        update("REMOVE staged"),
        get(),
    ],
    "another table or index": [
        ("get_item", {"Key": KEY, "TableName": "another"}),
        ("put_item", {"Item": KEY, "TableName": "another"}),
    ],
    "what botocore refuses": [
        put({"pk": {"S": 1}}),
        put({**KEY, "version": {"N": 2}}),
        put({**KEY, "version": 2}),
        ("put_item", {"Item": KEY, "Condition": "attribute_exists(pk)"}),
        ("get_item", {}),
    ],
}
STRICTER: list[Step] = [
    put(KEY, ConditionExpression="version = :read"),
    put({**KEY, "due": {"N": "7"}}),
    put({**KEY, "due": {"S": "answer"}, "due_epoch_s": {"S": "7"}}),
    ("delete_item", {"Key": {"pk": {"S": ""}}}),
    update("SET #owner = :owner", {":owner": {"S": "record"}}),
    (overdue(1)[0], overdue(1)[1] | {"IndexName": "Another"}),
    put({**KEY, "version": {"N": "two"}}),
    put({**KEY, "version": {"N": "1", "S": "1"}}),
    put({**KEY, "output": {"M": {"k" * 65_536: {"S": "x"}}}}),
]
"""Requests that DynamoDB refuses, and moto does not, or not as DynamoDB does."""
UNUSED: list[Step] = [
    update("ADD version :one", {":one": {"N": "1"}}),
    update("SET version = version + :one", {":one": {"N": "1"}}),
    update("SET output.verdict = :no", {":no": {"S": "no"}}),
    put(KEY, ConditionExpression="attribute_type(pk, :kind)", ExpressionAttributeValues={":kind": {"S": "S"}}),
    put(KEY, ConditionExpression="NOT attribute_exists(pk)"),
    put(KEY, ConditionExpression="version"),
    put(KEY, ConditionExpression="version > :read", ExpressionAttributeValues={":read": {"N": "1"}}),
    put(KEY, ReturnValues="ALL_OLD"),
    put({**KEY, "tags": {"NS": ["1"]}}),
    update("ADD used_by :user", {":user": {"SS": []}}),
    ("scan", {"FilterExpression": "attribute_exists(pk)"}),
    ("query", {"KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": {"S": "key"}}}),
    ("transact_get_items", {"TransactItems": []}),
]
"""What the application does not use; the memory has it not."""
NOT_THERE = ("NotImplementedError", "TypeError", "ParamValidationError")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


def answered(step: Step) -> Any:
    """The reply, or the error's code."""
    method, arguments = step
    try:
        reply = getattr(aws("dynamodb"), method)(**{"TableName": TABLE, **arguments})
    except ClientError as error:
        return error.response["Error"]["Code"]
    except Exception as error:
        return type(error).__name__
    return {name: value for name, value in reply.items() if name in ("Item", "Items", "Attributes", "Count")}


def answered_by_the_memory(*steps: Step) -> list[Any]:
    with Cloud() as cloud:
        Account(cloud, TABLE, "")
        return [answered(step) for step in steps]


@pytest.mark.parametrize("play", PLAYS.values(), ids=PLAYS)
def test_the_memory_answers_as_moto(play: list[Step]) -> None:
    with mock_aws():
        create_table()
        by_moto = [answered(step) for step in play]
    for step, found, wanted in zip(play, answered_by_the_memory(*play), by_moto, strict=True):
        assert found == wanted, step


@pytest.mark.parametrize("step", [*STRICTER, *UNUSED], ids=lambda step: str(step)[:200])
def test_where_moto_is_kinder_than_dynamodb_or_the_application_the_memory_is_not(step: Step) -> None:
    answer, item = answered_by_the_memory(step, get())
    assert answer in (["ValidationException"] if step in STRICTER else NOT_THERE)
    assert item == {}
