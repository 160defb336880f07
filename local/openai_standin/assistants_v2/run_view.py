"""Exists to show a run as the server would: what is known at a time, and nothing of what is still to come."""

from typing import Any

from .deliveries import tool_calls
from .state import ACTIVE, ThreadRun

Body = dict[str, Any]

_SHOWN = (
    "assistant_id",
    "model",
    "instructions",
    "tools",
    "temperature",
    "top_p",
    "response_format",
    "max_completion_tokens",
    "max_prompt_tokens",
    "parallel_tool_calls",
    "tool_choice",
    "truncation_strategy",
)
_REASONS = {"max_output_tokens": "max_completion_tokens"}


def rendered(run: ThreadRun, now: float) -> Body:
    """Show a run as it is at a time."""
    status, (end, _) = run.status(now), run.end()
    started_at = run.turns[0].starts_at
    is_over = status not in ACTIVE
    outcome = run.turns[-1].outcome if is_over and status == run.turns[-1].outcome.status else None
    reason = outcome.incomplete_reason if outcome else None
    return {
        "id": run.id,
        "object": "thread.run",
        "created_at": int(run.created_at),
        "thread_id": run.thread.id,
        **{name: run.settings[name] for name in _SHOWN},
        "metadata": run.metadata,
        "status": status,
        "started_at": int(started_at) if now >= started_at and started_at <= end else None,
        "expires_at": None if is_over else int(run.expires_at),
        "completed_at": int(end) if status == "completed" else None,
        "cancelled_at": int(end) if status == "cancelled" else None,
        "failed_at": int(end) if status == "failed" else None,
        "last_error": outcome.error if outcome else None,
        "incomplete_details": {"reason": _REASONS.get(reason, reason)} if reason else None,
        "required_action": _required_action(run) if status == "requires_action" else None,
        "usage": _usage(run) if is_over else None,
    }


def _required_action(run: ThreadRun) -> Body:
    calls = {"tool_calls": tool_calls(run.turns[-1])}
    return {"type": "submit_tool_outputs", "submit_tool_outputs": calls}


def _usage(run: ThreadRun) -> Body:
    """Sum up the turns that came to their end; one that was cut off is not billed here."""
    used = [turn.outcome.usage or {} for turn in run.turns if turn.is_delivered]
    read = sum(each.get("input_tokens", 0) for each in used)
    written = sum(each.get("output_tokens", 0) for each in used)
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}


def rendered_steps(run: ThreadRun, now: float) -> list[Body]:
    """Show what a run did; a step that waited for outputs when the run ended is over as well."""
    status, (end, _) = run.status(now), run.end()
    if status not in ("cancelled", "expired"):
        return run.steps
    over = {"status": status, f"{status}_at": int(end)}
    return [{**step, **over} if step["status"] == "in_progress" else step for step in run.steps]
