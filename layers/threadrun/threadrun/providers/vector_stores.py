"""Vector stores made of a run's attached files; the same on both wire APIs.

Source: openai.types.vector_store (openai-python 3.54). A store says `completed` even with failed files, so its
counts are looked at; it expires by itself, should ever nobody delete it.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

import openai
from openai import OpenAI
from openai.types import VectorStore

from threadrun.errors import NotFound, NotServed
from threadrun.providers.capabilities import Capabilities, not_served
from threadrun.providers.errors import require_readable, translated
from threadrun.state.observations import Indexing

EXPIRES_AFTER_DAYS = 7
_MARK = "threadrun"
_NEWEST = 20


def make_store(client: OpenAI, capabilities: Capabilities, file_ids: Iterable[str], token: str) -> str:
    """Make a store of these files; one that an earlier try of the same `token` made is found again.

    Raises `NotServed` where the server has no vector stores.
    """
    action, secret = "make the vector store", client.api_key
    with translated("list the vector stores", secret=secret):
        try:
            newest = client.vector_stores.list(limit=_NEWEST, order="desc").data
        except openai.APIStatusError as error:
            if not capabilities.note("vector stores", error):
                raise
            raise no_stores(client) from error
    for store in newest:
        if (store.metadata or {}).get(_MARK) == token:
            return store.id
    with translated(action, creates=True, secret=secret):
        store = client.vector_stores.create(
            file_ids=list(file_ids),
            name="threadrun",
            metadata={_MARK: token},
            expires_after={"anchor": "last_active_at", "days": EXPIRES_AFTER_DAYS},
        )
    require_readable(store, VectorStore, action, creates=True)
    return store.id


def no_stores(client: OpenAI) -> NotServed:
    """Why a retrieval tool cannot be had."""
    instead = "leave the tool out, so that attached files are part of their message, or use a server that has them"
    return not_served("vector stores", client.base_url, "a retrieval tool", instead)


def observe_indexing(client: OpenAI, vector_store_id: str) -> Indexing:
    """Whether files are still being indexed, and which ones failed."""
    action, secret = f"read vector store {vector_store_id}", client.api_key
    with translated(action, secret=secret):
        store = client.vector_stores.retrieve(vector_store_id)
        require_readable(store, VectorStore, action)
        counts = store.file_counts
        if counts.in_progress:
            return Indexing(is_pending=True)
        if not counts.failed:
            return Indexing(is_pending=False)
        failed = client.vector_stores.files.list(vector_store_id, filter="failed")
        reasons = [(each.id, each.last_error.message if each.last_error else "no reason is given") for each in failed]
    return Indexing(is_pending=False, failures=tuple(reasons))


def delete_store(client: OpenAI, vector_store_id: str) -> None:
    """Delete the store, not its files; one that is gone is no error."""
    action = f"delete vector store {vector_store_id}"
    with suppress(NotFound), translated(action, secret=client.api_key):
        client.vector_stores.delete(vector_store_id)
