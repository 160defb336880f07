"""Threads of the Assistants v2 backend, their messages, and the files that they give to runs.

Source: openai.types.beta.thread, openai.types.beta.threads.message (openai-python 3.54).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from openai.types.beta import Thread

from threadrun.errors import NotFound, TerminalError
from threadrun.providers.assistants_v2 import shapes
from threadrun.providers.assistants_v2.client import PER_PAGE, AssistantsClient
from threadrun.providers.errors import require_readable
from threadrun.providers.vector_stores import delete_store, observe_indexing
from threadrun.schema.arguments import DesiredThread, Message
from threadrun.state.observations import Indexing, RunPlan

MESSAGES_PER_NEW_THREAD = 32
"""How many messages a thread is created with (reported); the others follow one by one."""


class ThreadCalls(AssistantsClient):
    """The part of `threadrun.reconcile.backend.Backend` that is about threads and vector stores."""

    def create_thread(self, plan: RunPlan) -> str:
        """Make the thread with its first messages; those that do not fit come with `make_vector_store`."""
        resources, tools = self._resources_of_new_thread(plan), shapes.attachment_tools(plan.effective)
        messages = [shapes.message_fields(each, tools) for each in plan.desired.messages[:MESSAGES_PER_NEW_THREAD]]
        metadata = plan.desired.thread.metadata if plan.desired.thread else None
        return self._create_thread({"messages": messages, "metadata": metadata, "tool_resources": resources})

    def create_bare_thread(self, desired: DesiredThread) -> str:
        attached = any(message.attachments for message in desired.messages)
        resources = {shapes.SEARCH: shapes.own_store()} if attached else None
        return self._create_thread({"metadata": desired.metadata, "tool_resources": resources})

    def _create_thread(self, request: dict[str, Any]) -> str:
        action = "create the thread"
        with self._translated(action, creates=True):
            thread = self._client.beta.threads.create(**{name: value for name, value in request.items() if value})
        require_readable(thread, Thread, action, creates=True)
        return thread.id

    def count_messages(self, thread_id: str) -> int:
        with self._translated(f"read thread {thread_id}"):
            messages = self._client.beta.threads.messages.list(thread_id, limit=PER_PAGE, order="asc")
            return sum(message.role == "user" for message in messages)

    def add_messages(self, thread_id: str, messages: Sequence[Message]) -> int:
        """Add the first one; its files are there for both tools, as it is not known what later runs use."""
        self._add_message(thread_id, messages[0], [shapes.SEARCH, shapes.CODE])
        return 1

    def _add_message(self, thread_id: str, message: Message, tools: list[str]) -> None:
        with self._translated(f"add a message to thread {thread_id}", creates=True):
            self._client.beta.threads.messages.create(thread_id, **shapes.message_fields(message, tools))

    def update_thread(self, thread_id: str, desired: DesiredThread) -> None:
        with self._translated(f"update thread {thread_id}"):
            self._client.beta.threads.update(thread_id, metadata=desired.metadata or {})

    def delete_thread(self, thread_id: str) -> None:
        """Delete the thread, and before it the vector store that it was created with for attached files."""
        with suppress(NotFound):
            for store_id in shapes.granted_by(self._read_thread(thread_id)).store_ids:
                self._delete_own_store(store_id)
        with suppress(NotFound), self._translated(f"delete thread {thread_id}"):
            self._client.beta.threads.delete(thread_id)

    def _delete_own_store(self, store_id: str) -> None:
        with suppress(NotFound):
            with self._translated(f"read vector store {store_id}"):
                store = self._client.vector_stores.retrieve(store_id)
            if (store.metadata or {}).get(shapes.MARK) == "thread":
                delete_store(self._client, store_id)

    def make_vector_store(self, plan: RunPlan, thread_id: str, token: str) -> str | None:
        """The store that the server makes of the files attached to a new thread, once all messages are there.

        A store that the user named is never returned: this one is deleted with the run.
        """
        if plan.desired.existing_thread_id is not None:
            self._require_files_at_hand(plan, thread_id)
            return None
        tools = shapes.attachment_tools(plan.effective)
        if len(plan.desired.messages) > MESSAGES_PER_NEW_THREAD:
            # Counted, because a lost reply must not double one.
            for message in plan.desired.messages[self.count_messages(thread_id) :]:
                self._add_message(thread_id, message, tools)
        if not shapes.is_indexed(plan):
            return None
        named = shapes.store_ids_of(plan.desired.tools)
        return next(
            (each for each in shapes.granted_by(self._read_thread(thread_id)).store_ids if each not in named), None
        )

    def observe_indexing(self, vector_store_id: str) -> Indexing:
        return observe_indexing(self._client, vector_store_id)

    def delete_vector_store(self, vector_store_id: str) -> None:
        delete_store(self._client, vector_store_id)

    def _resources_of_new_thread(self, plan: RunPlan) -> dict[str, Any]:
        """What the thread gives to the run's tools beside what the assistant has anyway.

        A thread has one vector store at most, and the server puts attached files into it: never into a user's.
        """
        assistant_id, run = shapes.assistant_id_of(plan), plan.desired
        has_own_tools = run.has_tool("retrieval", shapes.SEARCH, shapes.CODE)
        granted = shapes.granted_by(self._read_assistant(assistant_id)) if has_own_tools else shapes.Granted()
        store_ids = [each for each in shapes.store_ids_of(run.tools) if each not in granted.store_ids]
        file_ids = [each for each in shapes.code_file_ids_of(run.tools) if each not in granted.file_ids]
        if len(store_ids) > 1:
            raise TerminalError(f"vector_store_ids: a thread has one at most on this API, not {', '.join(store_ids)}")
        if store_ids and shapes.is_indexed(plan):
            raise TerminalError(
                f"vector_store_ids: on this API attached files would be put into {store_ids[0]}, the thread's one "
                "vector store: give it to the assistant, or attach no files"
            )
        if not (shapes.is_indexed(plan) or store_ids or granted.store_ids):
            shapes.require_something_to_search(plan, shapes.store_ids_of(plan.effective.tools))
        search = (
            shapes.own_store() if shapes.is_indexed(plan) else {"vector_store_ids": store_ids} if store_ids else None
        )
        return shapes.only_given({shapes.SEARCH: search, shapes.CODE: {"file_ids": file_ids} if file_ids else None})

    def _require_files_at_hand(self, plan: RunPlan, thread_id: str) -> None:
        """Refuse what the run would need to change on a thread that is not its own."""
        assistant_id, run = shapes.assistant_id_of(plan), plan.effective
        if not run.has_tool("retrieval", shapes.SEARCH, shapes.CODE):
            return
        granted = shapes.granted_by(self._read_assistant(assistant_id), self._read_thread(thread_id))
        at_hand = {*granted.store_ids, *granted.file_ids}
        if missing := [
            each
            for each in (*shapes.store_ids_of(run.tools), *shapes.code_file_ids_of(run.tools))
            if each not in at_hand
        ]:
            raise TerminalError(
                "on this API a run on an existing thread has the files and vector stores of that thread and of its "
                f"assistant only, not {', '.join(missing)}"
            )
        shapes.require_something_to_search(plan, granted.store_ids)
