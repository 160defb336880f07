"""Exists to hold files and vector stores, and to index files by the clock; it knows nothing of HTTP."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from .errors import ApiError, no_such_file, none_found, refused, wrong_prefix

DAY_S = 86_400
_FAILED = {"code": "unsupported_file", "message": "The file type is not supported."}
_EMPTY = {"code": "invalid_file", "message": "The file could not be parsed because it is empty."}


@dataclass(frozen=True)
class StoredFile:
    """A file, without its content; `indexing_s` is how long any vector store takes for it, in seconds."""

    id: str
    name: str
    size: int
    purpose: str
    created_at: int
    fails_indexing: bool = False
    indexing_s: float | None = None
    expires_at: int | None = None

    @property
    def indexing_error(self) -> dict[str, str] | None:
        """Tell why a vector store can't take it in, if so."""
        return _FAILED if self.fails_indexing else None if self.size else _EMPTY


@dataclass(frozen=True)
class IndexedFile:
    """A file in a vector store; times are in epoch seconds."""

    file: StoredFile
    added_at: float
    ready_at: float
    attributes: dict[str, Any]

    def status(self, now: float) -> str:
        """Tell its status at a time."""
        if now < self.ready_at:
            return "in_progress"
        return "failed" if self.file.indexing_error else "completed"


@dataclass
class VectorStore:
    """A vector store; without `expires_days` it stays for ever."""

    id: str
    created_at: int
    last_active_at: float
    name: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    expires_days: int | None = None
    files: dict[str, IndexedFile] = field(default_factory=dict)

    @property
    def expires_at(self) -> float | None:
        """Tell when it expires, in epoch seconds; each use moves that on."""
        return None if self.expires_days is None else self.last_active_at + self.expires_days * DAY_S

    @property
    def indexed_at(self) -> float:
        """Tell when its last file is indexed, in epoch seconds."""
        return max((each.ready_at for each in self.files.values()), default=0.0)

    def is_expired(self, now: float) -> bool:
        """Tell whether its content is gone."""
        return self.expires_at is not None and now >= self.expires_at

    def status(self, now: float) -> str:
        """Tell its status at a time; failed files do not show in it."""
        if self.is_expired(now):
            return "expired"
        return "in_progress" if now < self.indexed_at else "completed"


class Storage:
    """All files and vector stores."""

    def __init__(self, now: Callable[[], float], new_id: Callable[[str], str], indexing_s: float) -> None:
        self.now = now
        self.new_id = new_id
        self.indexing_s = indexing_s
        self.files: dict[str, StoredFile] = {}
        self.vector_stores: dict[str, VectorStore] = {}

    def settle(self) -> None:
        """Drop the files that are over by now."""
        for file in [each for each in self.files.values() if self.now() >= (each.expires_at or float("inf"))]:
            self.delete_file(file.id)

    def add_file(self, name: str, size: int, purpose: str = "assistants", *, id: str = "", **more: Any) -> StoredFile:
        """Register a file. Raises ValueError for an id without OpenAI's prefix."""
        if id and not id.startswith("file"):
            raise ValueError(f"a file's id begins with 'file', not {id!r}")
        file = StoredFile(id or self.new_id("file"), name, size, purpose, int(self.now()), **more)
        self.files[file.id] = file
        return file

    def file(self, identifier: str) -> StoredFile:
        """Find a file, or refuse as OpenAI does (404)."""
        if identifier not in self.files:
            raise no_such_file(identifier)
        return self.files[identifier]

    def delete_file(self, identifier: str) -> None:
        """Delete a file and take it out of all vector stores."""
        del self.files[identifier]
        for store in self.vector_stores.values():
            store.files.pop(identifier, None)

    def require_file(self, identifier: str, param: str) -> None:
        """Refuse a body that names a file which is not there (400)."""
        if identifier not in self.files:
            raise no_such_file(identifier, param, 400)

    def require_files(self, identifiers: Iterable[str], param: str) -> None:
        """Refuse a body in which one of these files is not there (400)."""
        for index, identifier in enumerate(identifiers):
            self.require_file(identifier, f"{param}[{index}]")

    def new_store(self, file_ids: Iterable[str] = (), **settings: Any) -> VectorStore:
        """Create a vector store and start to index files that are known to exist."""
        now = self.now()
        store = VectorStore(self.new_id("vs"), int(now), now, **settings)
        self.vector_stores[store.id] = store
        for file_id in file_ids:
            self.index(store, file_id)
        return store

    def index(self, store: VectorStore, file_id: str, attributes: dict[str, Any] | None = None) -> IndexedFile:
        """Start to index a file that is known to exist; one that is there already stays as it is."""
        now, file = self.now(), self.files[file_id]
        duration_s = self.indexing_s if file.indexing_s is None else file.indexing_s
        store.last_active_at = now
        return store.files.setdefault(file_id, IndexedFile(file, now, now + duration_s, attributes or {}))

    def store(self, identifier: str) -> VectorStore:
        """Find a vector store, or refuse as OpenAI does (400 for a foreign id, 404)."""
        if not identifier.startswith("vs"):
            raise wrong_prefix("vector_store_id", identifier, "vs")
        if identifier not in self.vector_stores:
            raise none_found("vector store", identifier)
        return self.vector_stores[identifier]

    def require_stores(self, identifiers: Iterable[str], param: str) -> None:
        """Refuse a body that names vector stores which are not there (404) or have expired (400)."""
        for identifier in identifiers:
            store = self.vector_stores.get(identifier)
            if store is None:
                raise ApiError(404, f"Vector store with id ['{identifier}'] not found.", param=param)
            if store.is_expired(self.now()):
                raise refused(f"Vector store with id ['{identifier}'] is expired.", param)

    def touch(self, identifiers: Iterable[str]) -> None:
        """Count a use of vector stores, which puts off their expiry."""
        for identifier in identifiers:
            self.vector_stores[identifier].last_active_at = self.now()

    def counters(self) -> dict[str, int]:
        """Count what is there; an expired vector store is not."""
        alive = [each for each in self.vector_stores.values() if not each.is_expired(self.now())]
        return {"vector_stores": len(alive), "files": len(self.files)}
