"""The decision function, step by step, against a server in memory: what crosses, gets lost, or comes too late.

Whole lives with each server: tests/lives.
"""

import contextlib

import pytest

from testkit.memory.backend import MemoryBackend, wanted_run
from testkit.memory.properties import TOOLS
from threadrun.errors import LostReply, NotFound, TerminalError, ThreadBusy, TransientError
from threadrun.reconcile.dispatch import reconcile
from threadrun.reconcile.files import MIN_UPLOAD_SECONDS
from threadrun.reconcile.once import START_GRACE_SECONDS
from threadrun.reconcile.outcome import Actor, CallTools, Checkpoint, Done, Gone, InProgress, Outcome, RequeueAfter
from threadrun.reconcile.patience import DELETION_PATIENCE_SECONDS
from threadrun.reconcile.presence import NOT_SHOWN, NOT_SHOWN_SECONDS
from threadrun.reconcile.run import RECHECK_SECONDS
from threadrun.reconcile.run_deletion import CANCEL_PATIENCE_SECONDS, CANCELLING
from threadrun.schema.arguments import MAX_TOOL_CALLS, DesiredAssistant, DesiredThread
from threadrun.schema.files import DesiredFile
from threadrun.state.base import Options, Owned, Wait, Window
from threadrun.state.files import FileRecord
from threadrun.state.observations import FunctionCall, ObservedRun
from threadrun.state.resource import AnyRecord
from threadrun.state.run import RunRecord
from threadrun.state.run_values import AttributesItem, SearchableFiles
from threadrun.state.shared import AssistantRecord, ThreadRecord

ON_NEW: dict[str, object] = {}
ON_EXISTING: dict[str, object] = {"thread": None, "existing_thread_id": "conv_9"}
on_each_thread = pytest.mark.parametrize("thread", [ON_NEW, ON_EXISTING], ids=["new thread", "existing thread"])


def decide(run: AnyRecord, backend: MemoryBackend, now: float) -> Outcome:
    return reconcile(run, Actor(backend, now, "step"))


def until_waiting(run: AnyRecord, backend: MemoryBackend, now: float = 1000) -> Outcome:
    while isinstance(outcome := decide(run, backend, now), Checkpoint):
        pass
    return outcome


@pytest.fixture
def backend() -> MemoryBackend:
    """A server with a thread of others, on which an answer of theirs is."""
    return MemoryBackend(items={"conv_9": ["msg_1"]})


def waiting_since(epoch_s: float, reason: str) -> Wait:
    """Of a deletion."""
    return Wait(reason=reason, since_epoch_s=epoch_s, deleting_since_epoch_s=epoch_s)


def started(backend: MemoryBackend) -> RunRecord:
    run = wanted_run()
    until_waiting(run, backend)
    return run


def lost(backend: MemoryBackend, *next_starts: Exception, thread: dict[str, object] = ON_NEW) -> RunRecord:
    """A run whose start got no reply at second 1,000; what its next starts come to."""
    run = wanted_run(**thread)
    backend.faults["runs.start"] = [LostReply("lost"), *next_starts]
    with pytest.raises(LostReply):
        until_waiting(run, backend)
    return run


def test_each_call_takes_one_creating_effect_and_says_so_before(backend: MemoryBackend) -> None:
    """What creates is preceded by a save of the intent and followed by a save of the result."""
    run = wanted_run()
    assert decide(run, backend, 1000) == Checkpoint("the run is about to be started")
    assert run.thread == Owned(id="conv_2")
    assert backend.calls == ["threads.create"]
    assert decide(run, backend, 1000) == InProgress("queued", "resp_1")
    assert run.physical_id == "conv_2:resp_1"


@pytest.mark.parametrize(
    "more",
    [
        {"tools": [{"type": "file_search"}]},
        {"thread": {"messages": [{"role": "user", "content": f"{number}"} for number in range(21)]}},
    ],
    ids=["files to search", "more messages than fit"],
)
def test_a_thread_that_needs_more_requests_is_known_before_them(
    backend: MemoryBackend, more: dict[str, object]
) -> None:
    run = wanted_run(**more)
    assert decide(run, backend, 1000) == Checkpoint("the thread is known")
    assert backend.calls == ["threads.create"]


def test_a_lock_on_our_own_thread_forbids_another_start_until_the_deadline(backend: MemoryBackend) -> None:
    """Only our own lost run can hold it: when it ends between two looks, a new start would double it."""
    run = lost(backend, ThreadBusy("locked"))
    for seconds in range(START_GRACE_SECONDS, 900, 100):
        until_waiting(run, backend, 1000 + seconds)
    assert backend.calls.count("runs.start") == 2


