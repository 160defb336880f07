"""Exists to serve `/v1/responses` (SDK: `types/responses/response.py`)."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from .answers import Outcome, Turn
from .conversations import Conversation
from .errors import ApiError, conversation_locked, not_found, refused, unknown, unsupported
from .hosted_tools import require_mcp_servers, shown_tool
from .items import Item, is_reference, require_calls_answered, require_json_word, stored
from .resources import Body, Collection, Resource
from .world import World

_IN_CONVERSATION = ("completed", "incomplete")
_HISTORY = {"conversation": "Conversation", "previous_response_id": "Previous response"}
_ECHOED: Body = {
    "background": False,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
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


class Response(Resource):
    """One response, from its creation to its end; `new` are the items that its request brought."""

    cancelled_at: float | None = None

    def __init__(
        self, body: Body, request: Body, turn: Turn, new: list[Item], conversation: Conversation | None
    ) -> None:
        inputs: Collection[Resource] = Collection(partial(not_found, "Item"))
        for item in new:
            inputs.add(Resource(item))
        super().__init__(body, input_items=inputs)
        self.request, self.turn, self.new, self.conversation = request, turn, new, conversation
        self.in_background, self.is_stored = bool(request.get("background")), request.get("store") is not False

    @property
    def final_at(self) -> float:
        """Tell when it reaches its final status, in epoch seconds."""
        return self.turn.ends_at if self.cancelled_at is None else min(self.turn.ends_at, self.cancelled_at)

    def is_final(self, now: float) -> bool:
        return now >= self.final_at

    def status(self, now: float) -> str:
        if not self.is_final(now):
            return "queued" if now < self.turn.starts_at else "in_progress"
        return "cancelled" if self.final_at < self.turn.ends_at else self.turn.outcome.status

    def result(self, now: float) -> Outcome | None:
        """Give what came of it, once it has ended by itself."""
        outcome = self.turn.outcome
        return outcome if self.is_final(now) and self.status(now) == outcome.status else None

    def finish(self, world: World) -> None:
        """Put its items into the conversation: only of a response that ended well, so that they prove it."""
        conversation, outcome = self.conversation, self.result(self.final_at)
        if conversation is None or not self.is_stored or outcome is None or outcome.status not in _IN_CONVERSATION:
            return
        items = [*self.new, *outcome.output]
        if conversation.id in world.conversations:
            conversation.extend(items)
        else:
            world.orphan_items += len(items)

    def shown(self, now: float) -> Body:
        status, ended = self.status(now), self.result(now)
        reason = ended.incomplete_reason if ended else None
        return {
            **self.body,
            "status": status,
            "completed_at": int(self.final_at) if status == "completed" else None,
            "error": ended.error if ended else None,
            "incomplete_details": {"reason": reason} if reason else None,
            "output": ended.output if ended else [],
            "usage": ended.usage if ended else None,
        }


def create(world: World, responses: Collection[Response], given: Body) -> Body:
    """Start a response; without `background` it is over at once. The same request twice makes two."""
    _require_served(given, world.settings.lacks)
    effort = (given.get("reasoning") or {}).get("effort")
    require_model_takes(world.models, given["model"], given, effort, "reasoning.effort")
    require_mcp_servers(world.mcp_servers, given.get("tools") or ())
    conversation = _conversation(world, given)
    context = [*conversation] if conversation else _chain(world, given.get("previous_response_id"))
    new = _new_items(world, given, context)
    require_calls_answered([*context, *new])
    if ((given.get("text") or {}).get("format") or {}).get("type") == "json_object":
        require_json_word([*context, *new])
    for store_id in [each for tool in given.get("tools") or () for each in tool.get("vector_store_ids") or ()]:
        world.vector_stores[store_id].last_active_at = world.now()
    turn = world.play(given, [*context, *new], is_quick=not given.get("background"))
    response = Response(_body(world, given, conversation), given, turn, new, conversation)
    world.start(response)
    return response.shown(world.now())


def cancel(world: World, response: Response, given: Body) -> Body:
    """Ask a background response to stop; it does so a little later, and only if it is not over by then."""
    now, settings = world.now(), world.settings
    status = response.status(now)
    if not response.in_background:
        raise refused("Cannot cancel a synchronous response.")
    if not response.is_final(now):
        if response.cancelled_at is None:
            response.cancelled_at = now + settings.cancel_delay_s
            world.settle()
    elif status != "cancelled" and settings.cancel_finished_status != 200:
        raise ApiError(settings.cancel_finished_status, f"Cannot cancel a {status} response.")
    return response.shown(now)


def require_model_takes(
    models: Mapping[str, str | None], model: str, asked: Mapping[str, Any], effort: str | None, effort_param: str = ""
) -> None:
    """Refuse an unknown model, sampling from a model that reasons, and effort from one that cannot (400)."""
    if model not in models:
        raise refused(f"The requested model '{model}' does not exist.", "model", "model_not_found")
    if effort is not None and models[model] is None:
        raise unsupported(effort_param or "reasoning_effort")
    reasons = (effort or models[model]) not in (None, "none")
    for name in ("temperature", "top_p"):
        if reasons and asked.get(name) is not None:
            raise unsupported(name)


def _require_served(given: Body, lacks: Any) -> None:
    if "conversations" in lacks and "conversation" in given:
        raise unknown("conversation")
    if "retention" in lacks and (param := next((each for each in _HISTORY if given.get(each)), None)):
        message = f"{_HISTORY[param]} cannot be used for this organization due to Zero Data Retention."
        raise refused(message, param, "unsupported_parameter")
    if "background" in lacks and given.get("background"):
        raise refused("Unsupported parameter: 'background' is not supported.", "background", "unsupported_parameter")


def _conversation(world: World, given: Body) -> Conversation | None:
    wanted = given.get("conversation")
    if not wanted:
        return None
    conversation = world.conversations.find(wanted if isinstance(wanted, str) else wanted["id"], "conversation")
    if world.running_on(conversation.id):
        raise conversation_locked(world.settings.locked_status)
    return conversation


def _chain(world: World, response_id: str | None) -> list[Item]:
    """Collect what the chain of earlier responses said."""
    if not response_id:
        return []
    now, previous = world.now(), world.responses.get(response_id)
    if previous is None or not previous.is_final(now):
        message = f"Previous response with id '{response_id}' not found."
        raise refused(message, "previous_response_id", "previous_response_not_found")
    ended = previous.result(now)
    return [*previous.turn.context, *(ended.output if ended else [])]


def _new_items(world: World, given: Body, context: list[Item]) -> list[Item]:
    brought = given.get("input") or []
    known = {item["id"] for item in context}
    new: list[Item] = []
    for item in [{"role": "user", "content": brought}] if isinstance(brought, str) else brought:
        if is_reference(item):
            if item["id"] not in known:
                raise not_found("Item", item["id"])
            continue
        if item.get("id") in known:
            message = f"Duplicate item found with id {item['id']}. "
            raise refused(message + "Remove duplicate items from your input and try again.", "input")
        new.append(stored(item, world.new_id))
    return new


def _body(world: World, given: Body, conversation: Conversation | None) -> Body:
    """Make what is shown of a response from its beginning to its end."""
    reasoning = {"effort": world.models[given["model"]], "summary": None, **(given.get("reasoning") or {})}
    return {
        "id": world.new_id("resp"),
        "object": "response",
        "created_at": int(world.now()),
        **{name: default if given.get(name) is None else given[name] for name, default in _ECHOED.items()},
        "tools": [shown_tool(tool) for tool in given.get("tools") or ()],
        "model": given["model"],
        "conversation": {"id": conversation.id} if conversation else None,
        "reasoning": reasoning,
        "text": {"format": {"type": "text"}, "verbosity": "medium", **(given.get("text") or {})},
    }
