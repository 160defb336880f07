"""Exists to play scripts for runs: each turn of a run is what one response is on the Responses wire."""

from collections.abc import Mapping, Sequence
from typing import Any

from ..answers import Outcome, outcome_of
from ..items import Item
from ..world import World
from .messages import as_item
from .state import Thread, ThreadRun, Turn

Body = dict[str, Any]

# By OpenAI's documentation, a run waits this long, in seconds, for its thread's vector store.
_INDEXING_PATIENCE_S = 60


def first_turn(world: World, thread: Thread, settings: Mapping[str, Any]) -> Turn:
    """Start on what the thread says; what no run has answered yet counts as the input, for scripts that match."""
    context = [as_item(message) for message in thread.messages]
    unread = len(thread.messages)
    while unread and thread.messages[unread - 1]["run_id"] is None:
        unread -= 1
    stores = {each: world.storage.vector_stores.get(each) for each in _vector_store_ids(thread, settings)}
    now, turn = world.now(), _turn(world, settings, context[:unread], context[unread:])
    for store_id, store in stores.items():
        if store is None or store.is_expired(now):
            error = {"code": "server_error", "message": f"Vector store with id '{store_id}' is expired or deleted."}
            turn.outcome = Outcome("failed", [], None, error)
            continue
        store.last_active_at = now
        waits_s = min(max(store.indexed_at - turn.starts_at, 0), _INDEXING_PATIENCE_S)
        turn.starts_at, turn.ends_at = turn.starts_at + waits_s, turn.ends_at + waits_s
    return turn


def next_turn(world: World, run: ThreadRun, outputs: Mapping[str, str]) -> Turn:
    """Go on with the outputs of all functions that the last turn called."""
    last = run.turns[-1]
    given = [{"type": "function_call_output", "call_id": call, "output": text} for call, text in outputs.items()]
    return _turn(world, run.settings, [*last.context, *last.outcome.output], given)


def _turn(world: World, settings: Mapping[str, Any], context: Sequence[Item], new: list[Item]) -> Turn:
    request = {**settings, "input": new, "text": {"format": _format(settings["response_format"])}}
    script = world.next_script(request)
    queued_s, duration_s = world.times_of(script)
    outcome = outcome_of(script, request, [*context, *new], world.new_id)
    starts_at = world.now() + queued_s
    return Turn(outcome, [*context, *new], starts_at, starts_at + duration_s)


def _format(wanted: Any) -> Body:
    if not isinstance(wanted, dict):
        return {"type": "text"}
    return {"type": wanted["type"], "schema": {}, **wanted.get("json_schema", {})}


def _vector_store_ids(thread: Thread, settings: Mapping[str, Any]) -> list[str]:
    if not any(tool["type"] == "file_search" for tool in settings["tools"]):
        return []
    given = settings["tool_resources"].get("file_search", {}).get("vector_store_ids", ())
    return [*given, *thread.vector_store_ids]
