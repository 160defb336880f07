"""Records and public items in the DynamoDB table; every save is conditional on the version that was read.

Items: `RESOURCE#<digest>` (internal: the record as compressed JSON, so that prompts of a whole template fit
DynamoDB's 400 kB) and `RUN#<thread_id>:<run_id>` (public). A run's attributes are first put under `staged`
of its public item; the state machine's own DynamoDB integration moves them into place, so that an output
is recorded without ever being part of an execution's history. `output_s3_uri` tells where an output is
that the item has the beginning of only, and is null where the item has all; `owner` is the record's key.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import BotoCoreError, ClientError

from threadrun.errors import StorageUnavailable, TooLarge, VersionConflict
from threadrun.state.resource import ResourceRecord
from threadrun.storage.output_bucket import OutputBucket

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MAX_BYTES = 390_000
"""DynamoDB's 400 kB, less the other attributes of an item."""
MAX_OUTPUT_BYTES = 190_000
"""Half an item: the state machine's update may hold the output twice while it moves it into place."""
SAVE_PAUSES_SECONDS = (0.5, 1, 2, 4, 8)
SHORTENED_BYTES = 100_000
"""What the item keeps of an output that is in the bucket, and of its keys."""
FORGOTTEN_AFTER_SECONDS = 2 * 24 * 3600
"""How long a record without runs is kept: longer than Lambda repeats an event (6 hours)."""
DUE_INDEX, DUE = "DueAnswers", "answer"
"""A sparse index: it holds the records that CloudFormation waits for, and costs nothing while there are none."""
OWNER_NAME = {"#owner": "owner"}
_REFUSALS = frozenset({"ValidationException", "AccessDeniedException", "ResourceNotFoundException"})
"""A bug or a broken deployment: trying again does not help."""


