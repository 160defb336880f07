"""What the end of a run comes to: its family of failure, its lag, and whether it is news at all."""

import json
from typing import Any, get_args

import pytest

from local.deployment import ROOT
from testkit.memory.backend import wanted_run
from threadrun.cloudformation.respond import Delivered
from threadrun.state.base import Options, Owned
from threadrun.state.observations import FINAL_STATUSES, Usage
from threadrun.state.resource import Request, ResourceRecord, Response
from threadrun.state.run import RunRecord, RunState, ToolCall, ToolRound
from threadrun.telemetry.metrics import measure
from threadrun.telemetry.run_end import FAILURES, Failure, RunEnd, run_end


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


def test_every_final_status_is_a_family() -> None:
    assert set(FAILURES) >= FINAL_STATUSES
    assert get_args(Failure) == FAILURES


@pytest.mark.parametrize(
    ("facts", "family"),
    [
        ({"run": None, "status": None, "failure": "cannot start the run: …"}, "not_started"),
        ({"status": "failed"}, "failed"),
        ({"status": "incomplete"}, "incomplete"),
        ({"status": "expired"}, "expired"),
        ({"status": "completed", "accept_statuses": ("incomplete",)}, "completed"),
        ({"failure": "the answer is not the promised JSON"}, "schema_violation"),
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


def test_what_was_told_before_is_no_news() -> None:
    assert run_end(answered(ended(), again=True), 1010) is None
    assert run_end(answered(ended(), request_type="Delete"), 1010) is None
    assert run_end(answered(ended(is_acknowledged=True), request_type="Update"), 1010) is None
    assert run_end(answered(ended(is_acknowledged=True), "FAILED", "Update"), 1010) is not None


def test_tokens_of_an_adopted_run_are_not_this_applications(capsys: pytest.CaptureFixture[str]) -> None:
    for is_ours, lines in ((True, 2), (False, 1)):
        measure(end_of(ended(model="m", usage=Usage(1, 1, 2), run=Owned(id="resp_1", is_ours=is_ours))))
        assert len(capsys.readouterr().out.splitlines()) == lines


def test_the_schema_of_the_event_knows_every_family_of_a_run_that_was_started() -> None:
    schema = json.loads((ROOT / "docs" / "events.schema.json").read_text())
    assert set(schema["properties"]["failure"]["enum"]) == {None, *FAILURES} - {"not_started"}
    assert set(schema["properties"]["status"]["enum"]) >= FINAL_STATUSES
