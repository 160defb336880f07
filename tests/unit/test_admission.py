"""What a request of CloudFormation means, given what came before it: cancelled, late and repeated ones above all."""

import time

import pytest

from threadrun.cloudformation.admission import admit
from threadrun.cloudformation.events import Event
from threadrun.schema.arguments import DesiredRun
from threadrun.state.base import Owned
from threadrun.state.resource import Request, ResourceRecord, Response
from threadrun.state.run import RunRecord, RunState

MADE_UP = "example-Run-1ABCDEF"


def event(kind: str, request_id: str, issued: int, physical_id: str | None = None) -> Event:
    date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(issued))
    return Event(
        RequestType=kind,
        RequestId=request_id,
        ResponseURL=f"https://u?X-Amz-Date={date}",
        StackId="s",
        LogicalResourceId="l",
        PhysicalResourceId=physical_id,
    )


def desired(text: str) -> DesiredRun:
    return DesiredRun.model_validate({"model": "m", "thread": {"messages": [{"role": "user", "content": text}]}})


def enter(record: ResourceRecord, sent: Event, text: str = "Hello.", now: int | None = None) -> Request:
    """Two seconds pass on the way, unless it comes late."""
    wanted = None if sent.request_type == "Delete" else (desired(text), "snake_case")
    issued = sent.issued_epoch_s
    assert issued is not None
    return admit(record, sent, wanted, None, now or issued + 2)  # type: ignore[arg-type]


def finish(record: ResourceRecord, request: Request, *, is_noted: bool = True) -> str:
    """The run ends, and CloudFormation's URL takes the answer; the sender may end before it notes that."""
    run = record.target(request)
    assert isinstance(run, RunRecord)
    run.thread = run.thread or Owned(id=f"conv_{request.request_id}")
    run.run, run.observed = run.run or Owned(id="resp_1"), RunState(status="completed")
    physical_id = str(run.physical_id)
    request.response = Response(status="SUCCESS", physical_id=physical_id, target_key=request.target_key)
    if is_noted:
        request.response.is_delivered = run.is_acknowledged = True
        request.response_url = None
    return physical_id


OLD, NEW = "conv_c:resp_1", "conv_u:resp_1"


@pytest.fixture
def record() -> ResourceRecord:
    return ResourceRecord(stack_id="s", logical_id="l")


@pytest.fixture
def created(record: ResourceRecord) -> ResourceRecord:
    """The run `c`, of second 1,000."""
    assert finish(record, enter(record, event("Create", "c", 1000))) == OLD
    return record


@pytest.fixture
def replaced(created: ResourceRecord) -> ResourceRecord:
    """The run `u` in its place, of second 1,100."""
    assert finish(created, enter(created, event("Update", "u", 1100, OLD), "Bye.")) == NEW
    return created


def goals(record: ResourceRecord) -> dict[str, str]:
    return {key: made.goal for key, made in record.made.items()}


def test_a_success_that_crossed_the_cancellation_of_its_create_is_taken_back(created: ResourceRecord) -> None:
    """The PUT of an answer is taken also when CloudFormation has given up: nobody else would delete the run."""
    enter(created, event("Delete", "d", 1010, MADE_UP))
    assert goals(created) == {"c": "absent"}


@pytest.mark.parametrize(
    ("kind", "physical_id", "target", "left"),
    [
        ("Update", OLD, "c", {"c": "present", "u": "absent"}),
        ("Update", NEW, "c", {"c": "present", "u": "present"}),
        ("Delete", OLD, None, {"c": "absent", "u": "present"}),
    ],
    ids=["a rollback that crossed the success takes it back", "a rollback after it does not", "nor does a Delete"],
)
def test_after_a_replacement_only_what_cloudformation_does_not_know_is_taken_back(
    replaced: ResourceRecord, kind: str, physical_id: str, target: str | None, left: dict[str, str]
) -> None:
    """It deletes itself what it knows of."""
    assert enter(replaced, event(kind, "r", 1110, physical_id)).target_key == target
    assert goals(replaced) == left


def test_an_update_delivered_after_its_rollback_starts_nothing(created: ResourceRecord) -> None:
    """Nobody would know the id of its run."""
    rollback = enter(created, event("Update", "r", 1110, OLD))
    late = enter(created, event("Update", "u", 1100, OLD), "Bye.", now=1120)
    assert late.is_superseded
    assert goals(created) == {"c": "present"}
    assert rollback.is_open, "a late request overtakes nothing"


def test_a_rollback_delivered_after_everything_else_proves_what_nobody_heard_of(replaced: ResourceRecord) -> None:
    """Its update was given up just before its SUCCESS, and the user deleted the stack before the rollback came."""
    enter(replaced, event("Delete", "d", 1700, OLD))
    assert goals(replaced) == {"c": "absent", "u": "present"}
    late = enter(replaced, event("Update", "r", 1110, OLD), now=9000)
    assert late.is_superseded
    assert goals(replaced) == {"c": "absent", "u": "absent"}
    assert replaced.made["u"].deadline_epoch_s > 9000


def test_a_rollback_delivered_late_takes_nothing_back_that_is_wanted_again(replaced: ResourceRecord) -> None:
    again = enter(replaced, event("Update", "again", 1700, OLD), "Bye.")
    enter(replaced, event("Update", "r", 1110, OLD), now=9000)
    assert goals(replaced)[str(again.target_key)] == "present"
    assert again.is_open


def test_a_create_delivered_during_its_delete_leaves_the_delete_to_its_work(record: ResourceRecord) -> None:
    """Else CloudFormation would wait for the Delete's answer until its patience ends."""
    delete = enter(record, event("Delete", "d", 1010, MADE_UP))
    late = enter(record, event("Create", "c", 1000), now=1020)
    assert (late.is_superseded, delete.is_open, goals(record)) == (True, True, {})


def test_a_delete_delivered_after_a_return_to_what_it_names_deletes_nothing(replaced: ResourceRecord) -> None:
    """CloudFormation had given it up, and lives with that run again."""
    enter(replaced, event("Update", "back", 9000, NEW))
    late = enter(replaced, event("Delete", "d", 1200, OLD), now=9100)
    assert late.is_superseded
    assert goals(replaced) == {"c": "present", "u": "present"}


def test_a_run_whose_answer_was_taken_but_not_noted_is_reused(record: ResourceRecord) -> None:
    """The sender ended right after the PUT; CloudFormation's next request proves that the answer was heard."""
    physical_id = finish(record, enter(record, event("Create", "c", 1000)), is_noted=False)
    assert enter(record, event("Update", "u", 1030, physical_id)).target_key == "c"
