"""CloudFormation's requests: how they are read, where answers may go, and what each means given those before it."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
import urllib3
from werkzeug import Request as HttpRequest
from werkzeug import Response as HttpResponse

from testkit.memory.table import MemoryTable
from tests.support.serving import serving
from threadrun.cloudformation.admission import REQUESTS_KEPT, admit
from threadrun.cloudformation.delivery import deliver, deliver_plain_failure
from threadrun.cloudformation.events import Event, parse_event
from threadrun.cloudformation.intake import record_request
from threadrun.cloudformation.protocol import is_response_url
from threadrun.errors import InvalidEvent, InvalidProperties, ResponseNotDelivered
from threadrun.schema.arguments import RESOURCE_MODELS, DesiredRun
from threadrun.schema.deployment import Deployment
from threadrun.schema.parsing import parse_properties
from threadrun.state.base import Owned, Wait
from threadrun.state.resource import Request, ResourceRecord, Response
from threadrun.state.run import RunRecord
from threadrun.state.run_values import RunState
from threadrun.storage.records import Records


@pytest.fixture(autouse=True)
def region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "us-east-1")


EVENTS = sorted((Path(__file__).parents[2] / "events").glob("*.json"))


@pytest.mark.parametrize("path", EVENTS, ids=lambda path: path.stem)
def test_every_example_event_is_a_valid_request(path: Path) -> None:
    event = parse_event(json.loads(path.read_text()))
    assert event.logical_id
    assert parse_properties(event.properties, RESOURCE_MODELS[event.resource_type])


def test_properties_that_are_nested_too_deep_to_be_cleaned_are_refused_by_their_place() -> None:
    event, deep = json.loads(EVENTS[0].read_text()), list[Any]()
    for _ in range(30_000):
        deep = [deep]
    event["ResourceProperties"] |= {"triggers": {"commit": deep}}
    properties = parse_event(event).properties
    with pytest.raises(InvalidProperties, match="1 problem: triggers: is nested 30002 levels deep"):
        parse_properties(properties, DesiredRun)


OURS = "cloudformation-custom-resource-response-useast1.s3.amazonaws.com"


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("us-east-1", OURS),
        ("us-east-1", f"{OURS}:443"),
        ("us-west-2", "cloudformation-custom-resource-response-uswest2.s3-us-west-2.amazonaws.com"),
        ("eu-central-1", "cloudformation-custom-resource-response-eucentral1.s3.eu-central-1.amazonaws.com"),
        ("us-gov-west-1", "cloudformation-custom-resource-response-usgovwest1.s3.us-gov-west-1.amazonaws.com"),
        ("cn-north-1", "cloudformation-custom-resource-response-cnnorth1.s3.cn-north-1.amazonaws.com.cn"),
        ("eusc-de-east-1", "cloudformation-custom-resource-response-euscdeeast1.s3.eusc-de-east-1.amazonaws.eu"),
    ],
)
def test_responses_go_to_cloudformations_bucket_of_the_region(
    region: str, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", region)
    url = f"https://{host}/arn%3Aaws%3Acloudformation?X-Amz-Signature=1&X-Amz-Date=20261127T010203Z"
    assert is_response_url(url, allow_loopback=False)
    assert urllib3.util.parse_url(url).host == host.partition(":")[0], "which connects"
    monkeypatch.setenv("AWS_REGION", "sa-east-1")
    assert not is_response_url(url, allow_loopback=False), "anybody may own a bucket of this name there"


@pytest.mark.parametrize("region", ["cn-north-1", "us-gov-west-1", "eusc-de-east-1"])
def test_no_response_leaves_its_partition(region: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Buckets of another partition are others': each has its own names."""
    monkeypatch.setenv("AWS_REGION", region)
    bucket = f"cloudformation-custom-resource-response-{region.replace('-', '')}"
    assert not is_response_url(f"https://{bucket}.s3.amazonaws.com/arn", allow_loopback=False)


