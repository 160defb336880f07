"""Decides how long a deletion waits for what the server refuses, and what it goes on without then."""
# docs/decisions.md: "A deletion waits for a while, and goes on without"

from __future__ import annotations

from collections.abc import Callable

from threadrun.errors import NotFound, ThreadRunError, TransientError
from threadrun.reconcile.outcome import Actor, RequeueAfter
from threadrun.reconcile.presence import NOT_SHOWN, NOT_SHOWN_POLL_SECONDS, NOT_SHOWN_SECONDS
from threadrun.state.base import PhysicalRecord

DELETION_PATIENCE_SECONDS = 600
"""Longer than most outages: what is left behind then is deleted by the server itself, after 30 days at OpenAI."""


def half_of_the_time(made: PhysicalRecord) -> float:
    """Seconds: of those that were left when the deletion had to wait first."""
    return (made.deadline_epoch_s - made.wait.deleting_since_epoch_s) / 2


def is_over(made: PhysicalRecord, seconds: float, now: float) -> bool:
    """Whether the deletion has waited for so long already, for whatever it was."""
    since = made.wait.deleting_since_epoch_s
    return since > 0 and now >= since + seconds


def is_unseen_for_long(made: PhysicalRecord, now: float) -> bool:
    """Whether a server's refusal to show a thing counts: some read from a replica, and know nothing for a moment."""
    return made.wait.has_lasted(NOT_SHOWN, min(NOT_SHOWN_SECONDS, half_of_the_time(made)), now)


def tried(made: PhysicalRecord, action: Callable[[], object], actor: Actor) -> RequeueAfter | None:
    """Do what the deletion is better off with, or say what it waits for; None also where that was refused for long.

    Raises a `TransientError` of the server until then.
    """
    try:
        action()
    except ThreadRunError as error:
        if is_over(made, min(half_of_the_time(made), DELETION_PATIENCE_SECONDS), actor.now):
            return None
        if isinstance(error, TransientError):
            raise
        return None if is_unseen_for_long(made, actor.now) else RequeueAfter(NOT_SHOWN_POLL_SECONDS, NOT_SHOWN)
    return None


def deleted(made: PhysicalRecord, deletion: Callable[[], object], actor: Actor) -> RequeueAfter | None:
    """Delete a thing of this record, or say what to wait for: one that the server does not know for a while is gone."""
    try:
        deletion()
    except NotFound:
        if not is_unseen_for_long(made, actor.now):
            return RequeueAfter(NOT_SHOWN_POLL_SECONDS, NOT_SHOWN)
    return None


def delete_thread(made: PhysicalRecord, thread_id: str, actor: Actor) -> RequeueAfter | None:
    """Delete the thread with what it holds, or say what to wait for; in the end it goes without."""
    threads = actor.backend.threads
    if (pause := tried(made, lambda: threads.empty(thread_id), actor)) is not None:
        return pause
    return deleted(made, lambda: threads.delete(thread_id), actor)
