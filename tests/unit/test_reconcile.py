"""The decision function, step by step, against a server in memory."""

from __future__ import annotations

import contextlib

import pytest

from testkit.memory.backend import MemoryBackend, wanted_run
from threadrun.errors import LostReply, TerminalError, ThreadBusy, TransientError
from threadrun.reconcile.dispatch import reconcile
from threadrun.reconcile.once import START_GRACE_SECONDS
from threadrun.reconcile.outcome import Actor, CallTools, Checkpoint, Done, InProgress, Outcome, RequeueAfter
from threadrun.state.base import Owned, Wait
from threadrun.state.observations import FunctionCall, ObservedRun, Usage
from threadrun.state.run import RunRecord


def saved(run: RunRecord) -> RunRecord:
    """The record as another step reads it."""
    return RunRecord.model_validate_json(run.model_dump_json())


def decide(run: RunRecord, backend: MemoryBackend, now: float, step_id: str = "step") -> Outcome:
    return reconcile(run, Actor(backend, now, step_id))


def until_waiting(run: RunRecord, backend: MemoryBackend, now: float = 1000, step_id: str = "step") -> Outcome:
    while isinstance(outcome := decide(run, backend, now, step_id), Checkpoint):
        pass
    return outcome


def started(backend: MemoryBackend) -> RunRecord:
    run = wanted_run()
    until_waiting(run, backend)
    return run


def test_each_call_takes_one_creating_effect_and_says_so_before() -> None:
    """What creates is preceded by a save of the intent and followed by a save of the result."""
    run, backend = wanted_run(), MemoryBackend()
    assert decide(run, backend, 1000) == Checkpoint("the thread is known")
    assert run.thread == Owned(id="conv_1")
    assert decide(run, backend, 1000) == Checkpoint("the run is about to be started")
    assert backend.calls == ["threads.create"]
    assert decide(run, backend, 1000) == InProgress("queued", "resp_1")
    assert run.physical_id == "conv_1:resp_1"


def test_an_unfinished_run_is_looked_at_again() -> None:
    backend = MemoryBackend()
    run = started(backend)
    assert decide(run, backend, 1100) == InProgress("queued", "resp_1")
    backend.end("resp_1")
    assert decide(run, backend, 1101) == Done(backend.responses["resp_1"])
    assert (run.observed.status, run.observed.created_at, run.observed.started_at, run.observed.completed_at) == (
        "completed",
        100,
        200,
        200,
    )


def test_a_settled_run_is_not_looked_at_again() -> None:
    backend = MemoryBackend()
    run = started(backend)
    backend.end("resp_1")
    decide(run, backend, 1001)
    calls = len(backend.calls)
    assert decide(saved(run), backend, 1002) == Done()
    assert len(backend.calls) == calls


def test_a_pending_start_of_another_process_is_not_repeated_at_once() -> None:
    """A lost reply must not start a second run."""
    run, backend = wanted_run(), MemoryBackend()
    backend.faults["runs.start"] = [LostReply("lost")]
    with pytest.raises(LostReply):
        until_waiting(run, backend)
    run = saved(run)
    assert isinstance(decide(run, backend, 1001), RequeueAfter)
    assert backend.calls.count("runs.start") == 1


def test_a_lost_start_is_found_by_what_the_thread_holds() -> None:
    run, backend = wanted_run(), MemoryBackend()
    backend.faults["runs.start"] = [LostReply("lost")]
    with pytest.raises(LostReply):
        until_waiting(run, backend)
    backend.items["conv_1"].append("msg_7")
    outcome = decide(saved(run), backend, 1001)
    assert isinstance(outcome, Done)
    assert outcome.observed is not None
    assert outcome.observed.output_text == "found"
    assert backend.calls.count("runs.start") == 1


def test_on_an_existing_thread_older_items_prove_nothing() -> None:
    backend = MemoryBackend(items={"conv_9": ["msg_1"]})
    run = wanted_run(thread=None, existing_thread_id="conv_9")
    backend.faults["runs.start"] = [LostReply("lost")]
    with pytest.raises(LostReply):
        until_waiting(run, backend)
    assert isinstance(decide(run, backend, 1001), RequeueAfter)
    backend.items["conv_9"].append("msg_2")
    with pytest.raises(TerminalError, match="cannot tell whether the run was started"):
        until_waiting(run, backend, 1002)
    assert backend.calls.count("runs.start") == 1, "a new answer may be another run's: neither adopted nor doubled"


