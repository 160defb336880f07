"""Vector stores: those that runs share, and those of a run's attached files as far as both wire APIs are the same.

Source: openai.types.vector_store (openai-python 3.54).
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace
from typing import Any

from threadrun.errors import NotFound, TerminalError, ThreadRunError
from threadrun.providers.replies import Reply, problem_in
from threadrun.providers.server import MARK, AnyServer, Subject, has_mark
from threadrun.schema.stores import DesiredVectorStore
from threadrun.state.observations import Indexing, ObservedStore

NEWEST_STORES, FILES_PER_PAGE = 100, 100
_COUNTS = ("in_progress", "completed", "failed", "cancelled", "total")
_UNNAMED = "a file without an id"
RECORD_MARK = "threadrun_record"
"""Metadata key of a store that is made with its thread: the key of the record that the thread is for."""


class FileStores(Subject[AnyServer]):
    """What both wires have of `threadrun.reconcile.backend.VectorStores`."""

    def observe_indexing(self, vector_store_id: str) -> Indexing:
        """Count the files: the store's own status is `completed` even where files failed."""
        action, stores = f"read vector store {vector_store_id}", self._server.api.vector_stores
        return self._indexing(self._server.read(action, stores.retrieve, vector_store_id), vector_store_id)

    def _indexing(self, store: Reply, vector_store_id: str) -> Indexing:
        action, stores = f"read vector store {vector_store_id}", self._server.api.vector_stores
        counts = store.object("file_counts")
        waiting = counts.integer("in_progress")
        is_pending = store.text("status") == "in_progress" if waiting is None else waiting > 0
        if is_pending or not counts.integer("failed"):
            return Indexing(is_pending)
        failed = self._server.listed(action, stores.files.list, vector_store_id, filter="failed")
        reasons = (
            (each.text("id") or _UNNAMED, problem_in(each, "last_error") or "no reason is given") for each in failed
        )
        return Indexing(is_pending=False, failures=tuple(reasons))

    def create(self, desired: DesiredVectorStore, token: str) -> str:
        with self._server.needing("vector stores", "Custom::OpenAIVectorStore"):
            if (known := self._find(token)) is not None:
                return known
            # Only with files: they are what is cut.
            fields = {"file_ids": [*desired.file_ids]} | _chunking(desired) if desired.file_ids else {}
            create = self._server.api.vector_stores.create
            made = self._server.create("make the vector store", create, metadata={MARK: token}, **fields)
            return made.text("id")

    def find(self, token: str) -> str | None:
        with self._server.needing("vector stores", "Custom::OpenAIVectorStore"):
            return self._find(token)

    def _find(self, token: str) -> str | None:
        list_ = self._server.api.vector_stores.list
        found = self._server.find_marked("list the vector stores", list_, token, NEWEST_STORES)
        return found.text("id") if found else None

    def update(self, vector_store_id: str, desired: DesiredVectorStore) -> None:
        days = desired.expires_after_days
        fields: dict[str, Any] = {
            "name": desired.name,
            "expires_after": {"anchor": "last_active_at", "days": days} if days else None,
            "metadata": desired.metadata or {},
        }
        update = self._server.api.vector_stores.update
        self._server.send(f"update vector store {vector_store_id}", update, vector_store_id, **fields)

    def file_ids(self, vector_store_id: str) -> list[str]:
        action, list_ = f"read vector store {vector_store_id}", self._server.api.vector_stores.files.list
        return [each.text("id") for each in self._server.listed(action, list_, vector_store_id, limit=FILES_PER_PAGE)]

    def add_file(self, vector_store_id: str, file_id: str, desired: DesiredVectorStore) -> None:
        action, add = f"add {file_id} to vector store {vector_store_id}", self._server.api.vector_stores.files.create
        self._server.send(action, add, vector_store_id, file_id=file_id, **_chunking(desired))

    def remove_file(self, vector_store_id: str, file_id: str) -> None:
        action = f"remove {file_id} from vector store {vector_store_id}"
        remove = self._server.api.vector_stores.files.delete
        with suppress(NotFound):
            self._server.send(action, remove, file_id, vector_store_id=vector_store_id)

    def observe(self, vector_store_id: str) -> ObservedStore:
        action, retrieve = f"read vector store {vector_store_id}", self._server.api.vector_stores.retrieve
        store = self._server.read(action, retrieve, vector_store_id)
        indexing, counts = self._indexing(store, vector_store_id), store.object("file_counts")
        named = ((self._named(file_id), reason) for file_id, reason in indexing.failures)
        return ObservedStore(
            vector_store_id,
            replace(indexing, failures=tuple(named)),
            name=store.text("name"),
            status=store.text("status"),
            file_counts={name: counts.integer(name) or 0 for name in _COUNTS},
            usage_bytes=store.integer("usage_bytes"),
            created_at=store.integer("created_at"),
        )

    def _named(self, file_id: str) -> str:
        """The file with its name, where the server tells it: only that is the user's own word for it."""
        if file_id == _UNNAMED:
            return file_id
        with suppress(ThreadRunError):
            file = self._server.send(f"read file {file_id}", self._server.api.files.retrieve, file_id)
            if name := file.text("filename"):
                return f"{name} ({file_id})"
        return file_id

    def delete(self, vector_store_id: str) -> None:
        self._server.delete("vector store", self._server.api.vector_stores.delete, vector_store_id)

    def delete_lost(self, token: str, but: Collection[str] = ()) -> None:
        list_ = self._server.api.vector_stores.list
        # A server without stores has made none.
        with suppress(TerminalError), self._server.needing("vector stores", "a search for lost ones"):
            newest = self._server.page("list the vector stores", list_, limit=NEWEST_STORES, order="desc")
            for store in newest.objects("data"):
                is_ours = has_mark(store, token) or has_mark(store, token, RECORD_MARK)
                if is_ours and store.text("id") not in ("", *but):
                    with suppress(NotFound):
                        self.delete(store.text("id"))


def _chunking(desired: DesiredVectorStore) -> dict[str, Any]:
    strategy = desired.chunking_strategy
    return {"chunking_strategy": strategy.model_dump(exclude_none=True)} if strategy else {}


def nothing_to_search() -> TerminalError:
    return TerminalError("the retrieval tool has nothing to search: attach files to a message, or set vector_store_ids")
