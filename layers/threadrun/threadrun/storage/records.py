"""Records in the DynamoDB table, items `RESOURCE#<digest>`: every save is conditional on the version that was read.

A record is compressed JSON, so that the prompts of a whole template fit DynamoDB's 400 kB.
"""
# docs/decisions.md: "One record per resource, not per run"

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import ValidationError

from threadrun.errors import NotStorable, StorageUnavailable, TooLarge, UnreadableRecord, VersionConflict
from threadrun.state.resource import ResourceRecord
from threadrun.storage.packing import pack, unpack

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SAVE_PAUSES_SECONDS = (0.5, 1, 2, 4, 8)
FORGOTTEN_AFTER_SECONDS = 2 * 24 * 3600
"""How long a record without runs is kept at least: longer than Lambda repeats an event (6 hours)."""
DUE_INDEX, DUE = "DueAnswers", "answer"
"""A sparse index: it holds the records that CloudFormation waits for, and costs nothing while there are none."""
_REFUSALS = frozenset({"ValidationException", "AccessDeniedException", "ResourceNotFoundException"})
"""A bug or a broken deployment: trying again does not help."""

MAX_RACES = 200
"""That a save may lose, one after the other: where nobody else saves, the item is damaged."""
_LOST_EACH_RACE = f"cannot save the record: {MAX_RACES} times someone else saved it first"

Result = TypeVar("Result")


class Room(NamedTuple):
    """What a record may take: as JSON, which a function has in its memory several times, and compressed, in an item."""

    text_bytes: int
    compressed_bytes: int


ROOM_OF_RECORD = Room(2_000_000, 390_000)
"""DynamoDB's items have 400 kB; the smallest function has 144 MB (tests/lives/test_memory.py)."""
ROOM_OF_RESULTS = Room(1_900_000, 380_000)
"""For results of functions: that one of them has no room has to fit as well."""
ROOM_OF_REQUEST = Room(1_100_000, 350_000)
"""For properties: what the work on them learns, the results of functions above all, has to fit as well."""