def test_a_start_without_any_trace_after_the_grace_period_is_made_again() -> None:
    run, backend = wanted_run(), MemoryBackend()
    backend.faults["runs.start"] = [LostReply("lost")]
    with pytest.raises(LostReply):
        until_waiting(run, backend)
    until_waiting(run, backend, 1000 + START_GRACE_SECONDS)
    assert backend.calls.count("runs.start") == 2
    assert run.physical_id == "conv_1:resp_1"


def test_where_nothing_shows_a_lost_start_it_is_never_made_again() -> None:
    """And not given up before another process, that may be making it now, can have noted its id."""
    run, backend = wanted_run(), MemoryBackend(keeps_threads=False)
    backend.faults["runs.start"] = [LostReply("lost")]
    with pytest.raises(LostReply):
        until_waiting(run, backend)
    run = saved(run)
    assert isinstance(decide(run, backend, 1000 + START_GRACE_SECONDS - 1), RequeueAfter)
    for now in (1000 + START_GRACE_SECONDS, 1900):
        with pytest.raises(TerminalError, match="cannot tell whether the run was started: the reply was lost"):
            until_waiting(run, backend, now)
    assert backend.calls.count("runs.start") == 1


def test_where_nothing_shows_a_lost_start_a_refused_one_is_still_made_again() -> None:
    run, backend = wanted_run(), MemoryBackend(keeps_threads=False)
    backend.faults["runs.start"] = [TransientError("429", 7)]
    with pytest.raises(TransientError):
        until_waiting(run, backend)
    assert until_waiting(saved(run), backend, 1010) == InProgress("queued", "resp_1")


def test_what_cannot_be_found_does_not_hold_up_a_deletion() -> None:
    run, backend = wanted_run(), MemoryBackend(keeps_threads=False)
    backend.faults["runs.start"] = [LostReply("lost")]
    with pytest.raises(LostReply):
        until_waiting(run, backend)
    run.mark_for_deletion(2000)
    assert isinstance(decide(run, backend, 1001), RequeueAfter), "a start may be under way"
    assert decide(run, backend, 1000 + START_GRACE_SECONDS) == Done()


def test_a_lock_on_our_own_thread_forbids_another_start_for_good() -> None:
    """Only our own lost run can hold it: when it ends between two looks, a new start would double it."""
    run, backend = wanted_run(), MemoryBackend()
    backend.faults["runs.start"] = [LostReply("lost"), ThreadBusy("locked")]
    with pytest.raises(LostReply):
        until_waiting(run, backend)
    for seconds in range(START_GRACE_SECONDS, 900, 100):
        until_waiting(run, backend, 1000 + seconds)
    assert backend.calls.count("runs.start") == 2


@pytest.mark.parametrize("thread", [{}, {"thread": None, "existing_thread_id": "conv_9"}])
def test_a_rate_limit_tells_nothing_of_an_earlier_lost_start(thread: dict[str, object]) -> None:
    """It may end before the next try: the thread is looked at first."""
    run, backend = wanted_run(**thread), MemoryBackend(items={"conv_9": ["msg_1"]})
    backend.faults["runs.start"] = [LostReply("lost"), TransientError("429", 7)]
    for now in (1000, 1000 + START_GRACE_SECONDS):
        with pytest.raises(TransientError):
            until_waiting(run, backend, now)
    backend.items[str(run.thread_id)].append("msg_2")
    with contextlib.suppress(TerminalError):
        until_waiting(run, backend, 1040)
    assert backend.calls.count("runs.start") == 2, "the refused one was the last"


def test_a_lock_without_a_lost_start_is_just_waited_for() -> None:
    """Whatever holds a new thread for a moment is not our run: none was started yet."""
    run, backend = wanted_run(), MemoryBackend()
    backend.faults["runs.start"] = [ThreadBusy("locked")]
    until_waiting(run, backend)
    assert until_waiting(run, backend) == InProgress("queued", "resp_1")


def test_a_lost_start_on_an_existing_thread_keeps_its_place_while_the_thread_is_locked() -> None:
    """The lost run may be what holds the lock: its answer must still count as new when the lock opens."""
    backend = MemoryBackend(items={"conv_9": ["msg_1"]})
    run = wanted_run(thread=None, existing_thread_id="conv_9")
    backend.faults["runs.start"] = [LostReply("lost"), ThreadBusy("locked")]
    with pytest.raises(LostReply):
        until_waiting(run, backend)
    until_waiting(run, backend, 1000 + START_GRACE_SECONDS)
    backend.items["conv_9"].append("msg_2")
    with pytest.raises(TerminalError, match="cannot tell whether the run was started"):
        until_waiting(run, backend, 1100)
    assert backend.calls.count("runs.start") == 2


