"""Exists to serve the messages of a thread (SDK: `types/beta/threads/message.py`)."""

from typing import Any

from ..errors import none_found, refused
from ..items import Item
from ..paging import Query, page
from ..world import World
from .deliveries import new_message
from .resources import attach, require_message_files
from .state import Thread

Body = dict[str, Any]


def create(world: World, query: Query, body: Body, thread_id: str) -> Body:
    """Add a message, unless a run is active on the thread."""
    thread = world.assistants.thread(thread_id)
    require_message_files(world.storage, [body], "")
    if run := world.assistants.active_run(thread):
        raise refused(f"Can't add messages to {thread_id} while a run {run.id} is active.")
    return added(world, thread, body)


def added(world: World, thread: Thread, body: Body) -> Body:
    """Add a message that passed all checks, and put its files where their tools find them."""
    message = new_message(world.new_id("msg"), thread, body["role"], _shown(body["content"]), world.now())
    message["attachments"] = body.get("attachments") or []
    message["metadata"] = dict(body.get("metadata") or {})
    thread.messages.append(message)
    attach(world.storage, thread, message["attachments"])
    return message


def list_all(world: World, query: Query, body: Body, thread_id: str) -> Body:
    """List a thread's messages, newest first unless asked otherwise; `run_id` keeps those of one run."""
    thread, wanted = world.assistants.thread(thread_id), (query.get("run_id") or [""])[-1]
    return page([each for each in thread.messages if wanted in ("", each["run_id"])], query)


def retrieve(world: World, query: Query, body: Body, thread_id: str, message_id: str) -> Body:
    """Show one message."""
    return _found(world.assistants.thread(thread_id), message_id)


def update(world: World, query: Query, body: Body, thread_id: str, message_id: str) -> Body:
    """Replace a message's metadata."""
    message = _found(world.assistants.thread(thread_id), message_id)
    message["metadata"] = dict(body.get("metadata") or {})
    return message


def delete(world: World, query: Query, body: Body, thread_id: str, message_id: str) -> Body:
    """Delete one message; its files stay."""
    thread = world.assistants.thread(thread_id)
    thread.messages.remove(_found(thread, message_id))
    return {"id": message_id, "object": "thread.message.deleted", "deleted": True}


def as_item(message: Body) -> Item:
    """Show a message as the item that the Responses wire would have for it."""
    kind = "output_text" if message["role"] == "assistant" else "input_text"
    texts = [part["text"]["value"] for part in message["content"] if part["type"] == "text"]
    content = [{"type": kind, "text": text} for text in texts]
    return {"type": "message", "id": message["id"], "role": message["role"], "content": content}


def _shown(content: str | list[Body]) -> list[Body]:
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    return [
        {"type": "text", "text": {"value": part["text"], "annotations": []}} if part["type"] == "text" else part
        for part in parts
    ]


def _found(thread: Thread, message_id: str) -> Body:
    for message in thread.messages:
        if message["id"] == message_id:
            return message
    raise none_found("message", message_id)
