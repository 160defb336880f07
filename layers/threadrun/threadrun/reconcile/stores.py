"""Decides about vector stores that runs share: make one, give it its settings and files, wait until all are indexed."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from threadrun.errors import NotServed, TerminalError
from threadrun.reconcile.outcome import Actor, Checkpoint, Done, Gone, RequeueAfter
from threadrun.reconcile.patience import deleted, tried
from threadrun.reconcile.presence import missing
from threadrun.reconcile.run import INDEX_POLL_SECONDS
from threadrun.schema.stores import DesiredVectorStore
from threadrun.state.observations import Indexing
from threadrun.state.stores import VectorStoreRecord

FILES_PER_STEP = 20
"""Each is a request: more of them are left to the next steps."""


def make_store(store: VectorStoreRecord, actor: Actor) -> Done | Gone | Checkpoint | RequeueAfter:
    desired, stores = store.desired, actor.backend.vector_stores
    if store.failure is not None:
        raise TerminalError(store.failure)
    if desired is None:
        return Done()
    if store.store_id is not None and (is_missing := _missing(store, store.store_id, actor)):
        return is_missing
    if store.content == desired.content() and store.is_as(desired):
        return Done()
    _require_time(store, actor)
    if store.store_id is None:
        # It has our mark in place of the user's metadata until its id is on record.
        store.store_id = stores.create(desired, store.key)
        return Checkpoint("the vector store is known")
    if not store.is_as(desired):
        return _change(store, desired, store.store_id, actor)
    observed = stores.observe(store.store_id)
    if observed.indexing.is_pending:
        return RequeueAfter(INDEX_POLL_SECONDS, "files are being indexed")
    if observed.indexing.failures:
        failures = "; ".join(f"{file}: {reason}" for file, reason in observed.indexing.failures)
        raise TerminalError(f"cannot index the files of vector store {store.store_id}: {failures}")
    store.observed, store.content = observed, store.given
    return Done()


def _missing(store: VectorStoreRecord, store_id: str, actor: Actor) -> Gone | RequeueAfter | None:
    """As `missing`; one that has expired is still shown."""

    def look() -> None:
        # The server's words about its files may be of any length, and nobody asks for them.
        store.observed = replace(actor.backend.vector_stores.observe(store_id), indexing=Indexing(is_pending=False))

    is_missing = missing(store, look, actor)
    has_expired = store.is_acknowledged and store.observed is not None and store.observed.status == "expired"
    return Gone() if is_missing is None and has_expired else is_missing


def _change(
    store: VectorStoreRecord, desired: DesiredVectorStore, store_id: str, actor: Actor
) -> Checkpoint | RequeueAfter:
    """Bring files and settings to what is desired: a repetition finds most of it done."""
    stores = actor.backend.vector_stores
    wanted, there = dict.fromkeys(desired.file_ids or ()), set(stores.file_ids(store_id))
    added = [each for each in wanted if each not in there]
    removed = [each for each in store.put_ids if each in there and each not in wanted]
    for file_id in added[:FILES_PER_STEP]:
        stores.add_file(store_id, file_id, desired)
    for file_id in removed[:FILES_PER_STEP]:
        stores.remove_file(store_id, file_id)
    if max(len(added), len(removed)) > FILES_PER_STEP:
        return RequeueAfter(INDEX_POLL_SECONDS, "files are being added and removed")
    stores.update(store_id, desired)
    store.given, store.put_ids = desired.content(), tuple(wanted)
    return Checkpoint("the vector store has its files")


def delete_store(store: VectorStoreRecord, actor: Actor) -> Done | RequeueAfter:
    if store.options.deletion_policy == "retain":
        return Done()
    _require_time(store, actor)
    if store.store_id is None and (pause := tried(store, lambda: _claim_lost(store, actor), actor)):
        return pause
    if (store_id := store.store_id) is None:
        return Done()
    return deleted(store, lambda: actor.backend.vector_stores.delete(store_id), actor) or Done()


def _claim_lost(store: VectorStoreRecord, actor: Actor) -> None:
    """Note the store that was made though the reply that named it was lost; a server without stores made none."""
    with suppress(NotServed):
        store.store_id = actor.backend.vector_stores.find(store.key)


def _require_time(store: VectorStoreRecord, actor: Actor) -> None:
    if actor.now >= store.deadline_epoch_s:
        raise TerminalError(f"the vector store was not ready in time: {store.waited_for(actor.now)}")
