"""The table in memory, counting the request units that DynamoDB would bill on demand.

Sources: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html (a write unit is
1 kB of the larger of the item before and after, a read unit 4 kB read consistently; a key that enters or leaves a
global index is a write unit more), and CapacityUnitCalculations.html there for the size of an item.
"""

from __future__ import annotations

import math
from typing import Any

from testkit.memory.table import MemoryTable, item_bytes

WRITE_UNIT_BYTES, READ_UNIT_BYTES = 1024, 4096
INDEX_KEYS = ("due", "due_epoch_s")


class MeteredTable(MemoryTable):
    """`write_units` and `read_units` are what the calls so far have cost."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.write_units = self.read_units = 0

    def get_item(self, *, Key: dict[str, Any], **more: Any) -> dict[str, Any]:
        reply = super().get_item(Key=Key, **more)
        self.read_units += max(1, math.ceil(item_bytes(reply.get("Item", {})) / READ_UNIT_BYTES))
        return reply

    def put_item(self, *, Item: dict[str, Any], **more: Any) -> dict[str, Any]:
        before = self.items.get(Item["pk"]["S"], {})
        reply = super().put_item(Item=Item, **more)
        self._note_write(before, Item)
        return reply

    def update_item(self, *, Key: dict[str, Any], **more: Any) -> dict[str, Any]:
        before = self.items.get(Key["pk"]["S"], {})
        try:
            return super().update_item(Key=Key, **more)
        finally:  # A condition that is not met costs as much.
            self._note_write(before, self.items.get(Key["pk"]["S"], {}))

    def _note_write(self, before: dict[str, Any], after: dict[str, Any]) -> None:
        self.write_units += max(1, math.ceil(max(item_bytes(before), item_bytes(after)) / WRITE_UNIT_BYTES))
        indexed = [[each.get(name) for name in INDEX_KEYS] for each in (before, after) if "due" in each]
        if len(indexed) == 1 or (indexed and indexed[0] != indexed[1]):
            self.write_units += len(indexed)
