"""Decides about runs that are to be absent: find what a lost reply left, cancel, wait for the end, delete."""

from __future__ import annotations

from contextlib import suppress

from threadrun.errors import NotFound, TerminalError, TransientError
from threadrun.reconcile.once import START_GRACE_SECONDS
from threadrun.reconcile.outcome import Actor, Done, RequeueAfter
from threadrun.reconcile.redaction import errors_redacted
from threadrun.state.base import Owned
from threadrun.state.run import RunRecord
from threadrun.state.run_values import Attempt, Started

CANCEL_POLL_SECONDS = 1
CANCEL_PATIENCE_SECONDS, MIN_CANCEL_PATIENCE_SECONDS = 120, 10
"""Half of the time that is left, within these bounds: the deletion that follows needs time too."""
DELETION_PATIENCE_SECONDS = 600
"""Longer than most outages: what is left behind then is deleted by the server itself, after 30 days at OpenAI."""
CANCELLING = "the run is being cancelled"
ENDED_BY_ITSELF = frozenset({"completed", "failed", "incomplete", "cancelled"})
"""What a server says of a run that has ended; `expired` may be the verdict of the deadline."""


def make_absent(run: RunRecord, actor: Actor) -> Done | RequeueAfter:
    if run.options.deletion_policy == "retain":
        return Done()
    with errors_redacted(run, actor):
        _delete_lost_stores(run, actor)
        return Done() if run.thread is None else _delete_all(run, run.thread, actor)


def _delete_all(run: RunRecord, thread: Owned, actor: Actor) -> Done | RequeueAfter:
    policy, backend = run.options.deletion_policy, actor.backend
    if actor.now >= run.deadline_epoch_s:
        raise TerminalError(f"thread {thread.id} could not be deleted in time: {run.waited_for(actor.now)}")
    if run.attempt is not None:
        is_making = run.run is None or run.waits_for_outputs
        if is_making and actor.now < run.attempt.intended_epoch_s + START_GRACE_SECONDS:
            return RequeueAfter(CANCEL_POLL_SECONDS, "the run is being started")
        _claim_lost_run(run, thread, run.attempt, actor)
    # An adopted run whose adoption CloudFormation got as FAILED stays as it was.
    is_to_go = run.run is not None and (run.run.is_ours or (policy == "delete" and run.is_acknowledged))
    if run.run is not None and run.started is not None and is_to_go:
        if not _has_ended(run, run.started, actor) and not _was_cancelled_in_vain(run, actor):
            backend.runs.cancel(*run.started)
            return RequeueAfter(CANCEL_POLL_SECONDS, CANCELLING)
        close_calls(run, actor)
        for run_id in (run.run.id, *run.round.chain):
            _delete(run, Started(thread.id, run_id), actor)
    for run_id in run.observed.failed_ids:
        _delete(run, Started(thread.id, run_id), actor)
    if run.files.vector_store_id is not None:
        backend.vector_stores.delete(run.files.vector_store_id)
    if thread.is_ours:
        backend.threads.delete(thread.id)
    return Done()


def _delete(run: RunRecord, started: Started, actor: Actor) -> None:
    """Delete the run; a server that has no other answer than 5xx, about a run that has ended, keeps it."""
    try:
        actor.backend.runs.delete(*started)
    except TransientError:
        patience = min(_half_of_the_time(run), DELETION_PATIENCE_SECONDS)
        is_refused_for_long = run.wait.has_lasted("cannot delete run", patience, actor.now)
        if run.observed.status not in ENDED_BY_ITSELF or not is_refused_for_long:
            raise


def _delete_lost_stores(run: RunRecord, actor: Actor) -> None:
    """Delete a store of attached files whose creation got no reply; past the deadline nothing is looked for."""
    is_making = run.run is None and not run.files.is_ready and run.files.vector_store_id is None
    if is_making and run.resolution is not None and run.resolution.file_ids and actor.now < run.deadline_epoch_s:
        actor.backend.vector_stores.delete_lost(run.key)


def close_calls(run: RunRecord, actor: Actor) -> None:
    """Leave no call without an output on a thread that others use; past the deadline this is tried once."""
    if run.thread is None or run.thread.is_ours or run.started is None or not run.round.calls:
        return
    try:
        actor.backend.runs.close_calls(*run.started, run.round.calls)
    except TransientError:
        if actor.now < run.deadline_epoch_s:
            raise


def _claim_lost_run(run: RunRecord, thread: Owned, attempt: Attempt, actor: Actor) -> None:
    """Look once more for a run whose start got no reply: it would continue, and cost, without its thread."""
    runs, found = actor.backend.runs, None
    with suppress(NotFound):
        if run.started is not None and run.waits_for_outputs:
            found = runs.find_continuation(*run.started, run.round.calls)
        elif run.run is None:
            found = runs.find_lost(thread.id, attempt.after_item_id, run.key, run.observed.failed_ids)
            found = found if found is not None and (thread.is_ours or found.is_marked) else None
    if found is None:
        return
    run.note_made(found)
    if found.calls:
        run.note_unanswered(found.calls)
    run.observe(found, actor.now)


def _was_cancelled_in_vain(run: RunRecord, actor: Actor) -> bool:
    """Whether the server ends the run no more: what can be deleted is deleted, or nothing ever would be."""
    patience = min(max(_half_of_the_time(run), MIN_CANCEL_PATIENCE_SECONDS), CANCEL_PATIENCE_SECONDS)
    return run.wait.has_lasted(CANCELLING, patience, actor.now)


def _half_of_the_time(run: RunRecord) -> float:
    """Seconds: of those that were left when the present wait began."""
    return (run.deadline_epoch_s - run.wait.since_epoch_s) / 2


def _has_ended(run: RunRecord, started: Started, actor: Actor) -> bool:
    if run.observed.status in ENDED_BY_ITSELF:
        return True  # Some servers fail each request that is about an ended run.
    try:
        observed = actor.backend.runs.look(*started)
    except NotFound:
        return True
    except TerminalError:
        return False  # The server does not show it: it is cancelled for a while, and deleted then.
    except TransientError:
        if run.wait.reason == CANCELLING or run.wait.has_lasted("cannot read run", _half_of_the_time(run), actor.now):
            return False
        raise
    if observed.calls:
        run.note_unanswered(observed.calls)  # It may have made them since the last look.
    return observed.is_final
