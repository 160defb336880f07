"""Exists to serve `/v1/vector_stores` and the files in them (SDK: `types/vector_stores`)."""

from collections import Counter
from typing import Any

from .errors import ApiError
from .paging import Query, page
from .storage import IndexedFile, VectorStore
from .world import World

Body = dict[str, Any]

_FILE_STATUSES = ("in_progress", "completed", "failed", "cancelled")


def create(world: World, query: Query, body: Body) -> Body:
    """Create a vector store and start to index its first files."""
    world.storage.require_files(body.get("file_ids", ()), "file_ids")
    store = world.storage.new_store(
        body.get("file_ids", ()),
        name=body.get("name", ""),
        metadata=dict(body.get("metadata") or {}),
        expires_days=(body.get("expires_after") or {}).get("days"),
    )
    return _rendered(store, world.now())


def list_all(world: World, query: Query, body: Body) -> Body:
    """List vector stores, newest first unless asked otherwise; expired ones are among them."""
    return page([_rendered(each, world.now()) for each in world.storage.vector_stores.values()], query)


def retrieve(world: World, query: Query, body: Body, vector_store_id: str) -> Body:
    """Show a vector store; only its `file_counts` tell how its files fared."""
    return _rendered(world.storage.store(vector_store_id), world.now())


def update(world: World, query: Query, body: Body, vector_store_id: str) -> Body:
    """Change a vector store's name, metadata or expiry."""
    store = world.storage.store(vector_store_id)
    if "expires_after" in body:
        store.expires_days = (body["expires_after"] or {}).get("days")
    if "metadata" in body:
        store.metadata = dict(body["metadata"] or {})
    store.name = body.get("name") or store.name
    return _rendered(store, world.now())


def delete(world: World, query: Query, body: Body, vector_store_id: str) -> Body:
    """Delete a vector store; the files themselves stay."""
    world.storage.store(vector_store_id)
    del world.storage.vector_stores[vector_store_id]
    return {"id": vector_store_id, "object": "vector_store.deleted", "deleted": True}


def list_files(world: World, query: Query, body: Body, vector_store_id: str) -> Body:
    """List the files of a vector store, newest first unless asked otherwise."""
    store, wanted = world.storage.store(vector_store_id), (query.get("filter") or [""])[-1]
    files = [_rendered_file(each, store, world.now()) for each in store.files.values()]
    return page([each for each in files if wanted in ("", each["status"])], query)


def create_file(world: World, query: Query, body: Body, vector_store_id: str) -> Body:
    """Start to index one more file."""
    store = world.storage.store(vector_store_id)
    world.storage.require_file(body["file_id"], "file_id")
    world.storage.require_stores([vector_store_id], "vector_store_id")
    return _rendered_file(world.storage.index(store, body["file_id"], body.get("attributes")), store, world.now())


def retrieve_file(world: World, query: Query, body: Body, vector_store_id: str, file_id: str) -> Body:
    """Show how a file fared."""
    store = world.storage.store(vector_store_id)
    return _rendered_file(_file_of(store, file_id), store, world.now())


def delete_file(world: World, query: Query, body: Body, vector_store_id: str, file_id: str) -> Body:
    """Take a file out of a vector store; the file itself stays."""
    store = world.storage.store(vector_store_id)
    _file_of(store, file_id)
    del store.files[file_id]
    return {"id": file_id, "object": "vector_store.file.deleted", "deleted": True}


def _file_of(store: VectorStore, file_id: str) -> IndexedFile:
    if file_id not in store.files:
        raise ApiError(404, f"No file found with id '{file_id}' in vector store '{store.id}'.")
    return store.files[file_id]


def _rendered(store: VectorStore, now: float) -> Body:
    counts = Counter(each.status(now) for each in store.files.values())
    days = store.expires_days
    return {
        "id": store.id,
        "object": "vector_store",
        "created_at": store.created_at,
        "name": store.name,
        "status": store.status(now),
        "usage_bytes": sum(_usage_bytes(each, now) for each in store.files.values()),
        "file_counts": {**{name: counts[name] for name in _FILE_STATUSES}, "total": len(store.files)},
        "metadata": store.metadata,
        "last_active_at": int(store.last_active_at),
        **({} if days is None else {"expires_after": {"anchor": "last_active_at", "days": days}}),
        "expires_at": None if store.expires_at is None else int(store.expires_at),
    }


def _rendered_file(indexed: IndexedFile, store: VectorStore, now: float) -> Body:
    static = {"max_chunk_size_tokens": 800, "chunk_overlap_tokens": 400}
    status = indexed.status(now)
    return {
        "id": indexed.file.id,
        "object": "vector_store.file",
        "created_at": int(indexed.added_at),
        "vector_store_id": store.id,
        "status": status,
        "last_error": indexed.file.indexing_error if status == "failed" else None,
        "usage_bytes": _usage_bytes(indexed, now),
        "attributes": indexed.attributes,
        "chunking_strategy": {"type": "static", "static": static},
    }


def _usage_bytes(indexed: IndexedFile, now: float) -> int:
    return indexed.file.size if indexed.status(now) == "completed" else 0
