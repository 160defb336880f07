"""Exists to serve `/v1/assistants`, `/v1/threads` and the messages on them (SDK: `types/beta`).

`tool_resources` and attachments become what a tool reads: files, and at most one vector store.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from ..errors import none_found, refused
from ..resources import Body, Collection, Resource, metadata_of
from ..responses import require_model_takes
from ..rules import format_fits_the_tools
from ..storage import VectorStore, index, new_store
from ..world import World

if TYPE_CHECKING:
    from .run import ThreadRun

_DEFAULTS: Body = {
    "name": None,
    "description": None,
    "instructions": None,
    "tools": [],
    "metadata": {},
    "response_format": "auto",
    "temperature": 1.0,
    "top_p": 1.0,
    "reasoning_effort": None,
}
# By OpenAI's documentation, a store that a thread's helper made expires after this time without use.
_HELPER = {"anchor": "last_active_at", "days": 7}


class Thread(Resource):
    """A thread, its messages and its runs, oldest first."""

    def __init__(self, body: Body) -> None:
        self.messages: Collection[Resource] = Collection(partial(none_found, "message"), owner=self)
        self.runs: Collection[ThreadRun] = Collection(partial(none_found, "run"), "run", owner=self)
        super().__init__(body, messages=self.messages, runs=self.runs)

    @property
    def vector_store_ids(self) -> list[str]:
        """List the vector stores that its attachments went to, or that it was given."""
        return list(self.body["tool_resources"].get("file_search", {}).get("vector_store_ids", ()))

    def active_run(self, now: float) -> ThreadRun | None:
        return next((run for run in self.runs.values() if run.is_active(now)), None)

    def say(self, identifier: str, role: str, content: list[Body], at: float, **more: Any) -> Body:
        """Add a message; `at` is in epoch seconds."""
        body: Body = {
            "id": identifier,
            "object": "thread.message",
            "created_at": int(at),
            "thread_id": self.id,
            "role": role,
            "content": content,
            "status": "completed",
            "completed_at": int(at),
            **dict.fromkeys(("incomplete_at", "incomplete_details", "assistant_id", "run_id")),
            "attachments": [],
            "metadata": {},
        }
        return self.messages.add(Resource(body | more)).body


def create(world: World, threads: Collection[Thread], given: Body) -> Body:
    return new_thread(world, given).body


def new_thread(world: World, given: Body) -> Thread:
    """Create a thread as a request says that passed all checks."""
    resources = granted(world, given.get("tool_resources"), expires_after=_HELPER)
    body = {"id": world.new_id("thread"), "object": "thread", "created_at": int(world.now())}
    thread = world.threads.add(Thread({**body, "metadata": metadata_of(given), "tool_resources": resources}))
    for message in given.get("messages", ()):
        add_message(world, thread, message)
    return thread


def update(world: World, thread: Thread, given: Body) -> Body:
    if "metadata" in given:
        thread.body["metadata"] = metadata_of(given)
    if "tool_resources" in given:
        thread.body["tool_resources"] = granted(world, given["tool_resources"])
    return thread.body


def create_message(world: World, messages: Collection[Resource], given: Body) -> Body:
    """Add a message, unless a run is active on the thread."""
    thread: Thread = messages.owner
    if run := thread.active_run(world.now()):
        raise refused(f"Can't add messages to {thread.id} while a run {run.id} is active.")
    return add_message(world, thread, given)


def add_message(world: World, thread: Thread, given: Body) -> Body:
    """Add a message that passed all checks, and put its files where their tools find them."""
    content, attachments = given["content"], given.get("attachments") or []
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    shown = [text_part(part) if part["type"] == "text" else part for part in parts]
    more = {"attachments": attachments, "metadata": metadata_of(given)}
    _attach(world, thread, attachments)
    return thread.say(world.new_id("msg"), given["role"], shown, world.now(), **more)


def text_part(part: Mapping[str, Any]) -> Body:
    """Nest a text as Assistants v2 does."""
    return {"type": "text", "text": {"value": part.get("text", ""), "annotations": part.get("annotations") or []}}


def granted(world: World, resources: Mapping[str, Any] | None, **more: Any) -> Body:
    """Make the vector stores that checked resources ask for, and show all by their ids; `more` is said of each."""
    shown: Body = {}
    for name, given in (resources or {}).items():
        if name == "code_interpreter":
            shown[name] = {"file_ids": list(given.get("file_ids", ()))}
        else:
            made = [new_store(world, store, **more).id for store in given.get("vector_stores", ())]
            shown[name] = {"vector_store_ids": [*given.get("vector_store_ids", ()), *made]}
    return shown


def _attach(world: World, thread: Thread, attachments: Iterable[Body]) -> None:
    for attachment in attachments:
        file_id, tools = attachment["file_id"], [tool["type"] for tool in attachment["tools"]]
        if "code_interpreter" in tools:
            resources = thread.body["tool_resources"]
            files = resources.setdefault("code_interpreter", {}).setdefault("file_ids", [])
            files.extend([file_id] if file_id not in files else [])
        if "file_search" in tools:
            index(world, _store_of(world, thread), file_id)


def _store_of(world: World, thread: Thread) -> VectorStore:
    """Find the thread's vector store, or make one where there is none left."""
    for store in map(world.vector_stores.get, thread.vector_store_ids):
        if store is not None and not store.is_expired(world.now()):
            return store
    made = new_store(world, {}, expires_after=_HELPER)
    thread.body["tool_resources"]["file_search"] = {"vector_store_ids": [made.id]}
    return made


class Assistant(Resource):
    """An assistant; `body` has its effort too, which can be set and is never shown."""

    def shown(self, now: float) -> Body:
        return {name: value for name, value in self.body.items() if name != "reasoning_effort"}


def create_assistant(world: World, assistants: Collection[Resource], given: Body) -> Body:
    _require_possible(world, given)
    body = {
        "id": world.new_id("asst"),
        "object": "assistant",
        "created_at": int(world.now()),
        "model": given["model"],
        **{name: default if given.get(name) is None else given[name] for name, default in _DEFAULTS.items()},
        "tool_resources": granted(world, given.get("tool_resources")),
    }
    return assistants.add(Assistant(body)).shown(world.now())


def update_assistant(world: World, assistant: Assistant, given: Body) -> Body:
    """Replace the fields that are given; runs that were started before keep the old ones."""
    # What nobody asked for is left out: a reasoning model refuses even the default temperature.
    chosen = {name: value for name, value in assistant.body.items() if value != _DEFAULTS.get(name)}
    _require_possible(world, {**chosen, **given})
    assistant.body |= {name: _DEFAULTS.get(name) if value is None else value for name, value in given.items()}
    if "tool_resources" in given:
        assistant.body["tool_resources"] = granted(world, given["tool_resources"])
    return assistant.shown(world.now())


def _require_possible(world: World, body: Body) -> None:
    require_model_takes(world.models, body["model"], body, body.get("reasoning_effort"))
    format_fits_the_tools(body)
    names = [tool["function"]["name"] for tool in body.get("tools") or () if tool["type"] == "function"]
    for name in {each for each in names if names.count(each) > 1}:
        raise refused(f"Function names must be unique: '{name}' is there more than once.", "tools")