class Store:
    """The table, and the bucket for outputs that are too large for it."""

    def __init__(
        self,
        client: DynamoDBClient,
        table_name: str,
        outputs: OutputBucket,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`clock` gives Unix seconds, `sleep` waits that many seconds."""
        self._client, self._table_name, self._outputs = client, table_name, outputs
        self._clock, self._sleep = clock, sleep

    def load(self, key: str) -> ResourceRecord | None:
        """The record as it is now, None where there is none."""
        with translated("read the record"):
            reply = self._client.get_item(TableName=self._table_name, Key={"pk": {"S": key}}, ConsistentRead=True)
        return record_of(reply["Item"]) if "Item" in reply else None

    def now(self) -> float:
        """Unix seconds."""
        return self._clock()

    def save(self, record: ResourceRecord) -> None:
        """Write the record and raise its version.

        Raises `VersionConflict` if another save came first, `TooLarge` if DynamoDB cannot hold it.
        """
        body = zlib.compress(record.model_dump_json(exclude={"version"}).encode())
        if len(body) > MAX_BYTES:
            raise TooLarge(
                f"the properties take {len(body)} bytes compressed, {MAX_BYTES} are possible: shorten the texts"
            )
        item: dict[str, Any] = {
            "pk": {"S": record.key},
            "version": {"N": str(record.version + 1)},
            "body": {"B": body},
            "stack_id": {"S": record.stack_id},
            "logical_id": {"S": record.logical_id},
        }
        request = record.unanswered
        if request is not None:
            item |= {"due": {"S": DUE}, "due_epoch_s": {"N": str(int(request.deadline_epoch_s))}}
        elif not record.made:
            item["expires_epoch_s"] = {"N": str(int(self._clock()) + FORGOTTEN_AFTER_SECONDS)}
        is_as_read = (
            {"ConditionExpression": "attribute_not_exists(pk)"}
            if record.version == 0
            else {
                "ConditionExpression": "version = :read",
                "ExpressionAttributeValues": {":read": {"N": str(record.version)}},
            }
        )
        self._put(item, is_as_read)
        record.version += 1

    def _put(self, item: dict[str, Any], condition: dict[str, Any]) -> None:
        # With persistence: what was just made may be known to this process only.
        for pause in (*SAVE_PAUSES_SECONDS, None):
            try:
                with translated("save the record"):
                    self._client.put_item(TableName=self._table_name, Item=item, **condition)
                return
            except StorageUnavailable:
                if pause is None:
                    raise
                self._sleep(pause)

    def overdue(self, now: float) -> list[str]:
        """Keys of the records whose answer was due before `now`, the longest overdue first."""
        with translated("look for overdue answers"):
            reply = self._client.query(
                TableName=self._table_name,
                IndexName=DUE_INDEX,
                KeyConditionExpression="due = :due AND due_epoch_s < :now",
                ExpressionAttributeValues={":due": {"S": DUE}, ":now": {"N": str(int(now))}},
            )
        return [item["pk"]["S"] for item in reply["Items"]]

    def stage_attributes(self, physical_id: str, owner: str, attributes: Mapping[str, Any]) -> str | None:
        """Lay a run's attributes ready for the state machine to record; its item belongs to the first record.

        An output that the item cannot hold is kept whole in the bucket, and its beginning in the item; returns
        where, as `s3://bucket/key`.
        """
        uri = None
        with translated("stage the attributes"):
            if _output_bytes(attributes) > MAX_OUTPUT_BYTES:
                uri = self._outputs.put(physical_id, str(attributes["output_text"]))
                attributes = _shortened(attributes)
            self._client.update_item(
                TableName=self._table_name,
                Key={"pk": {"S": attributes_key(physical_id)}},
                UpdateExpression="SET staged = :attributes, output_s3_uri = :uri, "
                "#owner = if_not_exists(#owner, :owner)",
                ExpressionAttributeNames=OWNER_NAME,
                ExpressionAttributeValues={
                    ":attributes": TypeSerializer().serialize(dict(attributes)),
                    ":uri": TypeSerializer().serialize(uri),
                    ":owner": {"S": owner},
                },
            )
        return uri

    def read_attributes(self, physical_id: str) -> dict[str, Any] | None:
        """A run's recorded attributes; those laid ready where recording them failed."""
        key = {"pk": {"S": attributes_key(physical_id)}}
        with translated("read the attributes"):
            reply = self._client.get_item(TableName=self._table_name, Key=key, ConsistentRead=True)
        if "Item" not in reply:
            return None
        item = {name: TypeDeserializer().deserialize(value) for name, value in reply["Item"].items() if name != "pk"}
        staged = item.pop("staged", None)
        for ours in ("output_s3_uri", "owner"):
            item.pop(ours, None)
        attributes = _plain(staged or item)
        assert isinstance(attributes, dict)
        return attributes

    def delete_attributes(self, physical_id: str, owner: str, output_s3_uri: str | None) -> None:
        """Remove a run's public item and its output from the bucket, unless they are another record's.

        Two resources may adopt one run.
        """
        with suppress(VersionConflict), translated("delete the attributes"):
            self._client.delete_item(
                TableName=self._table_name,
                Key={"pk": {"S": attributes_key(physical_id)}},
                ConditionExpression="attribute_not_exists(#owner) OR #owner = :owner",
                ExpressionAttributeNames=OWNER_NAME,
                ExpressionAttributeValues={":owner": {"S": owner}},
            )
            if output_s3_uri is not None:
                self._outputs.delete(output_s3_uri)


@contextmanager
def translated(action: str) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code == "ConditionalCheckFailedException":
            raise VersionConflict(f"cannot {action}: someone else saved it first") from None
        if code in _REFUSALS:
            raise
        raise StorageUnavailable(f"cannot {action}: {code}") from None
    except BotoCoreError as error:
        raise StorageUnavailable(f"cannot {action}: {type(error).__name__}") from error


def record_of(item: Mapping[str, Any]) -> ResourceRecord:
    """The record that an item holds."""
    record = ResourceRecord.model_validate_json(zlib.decompress(item["body"]["B"]))
    record.version = int(item["version"]["N"])
    return record


def attributes_key(physical_id: str) -> str:
    """Key of a run's public item."""
    return f"RUN#{physical_id}"


def _output_bytes(attributes: Mapping[str, Any]) -> int:
    texts = [attributes["output_text"], attributes["required_action"] or "", *attributes["output"].values()]
    return sum(len(str(text).encode()) for text in texts)


def _shortened(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes with the output's beginning only; of its keys those that fit, each whole."""
    text = str(attributes["output_text"]).encode()[:SHORTENED_BYTES].decode(errors="ignore")
    output, room = {}, SHORTENED_BYTES
    for name, value in attributes["output"].items():
        room -= len(str(value).encode())
        if room >= 0:
            output[name] = value
    required = attributes["required_action"]
    if required and len(str(required).encode()) > SHORTENED_BYTES:
        required = [{**call, "arguments": ""} for call in required]
    return {**attributes, "output_text": text, "output": output, "required_action": required}


def _plain(value: Any) -> Any:
    """DynamoDB's numbers as int where they are whole, as Decimal where not."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else value
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value
