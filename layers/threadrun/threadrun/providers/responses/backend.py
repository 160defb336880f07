"""The backend for OpenAI's current API: a thread is a conversation, a run is a background response.

On a server without conversations the thread of a run is a chain of responses (`threadrun.providers.responses.chains`).
Source: openai.types.responses, openai.types.conversations (openai-python 3.54).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from typing import Any

import openai
from openai import OpenAI, omit
from openai.types.conversations import Conversation, ConversationItem
from openai.types.responses import Response

from threadrun.errors import NotFound, NotServed, TerminalError
from threadrun.providers.capabilities import Capabilities, not_served
from threadrun.providers.errors import require_readable, translated
from threadrun.providers.responses.assistant_catalog import AssistantCatalog
from threadrun.providers.responses.chains import has_mark, is_chain, marked, new_chain
from threadrun.providers.responses.shapes import (
    answered_call,
    found_in,
    message_item,
    observed_run,
    output_item,
    request_body,
)
from threadrun.providers.vector_stores import delete_store, make_store, no_stores, observe_indexing
from threadrun.schema.arguments import MIN_COMPLETION_TOKENS, DesiredAssistant, DesiredThread, Message
from threadrun.state.observations import Indexing, ObservedAssistant, ObservedRun, RunPlan

_ITEMS_PER_PAGE, _ITEMS_PER_CALL = 100, 20
_ITEM_PREFIXES = ("msg_", "fc_")
"""A run whose start got no reply is known by the id of its last item: there is no response to ask for."""
_NO_BACKGROUND = re.compile(
    r"(not support|unsupported|unknown|unrecognized|unexpected).*\bbackground\b"
    r"|\bbackground\b.*(unsupported|not (support|allow|available))",
    re.IGNORECASE,
)
_OWN_MESSAGES = "give each run its own messages in `thread`, or use a server that has them"
_UNANSWERED = '{"error": {"type": "NotAnswered", "message": "The run ended before this call was answered."}}'


class ResponsesBackend:
    """Implements `threadrun.reconcile.backend.Backend` with the Responses and Conversations API."""

    min_completion_tokens = MIN_COMPLETION_TOKENS

    def __init__(
        self, connect: Callable[[], OpenAI], catalog: AssistantCatalog, capabilities: Capabilities | None = None
    ) -> None:
        """`connect` gives a client without retries: a retried POST could start a second, billed run."""
        self._connect, self._catalog, self._capabilities = connect, catalog, capabilities or Capabilities()

    @property
    def _client(self) -> OpenAI:
        return self._connect()

    def _translated(self, action: str, *, creates: bool = False) -> AbstractContextManager[None]:
        return translated(action, creates=creates, secret=self._client.api_key)

    def put_assistant(self, assistant_id: str | None, desired: DesiredAssistant, token: str) -> ObservedAssistant:
        return self._catalog.put(assistant_id, desired, token)

    def find_assistant(self, assistant_id: str) -> ObservedAssistant:
        return self._catalog.find(assistant_id)

    def delete_assistant(self, assistant_id: str) -> None:
        self._catalog.delete(assistant_id)

    def create_thread(self, plan: RunPlan) -> str:
        # Its messages go with the start: items in the conversation then prove that the run has ended.
        return self._create_conversation(plan.desired.thread.metadata if plan.desired.thread else None) or new_chain()

    def create_bare_thread(self, desired: DesiredThread) -> str:
        thread_id = self._create_conversation(desired.metadata)
        if thread_id is None:
            raise self._no_conversations("a thread that runs share")
        return thread_id

    def _no_conversations(self, what: str) -> NotServed:
        return not_served("conversations", self._client.base_url, what, _OWN_MESSAGES)

    def _create_conversation(self, metadata: dict[str, str] | None) -> str | None:
        """The id of a new one, None where the server has none."""
        if self._capabilities.lacks("conversations"):
            return None
        action = "create the thread"
        with self._translated(action, creates=True):
            try:
                conversation = self._client.conversations.create(metadata=metadata or omit)
            except openai.APIStatusError as error:
                if not self._capabilities.note("conversations", error):
                    raise
                return None
        require_readable(conversation, Conversation, action, creates=True)
        return conversation.id

    def count_messages(self, thread_id: str) -> int:
        with self._translated(f"read thread {thread_id}"):
            items = self._client.conversations.items.list(thread_id, limit=_ITEMS_PER_PAGE, order="asc")
            return sum(item.type == "message" and item.role == "user" for item in items)

    def add_messages(self, thread_id: str, messages: Sequence[Message]) -> int:
        batch = [message_item(message, with_files=True) for message in messages[:_ITEMS_PER_CALL]]
        with self._translated(f"add messages to thread {thread_id}", creates=True):
            self._client.conversations.items.create(thread_id, items=batch)
        return len(batch)

    def update_thread(self, thread_id: str, desired: DesiredThread) -> None:
        with self._translated(f"update thread {thread_id}"):
            self._client.conversations.update(thread_id, metadata=desired.metadata or {})

    def make_vector_store(self, plan: RunPlan, thread_id: str, token: str) -> str | None:
        tools = [tool for tool in plan.effective.tools or () if tool.is_retrieval]
        if not tools:
            return None
        if self._capabilities.lacks("vector stores"):
            raise no_stores(self._client)
        if plan.effective.attached_file_ids:
            return make_store(self._client, self._capabilities, plan.effective.attached_file_ids, token)
        if all(tool.vector_store_ids for tool in tools):
            return None
        raise TerminalError("a retrieval tool needs files attached to a message, or vector_store_ids")

    def observe_indexing(self, vector_store_id: str) -> Indexing:
        return observe_indexing(self._client, vector_store_id)

    def delete_vector_store(self, vector_store_id: str) -> None:
        delete_store(self._client, vector_store_id)

    def last_item_id(self, thread_id: str) -> str | None:
        if is_chain(thread_id):
            raise TerminalError(
                f"thread {thread_id} takes no other run, as it is a chain of responses that only the run that began it "
                "goes on with: give this run its own messages in `thread`"
            )
        if self._capabilities.lacks("conversations"):
            raise self._no_conversations("existing_thread_id")
        try:
            with self._translated(f"read thread {thread_id}"):
                page = self._client.conversations.items.list(thread_id, limit=1, order="desc")
                return next((item.id for item in page.data if item.id), None)
        except NotFound:
            self._require_conversations("existing_thread_id")
            raise

    def _require_conversations(self, what: str) -> None:
        """Ask for a conversation that no server would make: who has none does not know the path either."""
        try:
            self._client.post("/conversations", body={"items": False}, cast_to=object)
        except openai.APIStatusError as error:
            if self._capabilities.note("conversations", error):
                raise self._no_conversations(what) from error
        except openai.APIConnectionError:
            pass  # The first refusal stands.

    def start_run(self, plan: RunPlan, thread_id: str) -> ObservedRun:
        # A tool that reads files gets them; without one they are part of the message.
        with_files = not plan.effective.has_tool("retrieval", "file_search", "code_interpreter")
        messages = [message_item(message, with_files=with_files) for message in plan.effective.messages]
        return self._create_response("start the run", plan, thread_id, messages)

    def continue_run(self, plan: RunPlan, thread_id: str, run_id: str, outputs: Mapping[str, str]) -> ObservedRun:
        items = [output_item(call_id, output) for call_id, output in outputs.items()]
        return self._create_response(f"continue run {run_id}", plan, thread_id, items, after=run_id)

    def _create_response(
        self, action: str, plan: RunPlan, thread_id: str, items: Sequence[Any], after: str | None = None
    ) -> ObservedRun:
        request = request_body(plan, items) | _place(plan, thread_id, after)
        try:
            with self._translated(action, creates=True):
                response = self._post_response(request)
        except TerminalError as refusal:
            if not _is_about_background(refusal.__cause__):
                raise
            raise NotServed(
                f"{refusal.reason}; a run is a background response: use a model, or a server, that has them"
            ) from refusal
        require_readable(response, Response, action, creates=True)
        return observed_run(response)

    def _post_response(self, request: dict[str, Any]) -> Any:
        try:
            return self._client.responses.create(**request)
        except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
            # Some servers want the field where OpenAI lets it out; what is refused was not started.
            if "input" in request or "input" not in str(error.body):
                raise
            return self._client.responses.create(**request, input=[])

    def find_lost_run(self, thread_id: str, after_item_id: str | None) -> ObservedRun | None:
        return found_in(self._items(thread_id, after_item_id))

    def shows_lost_runs(self, thread_id: str) -> bool:
        return not is_chain(thread_id)

    def _items(self, thread_id: str, after_item_id: str | None = None) -> list[ConversationItem]:
        """The thread's items, oldest first; none where the thread, or the item, is gone, or was never kept."""
        if is_chain(thread_id):
            return []
        with self._translated(f"read thread {thread_id}"), suppress(openai.NotFoundError):
            items = self._client.conversations.items
            return list(items.list(thread_id, limit=_ITEMS_PER_PAGE, order="asc", after=after_item_id or omit))
        return []

    def find_continuation(self, thread_id: str, run_id: str, call_ids: Collection[str]) -> ObservedRun | None:
        items = self._items(thread_id)
        answered = [index for index, item in enumerate(items) if answered_call(item) in call_ids]
        if not answered:
            return None
        since = items[answered[-1] + 1 :]
        ends = [index for index, item in enumerate(since) if item.type == "message" and item.role == "user"]
        return found_in(since[: ends[0]] if ends else since)

    def close_calls(self, thread_id: str, run_id: str, call_ids: Collection[str]) -> None:
        items = self._items(thread_id)
        answered = {answered_call(item) for item in items}
        made = {item.call_id for item in items if item.type == "function_call"}
        outputs = [output_item(call_id, _UNANSWERED) for call_id in call_ids if call_id in made - answered]
        with self._translated(f"close the calls of run {run_id}"):
            for start in range(0, len(outputs), _ITEMS_PER_CALL):
                batch = outputs[start : start + _ITEMS_PER_CALL]
                self._client.conversations.items.create(thread_id, items=batch)

    def observe_run(self, thread_id: str, run_id: str) -> ObservedRun:
        action = f"read run {run_id}"
        if run_id.startswith(_ITEM_PREFIXES):
            items = self._items(thread_id)
            last = next((index for index, item in enumerate(items) if item.id == run_id), None)
            found = found_in(items[: last + 1]) if last is not None else None
            if found is None:
                raise NotFound(f"cannot {action}: only its answer was known, and that is gone")
            return found
        with self._translated(action):
            response = self._client.responses.retrieve(run_id)
        require_readable(response, Response, action)
        return observed_run(response)

    def adopt_run(self, thread_id: str, run_id: str) -> ObservedRun:
        action = f"adopt run {run_id}"
        with self._translated(action):
            response = self._client.responses.retrieve(run_id)
            require_readable(response, Response, action)
            if is_chain(thread_id):
                is_pair = has_mark(response.metadata, thread_id)
            elif response.conversation is not None:
                is_pair = response.conversation.id == thread_id
            else:
                # The server does not tell: the run's output is in its thread.
                made = {item.id for item in response.output or [] if item.id}
                is_pair = any(item.id in made for item in self._client.conversations.items.list(thread_id))
        if not is_pair:
            raise NotFound(f"cannot {action}: it is not a run of thread {thread_id}")
        observed = observed_run(response)
        # One that called functions went on as other responses, which its thread does not name.
        call_ids = [call.call_id for call in observed.calls]
        return (self.find_continuation(thread_id, run_id, call_ids) if call_ids else None) or observed

    def cancel_run(self, thread_id: str, run_id: str) -> None:
        # The reply is not believed, a refusal neither: only a later look tells whether the run has ended.
        refusals = suppress(openai.ConflictError)
        with suppress(TerminalError), self._translated(f"cancel run {run_id}"), refusals:
            self._client.responses.cancel(run_id)

    def delete_run(self, thread_id: str, run_id: str) -> None:
        if run_id.startswith(_ITEM_PREFIXES):
            return
        with suppress(NotFound), self._translated(f"delete run {run_id}"):
            self._client.responses.delete(run_id)

    def delete_thread(self, thread_id: str) -> None:
        if is_chain(thread_id):
            return
        # Deleting a conversation leaves its items behind, so they go first, as far as the server knows them.
        items, action = self._client.conversations.items, f"delete thread {thread_id}"
        item_ids: list[str] = []
        with suppress(TerminalError), self._translated(action):
            item_ids = [item.id for item in items.list(thread_id, limit=_ITEMS_PER_PAGE) if item.id]
        for item_id in item_ids:
            with suppress(TerminalError), self._translated(action):
                items.delete(item_id, conversation_id=thread_id)
        with suppress(NotFound), self._translated(action):
            self._client.conversations.delete(thread_id)


def _place(plan: RunPlan, thread_id: str, after: str | None) -> dict[str, Any]:
    """Where a response goes: into its conversation, or on top of the one before it."""
    if not is_chain(thread_id):
        return {"conversation": thread_id}
    previous = {"previous_response_id": after} if after else {}
    return {"metadata": marked(plan.effective.metadata, thread_id), **previous}


def _is_about_background(error: BaseException | None) -> bool:
    """Whether it refuses that a response runs in the background. Not remembered: only the model may be without."""
    if not isinstance(error, openai.APIStatusError):
        return False
    message = error.body.get("message") if isinstance(error.body, dict) else None
    return error.param == "background" or bool(_NO_BACKGROUND.search(str(message)))