def test_a_lost_start_on_an_existing_thread_keeps_its_place_while_the_thread_is_locked(backend: MemoryBackend) -> None:
    """The lost run may be what holds the lock: its answer must still count as new when the lock opens.

    But it may be another run's: it is neither adopted nor doubled.
    """
    run = lost(backend, ThreadBusy("locked"), thread=ON_EXISTING)
    until_waiting(run, backend, 1000 + START_GRACE_SECONDS)
    backend.items["conv_9"].append("msg_2")
    with pytest.raises(TerminalError, match="cannot tell whether the run started"):
        until_waiting(run, backend, 1100)
    assert backend.calls.count("runs.start") == 2


@on_each_thread
def test_a_rate_limit_tells_nothing_of_an_earlier_lost_start(backend: MemoryBackend, thread: dict[str, object]) -> None:
    """It may end before the next try: the thread is looked at first."""
    run = lost(backend, TransientError("429", 7), thread=thread)
    with pytest.raises(TransientError):
        until_waiting(run, backend, 1000 + START_GRACE_SECONDS)
    backend.items[str(run.thread_id)].append("msg_2")
    with contextlib.suppress(TerminalError):
        until_waiting(run, backend, 1040)
    assert backend.calls.count("runs.start") == 2, "the refused one was the last"


def test_a_lock_of_others_is_waited_for(backend: MemoryBackend) -> None:
    run = wanted_run(**ON_EXISTING)
    backend.faults["runs.start"] = [ThreadBusy("locked"), ThreadBusy("locked", 2)]
    for pause in (5, 2):
        waited = RequeueAfter(pause, "another run holds the thread: locked", is_contended=True)
        assert until_waiting(run, backend) == waited
    assert until_waiting(run, backend) == InProgress("queued", "resp_1")


def test_a_lock_on_our_own_new_thread_proves_the_start(backend: MemoryBackend) -> None:
    """A gateway has repeated the request: the lock is that of the first one."""
    run = wanted_run()
    backend.faults["runs.start"] = [ThreadBusy("locked")]
    assert isinstance(until_waiting(run, backend), RequeueAfter)
    assert until_waiting(run, backend, 1100) == RequeueAfter(5, "checking whether the run started: the reply was lost")
    backend.items["conv_2"].append("msg_2")
    assert isinstance(until_waiting(run, backend, 1200), Done)
    assert backend.calls.count("runs.start") == 1


def test_a_run_that_the_server_does_not_show_yet_is_looked_at_again(backend: MemoryBackend) -> None:
    """Some read from a replica that knows nothing for a moment of what they have just made."""
    run = started(backend)
    backend.faults["runs.observe"] = [NotFound("no run resp_1")]
    assert decide(run, backend, 1000) == RequeueAfter(5, NOT_SHOWN)
    assert decide(run, backend, 1000) == InProgress("queued", "resp_1")


def test_a_run_that_the_server_never_shows_fails(backend: MemoryBackend) -> None:
    run = started(backend)
    run.wait = Wait(reason=NOT_SHOWN, since_epoch_s=1000)
    backend.faults["runs.observe"] = [NotFound("no run resp_1")] * 2
    assert decide(run, backend, 1000 + NOT_SHOWN_SECONDS - 1) == RequeueAfter(5, NOT_SHOWN)
    with pytest.raises(TerminalError, match="no run resp_1"):
        until_waiting(run, backend, 1000 + NOT_SHOWN_SECONDS)


def test_a_start_that_is_lost_after_one_that_was_refused_is_lost_like_any_other(backend: MemoryBackend) -> None:
    """Whichever step takes over: a refusal proves nothing of the start after it."""
    run = wanted_run()
    backend.faults["runs.start"] = [NotFound("no conv_2"), LostReply("lost")]
    assert until_waiting(run, backend) == RequeueAfter(5, NOT_SHOWN)
    with pytest.raises(LostReply):
        until_waiting(run, backend, 1005)
    assert until_waiting(run, backend, 1006) == RequeueAfter(5, "checking whether the run started: the reply was lost")
    assert backend.calls.count("runs.start") == 2


def test_a_start_on_a_thread_of_others_that_is_not_there_fails_at_once(backend: MemoryBackend) -> None:
    run = wanted_run(**ON_EXISTING)
    backend.faults["runs.start"] = [NotFound("no conv_9")]
    with pytest.raises(TerminalError, match="no conv_9"):
        until_waiting(run, backend)


