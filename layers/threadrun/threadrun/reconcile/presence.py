"""Decides whether what was made is at the server: only what it does not show for a while is not there."""
# docs/decisions.md: "What is gone from the server is made again by the next update"

from __future__ import annotations

from collections.abc import Callable

from threadrun.errors import NotFound, ThreadRunError
from threadrun.reconcile.outcome import Actor, Gone, RequeueAfter
from threadrun.state.base import PhysicalRecord

NOT_SHOWN = "the server does not show what it has made"
NOT_SHOWN_SECONDS, NOT_SHOWN_POLL_SECONDS = 15, 5
"""Some servers read from a replica, and know nothing for a moment of what they have."""


def look_again(made: PhysicalRecord, actor: Actor) -> RequeueAfter | None:
    """What to do where the server refuses a request about what was made; None once that counts, or nothing was made."""
    if not made.server_ids or made.wait.has_lasted(NOT_SHOWN, NOT_SHOWN_SECONDS, actor.now):
        return None
    return RequeueAfter(NOT_SHOWN_POLL_SECONDS, NOT_SHOWN)


def missing(made: PhysicalRecord, look: Callable[[], object], actor: Actor) -> Gone | RequeueAfter | None:
    """What to do about a thing that CloudFormation knows and the server does not show; None where it does.

    None also where it refuses or fails the look: what is on record counts, for a rollback above all.
    """
    if not made.is_acknowledged:
        return None
    try:
        look()
    except NotFound:
        return look_again(made, actor) or Gone()
    except ThreadRunError:
        return None
    return None
