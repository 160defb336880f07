"""Records and public items in the DynamoDB table; every save is conditional on the version that was read.

Items: `RESOURCE#<digest>` (internal: the record as compressed JSON, so that prompts of a whole template fit
DynamoDB's 400 kB) and `RUN#<thread_id>:<run_id>` (public). A run's attributes are first put under `staged`
of its public item; the state machine's own DynamoDB integration moves them into place, so that an output
is recorded without ever being part of an execution's history.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import BotoCoreError, ClientError

from threadrun.errors import TableUnavailable, TooLarge, VersionConflict
from threadrun.record import ResourceRecord

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MAX_BYTES = 390_000
"""DynamoDB's 400 kB, less the other attributes of an item."""
FORGOTTEN_AFTER_SECONDS = 2 * 24 * 3600
"""How long a record without runs is kept: longer than Lambda repeats an event (6 hours)."""
_REFUSALS = frozenset({"ValidationException", "AccessDeniedException", "ResourceNotFoundException"})
"""A bug or a broken deployment: trying again does not help."""


class Store:
    """The table; `clock` gives Unix seconds."""

    def __init__(self, client: DynamoDBClient, table_name: str, clock: Callable[[], float] = time.time) -> None:
        self._client, self._table_name, self._clock = client, table_name, clock

    def load(self, key: str) -> ResourceRecord | None:
        """The record as it is now, None where there is none."""
        with translated("read the record"):
            reply = self._client.get_item(TableName=self._table_name, Key={"pk": {"S": key}}, ConsistentRead=True)
        if "Item" not in reply:
            return None
        item = reply["Item"]
        record = ResourceRecord.model_validate_json(zlib.decompress(item["body"]["B"]))
        record.version = int(item["version"]["N"])
        return record

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
        request = record.open_request
        if request is not None:
            item["deadline_epoch_s"] = {"N": str(int(request.deadline_epoch_s))}
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
        with translated("save the record"):
            self._client.put_item(TableName=self._table_name, Item=item, **is_as_read)
        record.version += 1

    def stage_attributes(self, physical_id: str, attributes: Mapping[str, Any]) -> None:
        """Lay a run's attributes ready for the state machine to record; raises `TooLarge`."""
        text = str(attributes.get("output_text", ""))
        size = len(text.encode()) + sum(len(str(value).encode()) for value in attributes.get("output", {}).values())
        if size > MAX_BYTES:
            raise TooLarge(f"the run's output has {size} bytes, {MAX_BYTES} can be recorded: ask for a shorter answer")
        with translated("stage the attributes"):
            self._client.update_item(
                TableName=self._table_name,
                Key={"pk": {"S": public_key(physical_id)}},
                UpdateExpression="SET staged = :attributes",
                ExpressionAttributeValues={":attributes": TypeSerializer().serialize(dict(attributes))},
            )

    def read_attributes(self, physical_id: str) -> dict[str, Any] | None:
        """A run's recorded attributes; those laid ready where recording them failed."""
        key = {"pk": {"S": public_key(physical_id)}}
        with translated("read the attributes"):
            reply = self._client.get_item(TableName=self._table_name, Key=key, ConsistentRead=True)
        if "Item" not in reply:
            return None
        item = {name: TypeDeserializer().deserialize(value) for name, value in reply["Item"].items() if name != "pk"}
        staged = item.pop("staged", None)
        attributes = _plain(staged or item)
        assert isinstance(attributes, dict)
        return attributes

    def delete_attributes(self, physical_id: str) -> None:
        """Remove a run's public item, if there is one."""
        with translated("delete the attributes"):
            self._client.delete_item(TableName=self._table_name, Key={"pk": {"S": public_key(physical_id)}})


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
        raise TableUnavailable(f"cannot {action}: {code}") from None
    except BotoCoreError as error:
        raise TableUnavailable(f"cannot {action}: {type(error).__name__}") from error


def public_key(physical_id: str) -> str:
    """Key of a run's public item."""
    return f"RUN#{physical_id}"


def _plain(value: Any) -> Any:
    """DynamoDB's numbers as int where they are whole, as Decimal where not."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else value
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value
