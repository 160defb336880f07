"""Decides about runs: find or make the thread, index the files, start, look until the end; and the way back.

Each call takes at most one creating effect, so whoever calls it saves the record between two calls.
"""

from __future__ import annotations

from threadrun.backend import Backend, ObservedRun
from threadrun.errors import LostReply, NotFound, TerminalError, ThreadBusy, TransientError
from threadrun.json_schema import first_problem
from threadrun.outcome import Done, RequeueAfter, poll_seconds
from threadrun.record import RunRecord

START_GRACE_SECONDS = 30
"""How long a start without a reply may take to show up in the thread before it counts as never made."""
BUSY_POLL_SECONDS = 5
CANCEL_POLL_SECONDS = 1
INDEX_POLL_SECONDS = 1


def make_present(run: RunRecord, backend: Backend, now: float) -> Done | RequeueAfter:
    if run.failure is not None:
        raise TerminalError(run.failure)
    if run.is_final and not run.must_recheck:
        return Done()
    if now >= run.deadline_epoch_s:
        return _give_up(run, backend)
    if run.must_recheck:
        return _recheck(run, backend, now)
    if not run.is_resolved:
        _resolve(run, backend)
    if run.desired is not None and run.desired.import_id is not None:
        run.thread_id, run.run_id = run.desired.import_id.split(":")
        return _settle(run, backend.adopt_run(run.thread_id, run.run_id), now)
    if run.thread_id is None and not run.use_existing_thread():
        return _make_thread(run, backend)
    assert run.thread_id is not None
    if run.run_id is not None:
        return _observe(run, backend, now)
    if not run.is_indexed and (indexing := _index_files(run, run.thread_id, backend)):
        return indexing
    return _start(run, run.thread_id, backend, now)


def _resolve(run: RunRecord, backend: Backend) -> None:
    desired = run.desired
    if desired is None:
        raise TerminalError("the run's properties are no longer on record: change a trigger to start a new run")
    if (desired.max_completion_tokens or backend.min_completion_tokens) < backend.min_completion_tokens:
        raise TerminalError(f"max_completion_tokens: must be at least {backend.min_completion_tokens} on this API")
    is_needed = desired.assistant_id is not None and desired.import_id is None
    run.resolve(backend.find_assistant(str(desired.assistant_id)) if is_needed else None)


def _make_thread(run: RunRecord, backend: Backend) -> RequeueAfter:
    run.thread_id, run.thread_is_ours = backend.create_thread(run.plan()), True
    return RequeueAfter(0, "the thread is known")


def _index_files(run: RunRecord, thread_id: str, backend: Backend) -> RequeueAfter | None:
    """None once the files, if there are any, can be searched."""
    if run.vector_store_id is None:
        run.vector_store_id = backend.make_vector_store(run.plan(), thread_id, run.key)
        if run.vector_store_id is not None:
            return RequeueAfter(0, "the vector store is known")
    else:
        indexing = backend.observe_indexing(run.vector_store_id)
        if indexing.is_pending:
            return RequeueAfter(INDEX_POLL_SECONDS, "files are being indexed")
        if indexing.failures:
            failures = "; ".join(f"{file_id}: {reason}" for file_id, reason in indexing.failures)
            raise TerminalError(f"cannot index the attached files: {failures}")
    run.is_indexed = True
    return None


def _start(run: RunRecord, thread_id: str, backend: Backend, now: float) -> Done | RequeueAfter:
    if run.start_intended_epoch_s is None:
        run.intend_start(now, None if run.thread_is_ours else backend.last_item_id(thread_id))
        return RequeueAfter(0, "the run is about to be started")
    if not run.disarm():
        return _recover_start(run, thread_id, run.start_intended_epoch_s, backend, now)
    try:
        observed = backend.start_run(run.plan(), thread_id)
    except LostReply:
        raise  # The intent stays: the run may live.
    except ThreadBusy as busy:
        if run.lost_start == "no":
            run.forget_start()
        elif run.thread_is_ours:
            run.lost_start = "proved"
        pause = busy.retry_after_seconds or BUSY_POLL_SECONDS
        return RequeueAfter(pause, "another run holds the thread", is_contended=True)
    except (TransientError, TerminalError):
        if run.lost_start == "no":
            run.forget_start()
        raise  # Else the intent stays: this refusal tells nothing of the earlier start.
    run.run_is_ours = True
    return _settle(run, observed, now)


