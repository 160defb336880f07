"""The vector store of a run's attached files: here the server makes it, when the thread gets its messages."""

from __future__ import annotations

from threadrun.providers.assistants_v2 import files, shapes
from threadrun.providers.assistants_v2.client import read_assistant, read_thread
from threadrun.providers.assistants_v2.threads import ServerThreads
from threadrun.providers.server import Server
from threadrun.providers.vector_stores import FileStores
from threadrun.state.observations import Indexing, RunPlan


class ThreadStores:
    """Implements `threadrun.reconcile.backend.VectorStores`."""

    def __init__(self, server: Server, threads: ServerThreads, stores: FileStores) -> None:
        self._server, self._threads, self._stores = server, threads, stores

    def make(self, plan: RunPlan, thread_id: str, token: str) -> str | None:
        """Return the store that the server made of the files attached to a new thread, once all messages are there.

        A store that the user named is never returned, because what is returned is deleted with the run.
        """
        if plan.desired.existing_thread_id is not None:
            self._require_files_at_hand(plan, thread_id)
            return None
        self._add_other_messages(plan, thread_id)
        if not files.is_indexed(plan):
            return None
        named = files.store_ids_of(plan.desired.tools)
        granted = files.granted_by(read_thread(self._server, thread_id))
        return next((each for each in granted.store_ids if each not in named), None)

    def _require_files_at_hand(self, plan: RunPlan, thread_id: str) -> None:
        assistant_id = shapes.assistant_id_of(plan)
        if files.reads_files(plan.effective):
            assistant, thread = read_assistant(self._server, assistant_id), read_thread(self._server, thread_id)
            files.require_files_at_hand(plan, files.granted_by(assistant, thread))

    def _add_other_messages(self, plan: RunPlan, thread_id: str) -> None:
        """Add the messages that did not fit into the thread's creation."""
        if len(plan.desired.messages) > shapes.MESSAGES_PER_NEW_THREAD:
            # Counted on the server, so that a lost reply doubles no message.
            there = self._threads.count_messages(thread_id)
            for message in plan.desired.messages[there:]:
                self._threads.add_message(thread_id, message, files.attachment_tools(plan.effective))

    def observe_indexing(self, vector_store_id: str) -> Indexing:
        return self._stores.observe_indexing(vector_store_id)

    def delete(self, vector_store_id: str) -> None:
        self._stores.delete(vector_store_id)
