"""Decides about runs that are to be absent: find what a lost reply left, cancel, wait for the end, delete."""

from __future__ import annotations

from dataclasses import replace

from threadrun.errors import NotFound, TerminalError, ThreadRunError, TransientError
from threadrun.reconcile.once import START_GRACE_SECONDS
from threadrun.reconcile.outcome import Actor, Done, RequeueAfter
from threadrun.reconcile.patience import (
    DELETION_PATIENCE_SECONDS,
    delete_thread,
    deleted,
    half_of_the_time,
    is_over,
    is_unseen_for_long,
    tried,
)
from threadrun.reconcile.presence import NOT_SHOWN, NOT_SHOWN_POLL_SECONDS
from threadrun.reconcile.redaction import errors_redacted
from threadrun.state.base import Owned
from threadrun.state.observations import ObservedRun
from threadrun.state.run import RunRecord
from threadrun.state.run_values import Attempt, Started

CANCEL_POLL_SECONDS = 1
CANCEL_PATIENCE_SECONDS, MIN_CANCEL_PATIENCE_SECONDS = 120, 10
"""Half of the time that is left, within these bounds: the deletion that follows needs time too."""
CANCELLING = "the run is being cancelled"
ENDED_BY_ITSELF = frozenset({"completed", "requires_action", "failed", "incomplete", "cancelled"})
"""What a server says of a run that is not at work; `expired` may be the verdict of the deadline."""


def make_absent(run: RunRecord, actor: Actor) -> Done | RequeueAfter:
    if run.options.deletion_policy == "retain":
        return Done()
    with errors_redacted(run, actor):
        if run.thread is not None and (pause := _delete_runs_and_thread(run, run.thread, actor)) is not None:
            return pause
        # After the thread, which shows a store that it was created with: what it shows, and is gone, is looked for.
        return _delete_stores(run, actor) or Done()


def _delete_runs_and_thread(run: RunRecord, thread: Owned, actor: Actor) -> RequeueAfter | None:
    if actor.now >= run.deadline_epoch_s:
        raise TerminalError(f"thread {thread.id} could not be deleted in time: {run.waited_for(actor.now)}")
    if run.attempt is not None and (pause := _find_lost_run(run, thread, run.attempt, actor)) is not None:
        return pause
    if run.run is not None and run.started is not None and _is_to_go(run, run.run):
        pause = _end(run, run.started, actor) or tried(run, lambda: close_calls(run, actor), actor)
        if pause is not None:
            return pause
        for run_id in (run.run.id, *run.round.chain):
            _delete(run, Started(thread.id, run_id), actor, has_ended=_has_ended(run))
        if not _has_ended(run):
            _note_status(run, "cancelled")  # No look finds it any more.
    for run_id in run.observed.failed_ids:
        _delete(run, Started(thread.id, run_id), actor, has_ended=True)
    return delete_thread(run, thread.id, actor) if thread.is_ours else None


def _is_to_go(run: RunRecord, made: Owned) -> bool:
    """An adopted run whose adoption CloudFormation got as FAILED stays as it was."""
    return made.is_ours or (run.options.deletion_policy == "delete" and run.is_acknowledged)


def _delete(run: RunRecord, started: Started, actor: Actor, *, has_ended: bool) -> None:
    """Delete the run. A server that has no other answer than 5xx keeps it, unless it may be at work in an outage."""
    try:
        actor.backend.runs.delete(*started)
    except TransientError:
        is_long = is_over(run, min(half_of_the_time(run), DELETION_PATIENCE_SECONDS), actor.now)
        if not is_long or not (has_ended or _is_shown(started, actor)):
            raise


def _is_shown(started: Started, actor: Actor) -> bool:
    """Whether the server is there: it answers other requests about the run."""
    try:
        actor.backend.runs.look(*started)
    except ThreadRunError as error:
        return isinstance(error, TerminalError)
    return True


