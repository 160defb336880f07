"""What is told of a run: what it was at, and since when; its end, family of failure and lag, and whether it is news."""

import json
import re
from dataclasses import replace
from itertools import pairwise
from typing import Any, get_args
from unittest.mock import Mock
from xml.etree import ElementTree

import pytest

from local.deployment import ROOT
from testkit.memory.backend import MemoryBackend, wanted_run
from testkit.memory.properties import TOOLS
from tests.support.recorded_runs import NOON, run
from threadrun.cloudformation.respond import Delivered
from threadrun.errors import TerminalError
from threadrun.reconcile.dispatch import reconcile
from threadrun.reconcile.outcome import Actor, Checkpoint
from threadrun.state.base import Options, Owned
from threadrun.state.observations import FINAL_STATUSES, FunctionCall, ObservedRun, Usage
from threadrun.state.resource import Request, ResourceRecord, Response
from threadrun.state.run import RunRecord
from threadrun.state.run_values import RunState, ToolCall, ToolRound
from threadrun.state.timeline import MAX_PHASES, Timeline, entered, looked_at
from threadrun.telemetry.metrics import measure
from threadrun.telemetry.run_end import FAILURES, Failure, RunEnd, run_end
from threadrun.telemetry.run_events import UNKNOWN_ERROR, put_event
from threadrun_cli.recorded_runs import PHASES, Run
from threadrun_cli.timeline_page import BAR, LAYOUTS, TOP, Layout, deployments, ticks, timeline_page

CALLS = (FunctionCall("call_1", "look_up", '{"article": "bolt"}'),)


class Life:
    """A run from its request at second 1,000 on, told by what the server shows at which look."""

    def __init__(self, **desired: object) -> None:
        self.run, self.backend = wanted_run(**desired), MemoryBackend()

    def look(self, now: float, status: str | None = None, *, output: str | None = None, **shown: object) -> None:
        """Look, once the server shows this of the run's newest response, and a handler has given its output."""
        if output:
            self.run.change_call("call_1", output=output)
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
    "each round of calls is waited for": (
        [
            *((1001,), (1002, "in_progress"), (1005, "requires_action", {"calls": CALLS, "completed_at": 1004})),
            *(
                (1007,),
                (1010.5, None, {"output": "2"}),
                (1011, "in_progress"),
                (1015, "completed", {"completed_at": 1014}),
            ),
        ],
        [
            *(("queued", 1001), ("running", 1002), ("tools", 1004)),
            *(("queued", 1010.5), ("running", 1011), ("answering", 1014)),
        ],
    ),
}


@pytest.mark.parametrize(("looks", "timeline"), STORIES.values(), ids=STORIES)
def test_a_run_goes_from_its_request_to_its_end(looks: list[Any], timeline: list[tuple[str, float]]) -> None:
    life = Life(tools=TOOLS)
    for now, *status, shown in [look if len(look) == 3 else (*look, {}) for look in looks]:
        life.look(now, *status, **shown)
    assert life.timeline == [("starting", 1000), *timeline]


def test_the_start_before_the_calls_is_not_that_of_what_comes_after_them() -> None:
    """On Assistants v2 a run has one `started_at` for all its rounds."""
    life = Life(tools=TOOLS)
    life.look(1001)
    life.look(1003, "in_progress", started_at=1002)
    life.look(1005, "requires_action", calls=CALLS)
    life.backend.runs.submit_outputs = (  # type: ignore[method-assign]
        lambda plan, thread_id, run_id, outputs: ObservedRun(run_id, "in_progress", started_at=1002)
    )
    life.look(1008, output="2")
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


# --- its end


def answered(
    run: RunRecord, status: str = "SUCCESS", request_type: str = "Create", *, again: bool = False
) -> Delivered:
    answer = {"status": status, "physical_id": "p", "target_key": run.key, "is_delivered": again}
    asked = {"request_id": "r1", "request_type": request_type, "response_url": "https://u"}
    request = Request.model_validate(asked | {"received_epoch_s": 1000, "deadline_epoch_s": 2000})
    record = ResourceRecord(stack_id="arn:s", logical_id="Run", requests={"r1": request}, made={run.key: run})
    return Delivered(record, request, Response.model_validate(answer))


def ended(*, accept_statuses: tuple[str, ...] | None = None, **more: Any) -> RunRecord:
    run = wanted_run()
    state = {name: more.pop(name) for name in RunState.model_fields.keys() & more.keys()}
    run.observed = RunState.model_validate({"status": "completed", **state})
    run.options = Options(accept_statuses=accept_statuses)
    for name, value in {"thread": Owned(id="conv_1"), "run": Owned(id="resp_1"), **more}.items():
        setattr(run, name, value)
    return run


