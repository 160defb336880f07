"""Exists because every list at OpenAI is paged the same way (SDK: `ItemListParams`, `ResponseItemList`)."""

from collections.abc import Mapping, Sequence
from typing import Any

from .errors import not_found, refused, unknown
from .fields import choice, integer
from .items import Item
from .validation import INCLUDABLE

Query = Mapping[str, Sequence[str]]

_ORDER = choice("asc", "desc")


def require_known(query: Query, *known: str) -> None:
    """Refuse a query parameter that this call does not have; `include` is a list in either spelling."""
    for name, values in query.items():
        plain = name.removesuffix("[]")
        if plain not in known:
            raise unknown(name)
        if plain == "include":
            for value in values:
                choice(*INCLUDABLE)(value, plain)


def page(items: Sequence[Item], query: Query, *more: str, longest: int = 100, usual: int = 20) -> dict[str, Any]:
    """Cut one page out of items that are given oldest first.

    `more` names the query parameters beside `after`, `limit` and `order`; of these, `before` is understood
    here. A page has at most `longest` items, and `usual` ones unless asked otherwise.
    """
    require_known(query, "after", "limit", "order", *more)
    order, limit = _last(query, "order", "desc"), _limit(_last(query, "limit", str(usual)), longest)
    _ORDER(order, "order")
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


def _limit(text: str, longest: int) -> int:
    if not text.lstrip("-").isdigit():
        message = f"Invalid type for 'limit': expected an integer, but got '{text}' instead."
        raise refused(message, "limit", "invalid_type")
    integer(1, longest)(int(text), "limit")
    return int(text)