def _delete_stores(run: RunRecord, actor: Actor) -> RequeueAfter | None:
    """Delete the store of attached files, or one whose creation got no reply: past the deadline none is looked for."""
    stores, store_id = actor.backend.vector_stores, run.files.vector_store_id
    if store_id is not None:
        return deleted(run, lambda: stores.delete(store_id), actor)
    is_making = run.run is None and not run.files.is_ready
    if is_making and run.resolution is not None and run.resolution.file_ids and actor.now < run.deadline_epoch_s:
        return tried(run, lambda: stores.delete_lost(run.key), actor)
    return None


def close_calls(run: RunRecord, actor: Actor) -> None:
    """Leave no call without an output on a thread that others use; past the deadline this is tried once."""
    if run.thread is None or run.thread.is_ours or run.started is None or not run.round.calls:
        return
    try:
        actor.backend.runs.close_calls(*run.started, run.round.calls)
    except TransientError:
        if actor.now < run.deadline_epoch_s:
            raise


def _find_lost_run(run: RunRecord, thread: Owned, attempt: Attempt, actor: Actor) -> RequeueAfter | None:
    """Look once more for a run whose start got no reply: it would continue, and cost, without its thread."""
    is_making = run.run is None or run.waits_for_outputs
    if is_making and actor.now < attempt.intended_epoch_s + START_GRACE_SECONDS:
        return RequeueAfter(CANCEL_POLL_SECONDS, "the run is being started")
    return tried(run, lambda: _claim_lost_run(run, thread, attempt, actor), actor)


def _claim_lost_run(run: RunRecord, thread: Owned, attempt: Attempt, actor: Actor) -> None:
    runs, found = actor.backend.runs, None
    if run.started is not None and run.waits_for_outputs:
        found = runs.find_continuation(*run.started, run.round.calls)
    elif run.run is None:
        found = runs.find_lost(thread.id, attempt.after_item_id, run.key, run.observed.failed_ids)
        found = found if found is not None and (thread.is_ours or found.is_marked) else None
    if found is None:
        return
    run.note_made(found)
    _note_calls(run, found)
    run.observe(replace(found, problem=None), actor.now)


def _note_calls(run: RunRecord, observed: ObservedRun) -> None:
    """What the run called since the last look, without what it said there: that may have a secret."""
    if observed.calls and observed.is_final:
        run.note_unanswered(observed.calls)


def _note_status(run: RunRecord, status: str) -> None:
    run.observed = run.observed.model_copy(update={"status": status})


def _has_ended(run: RunRecord) -> bool:
    """Whether the record says so: some servers fail each request that is about an ended run."""
    return run.observed.status in ENDED_BY_ITSELF or run.waits_for_outputs


def _end(run: RunRecord, started: Started, actor: Actor) -> RequeueAfter | None:
    """Have the run cancelled until it shows its end, or no longer shows at all; None then, and once that is in vain.

    A server that refuses the look, or the cancellation, is given the same time as one that has no effect.
    """
    if _has_ended(run):
        return None
    pause, refusal = RequeueAfter(CANCEL_POLL_SECONDS, CANCELLING), None
    try:
        observed = actor.backend.runs.look(*started)
        _note_calls(run, observed)
        if observed.is_final:
            _note_status(run, observed.status)
            return None
    except NotFound:
        if is_unseen_for_long(run, actor.now):
            return None
        pause = RequeueAfter(NOT_SHOWN_POLL_SECONDS, NOT_SHOWN)
    except TerminalError:
        pass  # The server does not show it: it is cancelled for a while, and deleted then.
    except TransientError as error:
        refusal = error
    try:
        actor.backend.runs.cancel(*started)
    except TransientError as error:
        refusal = error
    if _was_cancelled_in_vain(run, actor):
        return None
    if refusal is not None:
        refusal.reword(f"{CANCELLING}: {refusal.reason}")
        raise refusal
    return pause


def _was_cancelled_in_vain(run: RunRecord, actor: Actor) -> bool:
    """Whether the server ends the run no more: what can be deleted is deleted, or nothing ever would be."""
    patience = min(max(half_of_the_time(run), MIN_CANCEL_PATIENCE_SECONDS), CANCEL_PATIENCE_SECONDS)
    return run.wait.reason.startswith(CANCELLING) and is_over(run, patience, actor.now)
