"""Exists because every list at OpenAI is paged the same way (SDK: `ItemListParams`, `ResponseItemList`)."""

from collections.abc import Mapping, Sequence
from typing import Any

from .errors import not_found
from .items import Item

Query = Mapping[str, Sequence[str]]


def page(items: Sequence[Item], query: Query, usual: int = 20) -> dict[str, Any]:
    """Cut one page out of items that are given oldest first: newest first, and `usual` ones, unless asked otherwise."""
    order, limit = _last(query, "order", "desc"), int(_last(query, "limit", str(usual)))
    ordered = list(items) if order == "asc" else list(reversed(items))
    after, before = _last(query, "after", ""), _last(query, "before", "")
    if after:
        ordered = ordered[_position(ordered, after) + 1 :]
    if before:
        ordered = ordered[: _position(ordered, before)]
        return listed(ordered[-limit:], has_more=len(ordered) > limit)
    return listed(ordered[:limit], has_more=len(ordered) > limit)


def listed(items: Sequence[Item], *, has_more: bool = False) -> dict[str, Any]:
    """Wrap items in OpenAI's list object."""
    return {
        "object": "list",
        "data": list(items),
        "first_id": items[0]["id"] if items else "",
        "last_id": items[-1]["id"] if items else "",
        "has_more": has_more,
    }


def _position(ordered: Sequence[Item], identifier: str) -> int:
    ids = [item["id"] for item in ordered]
    if identifier not in ids:
        raise not_found("Item", identifier)
    return ids.index(identifier)


def _last(query: Query, name: str, default: str) -> str:
    values = query.get(name)
    return values[-1] if values else default
