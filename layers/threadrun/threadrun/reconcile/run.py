"""Decides about runs to be present: find or make the thread, index the files, start, look and continue until the end.

A step creates one thing at most whose id must be on record (a thread, a vector store, a run or its continuation): the
record is saved before the next one, with the attempt to make that where nothing comes between.
"""

from __future__ import annotations

from contextlib import suppress

from threadrun.errors import NotFound, NotShown, TerminalError, ThreadRefused, TransientError
from threadrun.reconcile.answer import require_answer
from threadrun.reconcile.once import BUSY_POLL_SECONDS, CreatingRequest, make_once
from threadrun.reconcile.outcome import Actor, CallTools, Checkpoint, Done, Gone, InProgress, Outcome, RequeueAfter
from threadrun.reconcile.presence import NOT_SHOWN_SECONDS, look_again
from threadrun.reconcile.redaction import errors_redacted, redacted
from threadrun.reconcile.run_deletion import close_calls
from threadrun.schema.arguments import DEFAULT_TOOL_ROUNDS, MAX_TOOL_CALLS, DesiredRun
from threadrun.schema.limits import beyond
from threadrun.schema.types import shortened
from threadrun.state.base import MAX_REASON_CHARACTERS, Owned
from threadrun.state.observations import KNOWN_STATUSES, ObservedRun, RunPlan
from threadrun.state.run import RunRecord
from threadrun.state.run_values import Attempt, Started

FEW_MESSAGES = 20
"""So many come with the request that makes the thread, on both wires."""
INDEX_POLL_SECONDS = 1
CLOSING = "the calls of the run are being closed"
RECHECK_SECONDS = 60


def make_present(run: RunRecord, actor: Actor) -> Outcome:
    if run.failure is not None:
        with errors_redacted(run, actor), suppress(TerminalError):  # Why it failed is what counts.
            close_calls(run, actor)
        raise TerminalError(run.failure)
    try:
        with errors_redacted(run, actor):
            return _advance(run, actor)
    except TerminalError as error:
        if isinstance(error, NotShown) and (again := look_again(run, actor)):
            return again
        run.failure = shortened(error.reason, MAX_REASON_CHARACTERS)
        run.enter("answering", actor.now)
        return Checkpoint("the run has failed: its calls are about to be closed")


def _advance(run: RunRecord, actor: Actor) -> Outcome:
    if run.observed.is_final and not run.must_recheck:
        return Done()
    if run.must_recheck and run.started is not None and (run.observed.is_final or actor.now < run.deadline_epoch_s):
        return _recheck(run, run.started, actor)
    if actor.now >= run.deadline_epoch_s:
        return _give_up(run, actor)
    if run.resolution is None and run.desired is not None:
        _resolve(run, run.desired, actor)
    plan = run.plan()
    if plan is not None and plan.desired.import_id is not None:
        return _adopt(run, plan.desired.import_id, actor)
    if run.started is not None and not run.waits_for_outputs:
        return _look(run, run.started, actor)
    if plan is None:
        raise TerminalError("the run's properties are no longer stored: change `triggers` to start a new run")
    if run.started is not None:
        return _submit_outputs(run, run.started, plan, actor)
    return _bring_up(run, plan, actor)


def _resolve(run: RunRecord, desired: DesiredRun, actor: Actor) -> None:
    limits = actor.backend.runs.limits
    minimum = limits.min_completion_tokens
    if (desired.max_completion_tokens or minimum) < minimum:
        raise TerminalError(f"max_completion_tokens: must be at least {minimum} on this API")
    assistant_id = desired.assistant_id if desired.import_id is None else None
    found = actor.backend.assistants.find(assistant_id) if assistant_id is not None else None
    for argument, problem in beyond(limits, desired.with_defaults_from(found.settings if found else None)):
        raise TerminalError(f"{argument}: {problem}")
    run.resolve(desired, found)


def _bring_up(run: RunRecord, plan: RunPlan, actor: Actor) -> Outcome:
    if run.thread is None and plan.desired.existing_thread_id is not None:
        run.thread = Owned(id=plan.desired.existing_thread_id, is_ours=False)
    if run.thread is None:
        run.thread = Owned(id=actor.backend.threads.create(plan))
        if plan.effective.tools or len(plan.desired.messages) > FEW_MESSAGES:
            return Checkpoint("the thread is known")
        # Nothing else is to be made before the run: the thread and the attempt to start it are saved together.
    if not run.files.is_ready and (indexing := _index_files(run, plan, run.thread.id, actor)):
        return indexing
    try:
        return _start(run, plan, run.thread, actor)
    except ThreadRefused:
        if not run.thread.is_ours:
            raise
        with suppress(NotFound):
            actor.backend.threads.delete(run.thread.id)
        run.thread = run.attempt = None
        return Checkpoint("no run may have the thread that was made: it is deleted")