@pytest.mark.parametrize("status", ["completed", "requires_action", "failed", "incomplete", "cancelled"])
def test_a_run_that_is_known_to_have_ended_is_deleted_without_a_look(backend: MemoryBackend, status: str) -> None:
    """Some gateways answer 500 to every GET after the end."""
    run = started(backend)
    run.observed = run.observed.model_copy(update={"status": status})
    run.mark_for_deletion(2000)
    backend.calls.clear()
    assert decide(run, backend, 1000) == Done()
    assert "runs.observe" not in backend.calls


def test_an_ended_run_whose_deletion_is_refused_for_long_is_left_behind(backend: MemoryBackend) -> None:
    """Gateways in front of chat-only providers answer 500 to every DELETE: the stack can be deleted all the same."""
    run = started(backend)
    run.observed = run.observed.model_copy(update={"status": "completed"})
    run.mark_for_deletion(3000)
    refusal = TransientError("cannot delete run resp_1: No. (HTTP 500)")
    backend.faults["runs.delete"] = [refusal] * 3
    with pytest.raises(TransientError):
        decide(run, backend, 1000)
    run.wait = waiting_since(1000, refusal.reason)
    with pytest.raises(TransientError):
        decide(run, backend, 1000 + DELETION_PATIENCE_SECONDS - 1)
    assert decide(run, backend, 1000 + DELETION_PATIENCE_SECONDS) == Done()
    assert backend.items == {"conv_9": ["msg_1"]}


def test_a_run_that_may_be_at_work_is_never_left_behind_by_an_outage(backend: MemoryBackend) -> None:
    run = started(backend)
    run.mark_for_deletion(3000)
    outage = [TransientError("No.") for _ in range(9)]
    backend.faults |= {"runs.observe": outage, "runs.cancel": outage, "runs.delete": outage}
    for reason in ("cannot delete run resp_1: No.", CANCELLING, "cannot delete run resp_1: No."):
        run.wait = waiting_since(1000, reason)
        with pytest.raises(TransientError):
            decide(run, backend, 2900)


def test_a_run_that_is_shown_and_neither_cancelled_nor_deleted_is_left_behind(backend: MemoryBackend) -> None:
    run = started(backend)
    run.mark_for_deletion(3000)
    for request in ("runs.cancel", "runs.delete"):
        backend.faults[request] = [TransientError(f"{request}: No. (HTTP 500)") for _ in range(9)]
    with pytest.raises(TransientError, match=f"{CANCELLING}: runs.cancel: No"):
        decide(run, backend, 1000)
    run.wait = waiting_since(1000, CANCELLING)
    with pytest.raises(TransientError, match=r"runs\.delete: No"):
        decide(run, backend, 1000 + CANCEL_PATIENCE_SECONDS)
    assert decide(run, backend, 1000 + DELETION_PATIENCE_SECONDS) == Done()
    assert backend.items == {"conv_9": ["msg_1"]}


def test_patience_with_a_server_counts_from_the_first_wait_of_the_deletion(backend: MemoryBackend) -> None:
    """Whatever it refuses in between: two refusals that take turns would last for ever."""
    run = started(backend)
    run.observed = run.observed.model_copy(update={"status": "completed"})
    run.mark_for_deletion(3000)
    for request in ("threads.empty", "runs.delete"):
        backend.faults[request] = [TransientError(f"{request}: No. (HTTP 500)") for _ in range(9)]
    run.wait = waiting_since(1000, "threads.empty")
    assert decide(run, backend, 1000 + DELETION_PATIENCE_SECONDS) == Done()


def test_a_run_that_the_server_does_not_show_for_a_moment_is_cancelled(backend: MemoryBackend) -> None:
    run = started(backend)
    run.mark_for_deletion(2000)
    backend.faults["runs.observe"] = [NotFound("no run resp_1")]
    assert decide(run, backend, 1000) == RequeueAfter(5, NOT_SHOWN)
    assert decide(run, backend, 1005) == RequeueAfter(1, CANCELLING)
    assert "runs.delete" not in backend.calls


def test_a_run_that_is_not_shown_for_long_is_gone(backend: MemoryBackend) -> None:
    run = started(backend)
    backend.responses.clear()
    run.mark_for_deletion(2000)
    run.wait = waiting_since(1000, NOT_SHOWN)
    assert decide(run, backend, 1000 + NOT_SHOWN_SECONDS - 1) == RequeueAfter(5, NOT_SHOWN)
    assert decide(run, backend, 1000 + NOT_SHOWN_SECONDS) == Done()