@pytest.mark.parametrize("opens_loopback", [False, True])
@pytest.mark.parametrize(
    "url",
    [
        "http://cloudformation-custom-resource-response-useast1.s3.amazonaws.com/arn",
        "https://cloudformation-custom-resource-response-useast1.s3.amazonaws.com.example.com/arn",
        "https://example.com/cloudformation-custom-resource-response-useast1.s3.amazonaws.com",
        "https://mybucket.s3.amazonaws.com/arn",
        "https://cloudformation-custom-resource-response-useast1.s3.amazonaws.com:8443/arn",
        "https://user@example.com/",
        f"https://user@{OURS}/arn",
        f"https://example.com\\@{OURS}/arn",
        f"https://example.com:443\\@{OURS}/arn",
        f"https://{OURS}\\@example.com/arn",
        f"https://{OURS}@example.com/arn",
        f"https://{OURS}/a b",
        f"https://{OURS}/a\n",
        f"https://{OURS}\t/a",
        f"https://{OURS}/\x00",
        "https://cloudformation-custom-resource-response-mine.s3.amazonaws.com/arn",
        f"https://{OURS}.cn/arn",
        f"https://{OURS.replace('.com', '.eu')}/arn",
        "http://169.254.169.254/latest",
        "http://10.0.0.1/",
        "file:///etc/passwd",
        "",
    ],
)
def test_answers_go_nowhere_else(url: str, opens_loopback: bool) -> None:
    assert not is_response_url(url, allow_loopback=opens_loopback)


@pytest.mark.parametrize("opens_loopback", [False, True])
def test_loopback_is_open_only_where_the_deployment_says_so(opens_loopback: bool) -> None:
    assert is_response_url("http://127.0.0.1:4566/x", allow_loopback=opens_loopback) == opens_loopback


def test_an_answer_follows_no_redirect() -> None:
    """Only the first address was checked."""
    asked: list[str] = []

    def redirect(request: HttpRequest) -> HttpResponse:
        asked.append(request.full_path)
        return HttpResponse(status=307, headers={"Location": "/elsewhere"})

    with serving(redirect) as origin, pytest.raises(ResponseNotDelivered) as raised:
        deliver(f"{origin}/here?X-Amz-Signature=1", b"{}", backoff_seconds=0)
    assert set(asked) == {"/here?X-Amz-Signature=1"}
    assert "X-Amz-Signature" not in raised.value.reason


def test_an_answer_is_sent_again_until_it_is_taken() -> None:
    statuses = [503, 403, 200]
    with serving(lambda _: HttpResponse(status=statuses.pop(0))) as origin:
        deliver(f"{origin}/here", b"{}", backoff_seconds=0)
    assert statuses == []


@pytest.mark.parametrize(("known", "sent"), [("conv_c:resp_1", "conv_c:resp_1"), (None, "not-created-r1")])
def test_a_failure_that_no_record_is_of_names_what_the_event_names(known: str | None, sent: str) -> None:
    """Another id would be a replacement to CloudFormation: it would delete what it knows."""
    answers = list[dict[str, Any]]()

    def take(request: HttpRequest) -> HttpResponse:
        answers.append(json.loads(request.data))
        return HttpResponse()

    with serving(take) as origin:
        names = {"StackId": "s", "RequestId": "r1", "LogicalResourceId": "l", "PhysicalResourceId": known}
        assert deliver_plain_failure({**names, "ResponseURL": f"{origin}/x"}, "No.", allow_loopback=True)
    assert [answer["PhysicalResourceId"] for answer in answers] == [sent]


@pytest.mark.parametrize("url", ["https://example.com/x", "http://127.0.0.1:9/x", "", None])
def test_a_failure_that_no_record_is_of_goes_to_cloudformation_only(url: str | None) -> None:
    """Nor does it raise: there is nobody to tell."""
    names = {"StackId": "s", "RequestId": "r1", "LogicalResourceId": "l", "ResponseURL": url}
    assert not deliver_plain_failure(names, "No.", allow_loopback=False)


