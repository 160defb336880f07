"""The server's own threads, with the vector store that each may have.

Source: openai.types.beta.thread, beta.threads.message (openai-python 3.54).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from threadrun.errors import TerminalError
from threadrun.providers.assistants_v2 import files, shapes
from threadrun.providers.assistants_v2.client import PER_PAGE, AssistantsServer
from threadrun.providers.server import Subject, has_mark
from threadrun.providers.vector_stores import FileStores
from threadrun.schema.arguments import DesiredThread
from threadrun.schema.messages import Message
from threadrun.state.observations import RunPlan


class ServerThreads(Subject[AssistantsServer]):
    """Implements `threadrun.reconcile.backend.Threads`."""

    def create(self, plan: RunPlan) -> str:
        """Create the thread with its first messages; `ThreadStores.make` adds those that do not fit."""
        assistant_id, granted = shapes.assistant_id_of(plan), files.Granted()
        if files.reads_files(plan.desired):
            granted = files.granted_by(self._server.assistant(assistant_id))
        return self._create(shapes.new_thread_fields(plan, granted))

    def create_bare(self, desired: DesiredThread) -> str:
        return self._create(shapes.bare_thread_fields(desired))

    def _create(self, fields: dict[str, Any]) -> str:
        create = self._server.api.beta.threads.create
        return self._server.create_unmarked("create the thread", create, **fields)

    def count_messages(self, thread_id: str) -> int:
        action, messages = f"read thread {thread_id}", self._server.api.beta.threads.messages
        listed = self._server.listed(action, messages.list, thread_id, limit=PER_PAGE, order="asc")
        return sum(message.text("role") == "user" for message in listed)

    def add_messages(self, thread_id: str, messages: Sequence[Message]) -> int:
        """Add the first one. Both tools get its files: which ones the runs to come use is not known."""
        self.add_message(thread_id, messages[0], [files.SEARCH, files.CODE])
        return 1

    def add_message(self, thread_id: str, message: Message, tools: list[str]) -> None:
        """Add a message whose files these tools read."""
        action, create = f"add a message to thread {thread_id}", self._server.api.beta.threads.messages.create
        self._server.send(action, create, thread_id, creates=True, **shapes.message_fields(message, tools))

    def update(self, thread_id: str, desired: DesiredThread) -> None:
        update = self._server.api.beta.threads.update
        self._server.send(f"update thread {thread_id}", update, thread_id, metadata=desired.metadata or {})

    def empty(self, thread_id: str) -> None:
        """Delete the vector store that the thread was created with: only the thread tells its id."""
        for store_id in filter(None, files.granted_by(self._server.thread(thread_id)).store_ids):
            retrieve = self._server.api.vector_stores.retrieve
            store = self._server.send(f"read vector store {store_id}", retrieve, store_id)
            if has_mark(store, files.OF_ITS_THREAD):
                FileStores(self._server).delete(store_id)

    def delete(self, thread_id: str) -> None:
        self._server.delete("thread", self._server.api.beta.threads.delete, thread_id)

    def last_item_id(self, thread_id: str) -> str | None:
        """Return the id of the thread's newest run: `find_lost` looks for a run, and here runs have a list."""
        runs = self._server.api.beta.threads.runs
        newest = self._server.page(f"read thread {thread_id}", runs.list, thread_id, limit=1, order="desc")
        return next((run.text("id") for run in newest.objects("data")), "") or None


class ThreadStores(FileStores[AssistantsServer]):
    """Implements `threadrun.reconcile.backend.VectorStores`: the server makes the store when a thread gets messages."""

    def make(self, plan: RunPlan, thread_id: str, token: str) -> str | None:
        """Return the store that the server made of the files attached to a new thread, once all messages are there.

        A store that the user named is never returned, because what is returned is deleted with the run.
        """
        if plan.desired.existing_thread_id is not None:
            if plan.desired.attached_file_ids:
                raise TerminalError(
                    "additional_messages: on this API attached files would stay with the existing thread: attach them "
                    "to a message of that thread"
                )
            assistant_id = shapes.assistant_id_of(plan)
            if files.reads_files(plan.effective):
                granted = files.granted_by(self._server.assistant(assistant_id), self._server.thread(thread_id))
                files.require_files_at_hand(plan, granted)
            return None
        self._add_other_messages(plan, thread_id)
        if not files.is_indexed(plan):
            return None
        granted = files.granted_by(self._server.thread(thread_id))
        # A thread whose creation got no reply cannot be found, as threads are not listed; its store can.
        self.delete_lost(token, but=granted.store_ids)
        return next((each for each in granted.store_ids if each not in plan.desired.store_ids), None)

    def _add_other_messages(self, plan: RunPlan, thread_id: str) -> None:
        if len(plan.desired.messages) > shapes.MESSAGES_PER_NEW_THREAD:
            # Counted on the server, so that a lost reply doubles no message.
            threads = ServerThreads(self._server)
            for message in plan.desired.messages[threads.count_messages(thread_id) :]:
                threads.add_message(thread_id, message, files.attachment_tools(plan.effective))
