"""Assistants in our own table: OpenAI's current API has none, so an `assistant_id` names versioned settings here.

Item: `ASSISTANT#<id>`, with compressed settings, so that all that a request may have fits. The id is a digest of the
request that created it, so a repeated request creates no second one.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from threadrun.errors import NotFound
from threadrun.schema.arguments import DesiredAssistant
from threadrun.state.observations import ObservedAssistant
from threadrun.storage.packing import pack, unpack
from threadrun.storage.records import translated

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class AssistantCatalog:
    """The assistants of one deployment. Implements `threadrun.reconcile.backend.Assistants`."""

    def __init__(self, client: DynamoDBClient, table_name: str, clock: Callable[[], float] = time.time) -> None:
        """`clock` gives Unix seconds."""
        self._client, self._table_name, self._clock = client, table_name, clock

    def put(self, assistant_id: str | None, desired: DesiredAssistant, token: str) -> ObservedAssistant:
        """Settings that the assistant has already make no new version."""
        assistant_id = assistant_id or _new_id(token)
        known = None
        with suppress(NotFound):
            known = self.find(assistant_id)
            if known.settings.content() == desired.content():
                return known
        version = (known.version or 0) + 1 if known else 1
        created_at = (known and known.created_at) or int(self._clock())
        item = self._key(assistant_id) | {
            "version": {"N": str(version)},
            "created_at": {"N": str(created_at)},
            "settings": {"B": pack(desired.model_dump_json(exclude_defaults=True))},
        }
        with translated("save the assistant"):
            self._client.put_item(TableName=self._table_name, Item=item)
        return ObservedAssistant(assistant_id, desired, version, created_at)

    def find(self, assistant_id: str) -> ObservedAssistant:
        with translated("read the assistant"):
            reply = self._client.get_item(TableName=self._table_name, Key=self._key(assistant_id), ConsistentRead=True)
        if (item := reply.get("Item")) is None:
            raise NotFound(f"assistant {assistant_id} is not known: create it as a Custom::OpenAIAssistant")
        try:
            settings = DesiredAssistant.model_validate_json(unpack(item["settings"]["B"]))
        except (ValueError, KeyError):  # Of a newer version, say. An update replaces it.
            raise NotFound(f"cannot use assistant {assistant_id}: its settings cannot be read") from None
        return ObservedAssistant(assistant_id, settings, int(item["version"]["N"]), int(item["created_at"]["N"]))

    def delete(self, assistant_id: str) -> None:
        with translated("delete the assistant"):
            self._client.delete_item(TableName=self._table_name, Key=self._key(assistant_id))

    def delete_lost(self, token: str) -> None:
        self.delete(_new_id(token))

    def _key(self, assistant_id: str) -> dict[str, Any]:
        return {"pk": {"S": f"ASSISTANT#{assistant_id}"}}


def _new_id(token: str) -> str:
    return f"asst_{hashlib.sha256(token.encode()).hexdigest()[:24]}"
