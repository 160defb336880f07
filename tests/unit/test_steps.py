"""One step of a request: when the next look is, what is saved when, and what another actor that saves first does."""

import heapq
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from testkit.memory.backend import MemoryBackend, wanted_run
from testkit.memory.properties import TOOLS
from testkit.memory.table import MemoryTable
from testkit.template import template
from threadrun.cloudformation import respond
from threadrun.cloudformation.respond import Responses, decide_response
from threadrun.errors import LostReply, NotStorable, TerminalError, ThreadBusy, TransientError
from threadrun.reconcile.run_deletion import CANCEL_PATIENCE_SECONDS
from threadrun.state.base import Owned
from threadrun.state.observations import FunctionCall, ObservedRun
from threadrun.state.resource import Request, ResourceRecord
from threadrun.state.run import RunRecord
from threadrun.state.run_values import AttributesItem, SearchableFiles
from threadrun.storage.event_waits import EventWaits
from threadrun.storage.records import Records
from threadrun.storage.run_attributes import OutputBucket, RunAttributes
from threadrun.workflow.steps import RELOAD_SECONDS, SPREAD_SECONDS, Stepper
from threadrun.workflow.tool_calls import ToolCaller
from threadrun.workflow.waiting import ROUND_SECONDS, NextState, Waiting


def asked(request_type: str = "Create", request_id: str = "r1") -> Request:
    target = "run" if request_type != "Delete" else None
    request = {"request_id": request_id, "request_type": request_type, "response_url": "https://u"}
    times = {"received_epoch_s": 1000, "deadline_epoch_s": 2000}
    return Request.model_validate({**request, **times, "target_key": target})


class ContendedTable(MemoryTable):
    """`before_save` is called once before the next save of a record, as another actor."""

    before_save: Callable[[], None] | None = None

    def put_item(self, **arguments: Any) -> dict[str, Any]:
        action, self.before_save = self.before_save, None
        if action is not None:
            action()
        return super().put_item(**arguments)


class Bucket(list[str]):
    """Keys of the outputs in it."""

    def put_object(self, *, Key: str, **_: object) -> None:
        self.append(Key)

    def delete_object(self, *, Key: str, **_: object) -> None:
        self.remove(Key)


class Announced:
    """Waits for events; `on_announce` happens at the moment of the announcement, `ended` was noted before it."""

    def __init__(self, on_announce: Callable[[], None] = lambda: None, ended: float | None = None) -> None:
        self._on_announce, self._ended = on_announce, ended

    def announce(self, run_id: str, request_id: str, until_epoch_s: float) -> float | None:
        self._on_announce()
        return self._ended


