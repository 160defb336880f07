"""Vector stores made of a run's attached files; the same on both wire APIs.

Source: openai.types.vector_store (openai-python 3.54).
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

import openai
from openai.types import VectorStore

from threadrun.errors import NotFound, NotServed, TerminalError
from threadrun.providers.capabilities import not_served
from threadrun.providers.server import MARK, Server
from threadrun.state.observations import Indexing

EXPIRES_AFTER_DAYS = 7
_NEWEST = 20


class FileStores:
    """The vector stores of one server."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def create(self, file_ids: Iterable[str], token: str) -> str:
        """Create a store of these files, or find the one that an earlier request with the same `token` created.

        Raises `NotServed` where the server has no vector stores.
        """
        if (known := self._marked(token)) is not None:
            return known
        store = self._server.request(
            "make the vector store",
            VectorStore,
            lambda: self._server.client.vector_stores.create(
                file_ids=list(file_ids),
                name="threadrun",
                metadata={MARK: token},
                # A store that was never deleted, because its id got lost, costs nothing after that.
                expires_after={"anchor": "last_active_at", "days": EXPIRES_AFTER_DAYS},
            ),
            creates=True,
        )
        return store.id

    def _marked(self, token: str) -> str | None:
        self.require_served()
        with self._server.translated("list the vector stores"):
            try:
                newest = self._server.client.vector_stores.list(limit=_NEWEST, order="desc").data
            except openai.APIStatusError as error:
                if not self._server.capabilities.note("vector stores", error):
                    raise
                raise self._not_served() from error
        return next((store.id for store in newest if (store.metadata or {}).get(MARK) == token), None)

    def require_served(self) -> None:
        """Raise `NotServed` where the server is known to have no vector stores."""
        if self._server.capabilities.lacks("vector stores"):
            raise self._not_served()

    def _not_served(self) -> NotServed:
        instead = "leave the tool out, so that attached files are part of their message, or use a server that has them"
        return not_served("vector stores", self._server.client.base_url, "a retrieval tool", instead)

    def observe_indexing(self, vector_store_id: str) -> Indexing:
        """Whether files are still being indexed, and which ones failed.

        The store's own status does not tell: it is `completed` even where files failed.
        """
        action, client = f"read vector store {vector_store_id}", self._server.client
        store = self._server.request(action, VectorStore, lambda: client.vector_stores.retrieve(vector_store_id))
        counts = store.file_counts
        if counts.in_progress or not counts.failed:
            return Indexing(is_pending=counts.in_progress > 0)
        with self._server.translated(action):
            failed = list(client.vector_stores.files.list(vector_store_id, filter="failed"))
        reasons = {each.id: each.last_error.message if each.last_error else "no reason is given" for each in failed}
        return Indexing(is_pending=False, failures=tuple(reasons.items()))

    def delete(self, vector_store_id: str) -> None:
        """Delete the store, not its files; one that is gone is no error."""
        with suppress(NotFound), self._server.translated(f"delete vector store {vector_store_id}"):
            self._server.client.vector_stores.delete(vector_store_id)


def nothing_to_search() -> TerminalError:
    """Why a retrieval tool without files is refused."""
    return TerminalError("a retrieval tool needs files attached to a message, or vector_store_ids")