@pytest.mark.parametrize("refusal", [NotFound("no thread"), TerminalError("forbidden")])
def test_a_thread_whose_items_are_not_shown_is_deleted_after_a_while(
    backend: MemoryBackend, refusal: TerminalError
) -> None:
    run = started(backend)
    run.observed = run.observed.model_copy(update={"status": "completed"})
    run.mark_for_deletion(2000)
    backend.faults["threads.empty"] = [refusal] * 3
    assert decide(run, backend, 1000) == RequeueAfter(5, NOT_SHOWN)
    run.wait = waiting_since(1000, NOT_SHOWN)
    assert decide(run, backend, 1000 + NOT_SHOWN_SECONDS - 1) == RequeueAfter(5, NOT_SHOWN)
    assert "threads.delete" not in backend.calls
    assert decide(run, backend, 1000 + NOT_SHOWN_SECONDS) == Done()
    assert backend.items == {"conv_9": ["msg_1"]}


@pytest.mark.parametrize("request_", ["runs.find_lost", "threads.empty"])
def test_what_a_deletion_is_only_better_off_with_does_not_hold_it_up_for_ever(
    backend: MemoryBackend, request_: str
) -> None:
    run = lost(backend)
    run.mark_for_deletion(4000)
    backend.faults[request_] = [TransientError("No. (HTTP 500)") for _ in range(9)]
    with pytest.raises(TransientError):
        decide(run, backend, 1100)
    run.wait = waiting_since(1100, "No.")
    assert decide(run, backend, 1100 + DELETION_PATIENCE_SECONDS) == Done()
    assert backend.items == {"conv_9": ["msg_1"]}


def test_what_cannot_be_looked_at_again_for_a_minute_is_as_it_is_on_record(backend: MemoryBackend) -> None:
    run = started(backend)
    run.observed, run.must_recheck = run.observed.model_copy(update={"status": "completed"}), True
    backend.faults["runs.observe"] = [TransientError("500")] * 2
    with pytest.raises(TransientError):
        decide(run, backend, run.window.since_epoch_s + RECHECK_SECONDS - 1)
    assert decide(run, backend, run.window.since_epoch_s + RECHECK_SECONDS) == Gone()


def test_what_has_little_time_is_looked_at_again_for_half_of_it(backend: MemoryBackend) -> None:
    run = started(backend)
    run.observed, run.must_recheck = run.observed.model_copy(update={"status": "completed"}), True
    run.window = Window(since_epoch_s=1000, deadline_epoch_s=1030)
    backend.faults["runs.observe"] = [TransientError("500")] * 2
    with pytest.raises(TransientError):
        decide(run, backend, 1014)
    assert decide(run, backend, 1015) == Gone()


def test_a_former_run_is_looked_at_once_when_it_is_wanted_again(backend: MemoryBackend) -> None:
    run = started(backend)
    run.must_recheck = True
    assert decide(run, backend, 1000) == InProgress("queued", "resp_1")
    assert not run.must_recheck


def test_a_former_run_that_is_gone_is_not_taken_for_one_that_has_ended(backend: MemoryBackend) -> None:
    run = started(backend)
    run.must_recheck = True
    backend.responses.clear()
    assert decide(run, backend, 1000) == Gone()


@pytest.mark.parametrize("status", ["failed", "incomplete", "cancelled"])
def test_a_run_that_is_cut_short_has_no_time_of_completion_and_no_answer_that_fits_a_schema(
    backend: MemoryBackend, status: str
) -> None:
    """It fails by its status, unless the user accepts that one: an answer that ends in its middle is no JSON."""
    form = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}}
    run = wanted_run(response_format=form)
    until_waiting(run, backend)
    backend.end("resp_1", status, output_text='{"a": ')
    assert decide(run, backend, 1001) == Done(backend.responses["resp_1"])
    assert (run.observed.status, run.observed.completed_at, run.failure) == (status, None, None)


def test_a_run_that_cannot_be_cancelled_is_left_behind(backend: MemoryBackend) -> None:
    """A cancellation may be without effect for ever: its thread is deleted all the same."""
    run = started(backend)
    run.mark_for_deletion(2000)
    assert decide(run, backend, 1000) == RequeueAfter(1, CANCELLING)
    run.wait = waiting_since(1000, CANCELLING)
    assert decide(run, backend, 1000 + CANCEL_PATIENCE_SECONDS - 1) == RequeueAfter(1, CANCELLING)
    assert decide(run, backend, 1000 + CANCEL_PATIENCE_SECONDS) == Done()
    assert backend.items == {"conv_9": ["msg_1"]}


