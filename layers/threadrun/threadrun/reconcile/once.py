"""Make a creating request once, though its reply can be lost and the process that made it can end.

The attempt is saved before the request. What a step finds on record decides:

| attempt | action |
| --- | --- |
| none, or `refused` | `run.intend` notes one, whose owner is this step, and it is saved |
| owned by this step, noted less than `START_GRACE_SECONDS` ago | make the request; it has no owner from then on |
| any other, and `find` shows what the request made | take that for its result |
| any other, with nothing to be seen, noted just now or `locked` | wait, and look again |
| any other, with nothing to be seen since | own it and make the request again; fail where a thread shows no lost run |
"""
# docs/decisions.md: "Only the process that noted the intent may start the run"
# docs/decisions.md: "A lock on our own thread forbids another start"
# docs/decisions.md: "On a chain a start whose reply is lost is given up"

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from threadrun.errors import LostReply, NotFound, NotShown, TerminalError, ThreadBusy, TransientError
from threadrun.reconcile.outcome import Actor, Checkpoint, Outcome, RequeueAfter
from threadrun.reconcile.presence import NOT_SHOWN, NOT_SHOWN_POLL_SECONDS, NOT_SHOWN_SECONDS, look_again
from threadrun.state.observations import ObservedRun
from threadrun.state.run import RunRecord
from threadrun.state.run_values import Attempt

START_GRACE_SECONDS = 30
"""How long a request without a reply may take to show up in the thread before it counts as never made."""
BUSY_POLL_SECONDS = 5


@dataclass(frozen=True)
class CreatingRequest:
    """A request that must not be made twice, and how to find out whether it was."""

    effect: str
    """What has happened then, as a clause."""
    make: Callable[[], ObservedRun]
    find: Callable[[], ObservedRun | None]
    thread_id: str
    lock_proves: Literal["nothing", "an earlier request", "any request"]
    """What a lock on the thread shows to have had its effect: others may hold a thread that is not only ours."""


def make_once(run: RunRecord, request: CreatingRequest, attempt: Attempt, actor: Actor) -> ObservedRun | Outcome:
    """The run as the request, or an earlier one, made it; or what to wait for. `attempt` is the run's own.

    Raises what `make` and `find` raise, and `TerminalError` where nothing shows whether the request was made.
    """
    # A step that was frozen since it noted the attempt is not alone any more: another one may have started the run.
    if attempt.owner != actor.step_id or actor.now >= attempt.intended_epoch_s + START_GRACE_SECONDS:
        return _recover(run, request, attempt, actor)
    run.attempt = attempt.model_copy(update={"owner": None})
    try:
        return request.make()
    except LostReply:
        raise  # Keep the attempt: the run may live.
    except ThreadBusy as busy:
        proves, is_earlier = request.lock_proves, attempt.earlier != "none"
        if proves == "any request" or (proves == "an earlier request" and is_earlier):
            # Without an earlier one, something on the way repeated this one, and the second was refused.
            run.attempt = attempt.model_copy(update={"owner": None, "earlier": "locked"})
        elif attempt.earlier == "none":
            run.attempt = None
        pause = busy.retry_after_seconds or BUSY_POLL_SECONDS
        return RequeueAfter(pause, f"another run holds the thread: {busy.reason}", is_contended=True)
    except NotFound as refusal:
        return _refused(run, attempt, refusal, actor)
    except (TransientError, TerminalError):
        if attempt.earlier == "none":
            run.attempt = None
        raise  # Otherwise keep the attempt: this refusal says nothing about the earlier one.


def _refused(run: RunRecord, attempt: Attempt, refusal: NotFound, actor: Actor) -> RequeueAfter:
    """Have the request made again for a while, where it is about what was just made; raises `TerminalError`."""
    since = attempt.refused_since_epoch_s or actor.now
    if attempt.earlier == "none":
        run.attempt = None
        if run.server_ids and actor.now < since + NOT_SHOWN_SECONDS:
            refused = {"owner": None, "earlier": "refused", "refused_since_epoch_s": since}
            run.attempt = attempt.model_copy(update=refused)
            return RequeueAfter(NOT_SHOWN_POLL_SECONDS, NOT_SHOWN)
    raise TerminalError(refusal.reason) from refusal.__cause__


def _recover(run: RunRecord, request: CreatingRequest, attempt: Attempt, actor: Actor) -> ObservedRun | Outcome:
    try:
        found = request.find()
    except NotShown as refusal:
        if again := look_again(run, actor):
            return again
        raise TerminalError(
            f"cannot tell whether {request.effect}: the reply was lost, and {refusal.reason}; it was not repeated: "
            "deploy again"
        ) from refusal
    if found is not None:
        return found
    if attempt.earlier == "locked" or actor.now < attempt.intended_epoch_s + START_GRACE_SECONDS:
        return RequeueAfter(BUSY_POLL_SECONDS, "checking whether the run started: the reply was lost")
    if not actor.backend.runs.keeps(request.thread_id):
        raise TerminalError(
            f"cannot tell whether {request.effect}: the reply was lost, and this server has no conversations to "
            "check; it was not repeated: deploy again"
        )
    run.attempt = attempt.model_copy(
        update={"intended_epoch_s": actor.now, "owner": actor.step_id, "earlier": "unknown"}
    )
    return Checkpoint("the run was never started: starting it again")