def _recover_start(
    run: RunRecord, thread_id: str, intended: float, backend: Backend, now: float
) -> Done | RequeueAfter:
    found = backend.find_lost_run(thread_id, run.start_after_item_id)
    if found is not None and not run.thread_is_ours:
        raise TerminalError(
            f"cannot tell whether the run was started: its reply was lost, and thread {thread_id} has a new answer "
            "that may be another run's; it is not started again, to be safe"
        )
    if found is not None:
        run.run_is_ours = True
        return _settle(run, found, now)
    if run.lost_start == "proved" or now < intended + START_GRACE_SECONDS:
        return RequeueAfter(BUSY_POLL_SECONDS, "waiting for a sign of the run whose start got no reply")
    run.lost_start = "suspected"
    run.intend_start(now, run.start_after_item_id)
    return RequeueAfter(0, "the run was never started: starting it again")


def _observe(run: RunRecord, backend: Backend, now: float) -> Done | RequeueAfter:
    assert run.thread_id is not None
    assert run.run_id is not None
    return _settle(run, backend.observe_run(run.thread_id, run.run_id), now)


def _settle(run: RunRecord, observed: ObservedRun, now: float) -> Done | RequeueAfter:
    run.take_in(observed, now)
    if observed.is_final:
        _require_promised_form(run, observed)
        return Done(observed)
    return RequeueAfter(poll_seconds(now - run.wanted_since_epoch_s), f"the run is {observed.status}")


def _require_promised_form(run: RunRecord, observed: ObservedRun) -> None:
    form = run.plan().effective.response_format if run.desired is not None else None
    if form is None or form.json_schema is None or observed.status != "completed":
        return
    problem = first_problem(observed.output_text, form.json_schema.schema_)
    if problem is not None:
        raise TerminalError(f"the answer of run {run.run_id} is not the promised JSON: {problem}")


def _recheck(run: RunRecord, backend: Backend, now: float) -> Done | RequeueAfter:
    try:
        outcome = _observe(run, backend, now)
    except NotFound:
        run.is_gone = True
        return RequeueAfter(0, "the former run is gone: a new one is wanted")
    run.must_recheck = False
    return outcome


def _give_up(run: RunRecord, backend: Backend) -> Done:
    waited = f"{run.deadline_epoch_s - run.wanted_since_epoch_s:.0f} s"
    if not (run.thread_id and run.run_id):
        raise TerminalError(f"the run could not be started within {waited}: {run.waiting_for}")
    if run.run_is_ours:
        try:
            backend.cancel_run(run.thread_id, run.run_id)
        except TransientError:
            pass  # The answer is due now; the Delete that follows cancels again.
    problem = f"it did not end within {waited} (timeout_seconds and ServiceTimeout allow no more) and was cancelled"
    expired = ObservedRun(run.run_id, "expired", model=run.model, usage=run.usage, problem=problem)
    run.take_in(expired, run.deadline_epoch_s)
    return Done(expired)


def make_absent(run: RunRecord, backend: Backend, now: float) -> Done | RequeueAfter:
    policy = run.deletion_policy
    if run.thread_id is None or policy == "retain":
        return Done()
    if now >= run.deadline_epoch_s:
        raise TerminalError(f"thread {run.thread_id} could not be deleted in time: {run.waiting_for}")
    if _may_be_starting(run, now):
        return RequeueAfter(CANCEL_POLL_SECONDS, "a start is under way")
    if run.run_id is None and run.start_intended_epoch_s is not None and run.thread_is_ours:
        _claim_lost_run(run, run.thread_id, backend, now)
    if run.run_id is not None and (run.run_is_ours or policy == "delete"):
        if not _has_ended(run.thread_id, run.run_id, backend):
            backend.cancel_run(run.thread_id, run.run_id)
            return RequeueAfter(CANCEL_POLL_SECONDS, "the run is being cancelled")
        backend.delete_run(run.thread_id, run.run_id)
    if run.vector_store_id is not None:
        backend.delete_vector_store(run.vector_store_id)
    if run.thread_is_ours:
        backend.delete_thread(run.thread_id)
    return Done()


def _claim_lost_run(run: RunRecord, thread_id: str, backend: Backend, now: float) -> None:
    """Look once more for a run whose start got no reply: it would go on, and cost, without its thread."""
    try:
        found = backend.find_lost_run(thread_id, run.start_after_item_id)
    except NotFound:
        return
    if found is not None:
        run.run_is_ours = True
        run.take_in(found, now)


def _may_be_starting(run: RunRecord, now: float) -> bool:
    if run.run_id is not None or run.start_intended_epoch_s is None:
        return False
    return now < run.start_intended_epoch_s + START_GRACE_SECONDS


def _has_ended(thread_id: str, run_id: str, backend: Backend) -> bool:
    try:
        return backend.observe_run(thread_id, run_id).is_final
    except NotFound:
        return True