@pytest.mark.parametrize("error", [TransientError("429", 7), TerminalError("no such model")])
def test_a_definite_refusal_leaves_no_intent_behind(backend: MemoryBackend, error: Exception) -> None:
    run = wanted_run()
    backend.faults["runs.start"] = [error]
    with pytest.raises(type(error)):
        until_waiting(run, backend)
    assert run.attempt is None


def test_past_the_deadline_a_run_that_has_ended_since_the_last_look_counts_as_it_ended(backend: MemoryBackend) -> None:
    """Where an event was lost, that look may be a quarter of an hour ago."""
    run = started(backend)
    backend.end("resp_1")
    assert decide(run, backend, run.deadline_epoch_s + 1) == Done(backend.responses["resp_1"])
    assert run.observed.status == "completed"
    assert "runs.cancel" not in backend.calls


def test_past_the_deadline_a_cancel_that_fails_delays_nothing(backend: MemoryBackend) -> None:
    run = started(backend)
    backend.faults["runs.cancel"] = [TransientError("503")]
    assert isinstance(decide(run, backend, 2000), Done)


def test_past_the_deadline_calls_that_cannot_be_closed_delay_nothing(backend: MemoryBackend) -> None:
    run = calling_run(backend, **ON_EXISTING)
    until_waiting(run, backend)
    backend.faults["runs.close_calls"] = [TransientError("503")]
    assert isinstance(decide(run, backend, run.deadline_epoch_s), Done)
    assert run.observed.status == "expired"


def test_an_unwanted_run_whose_start_got_no_reply_is_looked_for(backend: MemoryBackend) -> None:
    """Once its reply can be lost no more: it would go on, and cost, after its thread is gone."""
    run = lost(backend)
    run.goal = "absent"
    assert decide(run, backend, 1001) == RequeueAfter(1, "the run is being started")
    assert decide(run, backend, 1000 + START_GRACE_SECONDS) == Done()
    assert "runs.find_lost" in backend.calls
    assert list(backend.items) == ["conv_9"]


@pytest.mark.parametrize(
    ("policy", "is_acknowledged", "left"),
    [(None, True, ["resp_1"]), ("delete", True, []), ("delete", False, ["resp_1"])],
    ids=["not asked", "asked", "of a resource that CloudFormation got as FAILED"],
)
def test_an_adopted_run_is_deleted_only_when_asked(
    backend: MemoryBackend, policy: str | None, is_acknowledged: bool, left: list[str]
) -> None:
    backend.runs.start(wanted_run().plan(), "conv_9")
    backend.end("resp_1")
    run = wanted_run(thread=None, import_id="conv_9:resp_1", deletion_policy=policy)
    assert isinstance(until_waiting(run, backend), Done)
    run.goal, run.is_acknowledged = "absent", is_acknowledged
    assert decide(run, backend, 1001) == Done()
    assert list(backend.responses) == left


def test_an_imported_run_needs_no_assistant(backend: MemoryBackend) -> None:
    """It can be imported with the properties it was made with, after its assistant was deleted."""
    backend.runs.start(wanted_run().plan(), "conv_9")
    backend.end("resp_1")
    run = wanted_run(thread=None, import_id="conv_9:resp_1", assistant_id="asst_deleted")
    assert isinstance(until_waiting(run, backend), Done)
    assert run.observed.status == "completed"


def adopted(backend: MemoryBackend, **now: object) -> RunRecord:
    """A run of somebody else's, which is as the server shows it now."""
    backend.responses["resp_1"] = ObservedRun(**{"run_id": "resp_1", "status": "in_progress"} | now)  # type: ignore[arg-type]
    run = wanted_run(thread=None, import_id="conv_9:resp_1", tools=TOOLS)
    until_waiting(run, backend)
    return run


def test_past_the_deadline_an_adopted_run_is_not_cancelled(backend: MemoryBackend) -> None:
    run = adopted(backend)
    assert isinstance(decide(run, backend, run.deadline_epoch_s), Done)
    assert run.observed.status == "expired"
    assert "runs.cancel" not in backend.calls


def test_the_calls_of_an_adopted_run_are_its_owner_s(backend: MemoryBackend) -> None:
    """Whoever started it answers them, though the properties have handlers."""
    run = adopted(backend, status="requires_action", calls=(FunctionCall("call_1", "look_up", "{}"),))
    assert run.observed.status == "requires_action"
    assert not run.waits_for_outputs


