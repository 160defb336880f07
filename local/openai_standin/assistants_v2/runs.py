"""Exists to serve the runs of a thread (SDK: `types/beta/threads/run.py`)."""

from typing import Any

from ..errors import missing, refused
from ..fields import choice, fields
from ..paging import Query, page, require_known
from ..validation import require_model_exists, require_model_takes
from ..world import World
from . import checks, messages, threads
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
_INCLUDABLE = choice("step_details.tool_calls[*].file_search.results[*].content")


def create(world: World, query: Query, body: Body, thread_id: str) -> Body:
    """Start a run on a thread that has no active one; the same request twice is refused, not repeated."""
    _require_include(query)
    thread = world.assistants.thread(thread_id)
    fields(checks.CREATE_RUN)(body, "")
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
    _require_include(query)
    fields(checks.CREATE_THREAD_AND_RUN)(body, "")
    settings = _settings(world, body)
    threads.require_creatable(world, body.get("thread", {}), "thread.")
    return _started(world, threads.created(world, body.get("thread", {})), settings)


def list_all(world: World, query: Query, body: Body, thread_id: str) -> Body:
    """List a thread's runs, newest first unless asked otherwise."""
    thread = world.assistants.thread(thread_id)
    return page([rendered(run, world.now()) for run in world.assistants.runs_of(thread)], query, "before")


def retrieve(world: World, query: Query, body: Body, thread_id: str, run_id: str) -> Body:
    """Show a run as it is by now."""
    require_known(query)
    return rendered(world.assistants.run(thread_id, run_id), world.now())


def update(world: World, query: Query, body: Body, thread_id: str, run_id: str) -> Body:
    """Replace a run's metadata."""
    require_known(query)
    run = world.assistants.run(thread_id, run_id)
    fields(checks.UPDATE_METADATA)(body, "")
    run.metadata = dict(body.get("metadata") or {})
    return rendered(run, world.now())


def cancel(world: World, query: Query, body: Body, thread_id: str, run_id: str) -> Body:
    """Ask a run to stop; it is cancelling for a while, and may still complete within that."""
    require_known(query)
    run, now = world.assistants.run(thread_id, run_id), world.now()
    status = run.status(now)
    if status not in ("queued", "in_progress", "requires_action"):
        raise refused(f"Cannot cancel run with status '{status}'.")
    run.cancelled_at = now + world.behaviour.cancel_delay_s
    world.settle()
    return rendered(run, now)


def submit_tool_outputs(world: World, query: Query, body: Body, thread_id: str, run_id: str) -> Body:
    """Answer all functions that the run called at once, which lets it go on."""
    require_known(query)
    run, now = world.assistants.run(thread_id, run_id), world.now()
    fields(checks.SUBMIT_OUTPUTS, ["tool_outputs"])(body, "")
    checks.require_not_streamed(body)
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
    return page(rendered_steps(run, world.now()), _require_include(query), "before")


def _require_include(query: Query) -> Query:
    """Refuse every query parameter but paging and this wire's own `include`, and leave the paging."""
    paging = {name: values for name, values in query.items() if name not in ("include", "include[]")}
    for name in set(query) - set(paging):
        for value in query[name]:
            _INCLUDABLE(value, "include")
    return paging


def _settings(world: World, body: Body) -> Body:
    """Lay the request over its assistant, and refuse what can't run."""
    checks.require_not_streamed(body)
    if "assistant_id" not in body:
        raise missing("assistant_id")
    assistant = world.assistants.assistant(body["assistant_id"])
    chosen = {name: body[name] for name in (*_FROM_ASSISTANT, *_OWN) if body.get(name) is not None}
    settings = {**{name: assistant[name] for name in _FROM_ASSISTANT}, **_OWN, **chosen}
    require_model_exists(settings["model"], world.models)
    require_model_takes(chosen, settings["reasoning_effort"], world.models[settings["model"]])
    checks.require_consistent(settings)
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
