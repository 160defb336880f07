"""Exists to serve the runs of a thread: each turn of a run plays a script (SDK: `types/beta/threads/run.py`)."""

from collections.abc import Mapping, Sequence
from typing import Any

from ..answers import Outcome, Turn
from ..errors import refused
from ..items import Item
from ..resources import Body, Collection, metadata_of
from ..responses import require_model_takes
from ..rules import chosen_tool_is_there, format_fits_the_tools
from ..world import World
from .run import ThreadRun
from .threads import Thread, add_message, granted, new_thread

# By OpenAI's documentation, a run waits this long, in seconds, for its thread's vector store.
_INDEXING_PATIENCE_S = 60
_FROM_ASSISTANT = ("model", "instructions", "tools", "temperature", "top_p", "response_format", "reasoning_effort")
_OWN: Body = {
    "max_completion_tokens": None,
    "max_prompt_tokens": None,
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "truncation_strategy": {"type": "auto", "last_messages": None},
}


def create(world: World, runs: Collection[ThreadRun], given: Body) -> Body:
    """Start a run on a thread that has no active one; the same request twice is refused, not repeated."""
    thread, settings = runs.owner, _settings(world, given)
    if run := thread.active_run(world.now()):
        raise refused(f"Thread {thread.id} already has an active run {run.id}.")
    for message in given.get("additional_messages") or ():
        add_message(world, thread, message)
    return _started(world, thread, settings)


def create_with_thread(world: World, threads: Collection[Thread], given: Body) -> Body:
    """Create a thread and start a run on it; what is refused leaves no thread behind."""
    settings = _settings(world, given)
    return _started(world, new_thread(world, given.get("thread", {})), settings)


def cancel(world: World, run: ThreadRun, given: Body) -> Body:
    """Ask a run to stop; it is cancelling for a while, and may still complete within that."""
    now = world.now()
    status = run.status(now)
    if status not in ("queued", "in_progress", "requires_action"):
        raise refused(f"Cannot cancel run with status '{status}'.")
    run.cancelled_at = now + world.settings.cancel_delay_s
    world.settle()
    return run.shown(now)


def submit_tool_outputs(world: World, run: ThreadRun, given: Body) -> Body:
    """Answer all functions that the run called at once, which lets it go on."""
    now, last = world.now(), run.turns[-1]
    if run.status(now) != "requires_action":
        raise refused(f'Runs in status "{run.status(now)}" do not accept tool outputs.')
    wanted = [call["call_id"] for call in last.calls]
    got = [each["tool_call_id"] for each in given["tool_outputs"]]
    if sorted(wanted) != sorted(got):
        raise refused(f"Expected tool outputs for call_ids {wanted}, got {got}")
    outputs = {each["tool_call_id"]: each.get("output", "") for each in given["tool_outputs"]}
    step = [*run.steps.values()][-1].body
    step |= {"status": "completed", "completed_at": int(now)}
    for call in step["step_details"]["tool_calls"]:
        call["function"]["output"] = outputs[call["id"]]
    new = [{"type": "function_call_output", "call_id": call, "output": text} for call, text in outputs.items()]
    run.turns.append(_turn(world, run.settings, [*last.context, *last.outcome.output], new))
    world.settle()
    return run.shown(now)


def _settings(world: World, given: Body) -> Body:
    """Lay the request over its assistant, and refuse what can't run."""
    assistant = world.assistants.find(given["assistant_id"], "assistant_id").body
    chosen = {name: given[name] for name in (*_FROM_ASSISTANT, *_OWN) if given.get(name) is not None}
    settings = {**{name: assistant[name] for name in _FROM_ASSISTANT}, **_OWN, **chosen}
    require_model_takes(world.models, settings["model"], chosen, settings["reasoning_effort"])
    chosen_tool_is_there(settings)
    format_fits_the_tools(settings)
    asked = (settings["instructions"], given.get("additional_instructions"))
    settings["instructions"] = "\n".join(each for each in asked if each)
    resources = {**assistant["tool_resources"], **granted(world, given.get("tool_resources"))}
    more = {"assistant_id": assistant["id"], "tool_resources": resources, "metadata": metadata_of(given)}
    return {**settings, **more}


def _started(world: World, thread: Thread, settings: Body) -> Body:
    now = world.now()
    settings = {**settings, "thread_id": thread.id}
    turn = _first_turn(world, thread, settings)
    body = {"id": world.new_id("run"), "object": "thread.run", "created_at": int(now), **settings}
    for name in ("reasoning_effort", "tool_resources"):
        del body[name]
    run = thread.runs.add(ThreadRun(body, thread, settings, turn, now + world.settings.run_expiry_s))
    world.thread_runs.append(run)
    world.runs_started += 1
    world.settle()
    return run.shown(now)


def _first_turn(world: World, thread: Thread, settings: Mapping[str, Any]) -> Turn:
    """Start on what the thread says; what no run has answered yet counts as the input, for scripts that match."""
    said = [message.body for message in thread.messages.values()]
    context = [_as_item(message) for message in said]
    unread = len(said)
    while unread and said[unread - 1]["run_id"] is None:
        unread -= 1
    now, turn = world.now(), _turn(world, settings, context[:unread], context[unread:])
    for store_id in dict.fromkeys(_vector_store_ids(thread, settings)):
        store = world.vector_stores.get(store_id)
        if store is None or store.is_expired(now):
            error = {"code": "server_error", "message": f"Vector store with id '{store_id}' is expired or deleted."}
            turn.outcome = Outcome("failed", [], None, error)
            continue
        store.last_active_at = now
        waits_s = min(max(store.indexed_at - turn.starts_at, 0), _INDEXING_PATIENCE_S)
        turn.starts_at, turn.ends_at = turn.starts_at + waits_s, turn.ends_at + waits_s
    return turn


def _turn(world: World, settings: Mapping[str, Any], context: Sequence[Item], new: list[Item]) -> Turn:
    wanted = settings["response_format"]
    asked: Body = {"type": "text"}
    if isinstance(wanted, dict):
        asked = {"type": wanted["type"], "schema": {}, **wanted.get("json_schema", {})}
    return world.play({**settings, "input": new, "text": {"format": asked}}, [*context, *new])


def _as_item(message: Body) -> Item:
    """Show a message as the item that the Responses wire would have for it."""
    kind = "output_text" if message["role"] == "assistant" else "input_text"
    texts = [part["text"]["value"] for part in message["content"] if part["type"] == "text"]
    content = [{"type": kind, "text": text} for text in texts]
    return {"type": "message", "id": message["id"], "role": message["role"], "content": content}


def _vector_store_ids(thread: Thread, settings: Mapping[str, Any]) -> list[str]:
    if not any(tool["type"] == "file_search" for tool in settings["tools"]):
        return []
    given = settings["tool_resources"].get("file_search", {}).get("vector_store_ids", ())
    return [*given, *thread.vector_store_ids]
