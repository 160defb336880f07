"""Threads as conversations; on a server without conversations the new thread of a run is a chain of responses.

Source: openai.types.conversations (openai-python 3.54).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import openai
from openai import omit
from openai.types.conversations import Conversation

from threadrun.errors import NotFound, NotServed, TerminalError
from threadrun.providers.capabilities import not_served
from threadrun.providers.errors import require_readable
from threadrun.providers.responses.chains import is_chain, new_chain
from threadrun.providers.responses.items import ITEMS_PER_PAGE, ITEMS_PER_REQUEST, is_from_user
from threadrun.providers.responses.shapes import message_item
from threadrun.providers.server import Server
from threadrun.schema.arguments import DesiredThread
from threadrun.schema.messages import Message
from threadrun.state.observations import RunPlan

_OWN_MESSAGES = "give each run its own messages in `thread`, or use a server that has them"


class ConversationThreads:
    """Implements `threadrun.reconcile.backend.Threads`."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def create(self, plan: RunPlan) -> str:
        """Create the thread without its messages: they go with the start, so that items prove that the run ended."""
        return self._create(plan.desired.thread.metadata if plan.desired.thread else None) or new_chain()

    def create_bare(self, desired: DesiredThread) -> str:
        thread_id = self._create(desired.metadata)
        if thread_id is None:
            raise self._not_served("a thread that runs share")
        return thread_id

    def _create(self, metadata: dict[str, str] | None) -> str | None:
        """The id of a new conversation, None where the server has none."""
        if self._server.capabilities.lacks("conversations"):
            return None
        action = "create the thread"
        with self._server.translated(action, creates=True):
            try:
                conversation = self._server.client.conversations.create(metadata=metadata or omit)
            except openai.APIStatusError as error:
                if not self._server.capabilities.note("conversations", error):
                    raise
                return None
        require_readable(conversation, Conversation, action, creates=True)
        return conversation.id

    def count_messages(self, thread_id: str) -> int:
        with self._server.translated(f"read thread {thread_id}"):
            items = self._server.client.conversations.items.list(thread_id, limit=ITEMS_PER_PAGE, order="asc")
            return sum(is_from_user(item) for item in items)

    def add_messages(self, thread_id: str, messages: Sequence[Message]) -> int:
        batch = [message_item(message, with_files=True) for message in messages[:ITEMS_PER_REQUEST]]
        with self._server.translated(f"add messages to thread {thread_id}", creates=True):
            self._server.client.conversations.items.create(thread_id, items=batch)
        return len(batch)

    def update(self, thread_id: str, desired: DesiredThread) -> None:
        with self._server.translated(f"update thread {thread_id}"):
            self._server.client.conversations.update(thread_id, metadata=desired.metadata or {})

    def delete(self, thread_id: str) -> None:
        if is_chain(thread_id):
            return
        # Deleting a conversation leaves its items behind, so those that can be listed are deleted first.
        items, action = self._server.client.conversations.items, f"delete thread {thread_id}"
        item_ids: list[str] = []
        with suppress(TerminalError), self._server.translated(action):
            item_ids = [item.id for item in items.list(thread_id, limit=ITEMS_PER_PAGE) if item.id]
        for item_id in item_ids:
            with suppress(TerminalError), self._server.translated(action):
                items.delete(item_id, conversation_id=thread_id)
        with suppress(NotFound), self._server.translated(action):
            self._server.client.conversations.delete(thread_id)

    def last_item_id(self, thread_id: str) -> str | None:
        if is_chain(thread_id):
            raise TerminalError(
                f"thread {thread_id} takes no other run, as it is a chain of responses that only the run that began it "
                "goes on with: give this run its own messages in `thread`"
            )
        if self._server.capabilities.lacks("conversations"):
            raise self._not_served("existing_thread_id")
        try:
            with self._server.translated(f"read thread {thread_id}"):
                page = self._server.client.conversations.items.list(thread_id, limit=1, order="desc")
                return next((item.id for item in page.data if item.id), None)
        except NotFound:
            self._require_conversations("existing_thread_id")
            raise

    def _require_conversations(self, what: str) -> None:
        """Raise `NotServed` where a missing thread is a missing part of the API.

        The probe asks for a conversation that no server would create; one without conversations does not know its path.
        """
        try:
            self._server.client.post("/conversations", body={"items": False}, cast_to=object)
        except openai.APIStatusError as error:
            if self._server.capabilities.note("conversations", error):
                raise self._not_served(what) from error
        except openai.APIConnectionError:
            pass  # The probe proves nothing, so the thread counts as missing.

    def _not_served(self, what: str) -> NotServed:
        return not_served("conversations", self._server.client.base_url, what, _OWN_MESSAGES)