class Scene:
    """A run that has been asked for, its server, and a clock from second 1,000 on; others may act meanwhile."""

    def __init__(self, **desired: object) -> None:
        record = ResourceRecord(stack_id="s", logical_id="l", requests={"r1": asked()})
        record.made["run"] = wanted_run(**desired)
        self.key, self.table, self.bucket = record.key, ContendedTable("t"), Bucket()
        self.records: Any = Records(self.table, "t")  # type: ignore[arg-type]
        self.records.save(record)
        outputs: Any = OutputBucket(lambda: self.bucket, "outputs")  # type: ignore[arg-type, return-value]
        self.attributes = RunAttributes(self.table, "t", outputs)  # type: ignore[arg-type]
        self.backend, self.now, self.waits = MemoryBackend(), 1000.0, list[float]()
        self.meanwhile: Callable[[], None] | None = None
        """Happens once, in the first wait of a step."""

    def step(self, request_id: str = "r1", jitter: float = 0, waiting: Waiting | None = None) -> NextState:
        stepper = Stepper(self.records, self.attributes, self.backend, lambda: self.now, lambda: jitter)
        return stepper.take_step(self.key, request_id, waiting)

    def wait_in_step(self, until: float, events: Announced | None = None) -> NextState:
        """A step whose function can wait until then."""
        waiting = Waiting(self._sleep, until, 30, events)  # type: ignore[arg-type]
        step = self.step(waiting=waiting)
        assert waiting.waited_inline_seconds == sum(self.waits)
        return step

    def _sleep(self, seconds: float) -> None:
        self.now += seconds
        self.waits.append(seconds)
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            meanwhile()

    @contextmanager
    def changed(self) -> Iterator[tuple[ResourceRecord, RunRecord]]:
        """The record and its run, which another actor saves with what the block does to them."""
        record = self.record
        run = record.made["run"]
        assert isinstance(run, RunRecord)
        yield record, run
        self.records.save(record)

    def supersede(self) -> None:
        """A Delete is admitted, by another actor."""
        with self.changed() as (record, run):
            record.requests["r1"].is_superseded = True
            record.requests["d1"] = asked("Delete", "d1")
            run.mark_for_deletion(2000)
            run.redact()

    def meet(self, actor: Callable[[], None], saves_before: int = 0) -> None:
        """Have another actor save right before a save of a step, after so many of its saves."""
        self.table.before_save = lambda: self.meet(actor, saves_before - 1) if saves_before else actor()

    def leave_over(self, **leftover: object) -> None:
        """Something of a former request is still to be deleted."""
        with self.changed() as (record, run):
            record.made["old"] = run.model_copy(update={"key": "old", "goal": "absent", **leftover})

    @property
    def responses(self) -> Responses:
        return Responses(self.records, self.attributes, lambda: self.now)

    @property
    def record(self) -> Any:
        return self.records.load(self.key)

    @property
    def kept(self) -> list[str]:
        """Outputs in the bucket, and items of runs in the table."""
        return [*self.bucket, *(key for key in self.table.items if key.startswith("RUN#"))]


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.fixture
def under_way(scene: Scene) -> Scene:
    """The run has been started."""
    assert scene.step(jitter=1) == NextState("wait", 1), "nobody was refused: spreading would only add to the lag"
    return scene


def test_nothing_is_saved_that_could_not_be_read_back(scene: Scene) -> None:
    """An assignment is checked when it is saved: a server's number of another type, say."""
    with (
        pytest.raises(NotStorable, match=r"read back: made\.run\.run\.window\.deadline_epoch_s"),
        scene.changed() as (_, run),
    ):
        run.window = run.window.model_copy(update={"deadline_epoch_s": "soon"})
    assert scene.record.made["run"].window.deadline_epoch_s == 2000


def test_a_look_that_learns_nothing_new_saves_nothing(under_way: Scene) -> None:
    """Each save of a record with long prompts costs write units."""
    version = under_way.record.version
    under_way.step()
    assert under_way.record.version == version


# --- waits


@pytest.mark.parametrize(("waited", "pause"), [(0, 0.5), (5, 0.5), (20, 1), (60, 1.25), (550, 1.25), (3500, 1.25)])
def test_a_function_looks_within_two_seconds_however_long_it_has_waited(waited: float, pause: float) -> None:
    assert Waiting().look_seconds(waited) == pytest.approx(pause)


@pytest.mark.parametrize(("waited", "pause"), [(0, 1), (60, 3.6), (550, 33), (3000, 60)])
def test_the_pause_of_the_state_machine_grows_with_the_time_waited(waited: float, pause: float) -> None:
    assert Waiting(inline_seconds=0).look_seconds(waited) == pytest.approx(pause)


@pytest.mark.parametrize(("waited", "pause"), [(0, 0.5), (5, 0.5), (60, 3), (480, 24), (700, 42), (3000, 60)])
def test_what_was_refused_is_tried_again_in_proportion_to_the_time_waited(waited: float, pause: float) -> None:
    assert Waiting().pause_seconds(waited) == pytest.approx(pause)


