"""The backend for servers that speak Assistants v2: threads, runs and assistants are the server's own.

Source: openai.types.beta (openai-python 3.54). What a run leaves out the server takes from the assistant, so
only what the user wrote is sent. Files reach a run through its thread or its assistant, never by itself.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

import openai
from openai import OpenAI
from openai.types.beta import Assistant, Thread
from openai.types.beta.threads import Run
from pydantic import ValidationError

from threadrun import assistants_v2_shapes as shapes
from threadrun.backend import Indexing, ObservedAssistant, ObservedRun, RunPlan
from threadrun.desired import DesiredAssistant, DesiredThread, Message
from threadrun.errors import NotFound, TerminalError
from threadrun.openai_errors import require_readable, translated
from threadrun.openai_vector_stores import delete_store, observe_indexing

MESSAGES_PER_NEW_THREAD = 32
"""How many messages a thread is created with (reported); the others follow one by one."""
_PER_PAGE = 100
_NO_RESOURCES: dict[str, Any] = {shapes.SEARCH: {"vector_store_ids": []}, shapes.CODE: {"file_ids": []}}
_STOPPABLE = frozenset({"queued", "in_progress", "requires_action"})


class AssistantsBackend:
    """Implements `threadrun.backend.Backend` with the Assistants API."""

    min_completion_tokens = 256

    def __init__(self, connect: Callable[[], OpenAI]) -> None:
        """`connect` gives a client without retries: a retried POST could start a second, billed run."""
        self._connect = connect

    @property
    def _client(self) -> OpenAI:
        return self._connect()

    @contextmanager
    def _translated(self, action: str, *, creates: bool = False) -> Iterator[None]:
        """`openai_errors.translated` without the SDK's notice, at each call, that OpenAI closed this API."""
        with warnings.catch_warnings(), translated(action, creates=creates, secret=self._client.api_key):
            notice = r"deprecated$|The Assistants API is deprecated"
            warnings.filterwarnings("ignore", notice, DeprecationWarning, module=re.escape(__name__))
            yield

    # Assistants

    def put_assistant(self, assistant_id: str | None, desired: DesiredAssistant, token: str) -> ObservedAssistant:
        """Change the assistant in place, or create it.

        A new assistant carries `token` in place of the user's metadata until its id is on record: then a second
        call gives it those. So one whose reply was lost is found again by its mark, without a guess: equal
        settings prove nothing, as another resource may want the same.
        """
        if assistant_id is not None:
            return self._change_assistant(assistant_id, desired)
        made = self._marked_assistant(token) or self._create_assistant(desired, token)
        return ObservedAssistant(made.id, desired, created_at=made.created_at, is_complete=False)

    def _marked_assistant(self, token: str) -> Assistant | None:
        with self._translated("list the assistants"):
            newest = self._client.beta.assistants.list(limit=_PER_PAGE, order="desc").data
        return next((each for each in newest or () if shapes.is_marked(each, token)), None)

    def _create_assistant(self, desired: DesiredAssistant, token: str) -> Assistant:
        action = "create the assistant"
        settings = shapes.only_given(
            {**shapes.settings_fields(desired), "tool_resources": shapes.assistant_resources(desired) or None}
        )
        with self._translated(action, creates=True):
            assistant = self._client.beta.assistants.create(**settings | {"metadata": {shapes.MARK: token}})
        require_readable(assistant, Assistant, action, creates=True)
        return assistant

    def _change_assistant(self, assistant_id: str, desired: DesiredAssistant) -> ObservedAssistant:
        action = f"update assistant {assistant_id}"
        # Null resets a field; of what knows no null the empty value does.
        settings = shapes.settings_fields(desired)
        settings |= {name: settings[name] or empty for name, empty in (("tools", []), ("metadata", {}))}
        settings["response_format"] = settings["response_format"] or "auto"
        settings["tool_resources"] = _NO_RESOURCES | shapes.assistant_resources(desired)
        with self._translated(action):
            assistant = self._client.beta.assistants.update(assistant_id, **settings)
        require_readable(assistant, Assistant, action)
        return ObservedAssistant(assistant.id, desired, created_at=assistant.created_at)

    def find_assistant(self, assistant_id: str) -> ObservedAssistant:
        assistant = self._read_assistant(assistant_id)
        try:
            settings = shapes.settings_from(assistant)
        except ValidationError as error:
            places = ", ".join(".".join(map(str, each["loc"])) for each in error.errors())
            raise TerminalError(f"cannot use assistant {assistant_id}: its {places} cannot be read") from None
        return ObservedAssistant(assistant.id, settings, created_at=assistant.created_at)

    def _read_assistant(self, assistant_id: str) -> Assistant:
        action = f"read assistant {assistant_id}"
        with self._translated(action):
            assistant = self._client.beta.assistants.retrieve(assistant_id)
        require_readable(assistant, Assistant, action)
        return assistant

    def delete_assistant(self, assistant_id: str) -> None:
        with suppress(NotFound), self._translated(f"delete assistant {assistant_id}"):
            self._client.beta.assistants.delete(assistant_id)

    # Threads

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

    def _read_thread(self, thread_id: str) -> Thread:
        action = f"read thread {thread_id}"
        with self._translated(action):
            thread = self._client.beta.threads.retrieve(thread_id)
        require_readable(thread, Thread, action)
        return thread

    def count_messages(self, thread_id: str) -> int:
        with self._translated(f"read thread {thread_id}"):
            messages = self._client.beta.threads.messages.list(thread_id, limit=_PER_PAGE, order="asc")
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

    # Files

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

    # Runs

    def last_item_id(self, thread_id: str) -> str | None:
        """Id of the thread's newest run: `find_lost_run` looks for a run, which here has its own list."""
        with self._translated(f"read thread {thread_id}"):
            newest = self._client.beta.threads.runs.list(thread_id, limit=1, order="desc").data
        return newest[0].id if newest else None

    def start_run(self, plan: RunPlan, thread_id: str) -> ObservedRun:
        """Start the run. Nothing else is read here: no later failure may look like that of the start."""
        action, desired = "start the run", plan.desired
        request = {
            "model": desired.model,
            "instructions": desired.instructions,
            "tools": None if desired.tools is None else [shapes.tool_fields(tool) for tool in desired.tools],
            "metadata": desired.metadata,
            "max_completion_tokens": desired.max_completion_tokens,
            "temperature": desired.temperature,
            "top_p": desired.top_p,
            "response_format": shapes.format_fields(desired),
        }
        assistant_id = shapes.assistant_id_of(plan)
        with self._translated(action, creates=True):
            run: Run = self._client.beta.threads.runs.create(
                thread_id, assistant_id=assistant_id, **shapes.only_given(request)
            )
        require_readable(run, Run, action, creates=True)
        observed = shapes.observed_run(run)
        # A run that is over at once has an answer to be read: the next look does.
        return replace(observed, status="in_progress") if observed.is_final else observed

    def find_lost_run(self, thread_id: str, after_item_id: str | None) -> ObservedRun | None:
        """The first run that is newer than run `after_item_id`.

        On a new thread it is ours for sure: nobody else knows the thread. On another it may be anybody's; whether
        that is proof enough is not decided here. Runs of the same second count as newer, as their order is open:
        rather one run too many than a start that is repeated.
        """
        with self._translated(f"read thread {thread_id}"):
            runs = list(self._client.beta.threads.runs.list(thread_id, limit=_PER_PAGE, order="desc"))
        since = next((run.created_at for run in runs if run.id == after_item_id), 0)
        newer = [run for run in runs if run.id != after_item_id and run.created_at >= since]
        return self._with_output(newer[-1]) if newer else None

    def observe_run(self, thread_id: str, run_id: str) -> ObservedRun:
        return self._with_output(self._read_run(thread_id, run_id, f"read run {run_id}"))

    def adopt_run(self, thread_id: str, run_id: str) -> ObservedRun:
        action = f"adopt run {run_id}"
        run = self._read_run(thread_id, run_id, action)
        if run.thread_id != thread_id:  # Not every server looks at the thread in the path.
            raise NotFound(f"cannot {action}: it is not a run of thread {thread_id}")
        return self._with_output(run)

    def _read_run(self, thread_id: str, run_id: str, action: str) -> Run:
        with self._translated(action):
            run = self._client.beta.threads.runs.retrieve(run_id, thread_id=thread_id)
        require_readable(run, Run, action)
        return run

    def _with_output(self, run: Run) -> ObservedRun:
        observed = shapes.observed_run(run)
        if not observed.is_final:
            return observed
        with self._translated(f"read the answer of run {run.id}"):
            listed = self._client.beta.threads.messages.list(run.thread_id, run_id=run.id, limit=_PER_PAGE, order="asc")
            answers = [each for each in listed if each.role == "assistant" and each.run_id == run.id]
        texts = [part.text.value for message in answers for part in message.content if part.type == "text"]
        return replace(observed, output_text="".join(texts))

    def cancel_run(self, thread_id: str, run_id: str) -> None:
        # The reply is not believed, a refusal neither: only a later look tells whether the run has ended.
        refusals = suppress(openai.ConflictError)
        with suppress(TerminalError), self._translated(f"cancel run {run_id}"), refusals:
            self._client.beta.threads.runs.cancel(run_id, thread_id=thread_id)

    def delete_run(self, thread_id: str, run_id: str) -> None:
        """Cancel the run where it still holds its thread; this API cannot delete one."""
        with suppress(NotFound):
            if self._read_run(thread_id, run_id, f"delete run {run_id}").status in _STOPPABLE:
                self.cancel_run(thread_id, run_id)
