"""Exists because the resources of OpenAI's API are alike: found by their ids, shown, listed in pages and deleted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from .errors import ApiError, not_found, wrong_prefix

if TYPE_CHECKING:
    from .world import World

Body = dict[str, Any]

_FILTERS = {"purpose": "purpose", "filter": "status", "run_id": "run_id"}
"""Parameters of a list, with the field of which they tell the wanted value."""


class Resource:
    """One resource: `body` is what is shown of it, `parts` are what a path can name below it."""

    home: Collection[Any]

    def __init__(self, body: Body, **parts: Collection[Any]) -> None:
        self.body = body
        self.parts = parts

    @property
    def id(self) -> str:
        return str(self.body["id"])

    def shown(self, now: float) -> Body:
        """Show it as it is at a time, in epoch seconds."""
        return self.body

    def is_deleted(self, world: World) -> None:
        """Take along, or count, what its deletion leaves behind."""


AnyResource = TypeVar("AnyResource", bound=Resource)


class Collection(dict[str, AnyResource]):
    """The resources of one kind in one place, by id, oldest first; `gone` refuses the id of none (404)."""

    def __init__(self, gone: Callable[[str], ApiError], prefix: str = "", owner: Any = None) -> None:
        super().__init__()
        self._gone, self._prefix = gone, prefix
        self.owner = owner

    def add(self, resource: AnyResource) -> AnyResource:
        resource.home = self
        self[resource.id] = resource
        return resource

    def find(self, identifier: str, param: str) -> AnyResource:
        """Find a resource, or refuse as OpenAI does (400 for a foreign id, 404)."""
        if not identifier.startswith(self._prefix):
            raise wrong_prefix(param, identifier, self._prefix)
        if identifier not in self:
            raise self._gone(identifier)
        return self[identifier]


def found(world: World, path: str, ids: Mapping[str, str]) -> Any:
    """Follow a path of the document to the collection or the resource that it names; refuses as OpenAI does."""
    place: Any = world
    for part in path.strip("/").split("/"):
        if part.startswith("{"):
            place = place.find(ids[part[1:-1]], part[1:-1])
        elif not isinstance(place, Collection) and part in place.parts:
            place = place.parts[part]
    return place


def metadata_of(given: Mapping[str, Any]) -> dict[str, str]:
    """Read the metadata of a request, which may be null."""
    return dict(given.get("metadata") or {})


def retrieve(world: World, resource: Resource, given: Body) -> Body:
    return resource.shown(world.now())


def update_metadata(world: World, resource: Resource, given: Body) -> Body:
    resource.body["metadata"] = metadata_of(given)
    return resource.shown(world.now())


def delete(world: World, resource: Resource, given: Body) -> Body:
    """Delete a resource, and what goes with it."""
    del resource.home[resource.id]
    resource.is_deleted(world)
    kind = resource.body["object"]
    name = kind if kind in ("file", "response") else f"{kind}.deleted"
    return {"id": resource.id, "object": name, "deleted": True}


def list_all(world: World, resources: Collection[Any], given: Body) -> Body:
    """List resources, newest first and 20 of them (files: 10,000) unless asked otherwise."""
    shown = [each.shown(world.now()) for each in resources.values()]
    for name, field in _FILTERS.items():
        if given.get(name):
            shown = [each for each in shown if each[field] == given[name]]
    ordered = shown if given.get("order") == "asc" else shown[::-1]
    limit = given.get("limit") or (10_000 if resources is world.files else 20)
    if given.get("after"):
        ordered = ordered[_position(ordered, given["after"]) + 1 :]
    if given.get("before"):
        ordered = ordered[: _position(ordered, given["before"])]
        return listed(ordered[-limit:], has_more=len(ordered) > limit)
    return listed(ordered[:limit], has_more=len(ordered) > limit)


def listed(shown: Sequence[Body], *, has_more: bool = False) -> Body:
    """Wrap what is shown in OpenAI's list object."""
    first_id, last_id = (shown[0]["id"], shown[-1]["id"]) if shown else ("", "")
    return {"object": "list", "data": list(shown), "first_id": first_id, "last_id": last_id, "has_more": has_more}


def _position(shown: Sequence[Body], identifier: str) -> int:
    ids = [each["id"] for each in shown]
    if identifier not in ids:
        raise not_found("Item", identifier)
    return ids.index(identifier)