def _index_files(run: RunRecord, plan: RunPlan, thread_id: str, actor: Actor) -> Checkpoint | RequeueAfter | None:
    """None once the files, if there are any, can be searched."""
    stores, store_id = actor.backend.vector_stores, run.files.vector_store_id
    if store_id is None:
        store_id = stores.make(plan, thread_id, run.key)
        run.files = run.files.model_copy(update={"vector_store_id": store_id, "is_ready": store_id is None})
        return Checkpoint("the vector store is known") if store_id is not None else None
    indexing = stores.observe_indexing(store_id)
    if indexing.is_pending:
        return RequeueAfter(INDEX_POLL_SECONDS, "files are being indexed")
    if indexing.failures:
        failures = "; ".join(f"{file_id}: {reason}" for file_id, reason in indexing.failures)
        raise TerminalError(f"cannot index the attached files: {failures}")
    run.files = run.files.model_copy(update={"is_ready": True})
    return None


def _start(run: RunRecord, plan: RunPlan, thread: Owned, actor: Actor) -> Outcome:
    runs, attempt = actor.backend.runs, run.attempt
    if attempt is None or attempt.earlier == "refused":
        run.intend(actor.step_id, actor.now, None if thread.is_ours else actor.backend.threads.last_item_id(thread.id))
        return Checkpoint("the run is about to be started")

    def find() -> ObservedRun | None:
        found = runs.find_lost(thread.id, attempt.after_item_id, run.key, run.observed.failed_ids)
        if found is not None and not (thread.is_ours or found.is_marked):
            raise TerminalError(
                f"cannot tell whether the run started: the reply was lost, and thread {thread.id} has a new message "
                "that may be another run's; it was not started again: check the thread, then deploy again"
            )
        return found

    request = CreatingRequest(
        "the run was started",
        lambda: runs.start(plan, thread.id),
        find,
        thread.id,
        lock_proves="any request" if thread.is_ours else "nothing",
    )
    return _make(run, request, attempt, actor)


def _submit_outputs(run: RunRecord, started: Started, plan: RunPlan, actor: Actor) -> Outcome:
    """Have the functions called, then submit their outputs."""
    runs, attempt, calls = actor.backend.runs, run.attempt, run.round.calls
    for call in calls.values():
        if call.failure is not None and plan.desired.on_tool_error == "fail":
            raise TerminalError(f"the handler of function {call.name} failed ({call.failure}): see its log group")
    if unanswered := tuple(call_id for call_id, call in calls.items() if call.output is None):
        return CallTools(unanswered)
    if attempt is None or attempt.earlier == "refused":
        run.intend(actor.step_id, actor.now)
        return Checkpoint("the outputs of its functions are about to be submitted")
    outputs = {call_id: call.output or "" for call_id, call in calls.items()}
    request = CreatingRequest(
        f"run {run.run_id} has the outputs of its functions",
        lambda: runs.submit_outputs(plan, *started, outputs),
        lambda: runs.find_continuation(*started, outputs),
        started.thread_id,
        # While a call has no output, no other run can start on the thread.
        lock_proves="an earlier request",
    )
    return _make(run, request, attempt, actor)


def _make(run: RunRecord, request: CreatingRequest, attempt: Attempt, actor: Actor) -> Outcome:
    result = make_once(run, request, attempt, actor)
    if not isinstance(result, ObservedRun):
        return result
    run.note_made(result)
    return _settle(run, result, actor)


def _adopt(run: RunRecord, import_id: str, actor: Actor) -> Outcome:
    thread_id, run_id = import_id.split(":")
    observed = actor.backend.runs.adopt(thread_id, run_id)
    # Noted only now: a run whose adoption is refused is not this resource's to delete.
    run.thread, run.run = Owned(id=thread_id, is_ours=False), Owned(id=run_id, is_ours=False)
    run.note_made(observed)
    return _settle(run, observed, actor)


def _settle(run: RunRecord, observed: ObservedRun, actor: Actor) -> Outcome:
    if observed.is_final:
        observed = redacted(run, observed, actor)
    if run.can_begin_again(observed) and actor.now < run.deadline_epoch_s:
        run.begin_again(observed, actor.now)
        return RequeueAfter(
            BUSY_POLL_SECONDS, "the run failed for a reason that may pass: starting it again", is_contended=True
        )
    is_asking = observed.status == "requires_action"
    if is_asking and run.can_answer(observed.calls):
        return _begin_round(run, observed, actor)
    before = run.round
    if observed.calls:
        run.note_unanswered(observed.calls)
    if observed.is_final and not is_asking and (closing := _close_calls(run, observed, actor)):
        run.round = before  # No call is to be answered meanwhile.
        return closing
    run.observe(observed, actor.now)
    if not observed.is_final:
        return InProgress(
            observed.status, observed.run_id, actor.backend.runs.keeps(run.thread.id if run.thread else "")
        )
    require_answer(run, observed)
    return Done(observed)