def test_a_server_that_refuses_looks_gets_fewer_of_them_and_more_again_as_it_lets_them_in() -> None:
    """One that lets in ten looks a second, for a hundred runs that would look 80 times a second."""
    runs, chance = [Waiting() for _ in range(100)], random.Random(1).random
    agenda = [(chance(), number) for number in range(len(runs))]
    heapq.heapify(agenda)
    let_in, refused = Counter[int](), Counter[int]()
    while agenda[0][0] < 600:
        now, number = heapq.heappop(agenda)
        is_refusal = let_in[int(now)] == 10
        (refused if is_refusal else let_in)[int(now)] += 1
        if is_refusal:
            pause = runs[number].refused_look_seconds(100) + chance() * SPREAD_SECONDS
        else:
            runs[number].note_look()
            pause = runs[number].look_seconds(100)
        heapq.heappush(agenda, (now + pause, number))
    assert sum(count for second, count in refused.items() if second > 60) < let_in.total() / 10
    assert let_in.total() > 600 * 7, "what the server lets in is used"
    for _ in range(60):
        runs[0].note_look()
    assert runs[0].look_seconds(100) == 1.25
    assert [runs[0].refused_look_seconds(100) for _ in range(100)][-1] == 30


def test_refusals_of_a_server_slow_the_looks_of_its_step_down(under_way: Scene) -> None:
    under_way.backend.faults["runs.observe"] = [TransientError("429"), TransientError("429", 4), TransientError("429")]
    under_way.wait_in_step(1100)
    assert under_way.waits[:4] == [1, 4, 4, 3.8]


@pytest.mark.parametrize(("inline_seconds", "handed_over_at"), [(30, 500), (5, 83), (1, 17), (0, 0)])
def test_the_state_machine_waits_from_the_wait_on_that_the_deployment_says(
    inline_seconds: float, handed_over_at: float
) -> None:
    waiting = Waiting(inline_seconds=inline_seconds)
    waited = 0.0
    while not waiting.is_far(pause := waiting.look_seconds(waited)):
        waited += pause
    assert waited == pytest.approx(handed_over_at, rel=0.1)


def test_a_pause_that_is_dearer_in_the_function_is_the_state_machines() -> None:
    """As when a server asks for a minute."""
    assert [Waiting().is_far(seconds) for seconds in (ROUND_SECONDS - 1, ROUND_SECONDS)] == [False, True]


@pytest.mark.parametrize("inline_seconds", [0, 1, 5, 30, 60])
def test_no_look_comes_later_than_the_bound_on_the_lag(inline_seconds: float) -> None:
    """A tenth of the time waited, and a second at least."""
    waiting = Waiting(inline_seconds=inline_seconds)
    for waited in range(0, 4000, 7):
        assert waiting.look_seconds(waited) <= max(1, waited / 10)


@pytest.mark.parametrize(
    ("waited", "pause", "unkept"),
    [(0, 0.5, 0.5), (9.9, 0.5, 0.5), (10, 660, 540), (700, 700, 540), (3000, 1200, 540)],
)
def test_where_the_server_tells_there_is_a_net_only(waited: float, pause: float, unkept: float) -> None:
    waiting = Waiting(event_waits=EventWaits(None, "no table"))  # type: ignore[arg-type]
    assert waiting.look_seconds(waited) == pytest.approx(pause)
    assert waiting.look_seconds(waited, is_kept=False) == pytest.approx(unkept), (
        "within the ten minutes that it is shown"
    )
    assert waiting.pause_seconds(waited) == Waiting().pause_seconds(waited), "of refusals nobody tells"
    assert waiting.look_seconds(waited, ROUND_SECONDS - 1) == Waiting().look_seconds(waited), "the function waits"


@pytest.mark.parametrize(
    ("inline_seconds", "waited", "seconds"), [(30, 2000, 1), (0, 2, 1), (0, 100, 6), (0, 2000, 10)]
)
def test_what_the_state_machine_waits_for_is_not_looked_at_each_second(
    inline_seconds: float, waited: float, seconds: float
) -> None:
    """An hour of it would not fit into the history of an execution. What was asked for is kept."""
    waiting = Waiting(inline_seconds=inline_seconds)
    assert waiting.poll_seconds(1, waited) == seconds
    assert waiting.poll_seconds(120, waited) == 120


def test_a_deployment_polls_by_default_as_is_the_cheapest() -> None:
    assert template()["Parameters"]["LingerSeconds"]["Default"] == Waiting().inline_seconds