def test_a_run_that_is_adopted_after_its_calls_goes_on_under_the_id_that_it_has_now(backend: MemoryBackend) -> None:
    """Where a continuation has an id of its own; the resource is known by the one that the user has named."""
    run = adopted(backend, run_id="resp_2")
    assert run.started == ("conv_9", "resp_2")
    assert run.physical_id == "conv_9:resp_1"


def test_a_clean_up_past_its_deadline_fails_by_name(backend: MemoryBackend) -> None:
    run = started(backend)
    run.goal = "absent"
    with pytest.raises(TerminalError, match="thread conv_2 could not be deleted in time"):
        until_waiting(run, backend, 2000)


def calling_run(backend: MemoryBackend, **desired: object) -> RunRecord:
    """A run that has called its function, as far as the server knows."""
    run = wanted_run(tools=TOOLS, **desired)
    until_waiting(run, backend)
    backend.end("resp_1", "requires_action", calls=(FunctionCall("call_1", "look_up", "{}"),))
    return run


def test_what_a_run_called_since_the_last_look_is_closed_with_its_delete(backend: MemoryBackend) -> None:
    """The thread is somebody else's: an unanswered call would block it."""
    run = calling_run(backend, **ON_EXISTING)
    run.mark_for_deletion(3000)
    assert isinstance(until_waiting(run, backend), Done)
    assert backend.calls[-2:] == ["runs.close_calls", "runs.delete"]


def test_a_run_whose_functions_failed_is_deleted_without_a_look(backend: MemoryBackend) -> None:
    """It waits for outputs, and a gateway may answer 500 to all that is about it."""
    run = calling_run(backend, on_tool_error="fail")
    until_waiting(run, backend)
    run.mark_for_deletion(3000)
    backend.calls.clear()
    assert decide(run, backend, 1001) == Done()
    assert "runs.observe" not in backend.calls


def test_a_deletion_notes_nothing_of_what_was_said_in_calls(backend: MemoryBackend) -> None:
    """It may have a secret of a tool; the secret itself may be gone."""
    run = calling_run(backend)
    call = FunctionCall("call_1", "look_up", '{"token": "s3cret-9"}')
    backend.end("resp_1", "requires_action", calls=(call,), problem="s3cret-9")
    run.mark_for_deletion(3000)
    assert decide(run, backend, 1001) == Done()
    assert "call_1" in run.round.calls
    assert "s3cret-9" not in run.model_dump_json()


def test_a_secret_that_may_be_read_later_is_waited_for_though_another_one_is_gone(backend: MemoryBackend) -> None:
    run = started(backend)
    backend.end("resp_1", "failed", problem="odd token s3cret-9")
    unread = [TerminalError("cannot read arn:1"), TransientError("cannot read arn:2")]
    backend.runs.redactor = lambda arns: (lambda text: text.replace("s3cret-9", "***"), unread)  # type: ignore[method-assign]
    with pytest.raises(TransientError, match="arn:2"):
        decide(run, backend, 1001)
    unread.pop()
    assert isinstance(decide(run, backend, 1002), Done)
    assert run.observed.problem == "its reason is not shown: cannot read arn:1"


def test_a_failure_is_on_record_before_its_calls_are_closed(backend: MemoryBackend) -> None:
    """Whoever goes on after a crash in between must not take the closed calls for the run's end."""
    run = calling_run(backend, **ON_EXISTING, on_tool_error="fail")
    until_waiting(run, backend)
    run.change_call("call_1", failure="Boom")
    assert isinstance(decide(run, backend, 1001), Checkpoint)
    assert run.failure is not None
    assert "runs.close_calls" not in backend.calls
    with pytest.raises(TerminalError, match="Boom"):
        decide(RunRecord.model_validate_json(run.model_dump_json()), backend, 1001)
    assert backend.calls[-1] == "runs.close_calls"


def test_a_run_calls_no_more_functions_than_its_execution_has_room_for(backend: MemoryBackend) -> None:
    """600 in all rounds together."""
    run = calling_run(backend)
    until_waiting(run, backend)
    for count in (MAX_TOOL_CALLS - 1, 1):
        run.round = run.round.model_copy(update={"is_submitted": True})
        calls = tuple(FunctionCall(f"{count}_{number}", "look_up", "{}") for number in range(count))
        backend.end("resp_1", "requires_action", calls=calls)
        if count > 1:
            assert isinstance(until_waiting(run, backend), CallTools)
    with pytest.raises(TerminalError, match="run resp_1 called functions more than 600 times in all"):
        until_waiting(run, backend)