def _close_calls(run: RunRecord, observed: ObservedRun, actor: Actor) -> RequeueAfter | None:
    """Close what a run that was cut short left open; its deletion tries again what the server refuses now."""
    if observed.status == "completed":
        return None  # It had an output for each of its calls.
    try:
        close_calls(run, actor)
    except TransientError:
        if not run.wait.has_lasted(CLOSING, NOT_SHOWN_SECONDS, actor.now):
            return RequeueAfter(BUSY_POLL_SECONDS, CLOSING)
    except TerminalError:
        pass
    return None


def _look(run: RunRecord, started: Started, actor: Actor) -> Outcome:
    """Look at the run; a server that refuses to show what it has just made is asked again for a while."""
    try:
        observed = actor.backend.runs.observe(*started)
    except TerminalError:
        if again := look_again(run, actor):
            return again
        raise
    return _settle(run, observed, actor)


def _begin_round(run: RunRecord, observed: ObservedRun, actor: Actor) -> RequeueAfter | CallTools:
    if not run.begin_round(observed, actor.now):
        return RequeueAfter(BUSY_POLL_SECONDS, "the run has not read the outputs of its functions yet")
    most = (run.desired.max_tool_rounds if run.desired else None) or DEFAULT_TOOL_ROUNDS
    if run.round.number > most:
        raise TerminalError(f"run {run.run_id} called functions in more than {most} rounds (max_tool_rounds)")
    if run.round.earlier_calls + len(observed.calls) > MAX_TOOL_CALLS:
        raise TerminalError(f"run {run.run_id} called functions more than {MAX_TOOL_CALLS} times in all")
    run.enter("tools", observed.completed_at or actor.now)
    return CallTools(tuple(call.call_id for call in observed.calls))


def _recheck(run: RunRecord, started: Started, actor: Actor) -> Outcome:
    """Look at a run that CloudFormation returns to: where the server shows less, what is on record counts."""
    is_known, since = run.observed.is_final, run.window.since_epoch_s
    try:
        observed = actor.backend.runs.observe(*started)
        if is_known and _shows_less(run, observed):
            return Gone()
        outcome = _settle(run, observed, actor)
    except TransientError:
        # Some gateways answer 500 to every request about a run that has ended.
        if is_known and actor.now >= since + min(RECHECK_SECONDS, (run.deadline_epoch_s - since) / 2):
            return Gone()
        raise
    except TerminalError as refusal:
        if is_known or isinstance(refusal, NotFound):
            return Gone()
        raise
    run.must_recheck = False
    return outcome


def _shows_less(run: RunRecord, observed: ObservedRun) -> bool:
    """Whether the server knows less of an ended run than it did."""
    is_without_answer = observed.status == "completed" and not (observed.output_text or observed.refusal)
    return observed.status != run.observed.status or is_without_answer


def _give_up(run: RunRecord, actor: Actor) -> Outcome:
    """Past the deadline, unless a last look shows that the run has ended: the one before may be minutes ago."""
    waited, runs = f"{run.deadline_epoch_s - run.window.since_epoch_s:.0f} s", actor.backend.runs
    if run.run is None or run.started is None:
        raise TerminalError(f"the run could not be started within {waited}: {run.waited_for(actor.now)}")
    # If the server is out of reach: the response is due now, and the Delete that follows cancels again.
    observed = None
    with suppress(TransientError, TerminalError):
        observed = runs.observe(*run.started)
    if observed is not None and observed.is_final and not run.can_answer(observed.calls):
        with suppress(TransientError):
            return _settle(run, observed, actor)
    if run.run.is_ours:
        with suppress(TransientError):
            runs.cancel(*run.started)
        with suppress(TerminalError):
            close_calls(run, actor)
    if run.observed.status is not None and run.observed.status not in KNOWN_STATUSES:
        waited = f"{waited}, while its status was {run.observed.status},"
    problem = f"it did not end within {waited} and was cancelled: raise timeout_seconds and ServiceTimeout"
    expired = ObservedRun(run.started.run_id, "expired", model=run.observed.model, problem=problem)
    run.observe(expired, run.deadline_epoch_s)
    return Done(expired)
