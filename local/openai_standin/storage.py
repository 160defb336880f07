"""Exists to serve `/v1/files` and `/v1/vector_stores`, and to index files by the clock (SDK: `types/vector_stores`)."""

import math
from collections import Counter
from collections.abc import Iterable
from typing import Any

from .errors import ApiError, no_such_file, refused
from .resources import Body, Collection, Resource, metadata_of
from .rules import objects
from .world import World

DAY_S = 86_400
_FILE_STATUSES = ("in_progress", "completed", "failed", "cancelled")
_FAILED = {"code": "unsupported_file", "message": "The file type is not supported."}
_EMPTY = {"code": "invalid_file", "message": "The file could not be parsed because it is empty."}
_STATIC = {"max_chunk_size_tokens": 800, "chunk_overlap_tokens": 400}


class StoredFile(Resource):
    """A file, without its content; `indexing_s` is how long any vector store takes for it, in seconds."""

    def __init__(self, body: Body, fails_indexing: bool = False, indexing_s: float | None = None) -> None:
        super().__init__(body)
        self.indexing_s = indexing_s
        self.expires_at = math.inf
        self.indexing_error = _FAILED if fails_indexing else None if body["bytes"] else _EMPTY

    def is_deleted(self, world: World) -> None:
        """Vector stores lose it too."""
        for store in world.vector_stores.values():
            store.files.pop(self.id, None)


class IndexedFile(Resource):
    """A file in a vector store, which is done with it at `ready_at`, in epoch seconds."""

    def __init__(self, body: Body, file: StoredFile, ready_at: float) -> None:
        super().__init__(body)
        self.file, self.ready_at = file, ready_at

    def shown(self, now: float) -> Body:
        error = self.file.indexing_error
        status = "in_progress" if now < self.ready_at else "failed" if error else "completed"
        return {
            **self.body,
            "status": status,
            "last_error": error if status == "failed" else None,
            "usage_bytes": self.file.body["bytes"] if status == "completed" else 0,
        }


class VectorStore(Resource):
    """A vector store; without `expires_after` it stays for ever, otherwise each use puts its end off."""

    def __init__(self, body: Body, now: float) -> None:
        self.files: Collection[IndexedFile] = Collection(self._no_file, owner=self)
        super().__init__({"object": "vector_store", "created_at": int(now), "name": "", **body}, files=self.files)
        self.last_active_at = now

    def _no_file(self, file_id: str) -> ApiError:
        return ApiError(404, f"No file found with id '{file_id}' in vector store '{self.id}'.")

    @property
    def expires_at(self) -> float | None:
        """Tell when it expires, in epoch seconds."""
        after = self.body.get("expires_after")
        return self.last_active_at + after["days"] * DAY_S if after else None

    @property
    def indexed_at(self) -> float:
        """Tell when its last file is indexed, in epoch seconds."""
        return max((each.ready_at for each in self.files.values()), default=0.0)

    def is_expired(self, now: float) -> bool:
        return self.expires_at is not None and now >= self.expires_at

    def shown(self, now: float) -> Body:
        """Show it; failed files do not show in its status, only `file_counts` tell how they fared."""
        files = [each.shown(now) for each in self.files.values()]
        counts = Counter(each["status"] for each in files)
        return {
            **self.body,
            "status": "expired" if self.is_expired(now) else "in_progress" if now < self.indexed_at else "completed",
            "usage_bytes": sum(each["usage_bytes"] for each in files),
            "file_counts": {**{name: counts[name] for name in _FILE_STATUSES}, "total": len(files)},
            "last_active_at": int(self.last_active_at),
            "expires_at": None if self.expires_at is None else int(self.expires_at),
        }


def upload(world: World, files: Collection[StoredFile], given: Body) -> Body:
    """Take in an uploaded file; its content is thrown away."""
    file = add_file(world, name=given["file"]["filename"], size=given["file"]["bytes"], purpose=given["purpose"])
    if lifetime := given.get("expires_after"):
        file.body["expires_at"] = file.expires_at = int(world.now()) + lifetime["seconds"]
    return file.body


def add_file(
    world: World, *, id: str = "", name: str = "notes.txt", size: int = 1000, purpose: str = "assistants", **more: Any
) -> StoredFile:
    """Register a file; `more` goes to `StoredFile`. Raises ValueError for an id without OpenAI's prefix."""
    if id and not id.startswith("file"):
        raise ValueError(f"a file's id begins with 'file', not {id!r}")
    body = {"id": id or world.new_id("file"), "object": "file", "bytes": size, "created_at": int(world.now())}
    return world.files.add(StoredFile({**body, "filename": name, "purpose": purpose, "status": "processed"}, **more))


def create_store(world: World, stores: Collection[VectorStore], given: Body) -> Body:
    """Create a vector store and start to index its first files."""
    return new_store(world, given).shown(world.now())


def new_store(world: World, given: Body, **more: Any) -> VectorStore:
    """Create a vector store as a request says, and start to index its files, which are known to exist."""
    chosen = {name: given[name] for name in ("name", "expires_after") if given.get(name)}
    body = {"id": world.new_id("vs"), "metadata": metadata_of(given), **chosen, **more}
    store = world.vector_stores.add(VectorStore(body, world.now()))
    for file_id in given.get("file_ids", ()):
        index(world, store, file_id)
    return store


def update_store(world: World, store: VectorStore, given: Body) -> Body:
    if "metadata" in given:
        store.body["metadata"] = metadata_of(given)
    store.body |= {name: given[name] for name in ("name", "expires_after") if given.get(name)}
    if "expires_after" in given and not given["expires_after"]:
        store.body.pop("expires_after", None)
    return store.shown(world.now())


def create_store_file(world: World, files: Collection[IndexedFile], given: Body) -> Body:
    """Start to index one more file."""
    require_stores(world, [files.owner.id], "vector_store_id")
    return index(world, files.owner, given["file_id"], given.get("attributes")).shown(world.now())


def index(world: World, store: VectorStore, file_id: str, attributes: Body | None = None) -> IndexedFile:
    """Start to index a file that is known to exist; one that is there already stays as it is."""
    now, file = world.now(), world.files[file_id]
    store.last_active_at = now
    if file_id in store.files:
        return store.files[file_id]
    body = {
        "id": file_id,
        "object": "vector_store.file",
        "created_at": int(now),
        "vector_store_id": store.id,
        "attributes": attributes or {},
        "chunking_strategy": {"type": "static", "static": _STATIC},
    }
    duration_s = world.settings.indexing_s if file.indexing_s is None else file.indexing_s
    return store.files.add(IndexedFile(body, file, now + duration_s))


def require_stores(world: World, identifiers: Iterable[str], param: str) -> None:
    """Refuse vector stores which are not there (404) or have expired (400)."""
    for identifier in identifiers:
        store = world.vector_stores.get(identifier)
        if store is None:
            raise ApiError(404, f"Vector store with id ['{identifier}'] not found.", param=param)
        if store.is_expired(world.now()):
            raise refused(f"Vector store with id ['{identifier}'] is expired.", param)


def require_named(world: World, given: Body) -> None:
    """Refuse a request that names files which are not there (400), or vector stores (404), wherever it does."""
    for place, each in objects(given):
        inside = f"{place}." if place else ""
        named = {f"{inside}file_ids[{index}]": one for index, one in enumerate(each.get("file_ids") or ())}
        for param, file_id in {f"{inside}file_id": each.get("file_id"), **named}.items():
            if file_id and file_id not in world.files:
                raise no_such_file(file_id, param, 400)
        require_stores(world, each.get("vector_store_ids") or (), f"{inside}vector_store_ids")
