"""Vector stores made of a run's attached files, as far as they are the same on both wire APIs.

Source: openai.types.vector_store (openai-python 3.54).
"""

from __future__ import annotations

from threadrun.errors import TerminalError
from threadrun.providers.replies import problem_in
from threadrun.providers.server import AnyServer, Subject
from threadrun.state.observations import Indexing


class FileStores(Subject[AnyServer]):
    """What both wires have of `threadrun.reconcile.backend.VectorStores`."""

    def observe_indexing(self, vector_store_id: str) -> Indexing:
        """Count the files: the store's own status is `completed` even where files failed."""
        action, stores = f"read vector store {vector_store_id}", self._server.api.vector_stores
        store = self._server.read(action, stores.retrieve, vector_store_id)
        counts = store.object("file_counts")
        waiting = counts.integer("in_progress")
        is_pending = store.text("status") == "in_progress" if waiting is None else waiting > 0
        if is_pending or not counts.integer("failed"):
            return Indexing(is_pending)
        failed = self._server.listed(action, stores.files.list, vector_store_id, filter="failed")
        reasons = ((each.text("id"), problem_in(each, "last_error") or "no reason is given") for each in failed)
        return Indexing(is_pending=False, failures=tuple(reasons))

    def delete(self, vector_store_id: str) -> None:
        self._server.delete("vector store", self._server.api.vector_stores.delete, vector_store_id)


def nothing_to_search() -> TerminalError:
    return TerminalError("the retrieval tool has nothing to search: attach files to a message, or set vector_store_ids")