def test_a_delete_during_a_submission_waits_until_its_reply_can_be_lost_no_more(backend: MemoryBackend) -> None:
    run = calling_run(backend)
    until_waiting(run, backend)
    run.change_call("call_1", output="found")
    assert decide(run, backend, 1005) == Checkpoint("the outputs of its functions are about to be submitted")
    run.mark_for_deletion(3000)
    assert until_waiting(run, backend, 1006) == RequeueAfter(1, "the run is being started")
    assert isinstance(until_waiting(run, backend, 1005 + START_GRACE_SECONDS), Done)


def test_calls_whose_outputs_the_server_has_are_not_called_again(backend: MemoryBackend) -> None:
    """A server may show a run as it was before its outputs came, for a moment."""
    run = calling_run(backend)
    until_waiting(run, backend)
    run.change_call("call_1", output="found")
    assert until_waiting(run, backend) == InProgress("queued", "resp_2")
    backend.end("resp_2", "requires_action", calls=(FunctionCall("call_1", "look_up", "{}"),))
    assert decide(run, backend, 1001) == RequeueAfter(5, "the run has not read the outputs of its functions yet")
    backend.end("resp_2", "requires_action", calls=(FunctionCall("call_2", "look_up", "{}"),))
    assert decide(run, backend, 1006) == CallTools(("call_2",))


def test_of_two_continuations_the_one_saved_later_is_deleted(backend: MemoryBackend) -> None:
    run = calling_run(backend)
    until_waiting(run, backend)
    base, other = run.model_copy(deep=True), run.model_copy(deep=True)
    run.note_made(ObservedRun("resp_2", "queued"))
    other.note_made(ObservedRun("resp_3", "queued"))
    surplus = run.merge(other, base)
    assert (run.round.chain, run.run_id) == (("resp_2",), "resp_1")
    assert surplus is not None
    assert (surplus.run, surplus.thread) == (Owned(id="resp_3"), Owned(id="conv_2", is_ours=False))


def test_who_lost_the_race_tells_how_far_the_run_has_come(backend: MemoryBackend) -> None:
    run = calling_run(backend)
    base, other = run.model_copy(deep=True), run.model_copy(deep=True)
    until_waiting(other, backend)
    other.note_made(ObservedRun("resp_2", "queued"))
    assert run.merge(other, base) is None
    assert (run.round.chain, run.round.number, run.round.is_submitted) == (("resp_2",), 1, True)


@pytest.mark.parametrize("policy", [None, "retain"])
def test_of_what_was_made_twice_the_one_saved_later_is_deleted(backend: MemoryBackend, policy: str | None) -> None:
    """Also where what the stack knows is to be retained: nobody knows of this."""
    run = wanted_run(deletion_policy=policy)
    base, other = run.model_copy(deep=True), run.model_copy(deep=True)
    for each, number in ((run, 1), (other, 2)):
        each.thread, each.run = Owned(id="conv_9", is_ours=False), Owned(id=f"resp_{number}")
        each.files = SearchableFiles(vector_store_id=f"vs_{number}")
    surplus = run.merge(other, base)
    assert run.server_ids == {"resp_1", "vs_1"}
    assert surplus is not None
    assert (surplus.server_ids, surplus.options.deletion_policy) == ({"resp_2", "vs_2"}, None)


def test_who_lost_the_race_tells_where_it_put_a_large_output(backend: MemoryBackend) -> None:
    """Else nobody would delete it with the run."""
    run = started(backend)
    base, other = run.model_copy(deep=True), run.model_copy(deep=True)
    other.item = AttributesItem(output_s3_uri="s3://outputs/a.txt")
    assert run.merge(other, base) is None
    assert run.item.output_s3_uri == "s3://outputs/a.txt"


def test_a_failed_try_is_not_brought_back_by_who_has_not_heard_of_it(backend: MemoryBackend) -> None:
    """It looked at the run for longer than another step took to begin again."""
    run = started(backend)
    base, other = run.model_copy(deep=True), run.model_copy(deep=True)
    run.begin_again(ObservedRun("resp_1", "failed"), 1010)
    assert run.merge(other, base) is None
    assert (run.run, run.observed.failed_ids) == (None, ("resp_1",))


# --- threads and assistants, which runs share


