"""Exists to serve `/v1/responses` (SDK: `types/responses/response.py`)."""

from typing import Any

from .errors import ApiError, conversation_locked, not_found, refused, unknown
from .items import Item, kind_of, require_calls_answered, require_json_word, stored
from .models import require_model_takes
from .paging import Query, page
from .references import require_content_files, require_tools_resources
from .world import Run, World

Body = dict[str, Any]

_ECHOED: Body = {
    "background": False,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "safety_identifier": None,
    "service_tier": "default",
    "store": True,
    "temperature": 1.0,
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}


def create(world: World, query: Query, body: Body) -> Body:
    """Start a response; without `background` it is over at once. The same request twice makes two."""
    _require_served(body, world.behaviour.lacks)
    effort = (body.get("reasoning") or {}).get("effort")
    require_model_takes(world.models, body["model"], body, effort, "reasoning.effort")
    require_content_files(world.storage, body.get("input"), "input")
    conversation_id, context = _context(world, body)
    new = _new_items(world, body, context)
    require_calls_answered([*context, *new])
    if ((body.get("text") or {}).get("format") or {}).get("type") == "json_object":
        require_json_word([*context, *new])
    require_tools_resources(world.storage, body.get("tools") or ())
    run = world.start(body, context, new, conversation_id)
    world.settle()
    return _rendered(run, world.now(), world.models)


def retrieve(world: World, query: Query, body: Body, response_id: str) -> Body:
    """Show a response as it is by now."""
    if "true" in query.get("stream", ()):
        raise refused("This stand-in does not stream.", "stream", "unsupported_by_the_stand_in")
    return _rendered(world.run(response_id), world.now(), world.models)


def list_input_items(world: World, query: Query, body: Body, response_id: str) -> Body:
    """List the items that the request itself brought, newest first unless asked otherwise."""
    return page(world.run(response_id).input_items, query)


def cancel(world: World, query: Query, body: Body, response_id: str) -> Body:
    """Ask a background response to stop; it does so a little later, and only if it is not over by then."""
    run, now = world.run(response_id), world.now()
    if not run.in_background:
        raise refused("Cannot cancel a synchronous response.")
    if not run.is_final(now):
        if run.cancelled_at is None:
            run.cancelled_at = now + world.behaviour.cancel_delay_s
            world.settle()
    elif run.status(now) != "cancelled" and world.behaviour.cancel_finished_status != 200:
        message = f"Cannot cancel a {run.status(now)} response."
        raise ApiError(world.behaviour.cancel_finished_status, message)
    return _rendered(run, now, world.models)


def delete(world: World, query: Query, body: Body, response_id: str) -> Body:
    """Delete a response; one that still runs is found no more, yet holds its conversation to its end."""
    world.run(response_id)
    del world.runs[response_id]
    return {"id": response_id, "object": "response", "deleted": True}


def _require_served(body: Body, lacks: frozenset[str]) -> None:
    if "conversations" in lacks and "conversation" in body:
        raise unknown("conversation")
    if "background" in lacks and body.get("background"):
        raise refused("Unsupported parameter: 'background' is not supported.", "background", "unsupported_parameter")


def _context(world: World, body: Body) -> tuple[str | None, list[Item]]:
    """Collect what came before the request: the conversation's items, or the chain of earlier responses."""
    if body.get("previous_response_id"):
        return None, _chain(world, body["previous_response_id"])
    wanted = body.get("conversation")
    if wanted is None:
        return None, []
    conversation = world.conversation(wanted if isinstance(wanted, str) else wanted["id"], "conversation")
    if world.running_on(conversation.id):
        raise conversation_locked(world.behaviour.locked_status)
    return conversation.id, list(conversation.items)


def _chain(world: World, response_id: str) -> list[Item]:
    previous = world.runs.get(response_id)
    if previous is None or not previous.is_final(world.now()):
        message = f"Previous response with id '{response_id}' not found."
        raise refused(message, "previous_response_id", "previous_response_not_found")
    ended_well = previous.status(world.now()) == previous.outcome.status
    return [*previous.context, *previous.input_items, *(previous.outcome.output if ended_well else [])]


def _new_items(world: World, body: Body, context: list[Item]) -> list[Item]:
    given = body.get("input") or []
    known = {item["id"] for item in context}
    new: list[Item] = []
    for item in [given] if isinstance(given, str) else given:
        if isinstance(item, dict) and kind_of(item) == "item_reference":
            if item["id"] not in known:
                raise not_found("Item", item["id"])
            continue
        if isinstance(item, dict) and item.get("id") in known:
            message = f"Duplicate item found with id {item['id']}. "
            raise refused(message + "Remove duplicate items from your input and try again.", "input")
        new.append(stored(item, world.new_id))
    return new


def _rendered(run: Run, now: float, models: dict[str, str | None]) -> Body:
    request, outcome, status = run.request, run.outcome, run.status(now)
    ended = outcome if run.is_final(now) and status == outcome.status else None
    reason = ended.incomplete_reason if ended else None
    echoed = {name: default if request.get(name) is None else request[name] for name, default in _ECHOED.items()}
    return {
        "id": run.id,
        "object": "response",
        "created_at": run.created_at,
        **echoed,
        "status": status,
        "completed_at": run.final_at if status == "completed" else None,
        "error": ended.error if ended else None,
        "incomplete_details": {"reason": reason} if reason else None,
        "model": request["model"],
        "metadata": request.get("metadata") or {},
        "conversation": {"id": run.conversation_id} if run.conversation_id else None,
        "output": ended.output if ended else [],
        "usage": ended.usage if ended else None,
        "reasoning": _reasoning(request, models.get(request["model"])),
        "text": {"format": {"type": "text"}, "verbosity": "medium", **(request.get("text") or {})},
    }


def _reasoning(request: Body, default_effort: str | None) -> Body:
    return {"effort": default_effort, "summary": None, **(request.get("reasoning") or {})}
