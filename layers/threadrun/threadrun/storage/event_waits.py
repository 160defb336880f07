"""The requests that wait for a webhook: a table item for each run, with the task token of the execution to wake.

The item is put before the last look at the run. If the run ends before the look, the look sees it; a webhook that
comes later finds the item, and leaves its mark there or wakes the execution: none is lost between the two. The state
machine adds its task token to an item without a mark; TTL removes items. Failures are `StorageUnavailable`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from threadrun.errors import VersionConflict
from threadrun.storage.records import translated

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEPT_SECONDS = 3600
"""For webhooks that come after the wait: none of them needs the item."""


@dataclass(frozen=True)
class EventWait:
    """One request waits for the end of its run; the task token is there once its execution does."""

    request_id: str
    task_token: str | None


class EventWaits:
    """The items of requests that wait for a webhook."""

    def __init__(self, client: DynamoDBClient, table_name: str) -> None:
        self._client, self._table_name = client, table_name

    def announce(self, run_id: str, request_id: str, until_epoch_s: float) -> str:
        """From now on a webhook of this run is noted, until then at least; returns the item's key."""
        key = wait_key(run_id)
        expires = str(int(until_epoch_s) + KEPT_SECONDS)
        with translated("announce a wait"):
            self._client.put_item(
                TableName=self._table_name,
                Item={"pk": {"S": key}, "request_id": {"S": request_id}, "expires_epoch_s": {"N": expires}},
            )
        return key

    def note_webhook(self, run_id: str) -> EventWait | None:
        """Note that the run has ended; returns the request that waits for it, None where none does."""
        try:
            with translated("note a webhook"):
                reply = self._client.update_item(
                    TableName=self._table_name,
                    Key={"pk": {"S": wait_key(run_id)}},
                    # Webhooks of runs that are not ours leave nothing behind.
                    ConditionExpression="attribute_exists(pk)",
                    UpdateExpression="SET seen = :true",
                    ExpressionAttributeValues={":true": {"BOOL": True}},
                    ReturnValues="ALL_NEW",
                )
        except VersionConflict:
            return None
        item = reply["Attributes"]
        return EventWait(item["request_id"]["S"], item.get("task_token", {}).get("S"))


def wait_key(run_id: str) -> str:
    return f"WAIT#{run_id}"
