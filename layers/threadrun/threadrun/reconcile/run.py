"""Decides about runs: find or make the thread, index the files, start, look and go on until the end; and the way back.

Each call takes at most one creating effect, so whoever calls it saves the record between two calls.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from threadrun.errors import LostReply, NotFound, TerminalError, ThreadBusy, TransientError
from threadrun.reconcile.backend import Backend
from threadrun.reconcile.outcome import CallTools, Done, InProgress, Outcome, RequeueAfter
from threadrun.schema.arguments import DEFAULT_TOOL_ROUNDS
from threadrun.schema.json_schema import first_problem, text_at
from threadrun.state.observations import ObservedRun
from threadrun.state.run import RunRecord

START_GRACE_SECONDS = 30
"""How long a start without a reply may take to show up in the thread before it counts as never made."""
BUSY_POLL_SECONDS = 5
CANCEL_POLL_SECONDS = 1
INDEX_POLL_SECONDS = 1
REASON_CHARACTERS = 1000


def make_present(run: RunRecord, backend: Backend, now: float) -> Outcome:
    try:
        return _make_present(run, backend, now)
    except TerminalError as error:
        run.failure = error.reason
        run.enter("answering", now)
        _close_calls(run, backend, now)
        raise


def _make_present(run: RunRecord, backend: Backend, now: float) -> Outcome:
    if run.failure is not None:
        raise TerminalError(run.failure)
    if run.is_final and not run.must_recheck:
        return Done()
    if now >= run.deadline_epoch_s:
        return _give_up(run, backend, now)
    if run.must_recheck:
        return _recheck(run, backend, now)
    if not run.is_resolved:
        _resolve(run, backend)
    if run.desired is not None and run.desired.import_id is not None:
        return _adopt(run, run.desired.import_id, backend, now)
    if run.run_id is None:
        return _bring_up(run, backend, now)
    return (_go_on if run.waits_for_outputs else _observe)(run, backend, now)


def _bring_up(run: RunRecord, backend: Backend, now: float) -> Outcome:
    if run.thread_id is None and not run.use_existing_thread():
        return _make_thread(run, backend)
    assert run.thread_id is not None
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


@dataclass(frozen=True)
class _Effect:
    """A call that must not be made twice, and how to find out whether it was where its reply is lost."""

    what: str
    """What has happened then, as a clause."""
    make: Callable[[], ObservedRun]
    find: Callable[[], ObservedRun | None]
    note: Callable[[ObservedRun], None]
    only_ours_locks: bool
    """A lock on the thread proves that the call was made."""


def _start(run: RunRecord, thread_id: str, backend: Backend, now: float) -> Outcome:
    def find() -> ObservedRun | None:
        found = backend.find_lost_run(thread_id, run.start_after_item_id)
        if found is not None and not run.thread_is_ours:
            raise TerminalError(
                f"cannot tell whether the run was started: its reply was lost, and thread {thread_id} has a new answer "
                "that may be another run's; it is not started again, to be safe"
            )
        return found

    def note(_: ObservedRun) -> None:
        run.run_is_ours = True

    if run.start_intended_epoch_s is None:
        run.intend_start(now, None if run.thread_is_ours else backend.last_item_id(thread_id))
        return RequeueAfter(0, "the run is about to be started")
    effect = _Effect(
        "the run was started",
        lambda: backend.start_run(run.plan(), thread_id),
        find,
        note,
        only_ours_locks=run.thread_is_ours,
    )
    return _make_once(run, effect, run.start_intended_epoch_s, backend, now)


def _go_on(run: RunRecord, backend: Backend, now: float) -> Outcome:
    """Have the functions called, then hand in what they gave."""
    thread_id, run_id = str(run.thread_id), str(run.current_id)
    assert run.desired is not None
    for call in run.calls.values():
        if call.failure is not None and run.desired.on_tool_error == "fail":
            raise TerminalError(
                f"the handler of function {call.name} failed ({call.failure}): its log group tells more"
            )
    if unanswered := tuple(call_id for call_id, call in run.calls.items() if call.output is None):
        return CallTools(unanswered)
    if run.start_intended_epoch_s is None:
        run.intend_start(now, None)
        return RequeueAfter(0, "the outputs of its functions are about to be submitted")
    outputs = {call_id: call.output or "" for call_id, call in run.calls.items()}
    effect = _Effect(
        f"run {run.run_id} has the outputs of its functions",
        lambda: backend.continue_run(run.plan(), thread_id, run_id, outputs),
        lambda: backend.find_continuation(thread_id, run_id, outputs),
        run.continued_as,
        # While a call is unanswered no other run can start on the thread.
        only_ours_locks=True,
    )
    return _make_once(run, effect, run.start_intended_epoch_s, backend, now)


def _make_once(run: RunRecord, effect: _Effect, intended: float, backend: Backend, now: float) -> Outcome:
    if not run.disarm():
        return _recover(run, effect, intended, backend, now)
    try:
        observed = effect.make()
    except LostReply:
        raise  # The intent stays: the run may live.
    except ThreadBusy as busy:
        if run.lost_start == "no":
            run.forget_start()
        elif effect.only_ours_locks:
            run.lost_start = "proved"
        pause = busy.retry_after_seconds or BUSY_POLL_SECONDS
        return RequeueAfter(pause, f"another run holds the thread: {busy.reason}", is_contended=True)
    except (TransientError, TerminalError):
        if run.lost_start == "no":
            run.forget_start()
        raise  # Else the intent stays: this refusal tells nothing of the earlier start.
    effect.note(observed)
    return _settle(run, observed, backend, now)


def _recover(run: RunRecord, effect: _Effect, intended: float, backend: Backend, now: float) -> Outcome:
    found = effect.find()
    if found is not None:
        effect.note(found)
        return _settle(run, found, backend, now)
    if run.lost_start == "proved" or now < intended + START_GRACE_SECONDS:
        return RequeueAfter(BUSY_POLL_SECONDS, "waiting for a sign of the run whose start got no reply")
    if not backend.shows_lost_runs(str(run.thread_id)):
        raise TerminalError(
            f"cannot tell whether {effect.what}: the reply was lost, and the server has no conversations that would "
            "show it; it is not done again, to be safe"
        )
    run.lost_start = "suspected"
    run.intend_start(now, run.start_after_item_id)
    return RequeueAfter(0, "the run was never started: starting it again")


def _adopt(run: RunRecord, import_id: str, backend: Backend, now: float) -> Outcome:
    run.thread_id, run.run_id = import_id.split(":")
    observed = backend.adopt_run(run.thread_id, run.run_id)
    run.continued_as(observed)
    return _settle(run, observed, backend, now)


def _observe(run: RunRecord, backend: Backend, now: float) -> Outcome:
    assert run.thread_id is not None
    assert run.current_id is not None
    return _settle(run, backend.observe_run(run.thread_id, run.current_id), backend, now)


def _settle(run: RunRecord, observed: ObservedRun, backend: Backend, now: float) -> Outcome:
    is_asking = observed.status == "requires_action"
    if is_asking and run.can_answer(observed.calls):
        return _take_calls(run, observed, now)
    if observed.calls:
        run.take_calls(observed.calls)
    if observed.is_final and not is_asking:
        _close_calls(run, backend, now)
    run.observe(observed, now)
    if observed.is_final:
        _require_promised_form(run, observed)
        return Done(observed)
    return InProgress(observed.status)


def _take_calls(run: RunRecord, observed: ObservedRun, now: float) -> RequeueAfter | CallTools:
    run.observe(replace(observed, status="in_progress"), now)
    call_ids = tuple(call.call_id for call in observed.calls)
    if run.is_submitted and set(call_ids) == set(run.calls):
        return RequeueAfter(BUSY_POLL_SECONDS, "the run has not taken in the outputs yet")
    run.take_calls(observed.calls)
    assert run.desired is not None
    most = run.desired.max_tool_rounds or DEFAULT_TOOL_ROUNDS
    if run.tool_rounds > most:
        raise TerminalError(f"run {run.run_id} called functions in more than {most} rounds (max_tool_rounds)")
    run.enter("tools", observed.completed_at or now)
    return CallTools(call_ids)


def _close_calls(run: RunRecord, backend: Backend, now: float) -> None:
    """Leave no call behind on a thread that others use; past the deadline this is tried, no more."""
    if run.thread_is_ours or not run.calls or not (run.thread_id and run.current_id):
        return
    try:
        backend.close_calls(run.thread_id, run.current_id, run.calls)
    except TransientError:
        if now < run.deadline_epoch_s:
            raise


def _require_promised_form(run: RunRecord, observed: ObservedRun) -> None:
    form = run.plan().effective.response_format if run.desired is not None else None
    if form is None or form.json_schema is None or observed.status != "completed":
        return
    problem = first_problem(observed.output_text, form.json_schema.schema_)
    if problem is not None:
        raise TerminalError(f"the answer of run {run.run_id} is not the promised JSON: {problem}{_told(run, observed)}")


def _told(run: RunRecord, observed: ObservedRun) -> str:
    """What the user wants to be told of an answer that fails, and nothing else of it."""
    key = run.desired.reason_key if run.desired else None
    reason = text_at(observed.output_text, key) if key else None
    return f"; {key}: {reason[:REASON_CHARACTERS]}" if reason else ""


def _recheck(run: RunRecord, backend: Backend, now: float) -> Outcome:
    try:
        outcome = _observe(run, backend, now)
    except NotFound:
        run.is_gone = True
        return RequeueAfter(0, "the former run is gone: a new one is wanted")
    run.must_recheck = False
    return outcome


def _give_up(run: RunRecord, backend: Backend, now: float) -> Outcome:
    """Past the deadline, unless a last look shows that the run has ended: the one before may be minutes ago."""
    waited = f"{run.deadline_epoch_s - run.wanted_since_epoch_s:.0f} s"
    if not (run.thread_id and run.current_id):
        raise TerminalError(f"the run could not be started within {waited}: {run.waiting_for}")
    # Where the server is out of reach: the answer is due now, and the Delete that follows cancels again.
    with suppress(TransientError, NotFound):
        observed = backend.observe_run(run.thread_id, run.current_id)
        if observed.is_final and not run.can_answer(observed.calls):
            return _settle(run, observed, backend, now)
    if run.run_is_ours:
        with suppress(TransientError):
            backend.cancel_run(run.thread_id, run.current_id)
        _close_calls(run, backend, now)
    problem = f"it did not end within {waited} (timeout_seconds and ServiceTimeout allow no more) and was cancelled"
    expired = ObservedRun(run.current_id, "expired", model=run.model, problem=problem)
    run.observe(expired, run.deadline_epoch_s)
    return Done(expired)


def make_absent(run: RunRecord, backend: Backend, now: float) -> Done | RequeueAfter:
    policy = run.deletion_policy
    if run.thread_id is None or policy == "retain":
        return Done()
    if now >= run.deadline_epoch_s:
        raise TerminalError(f"thread {run.thread_id} could not be deleted in time: {run.waiting_for}")
    if _may_be_starting(run, now):
        return RequeueAfter(CANCEL_POLL_SECONDS, "a start is under way")
    if run.start_intended_epoch_s is not None:
        _claim_lost_run(run, run.thread_id, backend, now)
    if run.current_id is not None and (run.run_is_ours or policy == "delete"):
        if not _has_ended(run, run.thread_id, run.current_id, backend):
            backend.cancel_run(run.thread_id, run.current_id)
            return RequeueAfter(CANCEL_POLL_SECONDS, "the run is being cancelled")
        _close_calls(run, backend, now)
        for each in (run.run_id, *run.chain):
            backend.delete_run(run.thread_id, str(each))
    if run.vector_store_id is not None:
        backend.delete_vector_store(run.vector_store_id)
    if run.thread_is_ours:
        backend.delete_thread(run.thread_id)
    return Done()


def _claim_lost_run(run: RunRecord, thread_id: str, backend: Backend, now: float) -> None:
    """Look once more for a run whose start got no reply: it would go on, and cost, without its thread."""
    found = None
    try:
        if run.current_id is not None and run.waits_for_outputs:
            found = backend.find_continuation(thread_id, run.current_id, run.calls)
        elif run.run_id is None and run.thread_is_ours:
            found = backend.find_lost_run(thread_id, run.start_after_item_id)
    except NotFound:
        return
    if found is None:
        return
    if run.run_id is not None:
        run.continued_as(found)
    if found.calls:
        run.take_calls(found.calls)
    run.run_is_ours = True
    run.observe(found, now)


def _may_be_starting(run: RunRecord, now: float) -> bool:
    if run.start_intended_epoch_s is None or not (run.run_id is None or run.waits_for_outputs):
        return False
    return now < run.start_intended_epoch_s + START_GRACE_SECONDS


def _has_ended(run: RunRecord, thread_id: str, run_id: str, backend: Backend) -> bool:
    try:
        observed = backend.observe_run(thread_id, run_id)
    except NotFound:
        return True
    if observed.calls:
        run.take_calls(observed.calls)  # It may have come to them since the last look.
    return observed.is_final