def end_of(run: RunRecord, status: str = "SUCCESS", now: float = 1010) -> RunEnd:
    end = run_end(answered(run, status), now)
    assert end is not None
    return end


FAILED_ROUND = ToolRound(number=1, calls={"c": ToolCall(name="f", arguments="", failure="E")})


def test_every_final_status_is_a_family_and_the_schema_of_the_event_knows_all_that_a_started_run_may_have() -> None:
    assert set(FAILURES) >= FINAL_STATUSES
    assert get_args(Failure) == FAILURES
    schema = json.loads((ROOT / "docs" / "events.schema.json").read_text())
    assert set(schema["properties"]["failure"]["enum"]) == {None, *FAILURES} - {"not_started"}
    assert set(schema["properties"]["status"]["enum"]) >= FINAL_STATUSES


@pytest.mark.parametrize(
    ("facts", "family"),
    [
        ({"run": None, "status": None, "failure": "cannot start the run: …"}, "not_started"),
        ({"status": "failed"}, "failed"),
        ({"status": "incomplete"}, "incomplete"),
        ({"status": "expired"}, "expired"),
        ({"status": "completed", "accept_statuses": ("incomplete",)}, "completed"),
        ({"failure": "the answer does not match json_schema"}, "schema_violation"),
        ({"status": "in_progress", "failure": "x", "round": FAILED_ROUND}, "tool_failed"),
        ({"status": "in_progress", "failure": "cannot read run"}, "aborted"),
        ({"status": "in_progress"}, "ended_early"),
        ({}, "ended_early"),
    ],
)
def test_a_failure_is_of_one_family(facts: dict[str, Any], family: str) -> None:
    assert end_of(ended(**facts), "FAILED").failure == family
    assert end_of(ended(**facts)).failure is None, "an accepted end is no failure"


@pytest.mark.parametrize(
    ("completed_at", "lag"),
    [(1004, 6.5), (1000, 10.5), (1011, 0.0), (None, None), (400, None)],
    ids=["in time", "at once", "by a clock that is ahead", "not told", "before it was wanted"],
)
def test_the_lag_counts_from_the_end_that_the_server_tells(completed_at: int | None, lag: float | None) -> None:
    end = end_of(ended(completed_at=completed_at), now=1010.5)
    assert end.lag_seconds == lag
    assert end.seconds == 10.5


@pytest.mark.parametrize(
    ("entry", "reason"), [({"ErrorCode": "InternalFailure"}, "InternalFailure"), ({}, UNKNOWN_ERROR)]
)
def test_an_event_that_the_bus_refuses_has_a_reason_for_the_log(entry: dict[str, str], reason: str) -> None:
    bus = Mock(put_events=Mock(return_value={"FailedEntryCount": 1, "Entries": [entry]}))
    assert put_event(bus, answered(ended()), end_of(ended())) == reason


def test_what_was_reported_before_is_not_reported_again() -> None:
    assert run_end(answered(ended(), again=True), 1010) is None
    assert run_end(answered(ended(), request_type="Delete"), 1010) is None
    assert run_end(answered(ended(is_acknowledged=True), request_type="Update"), 1010) is None
    assert run_end(answered(ended(is_acknowledged=True), "FAILED", "Update"), 1010) is not None


def test_tokens_of_an_adopted_run_are_not_this_applications(capsys: pytest.CaptureFixture[str]) -> None:
    for is_ours, lines in ((True, 2), (False, 1)):
        measure(end_of(ended(model="m", usage=Usage(1, 1, 2), run=Owned(id="resp_1", is_ours=is_ours))))
        assert len(capsys.readouterr().out.splitlines()) == lines


# --- the page of the timeline, read as XML

ONE = run(("starting", 1), ("queued", 2), ("running", 10), ("tools", 5), ("running", 20), ("answering", 2))


def read(*runs: Run) -> ElementTree.Element:
    return ElementTree.fromstring(timeline_page("threadrun-Table", runs, NOON + 3600))


def charts(page: ElementTree.Element) -> list[tuple[Layout, ElementTree.Element]]:
    return list(zip(LAYOUTS, page.iterfind(".//svg"), strict=True))


def bars(chart: ElementTree.Element) -> list[tuple[str, float, float, float]]:
    """Phase, left end, width and top of each."""
    found = chart.iterfind(".//rect")
    return [(each.attrib["class"], *(float(each.attrib[name]) for name in ("x", "width", "y"))) for each in found]