def test_a_lock_on_an_existing_thread_is_waited_for() -> None:
    backend = MemoryBackend(items={"conv_9": []})
    run = wanted_run(thread=None, existing_thread_id="conv_9")
    backend.faults["runs.start"] = [ThreadBusy("locked"), ThreadBusy("locked", 2)]
    assert until_waiting(run, backend) == RequeueAfter(5, "another run holds the thread: locked", is_contended=True)
    assert until_waiting(run, backend) == RequeueAfter(2, "another run holds the thread: locked", is_contended=True)
    assert until_waiting(run, backend) == InProgress("queued", "resp_1")


@pytest.mark.parametrize("error", [TransientError("429", 7), TerminalError("no such model")])
def test_a_definite_refusal_leaves_no_intent_behind(error: Exception) -> None:
    run, backend = wanted_run(), MemoryBackend()
    backend.faults["runs.start"] = [error]
    with pytest.raises(type(error)):
        until_waiting(run, backend)
    assert run.attempt is None


def test_past_the_deadline_the_run_is_cancelled_and_expired() -> None:
    backend = MemoryBackend()
    run = started(backend)
    outcome = decide(run, backend, 2000)
    assert isinstance(outcome, Done)
    assert run.observed.status == "expired"
    assert "did not end within 1000 s" in str(run.observed.problem)
    assert backend.calls[-1] == "runs.cancel"


def test_past_the_deadline_a_run_that_has_ended_since_the_last_look_counts_as_it_ended() -> None:
    """Where an event was lost, that look may be a quarter of an hour ago."""
    backend = MemoryBackend()
    run = started(backend)
    backend.end("resp_1")
    assert decide(run, backend, run.deadline_epoch_s + 1) == Done(backend.responses["resp_1"])
    assert run.observed.status == "completed"
    assert "runs.cancel" not in backend.calls


def test_past_the_deadline_a_cancel_that_fails_delays_nothing() -> None:
    backend = MemoryBackend()
    run = started(backend)
    backend.faults["runs.cancel"] = [TransientError("503")]
    assert isinstance(decide(run, backend, 2000), Done)


def test_past_the_deadline_a_run_that_never_started_fails_with_what_it_waited_for() -> None:
    run = wanted_run()
    run.wait = Wait(reason="another run holds the thread")
    with pytest.raises(TerminalError, match="could not be started within 1000 s: another run holds the thread"):
        until_waiting(run, MemoryBackend(), 2000)


def test_an_unwanted_run_is_cancelled_then_deleted_with_its_thread() -> None:
    backend = MemoryBackend()
    run = started(backend)
    run.goal = "absent"
    assert decide(run, backend, 1001) == RequeueAfter(1, "the run is being cancelled")
    backend.end("resp_1", "cancelled")
    assert decide(run, backend, 1002) == Done()
    assert (backend.responses, backend.items) == ({}, {})
    assert decide(run, backend, 1003) == Done(), "calling it twice equals calling it once"


def test_an_unwanted_run_whose_start_is_under_way_is_waited_for() -> None:
    backend = MemoryBackend()
    run = wanted_run()
    while run.attempt is None:
        decide(run, backend, 1000)
    run = saved(run)
    run.goal = "absent"
    assert decide(run, backend, 1001) == RequeueAfter(1, "a start is under way")
    assert decide(run, backend, 1000 + START_GRACE_SECONDS) == Done()
    assert backend.items == {}


def test_an_unwanted_run_whose_start_got_no_reply_is_looked_for() -> None:
    """It would go on, and cost, after its thread is gone."""
    backend = MemoryBackend()
    run = wanted_run()
    backend.faults["runs.start"] = [LostReply("lost")]
    with pytest.raises(LostReply):
        until_waiting(run, backend)
    run.goal = "absent"
    assert decide(run, backend, 1000 + START_GRACE_SECONDS) == Done()
    assert "runs.find_lost" in backend.calls
    assert backend.items == {}


def test_what_we_did_not_create_is_left_alone() -> None:
    backend = MemoryBackend(items={"conv_9": []})
    run = wanted_run(thread=None, existing_thread_id="conv_9")
    until_waiting(run, backend)
    backend.end("resp_1")
    run.goal = "absent"
    decide(run, backend, 1001)
    assert backend.items == {"conv_9": []}
    assert backend.responses == {}


def test_an_adopted_run_is_deleted_only_when_asked() -> None:
    for policy, left in ((None, 1), ("delete", 0)):
        backend = MemoryBackend()
        backend.runs.start(wanted_run().plan(), "conv_1")
        backend.end("resp_1")
        run = wanted_run(thread=None, import_id="conv_1:resp_1", deletion_policy=policy)
        assert isinstance(until_waiting(run, backend), Done)
        run.goal = "absent"
        assert decide(run, backend, 1001) == Done()
        assert len(backend.responses) == left


