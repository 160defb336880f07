"""Exists to serve `/v1/conversations` and the items in them (SDK: `types/conversations`)."""

from collections.abc import Iterator
from functools import partial

from .errors import conversation_locked, not_found
from .items import Item, is_reference, stored
from .resources import Body, Collection, Resource, listed, metadata_of
from .world import World


class Conversation(Resource):
    """A conversation and the items in it, oldest first."""

    def __init__(self, body: Body) -> None:
        self.items: Collection[Resource] = Collection(partial(not_found, "Item"), owner=self)
        super().__init__(body, items=self.items)

    def extend(self, items: list[Item]) -> None:
        for item in items:
            self.items.add(Resource(item))

    def is_deleted(self, world: World) -> None:
        """Its items are left behind, as at OpenAI, and counted as orphans."""
        world.orphan_items += len(self.items)

    def __iter__(self) -> Iterator[Item]:
        return iter([item.body for item in self.items.values()])


def create(world: World, conversations: Collection[Conversation], given: Body) -> Body:
    """Create a conversation, with up to 20 first items."""
    body = {"object": "conversation", "created_at": int(world.now()), "metadata": metadata_of(given)}
    conversation = Conversation({"id": world.new_id("conv"), **body})
    _add(world, conversation, given.get("items") or [])
    return conversations.add(conversation).body


def create_items(world: World, items: Collection[Resource], given: Body) -> Body:
    """Add up to 20 items, unless a response is in flight on the conversation."""
    if world.running_on(items.owner.id):
        raise conversation_locked(world.settings.locked_status)
    return listed(_add(world, items.owner, given["items"]))


def delete_item(world: World, item: Resource, given: Body) -> Body:
    """Delete one item and show the conversation."""
    del item.home[item.id]
    conversation: Conversation = item.home.owner
    return conversation.body


def _add(world: World, conversation: Conversation, given: list[Body]) -> list[Item]:
    for item in given:
        if is_reference(item):
            conversation.items.find(item["id"], "id")
    added = [stored(item, world.new_id) for item in given if not is_reference(item)]
    conversation.extend(added)
    return added
