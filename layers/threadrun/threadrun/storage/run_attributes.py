"""The public item of each run, `RUN#<thread_id>:<run_id>`, and large outputs in the bucket.

A run's attributes are first put under `staged` of the item; the state machine's own DynamoDB integration moves them
into place, so that an output is recorded without ever being part of an execution's history. `output_s3_uri` says where
an output is of which the item has only the beginning, and is null where the item has all; `used_by` has the keys of
the records that are about the run: it can be adopted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from threadrun.errors import VersionConflict
from threadrun.state.attributes import with_all_attributes
from threadrun.storage.records import translated

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

MAX_OUTPUT_BYTES = 190_000
"""Of a text with its keys: half an item, as the state machine's update may hold it twice while it moves it."""
SHORTENED_BYTES = 100_000
"""What the item keeps of a text that is in the bucket; calls and keys have what is left of `MAX_OUTPUT_BYTES`."""
_LARGE = ("output_text", "required_action", "output")


class OutputBucket:
    """Outputs that are too large for the table, whole, in a bucket: `outputs/<thread_id>/<run_id>.txt`."""

    def __init__(self, connect: Callable[[], S3Client], name: str) -> None:
        """`connect` gives the client: most runs never need it."""
        self._connect, self._name = connect, name

    def put(self, physical_id: str, text: str) -> str:
        """Keep a run's output; returns where, as `s3://bucket/key`. Putting it again changes nothing."""
        key = f"outputs/{physical_id.replace(':', '/')}.txt"
        self._connect().put_object(
            Bucket=self._name, Key=key, Body=text.encode(), ContentType="text/plain; charset=utf-8"
        )
        return f"s3://{self._name}/{key}"

    def delete(self, uri: str) -> None:
        """Remove an output; one that does not exist any more is not an error."""
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        self._connect().delete_object(Bucket=bucket, Key=key)


class RunAttributes:
    """Attributes of runs in the table; of a large output it has the beginning, and the bucket has it whole."""

    def __init__(self, client: DynamoDBClient, table_name: str, outputs: OutputBucket) -> None:
        self._client, self._table_name, self._outputs = client, table_name, outputs

    def stage(self, physical_id: str, user: str, attributes: Mapping[str, Any]) -> str | None:
        """Stage a run's attributes for the state machine to record; `user` is the key of the run's record.

        An output that the item cannot hold is kept whole in the bucket, and its beginning in the item; returns
        where, as `s3://bucket/key`. What was recorded of it before makes room.
        """
        uri = None
        with translated("stage the attributes"):
            if sum(_bytes(attributes[name]) for name in _LARGE if attributes[name]) > MAX_OUTPUT_BYTES:
                uri = self._outputs.put(physical_id, str(attributes["output_text"]))
                attributes = _shortened(attributes)
            self._client.update_item(
                TableName=self._table_name,
                Key={"pk": {"S": attributes_key(physical_id)}},
                UpdateExpression="SET staged = :attributes, output_s3_uri = :uri REMOVE #0, #1, #2 ADD used_by :user",
                ExpressionAttributeNames={f"#{number}": name for number, name in enumerate(_LARGE)},
                ExpressionAttributeValues={
                    ":attributes": TypeSerializer().serialize(dict(attributes)),
                    ":uri": TypeSerializer().serialize(uri),
                    ":user": {"SS": [user]},
                },
            )
        return uri

    def read(self, physical_id: str) -> dict[str, Any] | None:
        """A run's recorded attributes; those that are staged because recording them failed are recorded now.

        None also where the item has lost the answer; what else it lacks counts as unknown.
        """
        key = {"pk": {"S": attributes_key(physical_id)}}
        with translated("read the attributes"):
            reply = self._client.get_item(TableName=self._table_name, Key=key, ConsistentRead=True)
        if "Item" not in reply:
            return None
        item = {
            name: _plain(TypeDeserializer().deserialize(value))
            for name, value in reply["Item"].items()
            if name not in ("pk", "output_s3_uri", "used_by")
        }
        staged: dict[str, Any] | None = item.pop("staged", None)
        if staged is not None:
            self._move_into_place(key, staged)
        return with_all_attributes(staged or item)

    def _move_into_place(self, key: dict[str, Any], names: Iterable[str]) -> None:
        """What the state machine does, for where it could not."""
        by_placeholder = {f"#{number}": name for number, name in enumerate(names)}
        moved = ", ".join(f"{each} = staged.{each}" for each in by_placeholder)
        with suppress(VersionConflict), translated("record the attributes"):
            self._client.update_item(
                TableName=self._table_name,
                Key=key,
                ConditionExpression="attribute_exists(staged)",
                UpdateExpression=f"SET {moved} REMOVE staged",
                ExpressionAttributeNames=by_placeholder,
            )

    def delete(self, physical_id: str, user: str, output_s3_uri: str | None) -> None:
        """Remove a run's public item and large output, unless another record uses them, too.

        `output_s3_uri` is where the output is if there is no item to tell.
        """
        key, item = {"pk": {"S": attributes_key(physical_id)}}, dict[str, Any]()
        with suppress(VersionConflict), translated("delete the attributes"):
            reply = self._client.update_item(
                TableName=self._table_name,
                Key=key,
                ConditionExpression="attribute_exists(pk)",
                UpdateExpression="DELETE used_by :user",
                ExpressionAttributeValues={":user": {"SS": [user]}},
                ReturnValues="ALL_NEW",
            )
            item = dict(reply["Attributes"])
        if "used_by" in item:
            return
        with suppress(VersionConflict), translated("delete the attributes"):
            if (uri := item.get("output_s3_uri", {}).get("S") or output_s3_uri) is not None:
                self._outputs.delete(uri)
            if item:
                is_unused = "attribute_not_exists(used_by)"
                self._client.delete_item(TableName=self._table_name, Key=key, ConditionExpression=is_unused)


def attributes_key(physical_id: str) -> str:
    return f"RUN#{physical_id}"


def _bytes(value: Any) -> int:
    """What a value takes in an item.

    Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
    """
    match value:
        case str():
            return len(value.encode())
        case Mapping():
            return 3 + sum(1 + _bytes(name) + _bytes(each) for name, each in value.items())
        case list():
            return 3 + sum(1 + _bytes(each) for each in value)
    return len(str(value)) // 2 + 2


def _shortened(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes with the output's beginning only; of its calls and keys the first ones, each whole.

    The arguments of calls are all there, or none.
    """
    text = str(attributes["output_text"]).encode()[:SHORTENED_BYTES].decode(errors="ignore")
    room, required = MAX_OUTPUT_BYTES - _bytes(text), attributes["required_action"]
    if required and _bytes(required) > room:
        required = _fitting([{**call, "arguments": ""} for call in required], room)
    output = dict(_fitting([[*item] for item in attributes["output"].items()], room - _bytes(required)))
    shortened = {"output_text": text, "output": output, "required_action": required}
    return {**attributes, **shortened, "output_truncated": True}


def _fitting(parts: Sequence[Any], room: int) -> list[Any]:
    """The first ones, as many as fit."""
    sizes = accumulate(1 + _bytes(part) for part in parts)
    return [part for part, size in zip(parts, sizes, strict=True) if size <= room]


def _plain(value: Any) -> Any:
    """DynamoDB's numbers as int where they are whole, as Decimal where not."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else value
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value