def test_a_clean_up_past_its_deadline_fails_by_name() -> None:
    backend = MemoryBackend()
    run = started(backend)
    run.goal = "absent"
    with pytest.raises(TerminalError, match="thread conv_1 could not be deleted in time"):
        until_waiting(run, backend, 2000)


LOOK_UP = {
    "type": "function",
    "function": {"name": "look_up", "handler_arn": f"arn:aws:lambda:eu-west-1:{'1' * 12}:function:f"},
}
CALL = FunctionCall("call_1", "look_up", "{}")


def calling_run(backend: MemoryBackend, **desired: object) -> RunRecord:
    """A run that has called its function, as far as the server knows."""
    run = wanted_run(tools=[LOOK_UP], **desired)
    until_waiting(run, backend)
    backend.end("resp_1", "requires_action", calls=(CALL,), usage=Usage(10, 1, 11))
    return run


def test_a_call_with_a_handler_is_asked_for_until_there_is_an_output() -> None:
    backend = MemoryBackend()
    run = calling_run(backend)
    assert until_waiting(run, backend) == CallTools(("call_1",))
    assert until_waiting(run, backend) == CallTools(("call_1",))
    run.round.calls["call_1"].output = "found"
    assert until_waiting(run, backend) == InProgress("queued", "resp_2")
    assert (run.run_id, run.started and run.started.run_id, run.observed.status) == ("resp_1", "resp_2", "queued")
    backend.end("resp_2", usage=Usage(20, 2, 22))
    assert isinstance(until_waiting(run, backend), Done)
    assert run.observed.usage == Usage(30, 3, 33)


def test_what_a_run_called_while_nobody_looked_is_closed_with_its_delete() -> None:
    """The thread is somebody else's: an unanswered call would block it."""
    backend = MemoryBackend(items={"conv_9": []})
    run = calling_run(backend, thread=None, existing_thread_id="conv_9")
    run.mark_for_deletion(3000)
    assert isinstance(until_waiting(run, backend), Done)
    assert backend.calls[-2:] == ["runs.close_calls", "runs.delete"]


def test_a_failure_is_on_record_before_its_calls_are_closed() -> None:
    """Whoever goes on after a crash in between must not take the closed calls for the run's end."""
    backend = MemoryBackend(items={"conv_9": []})
    run = calling_run(backend, thread=None, existing_thread_id="conv_9", on_tool_error="fail")
    until_waiting(run, backend)
    run.round.calls["call_1"].failure = "Boom"
    assert isinstance(decide(run, backend, 1001), Checkpoint)
    assert run.failure is not None
    assert "runs.close_calls" not in backend.calls
    with pytest.raises(TerminalError, match="Boom"):
        decide(saved(run), backend, 1001)
    assert backend.calls[-1] == "runs.close_calls"


def test_a_delete_during_a_submission_waits_until_its_reply_can_be_lost_no_more() -> None:
    backend = MemoryBackend()
    run = calling_run(backend)
    until_waiting(run, backend)
    run.round.calls["call_1"].output = "found"
    assert decide(run, backend, 1005) == Checkpoint("the outputs of its functions are about to be submitted")
    run.mark_for_deletion(3000)
    assert until_waiting(run, backend, 1006) == RequeueAfter(1, "a start is under way")
    assert isinstance(until_waiting(run, backend, 1005 + START_GRACE_SECONDS), Done)


def test_of_two_continuations_the_one_saved_later_is_deleted() -> None:
    backend = MemoryBackend()
    run = calling_run(backend)
    until_waiting(run, backend)
    base, other = run.model_copy(deep=True), run.model_copy(deep=True)
    run.note_made(ObservedRun("resp_2", "queued"))
    other.note_made(ObservedRun("resp_3", "queued"))
    surplus = run.merge(other, base)
    assert (run.round.chain, run.run_id) == (("resp_2",), "resp_1")
    assert surplus is not None
    assert (surplus.run, surplus.thread) == (Owned(id="resp_3"), Owned(id="conv_1", is_ours=False))


def test_who_lost_the_race_tells_how_far_the_run_has_come() -> None:
    backend = MemoryBackend()
    run = calling_run(backend)
    base, other = run.model_copy(deep=True), run.model_copy(deep=True)
    until_waiting(other, backend)
    other.note_made(ObservedRun("resp_2", "queued"))
    assert run.merge(other, base) is None
    assert (run.round.chain, run.round.number, run.round.is_submitted) == (("resp_2",), 1, True)
