"""Which resource a file at the server belongs to: items `FILE#<id>`, so that no two take one file for theirs.

Files have no place for a mark. Two of the same name and size that are uploaded at the same time can be told apart by
nothing else when a reply is lost. A claim is needed for as long as its file could be looked for; TTL removes it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from threadrun.errors import VersionConflict
from threadrun.storage.records import FORGOTTEN_AFTER_SECONDS, translated

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class FileClaims:
    """The claims of one deployment. Failures are `StorageUnavailable`."""

    def __init__(self, client: DynamoDBClient, table_name: str, clock: Callable[[], float] = time.time) -> None:
        """`clock` gives Unix seconds."""
        self._client, self._table_name, self._clock = client, table_name, clock

    def holder(self, file_id: str) -> str | None:
        """Whose file it is, None where it is nobody's."""
        with translated("read a claim of a file"):
            key = {"pk": {"S": _key(file_id)}}
            reply = self._client.get_item(TableName=self._table_name, Key=key, ConsistentRead=True)
        return reply["Item"]["holder"]["S"] if "Item" in reply else None

    def take(self, file_id: str, holder: str) -> bool:
        """Claim the file; False where it is another one's."""
        expires = str(int(self._clock()) + FORGOTTEN_AFTER_SECONDS)
        with suppress(VersionConflict), translated("claim a file"):
            self._client.put_item(
                TableName=self._table_name,
                Item={"pk": {"S": _key(file_id)}, "holder": {"S": holder}, "expires_epoch_s": {"N": expires}},
                ConditionExpression="attribute_not_exists(pk)",
            )
            return True
        return self.holder(file_id) == holder


def _key(file_id: str) -> str:
    return f"FILE#{file_id}"
