"""Exists to put on record what runs have said by now: messages on their threads, a step for each thing done."""

from collections.abc import Callable, Iterable
from typing import Any

from ..items import Item
from .state import Thread, ThreadRun, Turn

Body = dict[str, Any]
NewId = Callable[[str], str]


def settle(runs: Iterable[ThreadRun], now: float, new_id: NewId) -> None:
    """Deliver every turn that is over; what a cancelled or expired run was about to say is lost."""
    for run in runs:
        turn, (end, _) = run.turns[-1], run.end()
        if not turn.is_delivered and now >= turn.ends_at and turn.ends_at <= end:
            turn.is_delivered = True
            _deliver(run, turn, new_id)


def _deliver(run: ThreadRun, turn: Turn, new_id: NewId) -> None:
    for item in turn.outcome.output:
        if item["type"] == "message":
            message = _replied(run, item, turn.ends_at)
            details: Body = {"type": "message_creation", "message_creation": {"message_id": message["id"]}}
            run.steps.append(_step(new_id("step"), run, turn, details))
    if turn.calls:
        details = {"type": "tool_calls", "tool_calls": tool_calls(turn, output=None)}
        run.steps.append(_step(new_id("step"), run, turn, details))


def _replied(run: ThreadRun, item: Item, at: float) -> Body:
    texts = [{"type": "text", "text": {"value": part.get("text", ""), "annotations": []}} for part in item["content"]]
    message = new_message(item["id"], run.thread, "assistant", texts, at)
    message |= {"run_id": run.id, "assistant_id": run.settings["assistant_id"]}
    if item["status"] == "incomplete":
        message |= {"status": "incomplete", "completed_at": None, "incomplete_at": int(at)}
        message["incomplete_details"] = {"reason": "max_tokens"}
    run.thread.messages.append(message)
    return message


def new_message(identifier: str, thread: Thread, role: str, content: list[Body], at: float) -> Body:
    """Make a message as it is shown; `at` is in epoch seconds."""
    return {
        "id": identifier,
        "object": "thread.message",
        "created_at": int(at),
        "thread_id": thread.id,
        "role": role,
        "content": content,
        "status": "completed",
        "completed_at": int(at),
        "incomplete_at": None,
        "incomplete_details": None,
        "assistant_id": None,
        "run_id": None,
        "attachments": [],
        "metadata": {},
    }


def tool_calls(turn: Turn, **more: Any) -> list[Body]:
    """Show the calls of a turn in the nested form of Assistants v2; `more` goes into each function."""
    return [
        {
            "id": call["call_id"],
            "type": "function",
            "function": {"name": call["name"], "arguments": call["arguments"], **more},
        }
        for call in turn.calls
    ]


def _step(identifier: str, run: ThreadRun, turn: Turn, details: Body) -> Body:
    waits = details["type"] == "tool_calls"
    return {
        "id": identifier,
        "object": "thread.run.step",
        "created_at": int(turn.ends_at),
        "run_id": run.id,
        "assistant_id": run.settings["assistant_id"],
        "thread_id": run.thread.id,
        "type": details["type"],
        "status": "in_progress" if waits else "completed",
        "step_details": details,
        "completed_at": None if waits else int(turn.ends_at),
        "cancelled_at": None,
        "expired_at": None,
        "failed_at": None,
        "last_error": None,
        "metadata": {},
        "usage": None,
    }
