"""What a request of CloudFormation means, given what came before it: cancelled, late and repeated ones above all."""

from __future__ import annotations

import time

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


def enter(record: ResourceRecord, sent: Event, text: str = "Hello.") -> Request:
    """Two seconds pass on the way."""
    wanted = None if sent.request_type == "Delete" else (desired(text), "snake_case")
    issued = sent.issued_epoch_s
    assert issued is not None
    return admit(record, sent, wanted, None, issued + 2)  # type: ignore[arg-type]


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


def resource() -> ResourceRecord:
    return ResourceRecord(stack_id="s", logical_id="l")


def goals(record: ResourceRecord) -> dict[str, str]:
    return {key: made.goal for key, made in record.made.items()}


def test_a_success_that_crossed_the_cancellation_of_its_create_is_taken_back() -> None:
    """The PUT of an answer is taken also when CloudFormation has given up: nobody else would delete the run."""
    record = resource()
    finish(record, enter(record, event("Create", "c", 1000)))
    enter(record, event("Delete", "d", 1010, MADE_UP))
    assert goals(record) == {"c": "absent"}


def test_a_success_that_crossed_the_cancellation_of_its_update_is_taken_back() -> None:
    record = resource()
    old_id = finish(record, enter(record, event("Create", "c", 1000)))
    finish(record, enter(record, event("Update", "u", 1100, old_id), "Bye."))
    rollback = enter(record, event("Update", "r", 1110, old_id))
    assert rollback.target_key == "c"
    assert goals(record) == {"c": "present", "u": "absent"}


def test_a_rollback_after_a_success_keeps_what_cloudformation_will_delete_itself() -> None:
    record = resource()
    old_id = finish(record, enter(record, event("Create", "c", 1000)))
    new_id = finish(record, enter(record, event("Update", "u", 1100, old_id), "Bye."))
    rollback = enter(record, event("Update", "r", 1200, new_id))
    assert rollback.target_key == "c"
    assert goals(record) == {"c": "present", "u": "present"}


def test_a_delete_of_the_old_id_takes_nothing_back() -> None:
    """It follows a replacement that has succeeded."""
    record = resource()
    old_id = finish(record, enter(record, event("Create", "c", 1000)))
    finish(record, enter(record, event("Update", "u", 1100, old_id), "Bye."))
    enter(record, event("Delete", "d", 1200, old_id))
    assert goals(record) == {"c": "absent", "u": "present"}


def test_an_update_delivered_after_its_rollback_starts_nothing() -> None:
    """Nobody would know the id of its run."""
    record = resource()
    old_id = finish(record, enter(record, event("Create", "c", 1000)))
    rollback = enter(record, event("Update", "r", 1110, old_id))
    late = admit(record, event("Update", "u", 1100, old_id), (desired("Bye."), "snake_case"), None, 1120)
    assert late.is_superseded
    assert goals(record) == {"c": "present"}
    assert rollback.is_open, "a late request overtakes nothing"


def test_a_rollback_delivered_after_everything_else_proves_what_nobody_heard_of() -> None:
    """Its update was given up just before its SUCCESS, and the user deleted the stack before the rollback came."""
    record = resource()
    old_id = finish(record, enter(record, event("Create", "c", 1000)))
    finish(record, enter(record, event("Update", "u", 1100, old_id), "Bye."))
    enter(record, event("Delete", "d", 1700, old_id))
    assert goals(record) == {"c": "absent", "u": "present"}
    late = admit(record, event("Update", "r", 1110, old_id), (desired("Hello."), "snake_case"), None, 9000)
    assert late.is_superseded
    assert goals(record) == {"c": "absent", "u": "absent"}
    assert record.made["u"].deadline_epoch_s > 9000


def test_a_rollback_delivered_late_takes_nothing_back_that_is_wanted_again() -> None:
    record = resource()
    old_id = finish(record, enter(record, event("Create", "c", 1000)))
    finish(record, enter(record, event("Update", "u", 1100, old_id), "Bye."))
    again = enter(record, event("Update", "again", 1700, old_id), "Bye.")
    admit(record, event("Update", "r", 1110, old_id), (desired("Hello."), "snake_case"), None, 9000)
    assert goals(record)[str(again.target_key)] == "present"
    assert again.is_open


def test_a_create_delivered_during_its_delete_leaves_the_delete_to_its_work() -> None:
    """Else CloudFormation would wait for the Delete's answer until its patience ends."""
    record = resource()
    delete = enter(record, event("Delete", "d", 1010, MADE_UP))
    late = admit(record, event("Create", "c", 1000), (desired("Hello."), "snake_case"), None, 1020)
    assert (late.is_superseded, delete.is_open, goals(record)) == (True, True, {})


def test_a_delete_delivered_after_a_return_to_what_it_names_deletes_nothing() -> None:
    """CloudFormation had given it up, and lives with that run again."""
    record = resource()
    old_id = finish(record, enter(record, event("Create", "c", 1000)))
    new_id = finish(record, enter(record, event("Update", "u", 1100, old_id), "Bye."))
    enter(record, event("Update", "back", 9000, new_id))
    late = admit(record, event("Delete", "d", 1200, old_id), None, None, 9100)
    assert late.is_superseded
    assert goals(record) == {"c": "present", "u": "present"}


def test_a_run_whose_answer_was_taken_but_not_noted_is_reused() -> None:
    """The sender ended right after the PUT; CloudFormation's next request proves that the answer was heard."""
    record = resource()
    physical_id = finish(record, enter(record, event("Create", "c", 1000)), is_noted=False)
    assert enter(record, event("Update", "u", 1030, physical_id)).target_key == "c"
