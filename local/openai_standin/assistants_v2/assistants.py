"""Exists to serve `/v1/assistants` (SDK: `types/beta/assistant.py`)."""

from typing import Any

from ..errors import refused
from ..models import require_model_takes
from ..overlay import format_fits_the_tools
from ..paging import Query, page
from ..world import World
from .resources import granted, require_resources

Body = dict[str, Any]

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


def create(world: World, query: Query, body: Body) -> Body:
    """Create an assistant."""
    _require_possible(world, body)
    assistant = {
        "id": world.new_id("asst"),
        "object": "assistant",
        "created_at": int(world.now()),
        "model": body["model"],
        **{name: default if body.get(name) is None else body[name] for name, default in _DEFAULTS.items()},
        "tool_resources": granted(world.storage, body.get("tool_resources")),
    }
    world.assistants.assistants[assistant["id"]] = assistant
    return _shown(assistant)


def list_all(world: World, query: Query, body: Body) -> Body:
    """List assistants, newest first unless asked otherwise."""
    return page([_shown(each) for each in world.assistants.assistants.values()], query)


def retrieve(world: World, query: Query, body: Body, assistant_id: str) -> Body:
    """Show an assistant."""
    return _shown(world.assistants.assistant(assistant_id))


def update(world: World, query: Query, body: Body, assistant_id: str) -> Body:
    """Replace the fields that are given; runs that were started before keep the old ones."""
    assistant = world.assistants.assistant(assistant_id)
    _require_possible(world, {**_chosen(assistant), **body})
    for name, value in body.items():
        assistant[name] = _DEFAULTS.get(name) if value is None else value
    if "tool_resources" in body:
        assistant["tool_resources"] = granted(world.storage, body["tool_resources"])
    return _shown(assistant)


def delete(world: World, query: Query, body: Body, assistant_id: str) -> Body:
    """Delete an assistant; its runs and threads stay."""
    world.assistants.assistant(assistant_id)
    del world.assistants.assistants[assistant_id]
    return {"id": assistant_id, "object": "assistant.deleted", "deleted": True}


def _shown(assistant: Body) -> Body:
    """Leave out the effort, which can be set and is never shown."""
    return {name: value for name, value in assistant.items() if name != "reasoning_effort"}


def _chosen(assistant: Body) -> Body:
    """Leave out what nobody asked for: a reasoning model refuses even the default temperature."""
    return {name: value for name, value in assistant.items() if value != _DEFAULTS.get(name)}


def _require_possible(world: World, body: Body) -> None:
    require_model_takes(world.models, body["model"], body, body.get("reasoning_effort"))
    format_fits_the_tools(body)
    require_resources(world.storage, body.get("tool_resources"))
    names = [tool["function"]["name"] for tool in body.get("tools") or () if tool["type"] == "function"]
    for name in {each for each in names if names.count(each) > 1}:
        raise refused(f"Function names must be unique: '{name}' is there more than once.", "tools")
