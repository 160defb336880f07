"""What a run was at, and since when: as its record has it."""

from dataclasses import replace
from typing import Any

import pytest

from testkit.memory.backend import MemoryBackend, wanted_run
from testkit.memory.properties import TOOLS
from threadrun.errors import TerminalError
from threadrun.reconcile.dispatch import reconcile
from threadrun.reconcile.outcome import Actor, Checkpoint
from threadrun.state.observations import FINAL_STATUSES, FunctionCall, ObservedRun
from threadrun.state.run import RunRecord
from threadrun.state.timeline import MAX_PHASES, Timeline, entered, looked_at

CALLS = (FunctionCall("call_1", "look_up", '{"article": "bolt"}'),)


class Life:
    """A run from its request at second 1,000 on, told by what the server shows at which look."""

    def __init__(self, **desired: object) -> None:
        self.run, self.backend = wanted_run(**desired), MemoryBackend()

    def look(self, now: float, status: str | None = None, **shown: object) -> None:
        """Look, once the server shows this of the run's newest response."""
        if status:
            newest = list(self.backend.responses)[-1]
            was = self.backend.responses[newest]
            self.backend.responses[newest] = replace(was, status=status, **shown)  # type: ignore[arg-type]
        while isinstance(reconcile(self.run, Actor(self.backend, now, "step")), Checkpoint):
            pass

    @property
    def timeline(self) -> list[tuple[str, float]]:
        read = RunRecord.model_validate_json(self.run.model_dump_json())
        assert read.timeline == self.run.timeline
        return [(phase.name, phase.since_epoch_s) for phase in read.timeline]


STORIES: dict[str, tuple[list[Any], list[tuple[str, float]]]] = {
    "an end is when the server says that it was, not when somebody looked": (
        [(1000.5,), (1001,), (1002.25, "in_progress"), (1003,), (1012.5, "completed", {"completed_at": 1009})],
        [("queued", 1000.5), ("running", 1002.25), ("answering", 1009)],
    ),
    "the server's own start counts": (
        [(1001,), (1010, "in_progress", {"started_at": 1004})],
        [("queued", 1001), ("running", 1004)],
    ),
    "with webhooks nobody may see it begin, and it counts as running": (
        [(1001,), (1300, "completed", {"completed_at": 1299})],
        [("running", 1001), ("answering", 1299)],
    ),
    "it never left the queue": ([(1001,), (2000,)], [("queued", 1001), ("answering", 2000)]),
    "times never go back, though the server's clock has whole seconds, and is another one": (
        [(1001.75,), (1003.5, "in_progress"), (1004, "completed", {"completed_at": 1001})],
        [("queued", 1001.75), ("running", 1003.5), ("answering", 1003.5)],
    ),
}


@pytest.mark.parametrize(("looks", "timeline"), STORIES.values(), ids=STORIES)
def test_a_run_goes_from_its_request_to_its_end(looks: list[Any], timeline: list[tuple[str, float]]) -> None:
    life = Life()
    for now, *status, shown in [look if len(look) == 3 else (*look, {}) for look in looks]:
        life.look(now, *status, **shown)
    assert life.timeline == [("starting", 1000), *timeline]


def test_each_round_of_calls_is_waited_for() -> None:
    life = Life(tools=TOOLS)
    life.look(1001)
    life.look(1002, "in_progress")
    life.look(1005, "requires_action", calls=CALLS, completed_at=1004)
    life.look(1007)
    life.run.round.calls["call_1"].output = "2"
    life.look(1010.5)
    life.look(1011, "in_progress")
    life.look(1015, "completed", completed_at=1014)
    again = [("queued", 1010.5), ("running", 1011), ("answering", 1014)]
    assert life.timeline[2:] == [("running", 1002), ("tools", 1004), *again]


def test_the_start_before_the_calls_is_not_that_of_what_comes_after_them() -> None:
    """On Assistants v2 a run has one `started_at` for all its rounds."""
    life = Life(tools=TOOLS)
    life.look(1001)
    life.look(1003, "in_progress", started_at=1002)
    life.look(1005, "requires_action", calls=CALLS)
    life.run.round.calls["call_1"].output = "2"
    life.backend.runs.submit_outputs = (  # type: ignore[method-assign]
        lambda plan, thread_id, run_id, outputs: ObservedRun(run_id, "in_progress", started_at=1002)
    )
    life.look(1008)
    assert life.timeline[2:] == [("running", 1002), ("tools", 1005), ("running", 1008)]


def test_a_failure_ends_it_too() -> None:
    life = Life()
    life.backend.faults["runs.start"] = [TerminalError("no such model")]
    with pytest.raises(TerminalError):
        life.look(1003)
    with pytest.raises(TerminalError):
        life.look(1004)
    assert life.timeline == [("starting", 1000), ("answering", 1003)]


def test_nothing_comes_after_the_answer() -> None:
    """A rollback looks at the run again, and answers again."""
    life = Life()
    life.look(1001)
    life.look(1002, "completed", completed_at=1002)
    life.run.enter("answered", 1003)
    before = life.timeline
    life.run.is_acknowledged = life.run.must_recheck = True
    assert life.run.desired is not None
    life.run.set_desired(life.run.desired, "snake_case")
    life.look(1500)
    life.run.enter("answered", 1501)
    assert life.timeline == before


def test_a_timeline_is_bounded() -> None:
    """100 rounds are possible; the record is written with each of them."""
    timeline: Timeline = entered((), "starting", 0)
    for number in range(100):
        timeline = looked_at(timeline, "queued", False, 10 * number + 1, None, None)
        timeline = looked_at(timeline, "in_progress", False, 10 * number + 2, None, None)
        timeline = entered(timeline, "tools", 10 * number + 3)
    timeline = entered(entered(timeline, "answering", 1001), "answered", 1002)
    assert len(timeline) <= MAX_PHASES + 4
    assert [phase.name for phase in timeline[-3:]] == ["running", "answering", "answered"]


@pytest.mark.parametrize("status", ["queued", "in_progress", "completed", "failed"])
def test_a_run_whose_request_is_not_on_record_has_a_timeline_as_well(status: str) -> None:
    """A run that was made twice has a record of its own, which begins with what is left of it."""
    timeline = looked_at((), status, status in FINAL_STATUSES, 1010, None, 1009 if status == "completed" else None)
    assert [phase.name for phase in timeline] == {
        "queued": ["queued"],
        "in_progress": ["running"],
        "completed": ["running", "answering"],
        "failed": ["answering"],
    }[status]
