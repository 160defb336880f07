"""Exists to serve `/v1/assistants` (SDK: `types/beta/assistant.py`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import refused
from ..overlay import format_fits_the_tools
from ..resources import Body, Collection, Resource
from ..responses import require_model_takes
from .threads import granted

if TYPE_CHECKING:
    from ..world import World

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


class Assistant(Resource):
    """An assistant; `body` has its effort too, which can be set and is never shown."""

    def shown(self, now: float) -> Body:
        """Show it without its effort."""
        return {name: value for name, value in self.body.items() if name != "reasoning_effort"}


def create(world: World, assistants: Collection[Resource], given: Body) -> Body:
    """Create an assistant."""
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


def update(world: World, assistant: Assistant, given: Body) -> Body:
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