def test_where_the_server_tells_a_far_look_waits_for_an_event(scene: Scene) -> None:
    assert scene.wait_in_step(1900, Announced()) == NextState("await_webhook", 660, wait_key="WAIT#resp_1")
    assert scene.now == 1010, "what ends soon is waited for in the function"
    assert scene.backend.calls[-1] == "runs.observe", "the last look comes after the announcement"


def test_what_ends_just_before_an_event_would_be_noted_is_seen(scene: Scene) -> None:
    step = scene.wait_in_step(1900, Announced(lambda: scene.backend.end("resp_1")))
    assert step.outcome == "record"


def test_no_wait_for_an_event_is_longer_than_the_request_has_time(scene: Scene) -> None:
    scene.now = 1800
    step = scene.wait_in_step(2500, Announced())
    assert (step.outcome, step.wait_seconds) == ("await_webhook", 200)


def test_only_the_end_of_a_run_is_waited_for_by_event(scene: Scene) -> None:
    scene.backend.faults["threads.create"] = [TransientError("429", 300)]
    assert scene.wait_in_step(1900, Announced()) == NextState("wait", 300)


@pytest.mark.parametrize("until", [1020, 1120])
def test_a_step_ends_before_its_function_does_and_the_next_one_follows_within_a_second(
    scene: Scene, until: float
) -> None:
    assert scene.wait_in_step(until) == NextState("wait", 1)
    assert until - 1.25 < scene.now <= until


def test_a_delete_that_comes_while_a_step_waits_is_seen_within_seconds(scene: Scene) -> None:
    scene.meanwhile = scene.supersede
    assert scene.wait_in_step(until=1700) == NextState("stop")
    assert RELOAD_SECONDS <= sum(scene.waits) < RELOAD_SECONDS + 0.5


def test_a_run_that_a_delete_ends_while_its_step_waits_is_seen_at_the_next_look(scene: Scene) -> None:
    def delete() -> None:
        scene.supersede()
        scene.backend.end("resp_1", "cancelled")

    scene.meanwhile = delete
    assert scene.wait_in_step(until=1700) == NextState("stop")
    assert scene.waits == [0.5]
    assert scene.step("d1") == NextState("respond")
    assert scene.kept == []


def test_looks_at_a_run_read_its_record_now_and_then_only(under_way: Scene) -> None:
    """Each read of a record with long prompts costs as much as many seconds of waiting."""
    reads, load = 0, under_way.records.load

    def counted(key: str) -> ResourceRecord | None:
        nonlocal reads
        reads += 1
        return load(key)  # type: ignore[no-any-return]

    under_way.records = SimpleNamespace(load=counted, save=under_way.records.save)
    under_way.wait_in_step(1100)
    assert reads <= 1 + 100 / RELOAD_SECONDS
    assert under_way.backend.calls.count("runs.observe") > 60


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
        scene = Scene()
        scene.backend.faults["runs.start"] = [refusal]
        waits.add(scene.step(jitter=jitter).wait_seconds)
    assert (min(waits), max(waits), len(waits)) == (shortest, longest, 5)


def test_a_server_that_asked_for_time_is_not_asked_again_for_the_sake_of_a_leftover(scene: Scene) -> None:
    scene.leave_over(thread=Owned(id="conv_0", is_ours=False), run=Owned(id="resp_0"))
    scene.backend.responses["resp_0"] = ObservedRun("resp_0", "in_progress")
    scene.backend.faults["threads.create"] = [TransientError("429", 300)]
    for scene.now in range(1000, 1000 + CANCEL_PATIENCE_SECONDS):
        assert scene.step() == NextState("wait", 1), "the leftover's run is being cancelled"
    scene.now += 1
    assert scene.step() == NextState("wait", 180), "it is left behind"
    assert scene.backend.calls.count("threads.create") == 1
    scene.now = 1300
    scene.step()
    assert scene.backend.calls.count("threads.create") == 2


def test_a_delete_does_not_wait_for_what_its_create_waited_for(scene: Scene) -> None:
    """A limit on starting runs is none on deleting them."""
    scene.backend.faults["runs.start"] = [TransientError("429", 300)]
    scene.step()
    scene.supersede()
    assert scene.step("d1") == NextState("respond")
    assert scene.backend.items == {}


