"""Exists to serve `/v1/files` (SDK: `types/file_object.py`)."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from .paging import Query, page
from .storage import StoredFile
from .world import World

Body = dict[str, Any]


def create(world: World, query: Query, body: Body) -> Body:
    """Take in an uploaded file; its content is thrown away."""
    lifetime = body.get("expires_after")
    expires_at = int(world.now()) + int(lifetime["seconds"]) if lifetime else None
    upload = body["file"]
    return _rendered(
        world.storage.add_file(upload["filename"], upload["bytes"], body["purpose"], expires_at=expires_at)
    )


def list_all(world: World, query: Query, body: Body) -> Body:
    """List files, newest first unless asked otherwise."""
    wanted = (query.get("purpose") or [""])[-1]
    found = [_rendered(each) for each in world.storage.files.values() if wanted in ("", each.purpose)]
    return page(found, query, usual=10_000)


def retrieve(world: World, query: Query, body: Body, file_id: str) -> Body:
    """Show a file, without its content."""
    return _rendered(world.storage.file(file_id))


def delete(world: World, query: Query, body: Body, file_id: str) -> Body:
    """Delete a file; vector stores lose it too."""
    world.storage.file(file_id)
    world.storage.delete_file(file_id)
    return {"id": file_id, "object": "file", "deleted": True}


def register(world: World, raw: Mapping[str, Any]) -> str:
    """Register a file from a control call's JSON object; raises ValueError for an unknown field."""
    known = {each.name for each in dataclasses.fields(StoredFile)} - {"created_at"}
    if unexpected := sorted(set(raw) - known):
        raise ValueError(f"unknown file field {unexpected[0]!r}; known are {', '.join(sorted(known))}")
    return world.storage.add_file(**{"name": "notes.txt", "size": 1000, **raw}).id


def _rendered(file: StoredFile) -> Body:
    return {
        "id": file.id,
        "object": "file",
        "bytes": file.size,
        "created_at": file.created_at,
        "filename": file.name,
        "purpose": file.purpose,
        "status": "processed",
        **({} if file.expires_at is None else {"expires_at": file.expires_at}),
    }
