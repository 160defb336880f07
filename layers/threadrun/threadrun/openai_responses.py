"""The backend for OpenAI's current API: a thread is a conversation, a run is a background response.

Source: openai.types.responses, openai.types.conversations (openai-python 3.54).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from typing import Any

import openai
from openai import OpenAI, omit
from openai.types.conversations import Conversation
from openai.types.responses import Response

from threadrun.backend import ObservedRun, Usage
from threadrun.desired import DesiredRun
from threadrun.errors import NotFound, TerminalError
from threadrun.openai_errors import require_readable, translated

_ITEMS_PER_PAGE = 100
_ANSWER_PREFIX = "msg_"
"""A run whose start got no reply is known by the id of its answer: there is no response to ask for."""


class ResponsesBackend:
    """Implements `threadrun.backend.Backend` with the Responses and Conversations API."""

    def __init__(self, connect: Callable[[], OpenAI]) -> None:
        """`connect` gives a client without retries: a retried POST could start a second, billed run."""
        self._connect = connect

    @property
    def _client(self) -> OpenAI:
        return self._connect()

    def _translated(self, action: str, *, creates: bool = False) -> AbstractContextManager[None]:
        return translated(action, creates=creates, secret=self._client.api_key)

    def create_thread(self, desired: DesiredRun) -> str:
        action = "create the thread"
        metadata = desired.thread.metadata if desired.thread else None
        with self._translated(action, creates=True):
            conversation = self._client.conversations.create(metadata=metadata or omit)
        require_readable(conversation, Conversation, action, creates=True)
        return conversation.id

    def last_item_id(self, thread_id: str) -> str | None:
        with self._translated(f"read thread {thread_id}"):
            page = self._client.conversations.items.list(thread_id, limit=1, order="desc")
            return next((item.id for item in page.data if item.id), None)

    def start_run(self, desired: DesiredRun, thread_id: str) -> ObservedRun:
        action = "start the run"
        request = _request(desired, thread_id)
        with self._translated(action, creates=True):
            try:
                response = self._client.responses.create(**request)
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                # Some servers want the field where OpenAI lets it out; what is refused was not started.
                if "input" in request or "input" not in str(error.body):
                    raise
                response = self._client.responses.create(**request, input=[])
        require_readable(response, Response, action, creates=True)
        return _observed(response)

    def find_lost_run(self, thread_id: str, after_item_id: str | None) -> ObservedRun | None:
        answers = []
        with self._translated(f"read thread {thread_id}"), suppress(openai.NotFoundError):
            items = self._client.conversations.items.list(
                thread_id, limit=_ITEMS_PER_PAGE, order="asc", after=after_item_id or omit
            )
            answers = [item for item in items if item.type == "message" and item.role == "assistant"]
        if not answers:
            return None
        # A conversation does not tell the response's id.
        texts = [part.text for item in answers for part in item.content if part.type == "output_text"]
        return ObservedRun(answers[-1].id, "completed", output_text="".join(texts))

    def observe_run(self, thread_id: str, run_id: str) -> ObservedRun:
        action = f"read run {run_id}"
        if run_id.startswith(_ANSWER_PREFIX):
            raise NotFound(f"cannot {action}: only its answer is known")
        with self._translated(action):
            response = self._client.responses.retrieve(run_id)
        require_readable(response, Response, action)
        return _observed(response)

    def adopt_run(self, thread_id: str, run_id: str) -> ObservedRun:
        action = f"adopt run {run_id}"
        with self._translated(action):
            response = self._client.responses.retrieve(run_id)
            require_readable(response, Response, action)
            if response.conversation is not None:
                is_pair = response.conversation.id == thread_id
            else:
                # The server does not tell: the run's output is in its thread.
                made = {item.id for item in response.output or [] if item.id}
                is_pair = any(item.id in made for item in self._client.conversations.items.list(thread_id))
        if not is_pair:
            raise NotFound(f"cannot {action}: it is not a run of thread {thread_id}")
        return _observed(response)

    def cancel_run(self, thread_id: str, run_id: str) -> None:
        # The reply is not believed, a refusal neither: only a later look tells whether the run has ended.
        refusals = suppress(openai.ConflictError)
        with suppress(TerminalError), self._translated(f"cancel run {run_id}"), refusals:
            self._client.responses.cancel(run_id)

    def delete_run(self, thread_id: str, run_id: str) -> None:
        if run_id.startswith(_ANSWER_PREFIX):
            return
        with suppress(NotFound), self._translated(f"delete run {run_id}"):
            self._client.responses.delete(run_id)

    def delete_thread(self, thread_id: str) -> None:
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


def _request(desired: DesiredRun, thread_id: str) -> dict[str, Any]:
    """The body of POST /responses; what the user left out is left out here too."""
    messages = [
        {"type": "message", "role": message.role, "content": [{"type": "input_text", "text": message.content}]}
        for message in desired.messages
    ]
    optional = {
        "input": messages,
        "instructions": desired.instructions,
        "metadata": desired.metadata,
        "max_output_tokens": desired.max_completion_tokens,
        "temperature": desired.temperature,
        "top_p": desired.top_p,
        "text": {"format": {"type": desired.response_format.type}} if desired.response_format else None,
    }
    given = {name: value for name, value in optional.items() if value not in (None, [], {})}
    # Without an explicit store a background response may vanish minutes after its end.
    return {"model": desired.model, "conversation": thread_id, "background": True, "store": True, **given}


def _observed(response: Response) -> ObservedRun:
    status = str(response.status or "in_progress")
    output = response.output or []  # Some servers leave it out until the end.
    if status == "completed" and any(item.type == "function_call" for item in output):
        status = "requires_action"
    return ObservedRun(
        run_id=response.id,
        status=status,
        created_at=int(response.created_at) if response.created_at else None,
        completed_at=int(response.completed_at) if response.completed_at else None,
        model=response.model,
        usage=_usage(response),
        output_text=response.output_text if output else "",
        problem=_problem(response),
    )


def _usage(response: Response) -> Usage:
    usage = response.usage
    return Usage(usage.input_tokens, usage.output_tokens, usage.total_tokens) if usage else Usage()


def _problem(response: Response) -> str | None:
    if response.error is not None:
        return f"{response.error.message} ({response.error.code})"
    if response.incomplete_details is not None and response.incomplete_details.reason:
        return f"incomplete because of {response.incomplete_details.reason}"
    return None