def test_no_wait_goes_past_the_deadline(scene: Scene) -> None:
    scene.backend.faults["threads.create"] = [TransientError("429", 5000)]
    scene.now = 1900
    assert scene.step() == NextState("wait", 100)


def test_the_deadline_ends_a_wait_that_began_in_its_last_second(scene: Scene) -> None:
    scene.backend.faults["threads.create"] = [TransientError("429", 7)]
    scene.now = 1999.7
    assert scene.step() == NextState("wait", 1)
    scene.now = 2000
    assert scene.step() == NextState("respond")
    assert scene.record.made["run"].failure == "the run could not be started within 1000 s: 429"


def test_an_unknown_request_is_nothing_to_do(scene: Scene) -> None:
    assert scene.step("other") == NextState("stop")


# --- others that save first


@pytest.mark.parametrize("saves_before", [1, 2])
def test_a_delete_that_comes_in_between_is_found_at_the_next_save(scene: Scene, saves_before: int) -> None:
    """Whatever this actor made before it lost the race is known to the Delete, or cleaned up by this actor."""
    scene.meet(scene.supersede, saves_before - 1)
    assert scene.step().outcome == "stop"
    for run_id in list(scene.backend.responses):
        scene.backend.end(run_id, "cancelled")
    scene.now = 1040
    for _ in range(3):
        scene.step("d1")
    assert (scene.backend.items, scene.backend.responses, scene.record.made) == ({}, {}, {})


def test_what_is_made_after_its_delete_has_ended_is_cleaned_up_by_who_made_it(scene: Scene) -> None:
    def delete_to_the_end() -> None:
        scene.supersede()
        with scene.changed() as (record, _):
            record.made.clear()
            record.requests["d1"].is_superseded = True

    scene.meet(delete_to_the_end)
    assert scene.step() == NextState("stop")
    assert (scene.backend.items, scene.record.made) == ({}, {})


def test_what_another_actor_deleted_is_not_entered_again_by_who_only_looked_at_it(under_way: Scene) -> None:
    """Nobody would delete it once more, were the server to refuse that: it would stay on record for good."""

    def delete() -> None:
        with under_way.changed() as (record, _):
            record.requests["r1"].is_superseded = True
            record.made.clear()

    under_way.backend.end("resp_1")
    under_way.backend.faults["runs.delete"] = [TerminalError("refused")]
    under_way.meet(delete)
    under_way.step()
    assert under_way.record.made == {}


def test_of_two_threads_of_one_request_the_one_saved_later_is_deleted(scene: Scene) -> None:
    """Lambda may deliver an event twice at once; each process makes a thread before it learns of the other."""

    def other_process() -> None:
        with scene.changed() as (_, run):
            run.thread = Owned(id="conv_other")
        scene.backend.items["conv_other"] = []

    scene.meet(other_process)
    scene.step()
    assert list(scene.backend.items) == ["conv_other"]
    assert list(scene.record.made) == ["run"]


def test_the_intent_of_another_process_outlives_a_lost_race(scene: Scene) -> None:
    """That process may have ended right after it started the run."""

    def other_process() -> None:
        with scene.changed() as (_, run):
            run.thread, run.files = Owned(id="conv_other"), SearchableFiles(is_ready=True)
            run.intend("other", 1000)
        scene.backend.items["conv_other"] = []

    scene.meet(other_process)
    assert scene.step().outcome == "wait"
    assert "runs.start" not in scene.backend.calls


@pytest.mark.parametrize(
    "saves_before", [0, 1], ids=["before its own intent is saved", "after its own start was refused"]
)
def test_the_intent_of_another_process_outlives_a_race_that_was_lost_on_one_thread(
    scene: Scene, saves_before: int
) -> None:
    def intend() -> None:
        with scene.changed() as (_, run):
            run.intend("other", 1001)

    scene.backend.faults["runs.start"] = [TransientError("429")]
    scene.meet(intend, saves_before)
    assert scene.step().outcome == "wait"
    with scene.changed() as (_, run):
        assert run.attempt is not None
        assert run.attempt.owner == "other"
    assert scene.backend.calls.count("runs.start") == saves_before


