"""The server's own threads. Source: openai.types.beta.thread, beta.threads.message (openai-python 3.54)."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from openai.types.beta import Thread

from threadrun.errors import NotFound
from threadrun.providers.assistants_v2 import files, shapes
from threadrun.providers.assistants_v2.client import PER_PAGE, read_assistant, read_thread
from threadrun.providers.server import Server
from threadrun.providers.vector_stores import FileStores
from threadrun.schema.arguments import DesiredThread
from threadrun.schema.messages import Message
from threadrun.state.observations import RunPlan


class ServerThreads:
    """Implements `threadrun.reconcile.backend.Threads`."""

    def __init__(self, server: Server, stores: FileStores) -> None:
        self._server, self._stores = server, stores

    def create(self, plan: RunPlan) -> str:
        """Create the thread with its first messages; `ThreadStores.make` adds those that do not fit."""
        assistant_id, granted = shapes.assistant_id_of(plan), files.Granted()
        if files.reads_files(plan.desired):
            granted = files.granted_by(read_assistant(self._server, assistant_id))
        return self._create(shapes.new_thread_fields(plan, granted))

    def create_bare(self, desired: DesiredThread) -> str:
        return self._create(shapes.bare_thread_fields(desired))

    def _create(self, fields: dict[str, Any]) -> str:
        def send() -> Thread:
            return self._server.client.beta.threads.create(**fields)

        return self._server.request("create the thread", Thread, send, creates=True).id

    def count_messages(self, thread_id: str) -> int:
        with self._server.translated(f"read thread {thread_id}"):
            messages = self._server.client.beta.threads.messages.list(thread_id, limit=PER_PAGE, order="asc")
            return sum(message.role == "user" for message in messages)

    def add_messages(self, thread_id: str, messages: Sequence[Message]) -> int:
        """Add the first one. Both tools get its files: which ones the runs to come use is not known."""
        self.add_message(thread_id, messages[0], [files.SEARCH, files.CODE])
        return 1

    def add_message(self, thread_id: str, message: Message, tools: list[str]) -> None:
        """Add a message whose files these tools read."""
        with self._server.translated(f"add a message to thread {thread_id}", creates=True):
            self._server.client.beta.threads.messages.create(thread_id, **shapes.message_fields(message, tools))

    def update(self, thread_id: str, desired: DesiredThread) -> None:
        with self._server.translated(f"update thread {thread_id}"):
            self._server.client.beta.threads.update(thread_id, metadata=desired.metadata or {})

    def delete(self, thread_id: str) -> None:
        """Delete the thread, and before it the vector store that it was created with: only the thread tells its id."""
        with suppress(NotFound):
            for store_id in files.granted_by(read_thread(self._server, thread_id)).store_ids:
                self._delete_own_store(store_id)
        with suppress(NotFound), self._server.translated(f"delete thread {thread_id}"):
            self._server.client.beta.threads.delete(thread_id)

    def _delete_own_store(self, store_id: str) -> None:
        with suppress(NotFound):
            with self._server.translated(f"read vector store {store_id}"):
                store = self._server.client.vector_stores.retrieve(store_id)
            if files.is_of_its_thread(store.metadata):
                self._stores.delete(store_id)

    def last_item_id(self, thread_id: str) -> str | None:
        """Return the id of the thread's newest run: `find_lost` looks for a run, and here runs have a list."""
        with self._server.translated(f"read thread {thread_id}"):
            newest = self._server.client.beta.threads.runs.list(thread_id, limit=1, order="desc").data
        return newest[0].id if newest else None
