"""Threads as conversations; where no run can have one, the new thread of a run is a chain of responses.

Source: openai.types.conversations (openai-python 3.54).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import openai
from openai import omit

from threadrun.errors import NotFound, NotServed, TerminalError, TransientError
from threadrun.providers.responses.chains import is_chain, new_chain
from threadrun.providers.responses.items import ITEMS_PER_PAGE, ITEMS_PER_REQUEST, is_from_user
from threadrun.providers.responses.shapes import message_item
from threadrun.providers.server import Server, Subject
from threadrun.schema.arguments import DesiredThread
from threadrun.schema.messages import Message
from threadrun.state.observations import RunPlan


class ConversationThreads(Subject[Server]):
    """Implements `threadrun.reconcile.backend.Threads`."""

    def create(self, plan: RunPlan) -> str:
        """Create the thread without its messages: they go with the start, so that items prove that the run ended."""
        try:
            self._server.require("runs on conversations", "a thread")
            return self._create(plan.desired.thread.metadata if plan.desired.thread else None, "a thread")
        except NotServed:
            return new_chain()

    def create_bare(self, desired: DesiredThread) -> str:
        return self._create(desired.metadata, "a thread that runs share")

    def _create(self, metadata: dict[str, str] | None, what: str) -> str:
        with self._server.needing("conversations", what):
            create = self._server.api.conversations.create
            return self._server.create_unmarked("create the thread", create, metadata=metadata or omit)

    def count_messages(self, thread_id: str) -> int:
        fields, items = {"limit": ITEMS_PER_PAGE, "order": "asc"}, self._server.api.conversations.items
        return sum(map(is_from_user, self._server.listed(f"read thread {thread_id}", items.list, thread_id, **fields)))

    def add_messages(self, thread_id: str, messages: Sequence[Message]) -> int:
        batch = [message_item(message, with_files=True) for message in messages[:ITEMS_PER_REQUEST]]
        create = self._server.api.conversations.items.create
        self._server.send(f"add messages to thread {thread_id}", create, thread_id, creates=True, items=batch)
        return len(batch)

    def update(self, thread_id: str, desired: DesiredThread) -> None:
        update = self._server.api.conversations.update
        self._server.send(f"update thread {thread_id}", update, thread_id, metadata=desired.metadata or {})

    def empty(self, thread_id: str) -> None:
        """Delete the items, all that can be: the deletion of a conversation leaves them behind."""
        if is_chain(thread_id):
            return
        items, action, kept = self._server.api.conversations.items, f"delete the items of thread {thread_id}", None
        for item in self._server.listed(f"read thread {thread_id}", items.list, thread_id, limit=ITEMS_PER_PAGE):
            try:
                self._server.send(action, items.delete, item.text("id"), conversation_id=thread_id)
            except TransientError as error:
                if isinstance(error.__cause__, openai.APIConnectionError):
                    raise  # The others would have to wait for the same.
                kept = error
            except TerminalError:
                continue
        if kept is not None:
            raise kept

    def delete(self, thread_id: str) -> None:
        if not is_chain(thread_id):
            self._server.delete("thread", self._server.api.conversations.delete, thread_id)

    def last_item_id(self, thread_id: str) -> str | None:
        if is_chain(thread_id):
            raise TerminalError(
                f"thread {thread_id} cannot take another run: on this server only the run that began a thread can "
                "continue it; give this run its own messages in `thread`"
            )
        what, items = "existing_thread_id", self._server.api.conversations.items
        for part in ("conversations", "runs on conversations"):
            self._server.require(part, what)
        try:
            page = self._server.page(f"read thread {thread_id}", items.list, thread_id, limit=1, order="desc")
        except NotFound:
            # The thread is missing, or the API is. The probe asks for a conversation that no server would create; one
            # without conversations does not know its path. A probe without a reply proves nothing.
            unproved = suppress(openai.APIStatusError, openai.APIConnectionError)
            with unproved, self._server.needing("conversations", what):
                self._server.client.post("/conversations", body={"items": False}, cast_to=object)
            raise
        return next((item.text("id") for item in page.objects("data")), "") or None