def test_a_step_looks_for_the_run_of_a_step_that_ended_with_its_start(scene: Scene) -> None:
    scene.backend.faults["runs.start"] = [RuntimeError("the process ends")]
    with pytest.raises(RuntimeError, match="the process ends"):
        scene.step()
    assert scene.step().outcome == "wait"
    assert scene.backend.calls[-2:] == ["runs.start", "runs.find_lost"]


def test_a_step_that_was_frozen_after_its_attempt_was_saved_looks_before_it_starts_the_run(scene: Scene) -> None:
    """Another step has waited half a minute for a sign of the run meanwhile, and started it."""
    scene.meet(lambda: setattr(scene, "now", 1031))
    scene.step()
    assert scene.backend.calls[:2] == ["threads.create", "runs.find_lost"]


def test_a_vector_store_of_which_the_delete_had_not_heard_is_deleted() -> None:
    scene = Scene(tools=[{"type": "file_search"}])
    scene.meet(scene.supersede, saves_before=1)
    assert scene.step().outcome == "stop"
    assert list(scene.backend.indexing) == ["vs_1"]
    assert scene.step("d1") == NextState("respond")
    assert (scene.backend.indexing, scene.backend.items) == ({}, {})


def test_an_output_that_was_put_when_its_delete_came_is_deleted(under_way: Scene) -> None:
    under_way.backend.end("resp_1", output_text="x" * 200_000)
    under_way.meet(under_way.supersede)
    under_way.step()
    assert under_way.kept == ["outputs/conv_1/resp_1.txt", "RUN#conv_1:resp_1"]
    assert under_way.step("d1") == NextState("respond")
    assert under_way.kept == []


def test_a_refused_start_is_forgotten_though_its_save_lost_a_race(scene: Scene) -> None:
    """Else its Delete would wait for a run that is known not to be."""
    scene.backend.faults["runs.start"] = [TransientError("429")]
    scene.meet(scene.supersede, saves_before=1)
    assert scene.step().outcome == "stop"
    assert scene.step("d1") == NextState("respond")
    assert scene.backend.calls.count("runs.start") == 1
    assert scene.backend.items == {}


def test_a_start_without_a_reply_is_not_made_again_though_its_save_lost_a_race(scene: Scene) -> None:
    """The saved attempt still names the step that made it."""

    def renew_url() -> None:
        with scene.changed() as (record, _):
            record.requests["r1"].response_url = "https://new"

    scene.backend.faults["runs.start"] = [LostReply("reset")]
    scene.meet(renew_url, saves_before=1)
    for _ in range(2):
        assert scene.step().outcome == "wait"
    assert scene.backend.calls.count("runs.start") == 1


def test_a_leftover_that_cannot_be_deleted_does_not_fail_an_update(scene: Scene) -> None:
    scene.leave_over(thread=Owned(id="conv_0"))
    scene.backend.faults["threads.delete"] = [TerminalError("forbidden")] * 9
    assert scene.step().outcome == "wait"
    scene.backend.end("resp_1")
    assert scene.step().outcome == "record"
    assert "old" in scene.record.made, "the Delete to come tries again"
    assert scene.record.requests["r1"].failure is None


def test_what_is_made_again_is_not_acknowledged_and_what_is_left_of_it_before_is_deleted(under_way: Scene) -> None:
    """Its thread may have outlived it. CloudFormation knows nothing of the new one until it gets a response."""
    with under_way.changed() as (_, run):
        run.must_recheck = run.is_acknowledged = True
    under_way.backend.responses["resp_0"] = under_way.backend.responses.pop("resp_1")
    for under_way.now in (1000, 1005, 1015):
        assert under_way.step().outcome == "wait"
    assert list(under_way.backend.items) == ["conv_2"]
    [made] = under_way.record.made.values()
    assert (made.thread_id, made.is_acknowledged) == ("conv_2", False)


def test_a_run_that_is_recorded_is_not_recorded_again_for_an_update_that_leaves_it_as_it_is(under_way: Scene) -> None:
    under_way.backend.end("resp_1")
    assert under_way.step() == NextState("record", attributes_key="RUN#conv_1:resp_1")
    with under_way.changed() as (_, run):
        run.item, run.is_acknowledged = AttributesItem(), True
    assert under_way.step() == NextState("respond")