def test_every_bar_says_what_it_is_to_a_reader_who_sees_no_colours_and_the_table_has_the_same() -> None:
    page = read(ONE)
    assert {each.attrib["class"]: each.text for each in page.iterfind(".//li")} == PHASES
    for _, chart in charts(page):
        told = [title.text for title in chart.iterfind(".//rect/title")]
        assert told[3] == "waiting for tools: 5.0 s, from 13.0 s to 18.0 s"
        named = {each.attrib["id"]: each.text for each in chart if "id" in each.attrib}
        assert chart.attrib["role"] == "img"
        assert all(named[each] for each in chart.attrib["aria-labelledby"].split())
    every = [each.attrib["id"] for each in page.iter() if "id" in each.attrib]
    assert len(every) == len(set(every))
    [row] = page.iterfind(".//tbody/tr")
    assert [cell.text for cell in row] == [
        *("2027-01-15 12:00:00", "Summary", "docs", "gpt-5.4-mini", "completed"),
        *("120", "1.0", "2.0", "30.0", "5.0", "2.0", "40.0"),
    ]


def test_names_are_text_whatever_they_hold() -> None:
    evil = "</title><script>alert(1)</script>&\"'"
    page = read(replace(run(("running", 3), name=evil, stack=evil), model=evil, status=evil))
    assert list(page.iter("script")) == []
    assert [cell.text for cell in next(page.iterfind(".//tbody/tr"))][1:5] == [evil] * 4


def test_the_page_needs_nothing_else() -> None:
    """No script, no font and no picture; the browser is told to load none."""
    text = timeline_page("threadrun-Table", [ONE], NOON)
    page = ElementTree.fromstring(text)
    assert not {"script", "link", "img", "iframe", "object"} & {each.tag for each in page.iter()}
    assert re.findall(r"https?:|url\((?!#)|@import|src=|href=", text) == []
    assert "default-src 'none'" in text


@pytest.mark.parametrize("count", [1, 7, 200])
def test_all_runs_are_on_it_one_below_the_other(count: int) -> None:
    runs = [run(("running", 1 + number % 9), at=NOON + 300 * number, stack=f"s{number}") for number in range(count)]
    page = read(*runs)
    for layout, chart in charts(page):
        tops = [y for _, _, _, y in bars(chart)]
        assert len(tops) == count
        assert all(after - before > BAR for before, after in pairwise(tops))
        assert TOP < min(tops) < max(tops) + BAR < float(chart.attrib["viewBox"].split()[3])
        end = layout.width - layout.right + 0.01
        assert all(x >= layout.left and x + width <= end for _, x, width, _ in bars(chart))
    names = [cell.text for cell in page.iterfind(".//tbody/tr/td[3]")]
    assert names == [f"s{number}" for number in reversed(range(count))], "the newest is first"


def test_runs_of_one_deployment_share_their_zero() -> None:
    first = run(("running", 10), name="First")
    second = run(("running", 5), at=NOON + 12, name="Second")
    later = run(("running", 5), at=NOON + 3600, name="First")
    other = run(("running", 5), at=NOON + 1, name="Other", stack="other")
    every = [first, other, second, later]
    assert deployments(every) == [[later], [other], [first, second]]
    for layout, chart in charts(read(*every)):
        scale = (layout.width - layout.left - layout.right) / 17
        assert [round((x - layout.left) / scale) for _, x, _, _ in bars(chart)] == [0, 0, 0, 12]


@pytest.mark.parametrize("seconds", [0.3, 0.7, 3, 8.4, 47, 61, 250, 599, 3600, 5400, 90_000, 4_000_000])
def test_an_axis_has_a_few_round_marks(seconds: float) -> None:
    marks = ticks(seconds)
    assert 2 <= len(marks) <= 9
    assert marks[0] == (0, "0")
    assert marks[-1][0] <= seconds
    assert len({told for _, told in marks}) == len(marks)


def test_marks_have_one_unit() -> None:
    assert [told for _, told in ticks(0.5)] == ["0", "0.1 s", "0.2 s", "0.3 s", "0.4 s", "0.5 s"]
    assert [told for _, told in ticks(75)] == ["0", "10 s", "20 s", "30 s", "40 s", "50 s", "60 s", "70 s"]
    assert [told for _, told in ticks(610)] == ["0", "2 min", "4 min", "6 min", "8 min", "10 min"]
    assert [told for _, told in ticks(8000)] == ["0", "30 min", "60 min", "90 min", "120 min"]
    assert [told for _, told in ticks(15_000)] == ["0", "1 h", "2 h", "3 h", "4 h"]