@dataclass(frozen=True)
class Records:
    """`clock` gives Unix seconds, `sleep` waits that many seconds."""

    client: DynamoDBClient
    table_name: str
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    remembered_seconds: float = FORGOTTEN_AFTER_SECONDS
    """How long a record without runs is kept, for people who look for what failed."""

    def load(self, key: str) -> ResourceRecord | None:
        """Read a record; raises `UnreadableRecord`, `StorageUnavailable`."""
        with translated("read the record"):
            reply = self.client.get_item(TableName=self.table_name, Key={"pk": {"S": key}}, ConsistentRead=True)
        record = record_of(reply["Item"]) if "Item" in reply else None
        if record is not None and record.key != key:
            raise UnreadableRecord("the record cannot be read: it is another resource's", record.version)
        return record

    def update(
        self,
        key: str,
        change: Callable[[ResourceRecord], Result],
        room: Room = ROOM_OF_RECORD,
        known: ResourceRecord | None = None,
    ) -> Result | None:
        """Save what `change` does to the record, asking it again if another actor saved first; returns its result.

        Nothing is saved if it changes nothing; None is returned if there is no record. `known` is the record as it was
        read or saved last. Raises `TooLarge`, `StorageUnavailable`.
        """
        for _ in range(MAX_RACES):
            record, known = known or self.load(key), None
            if record is None:
                return None
            with suppress(VersionConflict):
                return self._change(record, change, room)
        raise StorageUnavailable(_LOST_EACH_RACE)

    def enter(
        self, blank: ResourceRecord, change: Callable[[ResourceRecord], Result], room: Room = ROOM_OF_RECORD
    ) -> Result:
        """As `update`, for a record that may not be there yet: `blank` stands for it."""
        for _ in range(MAX_RACES):
            with suppress(VersionConflict):
                return self._change(self.load(blank.key) or blank.copied(), change, room)
        raise StorageUnavailable(_LOST_EACH_RACE)

    def _change(self, record: ResourceRecord, change: Callable[[ResourceRecord], Result], room: Room) -> Result:
        before = record.copied()
        result = change(record)
        if record != before:
            self.save(record, room)
        return result

    def save(self, record: ResourceRecord, room: Room = ROOM_OF_RECORD) -> None:
        """Write the record; raises `VersionConflict` if another save came first, `NotStorable` if no item can be it."""
        body = _body(record, room)
        item: dict[str, Any] = {
            "pk": {"S": record.key},
            "version": {"N": str(record.version + 1)},
            "body": {"B": body},
            "stack_id": {"S": record.stack_id},
            "logical_id": {"S": record.logical_id},
        }
        if (request := record.undelivered) is not None:
            item |= {"due": {"S": DUE}, "due_epoch_s": {"N": str(int(request.deadline_epoch_s))}}
        elif not record.made:
            item["expires_epoch_s"] = {"N": str(int(self.clock() + self.remembered_seconds))}
        is_as_read = (
            {"ConditionExpression": "attribute_not_exists(version)"}
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
        # docs/decisions.md: "A save is tried for a quarter of a minute"
        for pause in (*SAVE_PAUSES_SECONDS, None):
            try:
                with translated("save the record"):
                    self.client.put_item(TableName=self.table_name, Item=item, **condition)
                return
            except StorageUnavailable:
                if pause is None:
                    raise
                self.sleep(pause)

    def are_awaited(self, count: int) -> bool:
        """Whether CloudFormation waits for the responses of so many records, or of more."""
        with translated("count the requests in flight"):
            reply = self.client.query(
                TableName=self.table_name,
                IndexName=DUE_INDEX,
                KeyConditionExpression="due = :due",
                ExpressionAttributeValues={":due": {"S": DUE}},
                Select="COUNT",
                Limit=count,
            )
        return reply["Count"] >= count

    def overdue(self, now: float) -> Iterator[str]:
        """Keys of the records whose response was due before `now`, the longest overdue first; read page by page."""
        query: dict[str, Any] = {
            "TableName": self.table_name,
            "IndexName": DUE_INDEX,
            "KeyConditionExpression": "due = :due AND due_epoch_s < :now",
            "ExpressionAttributeValues": {":due": {"S": DUE}, ":now": {"N": str(int(now))}},
        }
        while True:
            with translated("look for overdue responses"):
                page = self.client.query(**query)
            yield from (item["pk"]["S"] for item in page["Items"])
            if "LastEvaluatedKey" not in page:
                return
            query["ExclusiveStartKey"] = page["LastEvaluatedKey"]


@contextmanager
def translated(action: str) -> Iterator[None]:
    """Run DynamoDB or S3 calls that `action`, an infinitive phrase, names in the error's sentence.

    Raises `VersionConflict` for a failed condition, `StorageUnavailable` for what may work later.
    """
    try:
        yield
    except ClientError as error:
        code = error_code(error)
        if code == "ConditionalCheckFailedException":
            raise VersionConflict(f"cannot {action}: someone else saved it first") from None
        if code in _REFUSALS:
            raise
        raise StorageUnavailable(f"cannot {action}: {code}") from None
    except BotoCoreError as error:
        raise StorageUnavailable(f"cannot {action}: {error_code(error)}") from error


def error_code(error: ClientError | BotoCoreError) -> str:
    """AWS's own name for a refusal; where there was no reply, botocore's, and who gave none."""
    if isinstance(error, ClientError):
        return error.response["Error"]["Code"]
    name, asked = type(error).__name__, urlsplit(str(error.kwargs.get("endpoint_url", ""))).hostname
    return f"{asked} could not be reached ({name})" if asked else name


def _body(record: ResourceRecord, room: Room) -> bytes:
    """The record as an item has it, read back once: what is assigned to a record is checked here and nowhere else."""
    try:
        text = record.model_dump_json(exclude={"version"}, warnings=False)
        ResourceRecord.model_validate_json(text)
    except ValueError as error:
        raise NotStorable(f"the record could not be read back: {_problem(error)}") from None
    if (length := len(text.encode())) > room.text_bytes:
        raise TooLarge(f"the texts take {length} bytes, {room.text_bytes} are possible: shorten them")
    body = pack(text)
    if len(body) > room.compressed_bytes:
        raise TooLarge(
            f"the texts take {len(body)} bytes compressed, {room.compressed_bytes} are possible: shorten them"
        )
    return body


def record_of(item: Mapping[str, Any]) -> ResourceRecord:
    """The record that an item of the table holds; raises `UnreadableRecord`."""
    number = item.get("version", {}).get("N", "0")
    version = int(number) if number.isdecimal() else 0
    try:
        record = ResourceRecord.model_validate_json(unpack(item["body"]["B"]))
    except (ValueError, KeyError) as error:
        raise UnreadableRecord(f"the record cannot be read: {_problem(error)}", version) from None
    record.version = version
    return record


def _problem(error: Exception) -> str:
    """Where a record is not as it must be, without what is there; for anything else the kind of the error."""
    if not isinstance(error, ValidationError):
        return type(error).__name__
    first = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, first['loc'])) or 'its JSON'} ({first['type']})"
