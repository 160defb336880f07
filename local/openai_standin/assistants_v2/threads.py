"""Exists to serve `/v1/threads` (SDK: `types/beta/thread.py`)."""

from typing import Any

from ..paging import Query
from ..world import World
from . import messages
from .resources import granted, granted_to_thread, require_message_files, require_resources
from .state import Thread

Body = dict[str, Any]


def create(world: World, query: Query, body: Body) -> Body:
    """Create a thread, with first messages or without."""
    require_creatable(world, body, "")
    return _rendered(created(world, body))


def require_creatable(world: World, body: Body, path: str) -> None:
    """Refuse a checked thread over files or vector stores that are not there; `path` ends in a dot, if any."""
    require_resources(world.storage, body.get("tool_resources"), f"{path}tool_resources")
    require_message_files(world.storage, body.get("messages", ()), f"{path}messages")


def created(world: World, body: Body) -> Thread:
    """Create a thread from a body that passed all checks."""
    resources = granted_to_thread(world.storage, body.get("tool_resources"))
    thread = Thread(world.new_id("thread"), int(world.now()), dict(body.get("metadata") or {}), resources)
    world.assistants.threads[thread.id] = thread
    for message in body.get("messages", ()):
        messages.added(world, thread, message)
    return thread


def retrieve(world: World, query: Query, body: Body, thread_id: str) -> Body:
    """Show a thread; its messages are listed apart."""
    return _rendered(world.assistants.thread(thread_id))


def update(world: World, query: Query, body: Body, thread_id: str) -> Body:
    """Replace a thread's metadata or resources."""
    thread = world.assistants.thread(thread_id)
    require_resources(world.storage, body.get("tool_resources"))
    if "metadata" in body:
        thread.metadata = dict(body["metadata"] or {})
    if "tool_resources" in body:
        thread.tool_resources = granted(world.storage, body["tool_resources"])
    return _rendered(thread)


def delete(world: World, query: Query, body: Body, thread_id: str) -> Body:
    """Delete a thread; its runs are found no more, yet go on, and its vector store stays until it expires."""
    world.assistants.thread(thread_id)
    del world.assistants.threads[thread_id]
    return {"id": thread_id, "object": "thread.deleted", "deleted": True}


def _rendered(thread: Thread) -> Body:
    return {
        "id": thread.id,
        "object": "thread",
        "created_at": thread.created_at,
        "metadata": thread.metadata,
        "tool_resources": thread.tool_resources,
    }
