"""The table in memory, counting the request units that DynamoDB would bill on demand.

Sources: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html (a write unit is
1 kB of the larger of the item before and after, a read unit 4 kB read consistently; a key that enters or leaves a
global index is a write unit more), and CapacityUnitCalculations.html there for the size of an item.
"""

from __future__ import annotations

import math
from typing import Any

from testkit.memory.services import MemoryTable

WRITE_UNIT_BYTES, READ_UNIT_BYTES = 1024, 4096
INDEX_KEYS = ("due", "due_epoch_s")


def item_bytes(item: dict[str, Any]) -> int:
    """Names and values of an item's attributes."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def _value_bytes(value: Any) -> int:
    if not isinstance(value, dict):
        return len(value) if isinstance(value, str | bytes) else 1
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "B":
            return len(content)
        case "N":
            return len(content) // 2 + 2
        case "M":
            return 3 + sum(1 + len(name.encode()) + _value_bytes(each) for name, each in content.items())
        case "L":
            return 3 + sum(1 + _value_bytes(each) for each in content)
        case _:
            return 1


class MeteredTable(MemoryTable):
    """`write_units` and `read_units` are what the calls so far have cost."""

    def __init__(self) -> None:
        super().__init__()
        self.write_units = self.read_units = 0

    def get_item(self, *, Key: dict[str, Any], **more: Any) -> dict[str, Any]:
        reply = super().get_item(Key=Key, **more)
        self.read_units += max(1, math.ceil(item_bytes(reply.get("Item", {})) / READ_UNIT_BYTES))
        return reply

    def put_item(self, *, Item: dict[str, Any], **more: Any) -> None:
        before = self.items.get(Item["pk"]["S"], {})
        super().put_item(Item=Item, **more)
        self._note_write(before, Item)

    def update_item(self, *, Key: dict[str, Any], **more: Any) -> dict[str, Any]:
        before = dict(self.items.get(Key["pk"]["S"], {}))
        reply = super().update_item(Key=Key, **more)
        self._note_write(before, self.items[Key["pk"]["S"]])
        return reply

    def update_natively(self, *, Key: dict[str, Any], **more: Any) -> dict[str, Any]:
        before = dict(self.items.get(Key["pk"]["S"], {}))
        try:
            return super().update_natively(Key=Key, **more)
        finally:  # A condition that is not met costs as much.
            self._note_write(before, self.items.get(Key["pk"]["S"], {}))

    def _note_write(self, before: dict[str, Any], after: dict[str, Any]) -> None:
        self.write_units += max(1, math.ceil(max(item_bytes(before), item_bytes(after)) / WRITE_UNIT_BYTES))
        indexed = [[each.get(name) for name in INDEX_KEYS] for each in (before, after) if "due" in each]
        if len(indexed) == 1 or (indexed and indexed[0] != indexed[1]):
            self.write_units += len(indexed)
