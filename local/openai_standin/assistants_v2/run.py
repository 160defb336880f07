"""Exists to take a run along with the clock: what it has said and done by now, and nothing of what is still to come."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from ..answers import Turn
from ..errors import none_found
from ..items import Item
from ..resources import Body, Collection, Resource
from ..world import World
from .threads import Thread, text_part

_ACTIVE = ("queued", "in_progress", "requires_action", "cancelling")
_REASONS = {"max_output_tokens": "max_completion_tokens"}


def _shown(calls: list[Item], **more: Any) -> list[Body]:
    """Show calls in the nested form of Assistants v2; `more` goes into each function."""
    functions = [{"name": call["name"], "arguments": call["arguments"], **more} for call in calls]
    pairs = zip(calls, functions, strict=True)
    return [{"id": call["call_id"], "type": "function", "function": function} for call, function in pairs]


class ThreadRun(Resource):
    """One run, from its creation to its end; times are in epoch seconds."""

    cancelled_at: float | None = None

    def __init__(self, body: Body, thread: Thread, settings: Mapping[str, Any], turn: Turn, expires_at: float) -> None:
        self.steps: Collection[Step] = Collection(partial(none_found, "run step"))
        super().__init__(body, steps=self.steps)
        self.thread, self.settings, self.turns, self.expires_at = thread, settings, [turn], expires_at

    def end(self) -> tuple[float, str]:
        """Tell when it ends, and how, if nobody does anything more about it."""
        turn = self.turns[-1]
        ends = [] if turn.calls else [(turn.ends_at, turn.outcome.status)]
        if self.cancelled_at is not None:
            ends.append((self.cancelled_at, "cancelled"))
        return min([*ends, (self.expires_at, "expired")], key=lambda each: each[0])

    def status(self, now: float) -> str:
        (end, final), turn = self.end(), self.turns[-1]
        if now >= end:
            return final
        if self.cancelled_at is not None:
            return "cancelling"
        if now < turn.starts_at:
            return "queued"
        return "in_progress" if now < turn.ends_at else "requires_action"

    def is_active(self, now: float) -> bool:
        return self.status(now) in _ACTIVE

    def settle(self, world: World) -> None:
        """Put on record what it has said by now; what a cancelled or expired run was about to say is lost."""
        turn, (end, _) = self.turns[-1], self.end()
        if turn.is_delivered or world.now() < turn.ends_at or turn.ends_at > end:
            return
        turn.is_delivered = True
        for item in turn.outcome.output:
            if item["type"] == "message":
                created = {"message_id": self._reply(item, turn.ends_at)["id"]}
                details: Body = {"type": "message_creation", "message_creation": created}
                self.steps.add(Step(world.new_id("step"), self, turn, details))
        if turn.calls:
            details = {"type": "tool_calls", "tool_calls": _shown(turn.calls, output=None)}
            self.steps.add(Step(world.new_id("step"), self, turn, details))

    def _reply(self, item: Item, at: float) -> Body:
        more = {"run_id": self.id, "assistant_id": self.body["assistant_id"]}
        if item["status"] == "incomplete":
            more |= {"status": "incomplete", "completed_at": None, "incomplete_at": int(at)}
            more["incomplete_details"] = {"reason": "max_tokens"}
        texts = [part if part["type"] == "refusal" else text_part(part) for part in item["content"]]
        return self.thread.say(item["id"], "assistant", texts, at, **more)

    def shown(self, now: float) -> Body:
        status, (end, _), turn = self.status(now), self.end(), self.turns[-1]
        started_at, is_over = self.turns[0].starts_at, status not in _ACTIVE
        outcome = turn.outcome if is_over and status == turn.outcome.status else None
        reason = outcome.incomplete_reason if outcome else None
        action = {"type": "submit_tool_outputs", "submit_tool_outputs": {"tool_calls": _shown(turn.calls)}}
        return {
            **self.body,
            "status": status,
            "started_at": int(started_at) if now >= started_at and started_at <= end else None,
            "expires_at": None if is_over else int(self.expires_at),
            **{f"{each}_at": int(end) if status == each else None for each in ("completed", "cancelled", "failed")},
            "last_error": outcome.error if outcome else None,
            "incomplete_details": {"reason": _REASONS.get(reason, reason)} if reason else None,
            "required_action": action if status == "requires_action" else None,
            "usage": self._usage() if is_over else None,
        }

    def _usage(self) -> Body:
        """Sum up the turns that came to their end; one that was cut off is not billed here."""
        used = [turn.outcome.usage for turn in self.turns if turn.is_delivered and turn.outcome.usage]
        read, written = (sum(each[name] for each in used) for name in ("input_tokens", "output_tokens"))
        return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}


class Step(Resource):
    """A thing that a run did; one that waits for outputs is not over yet."""

    def __init__(self, identifier: str, run: ThreadRun, turn: Turn, details: Body) -> None:
        self.run = run
        waits = details["type"] == "tool_calls"
        super().__init__(
            {
                "id": identifier,
                "object": "thread.run.step",
                "created_at": int(turn.ends_at),
                "run_id": run.id,
                "assistant_id": run.body["assistant_id"],
                "thread_id": run.thread.id,
                "type": details["type"],
                "status": "in_progress" if waits else "completed",
                "step_details": details,
                "completed_at": None if waits else int(turn.ends_at),
                "metadata": {},
                **dict.fromkeys(("cancelled_at", "expired_at", "failed_at", "last_error", "usage")),
            }
        )

    def shown(self, now: float) -> Body:
        """Show it; with its run, a step that waits is over as well."""
        status, (end, _) = self.run.status(now), self.run.end()
        is_cut_off = status in ("cancelled", "expired") and self.body["status"] == "in_progress"
        return {**self.body, "status": status, f"{status}_at": int(end)} if is_cut_off else self.body
