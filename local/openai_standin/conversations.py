"""Exists to serve `/v1/conversations` and the items in them (SDK: `types/conversations`)."""

from typing import Any

from .errors import conversation_locked, not_found
from .items import kind_of, stored
from .paging import Query, listed, page
from .references import require_content_files
from .world import Conversation, World

Body = dict[str, Any]


def create(world: World, query: Query, body: Body) -> Body:
    """Create a conversation, with up to 20 first items."""
    items = _new_items(world, None, body.get("items") or [])
    conversation = Conversation(world.new_id("conv"), int(world.now()), dict(body.get("metadata") or {}), items)
    world.conversations[conversation.id] = conversation
    return _rendered(conversation)


def retrieve(world: World, query: Query, body: Body, conversation_id: str) -> Body:
    """Show a conversation; its items are listed apart."""
    return _rendered(world.conversation(conversation_id))


def update(world: World, query: Query, body: Body, conversation_id: str) -> Body:
    """Replace a conversation's metadata."""
    conversation = world.conversation(conversation_id)
    conversation.metadata = dict(body["metadata"] or {})
    return _rendered(conversation)


def delete(world: World, query: Query, body: Body, conversation_id: str) -> Body:
    """Delete a conversation; its items are left behind, as at OpenAI, and counted as orphans."""
    conversation = world.conversation(conversation_id)
    world.orphan_items += len(conversation.items)
    del world.conversations[conversation_id]
    return {"id": conversation_id, "object": "conversation.deleted", "deleted": True}


def list_items(world: World, query: Query, body: Body, conversation_id: str) -> Body:
    """List a conversation's items, newest first unless asked otherwise."""
    return page(world.conversation(conversation_id).items, query)


def create_items(world: World, query: Query, body: Body, conversation_id: str) -> Body:
    """Add up to 20 items, unless a response is in flight on the conversation."""
    conversation = world.conversation(conversation_id)
    if world.running_on(conversation_id):
        raise conversation_locked(world.behaviour.locked_status)
    items = _new_items(world, conversation, body["items"])
    conversation.items.extend(items)
    return listed(items)


def retrieve_item(world: World, query: Query, body: Body, conversation_id: str, item_id: str) -> Body:
    """Show one item."""
    return world.conversation(conversation_id).items[_position(world, conversation_id, item_id)]


def delete_item(world: World, query: Query, body: Body, conversation_id: str, item_id: str) -> Body:
    """Delete one item and show the conversation."""
    conversation = world.conversation(conversation_id)
    del conversation.items[_position(world, conversation_id, item_id)]
    return _rendered(conversation)


def _new_items(world: World, conversation: Conversation | None, given: list[Body]) -> list[Body]:
    known = {item["id"] for item in conversation.items} if conversation else set()
    for item in given:
        if kind_of(item) == "item_reference" and item["id"] not in known:
            raise not_found("Item", item["id"])
    require_content_files(world.storage, given, "items")
    return [stored(item, world.new_id) for item in given if kind_of(item) != "item_reference"]


def _position(world: World, conversation_id: str, item_id: str) -> int:
    items = world.conversation(conversation_id).items
    for index, item in enumerate(items):
        if item["id"] == item_id:
            return index
    raise not_found("Item", item_id)


def _rendered(conversation: Conversation) -> Body:
    return {
        "id": conversation.id,
        "object": "conversation",
        "created_at": conversation.created_at,
        "metadata": conversation.metadata,
    }
