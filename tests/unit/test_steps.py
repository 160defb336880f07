"""One step of a request: what is saved when, and what happens when another actor saves first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from testkit.memory.backend import MemoryBackend, wanted_run
from threadrun.errors import LostReply, TerminalError, ThreadBusy, TransientError, VersionConflict
from threadrun.state.base import Owned
from threadrun.state.observations import ObservedRun
from threadrun.state.resource import Request, ResourceRecord
from threadrun.state.run import RunRecord
from threadrun.state.run_values import SearchableFiles
from threadrun.storage.records import Records
from threadrun.workflow.steps import Stepper
from threadrun.workflow.waiting import Step, Waiting


class MemoryStore(Records):
    """The table in memory; `before_save` is called once before the next save, as another actor."""

    def __init__(self, record: ResourceRecord) -> None:
        self._text, self._version = record.model_dump_json(), record.version
        self.staged: list[str] = []
        self.outputs: set[str | None] = set()
        self.before_save: Callable[[], None] | None = None

    def load(self, key: str) -> ResourceRecord:
        record = ResourceRecord.model_validate_json(self._text)
        record.version = self._version
        return record

    def save(self, record: ResourceRecord) -> None:
        if self.before_save:
            action, self.before_save = self.before_save, None
            action()
        if record.version != self._version:
            raise VersionConflict("someone else")
        record.version = self._version = self._version + 1
        self._text = record.model_dump_json()

    def stage(self, physical_id: str, owner: str, attributes: object) -> str:
        uri = f"s3://outputs/{physical_id}"
        self.staged.append(physical_id)
        self.outputs.add(uri)
        return uri

    def delete(self, physical_id: str, owner: str, output_s3_uri: str | None) -> None:
        self.staged = [each for each in self.staged if each != physical_id]
        self.outputs.discard(output_s3_uri)


def asked(request_type: str = "Create", request_id: str = "r1") -> Request:
    return Request.model_validate(
        {
            "request_id": request_id,
            "request_type": request_type,
            "response_url": "https://u",
            "target_key": "run" if request_type != "Delete" else None,
            "received_epoch_s": 1000,
            "deadline_epoch_s": 2000,
        }
    )


def stored(**desired: object) -> MemoryStore:
    run = wanted_run(**desired)
    record = ResourceRecord(stack_id="s", logical_id="l", requests={"r1": asked()}, made={"run": run})
    return MemoryStore(record)


def step(
    store: MemoryStore, backend: MemoryBackend, request_id: str = "r1", now: float = 1000, jitter: float = 0
) -> Step:
    stepper = Stepper(store, store, backend, lambda: now, lambda: jitter)  # type: ignore[arg-type]
    return stepper.take_step("key", request_id)


@contextmanager
def changed(store: MemoryStore) -> Iterator[tuple[ResourceRecord, RunRecord]]:
    """The record and its run, which another actor saves with what the block does to them."""
    record = store.load("key")
    run = record.made["run"]
    assert isinstance(run, RunRecord)
    yield record, run
    store.save(record)


def supersede(store: MemoryStore) -> None:
    """A Delete is admitted, by another actor."""
    with changed(store) as (record, _):
        record.requests["r1"].is_superseded = True
        record.requests["d1"] = asked("Delete", "d1")
        for run in record.made.values():
            run.mark_for_deletion(2000)
            run.redact()


def meet(store: MemoryStore, actor: Callable[[MemoryStore], None], saves_before: int = 0) -> None:
    """Have another actor save right before a save of a step, after so many of its saves."""
    store.before_save = lambda: meet(store, actor, saves_before - 1) if saves_before else actor(store)


def with_leftover(**leftover: object) -> MemoryStore:
    """Something of a former request is still to be deleted."""
    store = stored()
    with changed(store) as (record, _):
        record.made["old"] = wanted_run().model_copy(update={"key": "old", "goal": "absent", **leftover})
    return store


def test_a_look_that_learns_nothing_new_saves_nothing() -> None:
    """Each save of a record with long prompts costs write units."""
    store, backend = stored(), MemoryBackend()
    step(store, backend)
    version = store.load("key").version
    step(store, backend)
    assert store.load("key").version == version


class Passing:
    """Time that passes while a step waits; `meanwhile` happens once in its first wait."""

    def __init__(self, now: float = 1000, meanwhile: Callable[[], None] = lambda: None) -> None:
        self.now, self._meanwhile, self.waits = now, meanwhile, list[float]()

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.waits.append(seconds)
        meanwhile, self._meanwhile = self._meanwhile, lambda: None
        meanwhile()

    def step(
        self,
        store: MemoryStore,
        backend: MemoryBackend,
        until: float,
        inline_seconds: float = 30,
        events: Announced | None = None,
    ) -> Step:
        waiting = Waiting(self.sleep, until, inline_seconds, events)  # type: ignore[arg-type]
        stepper = Stepper(store, store, backend, lambda: self.now, lambda: 0)  # type: ignore[arg-type]
        step = stepper.take_step("key", "r1", waiting)
        assert waiting.waited_inline_seconds == sum(self.waits)
        return step


def test_far_looks_are_left_to_the_state_machine() -> None:
    waiting = Passing()
    step = waiting.step(stored(), MemoryBackend(), until=1900)
    assert (step.outcome, step.wait_seconds) == ("wait", 32)
    assert waiting.now == pytest.approx(1000 + 30 / 0.06, abs=30)
    assert max(waiting.waits) < 30


class Announced:
    """Waits for events; `on_announce` happens at the moment of the announcement."""

    def __init__(self, on_announce: Callable[[], None] = lambda: None) -> None:
        self.run_ids, self._on_announce = list[str](), on_announce

    def announce(self, run_id: str, request_id: str, until_epoch_s: float) -> str:
        self.run_ids.append(run_id)
        self._on_announce()
        return f"WAIT#{run_id}"


def test_where_the_server_tells_a_far_look_waits_for_an_event() -> None:
    passing, announced, backend = Passing(), Announced(), MemoryBackend()
    step = passing.step(stored(), backend, until=1900, events=announced)
    assert step == Step("await_event", 600, wait_key="WAIT#resp_1")
    assert announced.run_ids == ["resp_1"]
    assert passing.now == 1010, "what ends soon is waited for in the function"
    assert backend.calls[-1] == "runs.observe", "the last look comes after the announcement"


def test_what_ends_just_before_an_event_would_be_noted_is_seen() -> None:
    backend = MemoryBackend()
    announced = Announced(lambda: backend.end("resp_1"))
    step = Passing().step(stored(), backend, until=1900, events=announced)
    assert step.outcome == "record"


def test_no_wait_for_an_event_is_longer_than_the_request_has_time() -> None:
    passing = Passing(now=1800)
    step = passing.step(stored(), MemoryBackend(), until=2500, events=Announced())
    assert (step.outcome, step.wait_seconds) == ("await_event", 200)


def test_only_the_end_of_a_run_is_waited_for_by_event() -> None:
    backend = MemoryBackend(faults={"threads.create": [TransientError("429", 300)]})
    step = Passing().step(stored(), backend, until=1900, events=Announced())
    assert step == Step("wait", 300)


def test_a_step_ends_before_its_function_does() -> None:
    waiting = Passing()
    assert waiting.step(stored(), MemoryBackend(), until=1020) == Step("wait", 1)
    assert waiting.now <= 1020


def test_a_delete_that_comes_while_a_step_waits_is_seen_at_its_next_look() -> None:
    store, backend = stored(), MemoryBackend()
    waiting = Passing(meanwhile=lambda: supersede(store))
    assert waiting.step(store, backend, until=1700) == Step("stop")
    assert waiting.waits == [0.5]


@pytest.mark.parametrize(
    ("refusal", "shortest", "longest"),
    [
        (TransientError("429", 2), 2, 7),
        (TransientError("429", 300), 300, 360),
        (TransientError("429"), 1, 6),
        (ThreadBusy("locked", 9), 9, 14),
    ],
)
def test_the_waits_of_many_are_spread_and_none_is_shorter_than_asked_for(
    refusal: Exception, shortest: int, longest: int
) -> None:
    """Runs that were refused at the same moment must not all come back at the same moment."""
    waits = set()
    for jitter in (0, 0.25, 0.5, 0.75, 1):
        backend = MemoryBackend(faults={"runs.start": [refusal]})
        waits.add(step(stored(), backend, jitter=jitter).wait_seconds)
    assert (min(waits), max(waits), len(waits)) == (shortest, longest, 5)


def test_a_look_at_a_run_is_not_spread() -> None:
    """Nobody was refused: spreading would only add to the lag."""
    assert step(stored(), MemoryBackend(), jitter=1) == Step("wait", 1)


def test_a_server_that_asked_for_time_is_not_asked_again_for_the_sake_of_a_leftover() -> None:
    store = with_leftover(thread=Owned(id="conv_0", is_ours=False), run=Owned(id="resp_0"))
    backend = MemoryBackend(responses={"resp_0": ObservedRun("resp_0", "in_progress")})
    backend.faults["threads.create"] = [TransientError("429", 300)]
    for now in range(1000, 1300):
        assert step(store, backend, now=now) == Step("wait", 1), "the leftover's run is being cancelled"
    assert backend.calls.count("threads.create") == 1
    step(store, backend, now=1300)
    assert backend.calls.count("threads.create") == 2


def test_a_delete_does_not_wait_for_what_its_create_waited_for() -> None:
    """A limit on starting runs is none on deleting them."""
    store, backend = stored(), MemoryBackend()
    backend.faults["runs.start"] = [TransientError("429", 300)]
    step(store, backend)
    supersede(store)
    assert step(store, backend, "d1", now=1001) == Step("respond")
    assert backend.items == {}


def test_no_wait_goes_past_the_deadline() -> None:
    store, backend = stored(), MemoryBackend()
    backend.faults["threads.create"] = [TransientError("429", 5000)]
    assert step(store, backend, now=1900) == Step("wait", 100)


def test_an_unknown_record_or_request_is_nothing_to_do() -> None:
    assert step(stored(), MemoryBackend(), "other") == Step("stop")


@pytest.mark.parametrize("saves_before", [1, 2, 3])
def test_a_delete_that_comes_in_between_is_found_at_the_next_save(saves_before: int) -> None:
    """Whatever this actor made before it lost the race is known to the Delete, or cleaned up by this actor."""
    store, backend = stored(), MemoryBackend()
    meet(store, supersede, saves_before - 1)
    assert step(store, backend).outcome == "stop"
    for run_id in list(backend.responses):
        backend.end(run_id, "cancelled")
    for _ in range(3):
        step(store, backend, "d1", now=1040)
    assert (backend.items, backend.responses, store.load("key").made) == ({}, {}, {})


def test_what_is_made_after_its_delete_has_ended_is_cleaned_up_by_who_made_it() -> None:
    store, backend = stored(), MemoryBackend()

    def delete_to_the_end(store: MemoryStore) -> None:
        supersede(store)
        with changed(store) as (record, _):
            record.made.clear()
            record.requests["d1"].is_superseded = True

    meet(store, delete_to_the_end)
    assert step(store, backend) == Step("stop")
    assert (backend.items, store.load("key").made) == ({}, {})


def test_what_another_actor_deleted_is_not_entered_again_by_who_only_looked_at_it() -> None:
    """Nobody would delete it once more, were the server to refuse that: it would stay on record for good."""
    store, backend = stored(), MemoryBackend()
    step(store, backend)

    def delete(store: MemoryStore) -> None:
        with changed(store) as (record, _):
            record.requests["r1"].is_superseded = True
            record.made.clear()

    backend.end("resp_1")
    backend.faults["runs.delete"] = [TerminalError("refused")]
    meet(store, delete)
    step(store, backend, now=1010)
    assert store.load("").made == {}


def test_of_two_threads_of_one_request_the_one_saved_later_is_deleted() -> None:
    """Lambda may deliver an event twice at once; each process makes a thread before it learns of the other."""
    store, backend = stored(), MemoryBackend()

    def other_process(store: MemoryStore) -> None:
        with changed(store) as (_, run):
            run.thread = Owned(id="conv_other")
        backend.items["conv_other"] = []

    meet(store, other_process)
    step(store, backend)
    assert list(backend.items) == ["conv_other"]
    assert list(store.load("key").made) == ["run"]


def test_the_intent_of_another_process_outlives_a_lost_race() -> None:
    """That process may have ended right after it started the run."""
    store, backend = stored(), MemoryBackend()

    def other_process(store: MemoryStore) -> None:
        with changed(store) as (_, run):
            run.thread, run.files = Owned(id="conv_other"), SearchableFiles(is_ready=True)
            run.intend("other", 1000)
        backend.items["conv_other"] = []

    meet(store, other_process)
    assert step(store, backend).outcome == "wait"
    assert "runs.start" not in backend.calls


@pytest.mark.parametrize(
    "saves_before", [1, 2], ids=["before its own intent is saved", "after its own start was refused"]
)
def test_the_intent_of_another_process_outlives_a_race_that_was_lost_on_one_thread(saves_before: int) -> None:
    store, backend = stored(), MemoryBackend()
    backend.faults["runs.start"] = [TransientError("429")]

    def intend(store: MemoryStore) -> None:
        with changed(store) as (_, run):
            run.intend("other", 1001)

    meet(store, intend, saves_before)
    assert step(store, backend).outcome == "wait"
    with changed(store) as (_, run):
        assert run.attempt is not None
        assert run.attempt.owner == "other"
    assert backend.calls.count("runs.start") == saves_before - 1


def test_a_step_looks_for_the_run_of_a_step_that_ended_with_its_start() -> None:
    store, backend = stored(), MemoryBackend()
    backend.faults["runs.start"] = [RuntimeError("the process ends")]
    with pytest.raises(RuntimeError, match="the process ends"):
        step(store, backend)
    assert step(store, backend).outcome == "wait"
    assert backend.calls[-2:] == ["runs.start", "runs.find_lost"]


def test_a_step_that_was_frozen_after_its_attempt_was_saved_looks_before_it_starts_the_run() -> None:
    """Another step has waited half a minute for a sign of the run meanwhile, and started it."""
    store, backend, clock = stored(), MemoryBackend(), [1000.0]

    meet(store, lambda _: clock.__setitem__(0, 1031.0), saves_before=1)
    Stepper(store, store, backend, lambda: clock[0], lambda: 0).take_step("key", "r1")  # type: ignore[arg-type]
    assert backend.calls[:2] == ["threads.create", "runs.find_lost"]


def test_a_vector_store_of_which_the_delete_had_not_heard_is_deleted() -> None:
    store, backend = stored(tools=[{"type": "file_search"}]), MemoryBackend()
    meet(store, supersede, saves_before=1)
    assert step(store, backend).outcome == "stop"
    assert list(backend.indexing) == ["vs_1"]
    assert step(store, backend, "d1") == Step("respond")
    assert (backend.indexing, backend.items) == ({}, {})


def test_an_output_that_was_put_when_its_delete_came_is_deleted() -> None:
    store, backend = stored(), MemoryBackend()
    step(store, backend)
    backend.end("resp_1")
    meet(store, supersede)
    step(store, backend)
    assert store.outputs == {"s3://outputs/conv_1:resp_1"}
    assert step(store, backend, "d1") == Step("respond")
    assert (store.outputs, store.staged) == (set(), [])


def test_a_refused_start_is_forgotten_though_its_save_lost_a_race() -> None:
    """Else its Delete would wait for a run that is known not to be."""
    store, backend = stored(), MemoryBackend()
    backend.faults["runs.start"] = [TransientError("429")]
    meet(store, supersede, saves_before=2)
    assert step(store, backend).outcome == "stop"
    assert step(store, backend, "d1") == Step("respond")
    assert backend.calls.count("runs.start") == 1
    assert backend.items == {}


def test_a_start_without_a_reply_is_not_made_again_though_its_save_lost_a_race() -> None:
    """The saved attempt still names the step that made it."""
    store, backend = stored(), MemoryBackend()
    backend.faults["runs.start"] = [LostReply("reset")]

    def renew_url(store: MemoryStore) -> None:
        with changed(store) as (record, _):
            record.requests["r1"].response_url = "https://new"

    meet(store, renew_url, saves_before=2)
    assert step(store, backend).outcome == "wait"
    assert step(store, backend).outcome == "wait"
    assert backend.calls.count("runs.start") == 1


def test_a_leftover_that_cannot_be_deleted_does_not_fail_an_update() -> None:
    store = with_leftover(thread=Owned(id="conv_0"))
    backend = MemoryBackend(faults={"threads.delete": [TerminalError("forbidden")] * 9})
    assert step(store, backend).outcome == "wait"
    backend.end("resp_1")
    assert step(store, backend).outcome == "record"
    assert "old" in store.load("key").made, "the Delete to come tries again"
