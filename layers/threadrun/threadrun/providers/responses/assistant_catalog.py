"""Assistants in our own table: OpenAI's current API has none, so an `assistant_id` names versioned settings here.

Item: `ASSISTANT#<id>`. The id is a digest of the request that created it, so a repeated request creates no second one.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from threadrun.errors import NotFound
from threadrun.schema.arguments import DesiredAssistant
from threadrun.state.observations import ObservedAssistant
from threadrun.storage.records import translated

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class AssistantCatalog:
    """The assistants of one deployment. Implements `threadrun.reconcile.backend.Assistants`."""

    def __init__(self, client: DynamoDBClient, table_name: str, clock: Callable[[], float] = time.time) -> None:
        """`clock` gives Unix seconds."""
        self._client, self._table_name, self._clock = client, table_name, clock

    def put(self, assistant_id: str | None, desired: DesiredAssistant, token: str) -> ObservedAssistant:
        """Create or change an assistant. Settings that it has already make no new version."""
        assistant_id = assistant_id or f"asst_{hashlib.sha256(token.encode()).hexdigest()[:24]}"
        known = self._read(assistant_id)
        version, created_at = 1, int(self._clock())
        if known is not None:
            if known.settings.content() == desired.content():
                return known
            version, created_at = (known.version or 0) + 1, known.created_at or created_at
        item: dict[str, Any] = {
            **self._key(assistant_id),
            "version": {"N": str(version)},
            "created_at": {"N": str(created_at)},
            "settings": {"S": desired.model_dump_json(exclude_defaults=True)},
        }
        with translated("save the assistant"):
            self._client.put_item(TableName=self._table_name, Item=item)
        return ObservedAssistant(assistant_id, desired, version, created_at)

    def find(self, assistant_id: str) -> ObservedAssistant:
        """Read the current version. Raises `NotFound`."""
        found = self._read(assistant_id)
        if found is None:
            raise NotFound(f"no assistant {assistant_id} is known: create it as a Custom::OpenAIAssistant")
        return found

    def delete(self, assistant_id: str) -> None:
        """Delete the assistant; runs that used it have its settings in their records."""
        with translated("delete the assistant"):
            self._client.delete_item(TableName=self._table_name, Key=self._key(assistant_id))

    def _read(self, assistant_id: str) -> ObservedAssistant | None:
        with translated("read the assistant"):
            reply = self._client.get_item(TableName=self._table_name, Key=self._key(assistant_id), ConsistentRead=True)
        item = reply.get("Item")
        if item is None:
            return None
        settings = DesiredAssistant.model_validate(json.loads(item["settings"]["S"]))
        return ObservedAssistant(assistant_id, settings, int(item["version"]["N"]), int(item["created_at"]["N"]))

    def _key(self, assistant_id: str) -> dict[str, Any]:
        return {"pk": {"S": f"ASSISTANT#{assistant_id}"}}
