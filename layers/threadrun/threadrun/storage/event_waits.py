"""The requests that wait for a webhook: a table item for each run, with the task tokens of the executions to wake.

The item is put before the last look at the run. If the run ends before the look, the look sees it; a webhook that
comes later finds the item, leaves its mark there and wakes the executions: none is lost between the two. The state
machine adds a token, one for each request, to an item without a mark; TTL removes items. The mark stays, for looks
that come before the server itself shows the end. Failures are `StorageUnavailable`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from threadrun.errors import VersionConflict
from threadrun.storage.records import translated

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEPT_SECONDS = 3600
"""For webhooks that come after the wait: none of them needs the item."""
_TOKEN = "token_"  # noqa: S105  # How the names of their attributes begin; the request's id follows.


@dataclass(frozen=True)
class EventWait:
    """The requests that wait for the end of one run, and the task tokens of those whose execution does."""

    request_ids: tuple[str, ...] = ()
    task_tokens: tuple[str, ...] = ()


class EventWaits:
    """The items of requests that wait for a webhook."""

    def __init__(self, client: DynamoDBClient, table_name: str) -> None:
        self._client, self._table_name = client, table_name

    def announce(self, run_id: str, request_id: str, until_epoch_s: float) -> float | None:
        """From now on a webhook of this run is noted, until then at least; returns when one was noted before.

        That is in Unix seconds.
        """
        with translated("announce a wait"):
            reply = self._client.update_item(
                TableName=self._table_name,
                Key={"pk": {"S": wait_key(run_id)}},
                UpdateExpression="SET expires_epoch_s = :expires ADD request_ids :request",
                ExpressionAttributeValues={
                    ":expires": {"N": str(int(until_epoch_s) + KEPT_SECONDS)},
                    ":request": {"SS": [request_id]},
                },
                ReturnValues="ALL_NEW",
            )
        seen = reply["Attributes"].get("seen")
        return float(seen.get("N", 0)) if seen else None

    def note_webhook(self, run_id: str, now: float) -> EventWait | None:
        """Note that the run has ended; returns who waits for it, None where none does. `now` is in Unix seconds."""
        try:
            with translated("note a webhook"):
                reply = self._client.update_item(
                    TableName=self._table_name,
                    Key={"pk": {"S": wait_key(run_id)}},
                    # Webhooks of runs that are not ours leave nothing behind.
                    ConditionExpression="attribute_exists(pk)",
                    UpdateExpression="SET seen = :now",
                    ExpressionAttributeValues={":now": {"N": f"{now:.3f}"}},
                    ReturnValues="ALL_NEW",
                )
        except VersionConflict:
            return None
        return _wait_in(reply["Attributes"])

    def find(self, run_id: str) -> EventWait:
        """Who waits for this run."""
        with translated("read a wait"):
            reply = self._client.get_item(TableName=self._table_name, Key={"pk": {"S": wait_key(run_id)}})
        return _wait_in(reply.get("Item", {}))


def _wait_in(item: Mapping[str, Any]) -> EventWait:
    tokens = [value["S"] for name, value in item.items() if name.startswith(_TOKEN)]
    return EventWait(tuple(item.get("request_ids", {}).get("SS", ())), tuple(tokens))


def wait_key(run_id: str) -> str:
    return f"WAIT#{run_id}"
