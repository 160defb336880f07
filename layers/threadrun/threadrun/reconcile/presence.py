"""Decides whether what CloudFormation knows is still at the server: only what it does not show for a while is gone."""
# docs/decisions.md: "What is gone from the server is made again by the next update"

from __future__ import annotations

from collections.abc import Callable

from threadrun.errors import NotFound, ThreadRunError
from threadrun.reconcile.once import BUSY_POLL_SECONDS
from threadrun.reconcile.outcome import Actor, Gone, RequeueAfter
from threadrun.state.base import PhysicalRecord

NOT_SHOWN_SECONDS = 15
"""Some servers read from a replica, and know nothing for a moment of what they have."""


def missing(made: PhysicalRecord, look: Callable[[], object], actor: Actor) -> Gone | RequeueAfter | None:
    """What to do about a thing that CloudFormation knows and the server does not show; None where it does.

    None also where it refuses or fails the look: what is on record counts, for a rollback above all.
    """
    if not made.is_acknowledged:
        return None
    reason = "the server does not show it"
    try:
        look()
    except NotFound:
        if made.wait.has_lasted(reason, NOT_SHOWN_SECONDS, actor.now):
            return Gone()
        return RequeueAfter(BUSY_POLL_SECONDS, reason)
    except ThreadRunError:
        return None
    return None
