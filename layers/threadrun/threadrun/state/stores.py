"""What is on record of vector stores that runs share."""

from __future__ import annotations

import json
from typing import Any, Literal, Self

from threadrun.schema.arguments import AnyDesired
from threadrun.schema.parsing import KeyStyle
from threadrun.schema.stores import DesiredVectorStore
from threadrun.state.base import PhysicalRecord
from threadrun.state.observations import ObservedStore


class VectorStoreRecord(PhysicalRecord):
    kind: Literal["vector_store"] = "vector_store"
    desired: DesiredVectorStore | None = None
    store_id: str | None = None
    put_ids: tuple[str, ...] = ()
    """Files that were put into it, or are about to be: others are not ours to remove."""
    given: str | None = None
    """Digest of what the server was given last."""
    content: str | None = None
    """Digest of what it has, with all files indexed."""
    observed: ObservedStore | None = None

    @property
    def physical_id(self) -> str | None:
        return self.store_id

    def set_desired(self, desired: AnyDesired, style: KeyStyle) -> None:
        super().set_desired(desired, style)
        if isinstance(desired, DesiredVectorStore):
            self.put_ids = tuple(dict.fromkeys([*self.put_ids, *(desired.file_ids or ())]))

    def is_as(self, desired: DesiredVectorStore) -> bool:
        """Whether the server was given this last, and nothing of what was asked for since."""
        return self.given == desired.content() and {*self.put_ids} <= {*(desired.file_ids or ())}

    def attributes(self) -> dict[str, Any]:
        observed = self.observed or ObservedStore(self.store_id or "")
        return {
            "id": self.store_id,
            "name": observed.name,
            "status": observed.status,
            "file_counts": json.dumps(observed.file_counts),
            "usage_bytes": observed.usage_bytes,
            "created_at": observed.created_at,
        }

    def merge(self, lost: Self, base: Self | None) -> Self | None:
        if lost.store_id and self.store_id not in (None, lost.store_id):
            return self._surplus(store_id=lost.store_id)
        self.store_id = self.store_id or lost.store_id
        return None
