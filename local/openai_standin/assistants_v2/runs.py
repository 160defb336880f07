"""Exists to serve the runs of a thread (SDK: `types/beta/threads/run.py`)."""

from typing import Any

from ..errors import refused
from ..models import require_model_takes
from ..overlay import chosen_tool_is_there, format_fits_the_tools
from ..paging import Query, page
from ..world import World
from . import messages, threads
from .resources import granted, require_message_files, require_resources
from .run_view import rendered, rendered_steps
from .state import Thread, ThreadRun
from .turns import first_turn, next_turn

Body = dict[str, Any]

_FROM_ASSISTANT = ("model", "instructions", "tools", "temperature", "top_p", "response_format", "reasoning_effort")
_OWN: Body = {
    "max_completion_tokens": None,
    "max_prompt_tokens": None,
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "truncation_strategy": {"type": "auto", "last_messages": None},
}


def create(world: World, query: Query, body: Body, thread_id: str) -> Body:
    """Start a run on a thread that has no active one; the same request twice is refused, not repeated."""
    thread = world.assistants.thread(thread_id)
    settings = _settings(world, body)
    more = body.get("additional_messages") or []
    require_message_files(world.storage, more, "additional_messages")
    if run := world.assistants.active_run(thread):
        raise refused(f"Thread {thread_id} already has an active run {run.id}.")
    for message in more:
        messages.added(world, thread, message)
    return _started(world, thread, settings)


def create_with_thread(world: World, query: Query, body: Body) -> Body:
    """Create a thread and start a run on it; what is refused leaves no thread behind."""
    settings = _settings(world, body)
    threads.require_creatable(world, body.get("thread", {}), "thread.")
    return _started(world, threads.created(world, body.get("thread", {})), settings)


def list_all(world: World, query: Query, body: Body, thread_id: str) -> Body:
    """List a thread's runs, newest first unless asked otherwise."""
    thread = world.assistants.thread(thread_id)
    return page([rendered(run, world.now()) for run in world.assistants.runs_of(thread)], query)


def retrieve(world: World, query: Query, body: Body, thread_id: str, run_id: str) -> Body:
    """Show a run as it is by now."""
    return rendered(world.assistants.run(thread_id, run_id), world.now())


def update(world: World, query: Query, body: Body, thread_id: str, run_id: str) -> Body:
    """Replace a run's metadata."""
    run = world.assistants.run(thread_id, run_id)
    run.metadata = dict(body.get("metadata") or {})
    return rendered(run, world.now())


def cancel(world: World, query: Query, body: Body, thread_id: str, run_id: str) -> Body:
    """Ask a run to stop; it is cancelling for a while, and may still complete within that."""
    run, now = world.assistants.run(thread_id, run_id), world.now()
    status = run.status(now)
    if status not in ("queued", "in_progress", "requires_action"):
        raise refused(f"Cannot cancel run with status '{status}'.")
    run.cancelled_at = now + world.behaviour.cancel_delay_s
    world.settle()
    return rendered(run, now)


def submit_tool_outputs(world: World, query: Query, body: Body, thread_id: str, run_id: str) -> Body:
    """Answer all functions that the run called at once, which lets it go on."""
    run, now = world.assistants.run(thread_id, run_id), world.now()
    if run.status(now) != "requires_action":
        raise refused(f'Runs in status "{run.status(now)}" do not accept tool outputs.')
    wanted = [call["call_id"] for call in run.turns[-1].calls]
    got = [each["tool_call_id"] for each in body["tool_outputs"]]
    if sorted(wanted) != sorted(got):
        raise refused(f"Expected tool outputs for call_ids {wanted}, got {got}")
    outputs = {each["tool_call_id"]: each.get("output", "") for each in body["tool_outputs"]}
    step = run.steps[-1]
    step |= {"status": "completed", "completed_at": int(now)}
    for call in step["step_details"]["tool_calls"]:
        call["function"]["output"] = outputs[call["id"]]
    run.turns.append(next_turn(world, run, outputs))
    world.settle()
    return rendered(run, now)


def list_steps(world: World, query: Query, body: Body, thread_id: str, run_id: str) -> Body:
    """List what a run did, newest first unless asked otherwise."""
    run = world.assistants.run(thread_id, run_id)
    return page(rendered_steps(run, world.now()), query)


def _settings(world: World, body: Body) -> Body:
    """Lay the request over its assistant, and refuse what can't run."""
    assistant = world.assistants.assistant(body["assistant_id"])
    chosen = {name: body[name] for name in (*_FROM_ASSISTANT, *_OWN) if body.get(name) is not None}
    settings = {**{name: assistant[name] for name in _FROM_ASSISTANT}, **_OWN, **chosen}
    require_model_takes(world.models, settings["model"], chosen, settings["reasoning_effort"])
    chosen_tool_is_there(settings)
    format_fits_the_tools(settings)
    require_resources(world.storage, body.get("tool_resources"))
    asked = (settings["instructions"], body.get("additional_instructions"))
    settings["instructions"] = "\n".join(each for each in asked if each)
    resources = {**assistant["tool_resources"], **granted(world.storage, body.get("tool_resources"))}
    more = {"assistant_id": body["assistant_id"], "tool_resources": resources}
    return {**settings, **more, "metadata": dict(body.get("metadata") or {})}


def _started(world: World, thread: Thread, settings: Body) -> Body:
    now = world.now()
    settings = {**settings, "thread_id": thread.id}
    turn = first_turn(world, thread, settings)
    expires_at = now + world.behaviour.run_expiry_s
    run = ThreadRun(world.new_id("run"), thread, settings, dict(settings["metadata"]), now, expires_at, [turn])
    world.assistants.runs[run.id] = run
    world.runs_started += 1
    world.settle()
    return rendered(run, now)