@pytest.mark.parametrize(("status", "named"), [("requires_action", ["look_up"]), ("incomplete", None)])
def test_only_a_run_that_requires_an_action_says_which(under_way: Scene, status: str, named: list[str] | None) -> None:
    """One that was cut short may have called functions, too: nobody can answer it any more."""
    under_way.backend.end("resp_1", status, calls=(FunctionCall("call_1", "look_up", "{}"),))
    under_way.step()
    read = under_way.attributes.read("conv_1:resp_1")
    assert read is not None
    required = read["required_action"]
    assert (required and [call["name"] for call in required]) == named


# --- the calls of a run


@pytest.fixture
def calling() -> Scene:
    """A run that waits for its function's output."""
    scene = Scene(tools=TOOLS)
    scene.step()
    scene.backend.end("resp_1", "requires_action", calls=(FunctionCall("call_1", "look_up", "{}"),))
    assert scene.step() == NextState("call_tools", call_ids=("call_1",))
    return scene


def answer_call(scene: Scene, invoked: Callable[[dict[str, Any]], object]) -> bool:
    def invoke(function_arn: str, event: dict[str, Any], timeout_seconds: float) -> object:
        return invoked(event)

    return ToolCaller(scene.records, invoke, lambda: scene.now, scene.key, "r1", "call_1").answer()


def never(event: dict[str, Any]) -> object:
    raise AssertionError("the handler is invoked")


def test_a_call_that_has_an_output_is_not_called_again(calling: Scene) -> None:
    """The state machine tries a task again whose reply it did not get."""
    assert answer_call(calling, lambda event: event["call_id"])
    assert not answer_call(calling, never)
    assert calling.record.made["run"].round.calls["call_1"].output == "call_1"


@pytest.mark.parametrize("arguments", ["[1]", '"text"', "null", "{", "[" * 100_000])
def test_arguments_that_are_no_object_are_told_to_the_model_and_not_to_the_handler(
    calling: Scene, arguments: str
) -> None:
    with calling.changed() as (_, run):
        run.change_call("call_1", arguments=arguments)
    assert not answer_call(calling, never)
    output = json.loads(calling.record.made["run"].round.calls["call_1"].output)
    assert output["error"]["type"] == "InvalidArguments"


# --- responses


@pytest.fixture
def puts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The URLs that responses are put to."""
    urls: list[str] = []
    monkeypatch.setattr(respond, "deliver", lambda url, body: urls.append(url))
    return urls


@pytest.fixture
def decided(under_way: Scene) -> Scene:
    """The run has ended well, and its response was not taken yet."""
    under_way.backend.end("resp_1")
    under_way.step()
    with under_way.changed() as (record, _):
        record.requests["r1"].response = decide_response(record, record.requests["r1"])
    return under_way


def test_a_response_goes_to_the_url_of_the_newest_delivery(decided: Scene, puts: list[str]) -> None:
    """Lambda repeats an event; the URL on record may be dead by then."""
    assert decided.responses.send(decided.key, "r1", url="https://new") is not None
    assert puts == ["https://new"]


def test_a_response_is_decided_once(under_way: Scene, puts: list[str]) -> None:
    """CloudFormation may have got it, though its sender did not live to note that."""
    for failure in ("One.", "Two."):
        sent = under_way.responses.send(under_way.key, "r1", failure=failure, url="https://u")
        assert sent is not None
        assert (sent.response.status, sent.response.reason) == ("FAILED", "One.")
    assert puts == ["https://u"] * 2


def test_a_superseded_request_gets_no_response(under_way: Scene, puts: list[str]) -> None:
    under_way.supersede()
    assert under_way.responses.send(under_way.key, "r1", failure="No.", url="https://u") is None
    assert puts == []


def test_a_success_that_no_url_took_is_not_acknowledged(decided: Scene) -> None:
    decided.responses.abandon(decided.key, "r1")
    assert decided.record.requests["r1"].response.status == "SUCCESS"
    assert not decided.record.made["run"].is_acknowledged