def test_an_unreadable_event_is_refused_by_its_fields_and_shows_no_value() -> None:
    with pytest.raises(InvalidEvent) as raised:
        parse_event({"RequestType": "Upsert", "ResponseURL": "https://secret", "StackId": ""})
    assert "LogicalResourceId, RequestId, RequestType, StackId" in raised.value.reason
    assert "secret" not in raised.value.reason


@pytest.mark.parametrize(
    ("service_timeout", "timeout_seconds", "expected"),
    [
        ("3600", None, 3570),
        ("600", 60, 60),
        ("60", 60, 48),
        ("30", None, 24),
        ("30", 3600, 24),
        ("2", None, 1),
        ("", None, 3570),
    ],
)
def test_the_work_ends_before_cloudformations_patience(
    service_timeout: str, timeout_seconds: int | None, expected: float
) -> None:
    event = json.loads(EVENTS[0].read_text())
    event["ResourceProperties"]["ServiceTimeout"] = service_timeout
    assert parse_event(event).work_seconds(timeout_seconds) == expected


# --- what a request means: cancelled, late and repeated ones above all

MADE_UP = "example-Run-1ABCDEF"


def event(
    kind: str, request_id: str, issued: int, physical_id: str | None = None, asks: str = "", before: str = ""
) -> Event:
    """Dated `issued` by its host's clock. `asks` and `before` stand for the properties, new and old."""
    date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(issued))
    return Event(
        ResourceProperties={"text": asks} if asks else {},
        OldResourceProperties={"text": before} if before else {},
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
    assert finish(record, enter(record, event("Create", "c", 1000, asks="Hello."))) == OLD
    return record


@pytest.fixture
def replaced(created: ResourceRecord) -> ResourceRecord:
    """The run `u` in its place, of second 1,100."""
    update = event("Update", "u", 1100, OLD, asks="Bye.", before="Hello.")
    assert finish(created, enter(created, update, "Bye.")) == NEW
    return created


def goals(record: ResourceRecord) -> dict[str, str]:
    return {key: made.goal for key, made in record.made.items()}


@pytest.mark.parametrize("made_up", [MADE_UP, "my--stack-Run-1ABCDEF", "stack--Run-1ABCDEF"])
def test_a_success_that_crossed_the_cancellation_of_its_create_is_taken_back(
    created: ResourceRecord, made_up: str
) -> None:
    """The PUT of an answer is taken also when CloudFormation has given up: nobody else would delete the run."""
    enter(created, event("Delete", "d", 1010, made_up))
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


# Clocks of two hosts of CloudFormation differ by seconds: what is sent later may be dated earlier.


@pytest.mark.parametrize("kind", ["Update", "Delete"])
def test_a_request_that_follows_its_create_is_acted_on_though_its_clock_is_behind(
    created: ResourceRecord, kind: str
) -> None:
    assert enter(created, event(kind, "next", 997, OLD), now=1002).is_open


def test_a_delete_of_a_create_at_work_is_acted_on_though_its_clock_is_behind(record: ResourceRecord) -> None:
    enter(record, event("Create", "c", 1000))
    assert enter(record, event("Delete", "d", 997, MADE_UP), now=1002).is_open
    assert goals(record) == {"c": "absent"}


@pytest.mark.parametrize(("kind", "physical_id"), [("Delete", OLD), ("Update", NEW)], ids=["clean-up", "rollback"])
def test_what_follows_a_replacement_is_acted_on_though_its_clock_is_behind(
    replaced: ResourceRecord, kind: str, physical_id: str
) -> None:
    sent = event(kind, "next", 1097, physical_id, asks="Hello.", before="Bye.")
    assert enter(replaced, sent, now=1102).is_open


def test_a_success_that_crossed_a_rollback_with_a_clock_that_is_behind_is_taken_back(replaced: ResourceRecord) -> None:
    enter(replaced, event("Update", "r", 1097, OLD, asks="Hello.", before="Bye."), now=1102)
    assert goals(replaced) == {"c": "present", "u": "absent"}


def test_of_an_update_and_its_rollback_of_one_moment_the_rollback_counts(created: ResourceRecord) -> None:
    """Whichever is delivered first, and whatever the clock of the rollback's host says."""
    update = event("Update", "u", 1100, OLD, asks="Bye.", before="Hello.")
    by_another_clock = event("Update", "r", 1097, OLD, asks="Hello.", before="Bye.")
    for rollback in (event("Update", "r", 1101, OLD, asks="Hello.", before="Bye."), by_another_clock):
        in_order = created.model_copy(deep=True)
        enter(in_order, update, "Bye.")
        assert enter(in_order, rollback, now=1103).is_open
        assert goals(in_order) == {"c": "present", "u": "absent"}
    enter(created, event("Update", "r", 1101, OLD, asks="Hello.", before="Bye."))
    assert enter(created, update, "Bye.", now=1104).is_superseded
    assert goals(created) == {"c": "present"}


def test_a_rollback_counts_also_after_the_clean_up_of_an_earlier_update(replaced: ResourceRecord) -> None:
    """A Delete has properties too: those of what it deletes."""
    enter(replaced, event("Delete", "d", 1110, OLD, asks="Hello."))
    enter(replaced, event("Update", "u2", 1200, NEW, asks="Again.", before="Bye."), "Again.")
    assert enter(replaced, event("Update", "r", 1197, NEW, asks="Bye.", before="Again."), "Bye.", now=1203).is_open


def test_what_came_too_late_does_not_count_as_what_was_asked_before(created: ResourceRecord) -> None:
    """The same change is tried twice, and both times its rollback is delivered first."""
    change = {"asks": "Bye.", "before": "Hello."}
    back = {"asks": "Hello.", "before": "Bye."}
    enter(created, event("Update", "r1", 1101, OLD, **back))
    assert enter(created, event("Update", "u1", 1100, OLD, **change), "Bye.", now=1102).is_superseded
    enter(created, event("Update", "r2", 1104, OLD, **back))
    assert enter(created, event("Update", "u2", 1103, OLD, **change), "Bye.", now=1107).is_superseded
    assert goals(created) == {"c": "present"}


def test_requests_of_an_older_version_say_less_and_hold_nothing_up(created: ResourceRecord) -> None:
    created.requests["c"].asked = ""
    enter(created, event("Update", "u", 1100, OLD, asks="Bye.", before="Hello."), "Bye.")
    assert enter(created, event("Update", "r", 1097, OLD, asks="Hello.", before="Bye."), now=1103).is_open


def test_a_create_after_a_delete_by_its_id_is_acted_on_though_its_clock_is_behind(created: ResourceRecord) -> None:
    enter(created, event("Delete", "d", 1100, OLD))
    assert enter(created, event("Create", "again", 1097), now=1103).is_open


def test_an_update_that_was_overtaken_by_the_deletion_of_its_resource_starts_nothing(created: ResourceRecord) -> None:
    enter(created, event("Delete", "d", 1103, OLD))
    assert enter(created, event("Update", "u", 1100, OLD, asks="Bye."), "Bye.", now=1106).is_superseded


@pytest.mark.parametrize(
    ("query", "issued", "order"),
    [
        ("X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20171105T022632Z&X-Amz-Expires=7200", 1509848792, 1509848792),
        # A request of 2017: its stack was begun at 02:25:32, by the time in the stack's id.
        ("AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Expires=1509855955&Signature=fuzleqrW%3D", None, 1509848755),
        ("X-Amz-Date=20179905T022632Z", None, None),
        ("X-Amz-Expires=7200", None, None),
        ("", None, None),
    ],
)
def test_a_request_is_dated_by_either_kind_of_presigned_url(
    query: str, issued: float | None, order: float | None
) -> None:
    """An emulator may sign for another time than CloudFormation: no deadline follows from where the URL ends."""
    sent = event("Create", "c", 1000).model_copy(update={"response_url": f"https://u/arn?{query}"})
    assert (sent.issued_epoch_s, sent.order_epoch_s) == (issued, order)


def test_a_rollback_delivered_last_proves_what_was_not_acknowledged(replaced: ResourceRecord) -> None:
    """Its update was given up just before its SUCCESS, and the user deleted the stack before the rollback came."""
    enter(replaced, event("Delete", "d", 1700, OLD))
    assert goals(replaced) == {"c": "absent", "u": "present"}
    late = enter(replaced, event("Update", "r", 1110, OLD), now=9000)
    assert late.is_superseded
    assert goals(replaced) == {"c": "absent", "u": "absent"}
    assert replaced.made["u"].deadline_epoch_s > 9000


def test_a_rollback_delivered_late_takes_no_time_from_the_delete_that_came_before_it(replaced: ResourceRecord) -> None:
    delete = enter(replaced, event("Delete", "d", 1700, OLD))
    enter(replaced, event("Update", "r", 1110, OLD), now=1710)
    assert replaced.made["c"].deadline_epoch_s == delete.deadline_epoch_s


def test_an_update_waits_for_ten_minutes_at_most_for_what_is_left_over(replaced: ResourceRecord) -> None:
    """It needs nothing of that, and its window may be an hour; the Delete to come has all of its own."""
    enter(replaced, event("Delete", "d", 1200, OLD))
    enter(replaced, event("Update", "again", 90_000, NEW), "Bye.", now=90_002)
    assert replaced.made["c"].deadline_epoch_s == 90_602
    delete = enter(replaced, event("Delete", "last", 95_000, NEW))
    assert {each.deadline_epoch_s for each in replaced.made.values()} == {delete.deadline_epoch_s}


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


@pytest.mark.parametrize(("issued", "is_taken_back"), [(1000, True), (1002, True), (1003, False)])
def test_a_delete_with_a_made_up_id_takes_back_every_create_before_it(
    record: ResourceRecord, issued: int, is_taken_back: bool
) -> None:
    """Whose clock may be ahead: what is dated before the Delete came in was sent before it."""
    enter(record, event("Delete", "d", 1000, MADE_UP))
    assert enter(record, event("Create", "c", issued), now=1020).is_superseded == is_taken_back


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


def test_what_cloudformation_has_not_heard_of_is_not_reused(created: ResourceRecord) -> None:
    """Its run is deleted, as no id of the stack is its; the same change, made again, has one of its own."""
    enter(created, event("Update", "u1", 1100, OLD, asks="Bye."), "Bye.")
    assert enter(created, event("Update", "u2", 1200, OLD, asks="Bye."), "Bye.").target_key == "u2"
    assert goals(created) == {"c": "present", "u1": "absent", "u2": "present"}


def test_a_run_that_an_update_returns_to_is_looked_at_again_and_its_failure_forgotten(
    replaced: ResourceRecord,
) -> None:
    """It may have been deleted meanwhile. The one that the stack has is not looked at for a change of bookkeeping."""
    for made in replaced.made.values():
        made.failure, made.wait = "An update of it failed.", Wait(until_epoch_s=9999)
    enter(replaced, event("Update", "same", 1200, NEW), "Bye.")
    assert not replaced.made["u"].must_recheck
    enter(replaced, event("Update", "back", 1300, NEW))
    assert replaced.made["c"].must_recheck
    assert [(made.failure, made.wait.until_epoch_s) for made in replaced.made.values()] == [(None, 0)] * 2


def test_a_delete_with_a_made_up_id_spares_what_the_stack_gave_up_with_its_run_retained(
    created: ResourceRecord,
) -> None:
    """`DeletionPolicy: Retain` sends no Delete; a resource of the same name is a new one to CloudFormation."""
    enter(created, event("Create", "again", 2000), "Bye.")
    enter(created, event("Delete", "d", 2010, MADE_UP))
    assert goals(created) == {"c": "present", "again": "absent"}


def test_the_newest_requests_are_kept_and_a_run_outlives_the_request_that_made_it(created: ResourceRecord) -> None:
    """CloudFormation deletes what it has replaced itself: its rollback may want it again."""
    for number in range(REQUESTS_KEPT):
        enter(created, event("Update", f"u{number}", 1100 + number, OLD))
    assert list(created.requests) == [f"u{number}" for number in range(REQUESTS_KEPT)]
    enter(created, event("Update", "other", 1200, OLD), "Bye.")
    assert goals(created) == {"c": "present", "other": "present"}


def test_a_run_that_is_not_wanted_any_more_keeps_no_text(record: ResourceRecord) -> None:
    enter(record, event("Create", "c", 1000))
    enter(record, event("Delete", "d", 1010, MADE_UP))
    assert record.made["c"].desired is None


@pytest.mark.parametrize(
    ("properties", "is_ours"),
    [
        ({"model": "m"}, (True, True)),
        ({"existing_thread_id": "conv_x"}, (False, True)),
        ({"ImportId": OLD}, (False,) * 2),
    ],
    ids=["made", "on a thread of others", "adopted"],
)
def test_a_delete_of_what_no_record_knows_deletes_what_was_made_for_it(
    record: ResourceRecord, properties: dict[str, Any], is_ours: tuple[bool, bool]
) -> None:
    """The table was restored. What was adopted is not the stack's to delete."""
    known = {"resource_type": "Custom::OpenAIThreadRun", "properties": properties}
    enter(record, event("Delete", "d", 1000, OLD).model_copy(update=known))
    [made] = record.made.values()
    assert isinstance(made, RunRecord)
    assert made.thread is not None
    assert made.run is not None
    assert (made.physical_id, (made.thread.is_ours, made.run.is_ours)) == (OLD, is_ours)


@pytest.mark.parametrize(("repeated_at", "deadline"), [(1100, None), (90_000, 90_600)])
def test_a_repeated_event_gives_time_to_what_was_to_be_gone_by_then(repeated_at: int, deadline: int | None) -> None:
    """Its process may have died with what it had just made, after the Delete had found nothing and had ended."""
    records: Any = Records(MemoryTable("t"), "t")  # type: ignore[arg-type]
    properties = {"model": "m", "thread": {"messages": [{"role": "user", "content": "Hello."}]}}
    known = {"resource_type": "Custom::OpenAIThreadRun", "properties": properties}
    create, delete = event("Create", "c", 1000), event("Delete", "d", 1050, MADE_UP)
    for sent, now in ((create, 1000), (delete, 1050), (create, repeated_at)):
        record_request(records, sent.model_copy(update=known), lambda now=now: now, Deployment())
    record = records.load(ResourceRecord(stack_id="s", logical_id="l").key)
    [made] = record.made.values()
    assert made.goal == "absent"
    assert made.deadline_epoch_s == (deadline or record.requests["d"].deadline_epoch_s)


def test_properties_that_no_record_can_hold_are_refused_and_the_request_is_on_record() -> None:
    """So that it gets one response, whoever sends it."""
    records: Any = Records(MemoryTable("t"), "t")  # type: ignore[arg-type]
    thread = {"messages": [{"role": "user", "content": "Hello."}]}
    given = {"model": "m", "thread": thread, "instructions": "a" * 1_200_000}
    sent = event("Create", "c", 1000).model_copy(
        update={"properties": given, "resource_type": "Custom::OpenAIThreadRun"}
    )
    request = record_request(records, sent, lambda: 1000, Deployment())
    assert str(request.failure).startswith("the texts take ")
    [kept] = records.load(ResourceRecord(stack_id="s", logical_id="l").key).requests.values()
    assert (kept.request_id, kept.failure) == ("c", request.failure)


def test_a_repeated_delivery_brings_a_new_url() -> None:
    records: Any = Records(MemoryTable("t"), "t")  # type: ignore[arg-type]
    for url in ("https://u?X-Amz-Date=20261127T010203Z", "https://new"):
        sent = event("Create", "c", 1000).model_copy(
            update={"response_url": url, "resource_type": "Custom::OpenAIThreadRun"}
        )
        assert record_request(records, sent, lambda: 1000, Deployment()).response_url == url
    record = records.load(ResourceRecord(stack_id="s", logical_id="l").key)
    assert [each.response_url for each in record.requests.values()] == ["https://new"]