def shared(kind: str, **more: object) -> ThreadRecord | AssistantRecord:
    """What was just asked for, at second 1,000 and due at 2,000."""
    common = {"key": "r1", "identity": "", "window": Window(since_epoch_s=1000, deadline_epoch_s=2000), **more}
    if kind == "thread":
        return ThreadRecord.model_validate({"desired": DesiredThread.model_validate({}), **common})
    return AssistantRecord.model_validate({"desired": DesiredAssistant.model_validate({"model": "m"}), **common})


on_each_kind = pytest.mark.parametrize("kind", ["thread", "assistant"])


@on_each_kind
@pytest.mark.parametrize("policy", [None, "delete", "retain"])
def test_what_is_shared_is_deleted_unless_it_is_to_be_retained(
    backend: MemoryBackend, kind: str, policy: str | None
) -> None:
    made = shared(kind)
    until_waiting(made, backend)
    made.options, made.goal = Options(deletion_policy=policy), "absent"
    assert decide(made, backend, 1001) == Done()
    assert (f"{kind}s.delete" in backend.calls) == (policy != "retain")


@on_each_kind
def test_what_is_shared_is_not_made_after_its_deadline(backend: MemoryBackend, kind: str) -> None:
    made = shared(kind, wait=Wait(reason="429"))
    with pytest.raises(TerminalError, match=f"the {kind} was not ready in time: 429"):
        decide(made, backend, 2000)
    assert backend.calls == []


def test_an_assistant_that_is_as_wanted_is_left_as_it_is(backend: MemoryBackend) -> None:
    """A change of bookkeeping makes no new version."""
    assistant = shared("assistant")
    for _ in range(2):
        assert until_waiting(assistant, backend) == Done()
    assert backend.calls == ["assistants.put"]


def test_of_two_threads_that_were_made_for_a_resource_the_one_saved_later_is_deleted() -> None:
    thread, other = shared("thread", thread_id="conv_1"), shared("thread", thread_id="conv_2")
    surplus = thread.merge(other, None)  # type: ignore[arg-type]  # Both are of one kind.
    assert surplus is not None
    assert (thread.physical_id, surplus.physical_id) == ("conv_1", "conv_2")


# --- files, which runs are given


def wanted_file(**desired: object) -> FileRecord:
    """What was just asked for, at second 1,000 and due at 2,000."""
    wanted = DesiredFile.model_validate({"filename": "a.txt", **desired})
    return FileRecord(key="r1", identity="", desired=wanted, window=Window(since_epoch_s=1000, deadline_epoch_s=2000))


def test_a_file_is_not_uploaded_again_while_the_first_upload_may_be_at_work(backend: MemoryBackend) -> None:
    """Whatever became of the reply: the file may be there a moment later."""
    file = wanted_file(content="One.")
    backend.faults["files.upload"] = [LostReply("lost")]
    with pytest.raises(LostReply):
        until_waiting(file, backend)
    ends = 1000 + MIN_UPLOAD_SECONDS + START_GRACE_SECONDS
    waits = RequeueAfter(5, "checking whether the file was uploaded: the reply was lost")
    assert until_waiting(file, backend, ends) == waits
    assert backend.calls.count("files.upload") == 1
    assert until_waiting(file, backend, ends + 1) == Done()
    assert backend.calls.count("files.upload") == 2


@pytest.mark.parametrize(
    ("size", "seconds", "requests"),
    [
        (1_000_000, MIN_UPLOAD_SECONDS - 1, []),
        (1_000_000, MIN_UPLOAD_SECONDS, ["files.measure"]),
        (100_000_000, MIN_UPLOAD_SECONDS + 99, ["files.measure"]),
        (100_000_000, MIN_UPLOAD_SECONDS + 100, ["files.measure", "files.upload"]),
    ],
    ids=["even its size is not asked for", "not even a small one", "not a large one", "one with the time"],
)
def test_an_object_in_s3_is_uploaded_by_a_function_that_has_the_time(
    backend: MemoryBackend, monkeypatch: pytest.MonkeyPatch, size: int, seconds: int, requests: list[str]
) -> None:
    file = wanted_file(source="s3://bucket/key")
    monkeypatch.setattr(DesiredFile, "inline", lambda _: bytes(size))
    actor = Actor(backend, 1000, "step", 1000 + seconds)
    while isinstance(outcome := reconcile(file, actor), Checkpoint):
        pass
    assert backend.calls == requests
    assert isinstance(outcome, Done if "files.upload" in requests else RequeueAfter)
