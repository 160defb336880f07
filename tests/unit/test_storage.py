"""What is kept in the table and the bucket: who may replace what, how long it stays, and what a failure comes to."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from testkit.memory.backend import wanted_run
from testkit.memory.table import MAX_ITEM_BYTES, MAX_PAGE_ITEMS, MemoryTable, item_bytes
from threadrun.errors import StorageUnavailable, TooLarge, VersionConflict
from threadrun.providers.responses.assistant_catalog import AssistantCatalog
from threadrun.schema.arguments import DesiredAssistant
from threadrun.state.attributes import with_all_attributes
from threadrun.state.resource import Request, ResourceRecord
from threadrun.storage.event_waits import KEPT_SECONDS, EventWait, EventWaits
from threadrun.storage.file_claims import FileClaims
from threadrun.storage.records import FORGOTTEN_AFTER_SECONDS, SAVE_PAUSES_SECONDS, Records, Room
from threadrun.storage.run_attributes import MAX_OUTPUT_BYTES, SHORTENED_BYTES, OutputBucket, RunAttributes

NOW, DUE = 1000, 2000


class FailingTable(MemoryTable):
    """`failures` are the codes that the next saves come to."""

    def __init__(self) -> None:
        super().__init__("t")
        self.failures: list[str] = []

    def put_item(self, **arguments: Any) -> dict[str, Any]:
        if self.failures:
            raise ClientError({"Error": {"Code": self.failures.pop(0), "Message": ""}}, "PutItem")
        return super().put_item(**arguments)


class Bucket(dict[str, bytes]):
    """Objects by their keys."""

    def put_object(self, *, Key: str, Body: bytes, **_: object) -> None:
        self[Key] = Body

    def delete_object(self, *, Key: str, **_: object) -> None:
        del self[Key]


@pytest.fixture
def table() -> FailingTable:
    return FailingTable()


@pytest.fixture
def slept() -> list[float]:
    return []


@pytest.fixture
def records(table: FailingTable, slept: list[float]) -> Records:
    return Records(table, "t", lambda: NOW, slept.append)  # type: ignore[arg-type]


BLANK = ResourceRecord(stack_id="s", logical_id="l")


def request(request_id: str) -> Request:
    times = {"received_epoch_s": NOW, "deadline_epoch_s": DUE}
    return Request.model_validate(
        {"request_id": request_id, "request_type": "Create", "response_url": "https://u", **times}
    )


def enter(record: ResourceRecord, request_id: str) -> str:
    record.requests[request_id] = request(request_id)
    return request_id


# --- records


@pytest.mark.parametrize("is_new", [False, True])
def test_a_change_whose_save_lost_a_race_is_made_again_to_what_was_saved(records: Records, is_new: bool) -> None:
    """Calls are answered side by side, and a request may be delivered while another one is at work."""
    if not is_new:
        records.save(BLANK.copied())
    others = [lambda: records.enter(BLANK, lambda record: enter(record, "first"))]

    def change(record: ResourceRecord) -> str:
        if others:
            others.pop()()
        return enter(record, "second")

    changed = records.enter(BLANK, change) if is_new else records.update(BLANK.key, change)
    saved = records.load(BLANK.key)
    assert changed == "second"
    assert saved is not None
    assert list(saved.requests) == ["first", "second"]


def test_a_record_replaces_none_that_it_was_not_read_from(records: Records) -> None:
    records.save(BLANK.copied())
    with pytest.raises(VersionConflict):
        records.save(BLANK.copied())


@pytest.mark.parametrize("room", [Room(100, 10**6), Room(10**6, 10)], ids=["in a function's memory", "in an item"])
def test_a_record_without_room_is_refused_and_what_was_there_stays(records: Records, room: Room) -> None:
    records.save(BLANK.copied())
    with pytest.raises(TooLarge, match=r", 100? are possible: shorten them"):
        records.update(BLANK.key, lambda record: enter(record, "r1"), room)
    saved = records.load(BLANK.key)
    assert saved is not None
    assert saved.requests == {}


def test_a_record_is_found_by_its_response_from_its_deadline_on_until_that_is_taken(records: Records) -> None:
    records.enter(BLANK, lambda record: enter(record, "r1"))
    assert list(records.overdue(DUE)) == []
    assert list(records.overdue(DUE + 1)) == [BLANK.key]
    records.update(BLANK.key, lambda record: setattr(record.requests["r1"], "response_url", None))
    assert list(records.overdue(DUE + 1)) == []


def test_what_is_due_is_found_beyond_one_page(records: Records, table: FailingTable) -> None:
    keys = [f"RESOURCE#{number}" for number in range(2 * MAX_PAGE_ITEMS + 1)]
    for number, key in enumerate(keys):
        table.items[key] = {"pk": {"S": key}, "due": {"S": "answer"}, "due_epoch_s": {"N": str(number)}}
    assert list(records.overdue(len(keys))) == keys


def test_a_record_expires_only_without_anything_made_and_anything_due(records: Records, table: FailingTable) -> None:
    def expires() -> int | None:
        found = table.items[BLANK.key].get("expires_epoch_s")
        return int(found["N"]) if found else None

    record = BLANK.copied()
    records.save(record)
    assert expires() == NOW + FORGOTTEN_AFTER_SECONDS
    record.made["run"] = wanted_run()
    records.save(record)
    assert expires() is None
    record.made.clear()
    enter(record, "r1")
    records.save(record)
    assert expires() is None


def test_a_save_is_tried_again_while_the_table_is_out_of_reach(
    records: Records, table: FailingTable, slept: list[float]
) -> None:
    table.failures = ["InternalServerError", "ThrottlingException"]
    records.save(BLANK.copied())
    assert slept == list(SAVE_PAUSES_SECONDS[:2])
    table.failures = ["InternalServerError"] * 9
    with pytest.raises(StorageUnavailable, match="cannot save the record: InternalServerError"):
        records.save(BLANK.copied())
    assert len(slept) == 2 + len(SAVE_PAUSES_SECONDS)


def test_a_broken_deployment_is_not_taken_for_an_outage(
    records: Records, table: FailingTable, slept: list[float]
) -> None:
    """Nobody waits for a permission that is not there."""
    table.failures = ["AccessDeniedException"]
    with pytest.raises(ClientError, match="AccessDenied"):
        records.save(BLANK.copied())
    assert slept == []


def test_a_file_belongs_to_the_resource_that_claimed_it_first(table: FailingTable) -> None:
    claims = FileClaims(table, "t", lambda: NOW)  # type: ignore[arg-type]
    assert [claims.take("file-1", holder) for holder in ("r1", "r1", "r2")] == [True, True, False]
    assert (claims.holder("file-1"), claims.holder("file-2")) == ("r1", None)


def test_an_assistant_has_a_version_for_each_change_and_the_time_of_its_creation(table: FailingTable) -> None:
    """A request that is repeated, as its step ended before it saved, changes nothing."""
    times = iter(range(NOW, NOW + 9))
    catalog = AssistantCatalog(table, "t", lambda: next(times))  # type: ignore[arg-type]
    put = [
        catalog.put(None, DesiredAssistant.model_validate({"model": model}), "r1")
        for model in ("m", "m", "n", "n", "m")
    ]
    assert len({made.assistant_id for made in put}) == 1
    assert [(made.version, made.created_at) for made in put] == [(number, NOW) for number in (1, 1, 2, 2, 3)]


# --- attributes


RUN, ITEM = "conv_1:resp_1", "RUN#conv_1:resp_1"


@pytest.fixture
def bucket() -> Bucket:
    return Bucket()


@pytest.fixture
def attributes(table: FailingTable, bucket: Bucket) -> RunAttributes:
    connect: Callable[[], Any] = lambda: bucket  # noqa: E731
    return RunAttributes(table, "t", OutputBucket(connect, "outputs"))  # type: ignore[arg-type]


def of_run(text: str = "Hello.", **output: str) -> dict[str, Any]:
    return {"output_text": text, "required_action": None, "output": output, "total_tokens": 12}


def test_attributes_that_are_only_staged_are_recorded_when_they_are_read(
    attributes: RunAttributes, table: FailingTable
) -> None:
    """Where the state machine could not: the response has them, and a later one has them again."""
    attributes.stage(RUN, "r1", of_run())
    assert attributes.read(RUN) == with_all_attributes(of_run())
    assert "staged" not in table.items[ITEM]
    again = attributes.read(RUN)
    assert again == with_all_attributes(of_run())
    assert again is not None
    assert type(again["total_tokens"]) is int


def test_what_two_records_are_about_goes_with_the_last_of_them(
    attributes: RunAttributes, table: FailingTable, bucket: Bucket
) -> None:
    """A run may be adopted. Its output is found by the item, though a record says nothing of it."""
    for user in ("r1", "r2"):
        attributes.stage(RUN, user, of_run("x" * (MAX_OUTPUT_BYTES + 1)))
    attributes.delete(RUN, "r1", None)
    assert (list(table.items), list(bucket)) == ([ITEM], ["outputs/conv_1/resp_1.txt"])
    attributes.delete(RUN, "r2", None)
    assert (table.items, bucket) == ({}, {})


def test_an_output_is_deleted_though_its_item_is_gone(
    attributes: RunAttributes, table: FailingTable, bucket: Bucket
) -> None:
    uri = attributes.stage(RUN, "r1", of_run("x" * (MAX_OUTPUT_BYTES + 1)))
    table.items.clear()
    attributes.delete(RUN, "r1", uri)
    assert bucket == {}


def test_of_the_keys_of_a_large_output_those_that_fit_are_kept_whole(attributes: RunAttributes) -> None:
    """Half a value would be a wrong one."""
    attributes.stage(RUN, "r1", of_run("x" * MAX_OUTPUT_BYTES, short="yes", long="y" * 100_000))
    read = attributes.read(RUN)
    assert read is not None
    assert read["output"] == {"short": "yes"}


def test_what_was_recorded_before_makes_room_for_what_is_staged(attributes: RunAttributes, table: FailingTable) -> None:
    """Earlier versions counted no names of keys: what they recorded may be larger than half an item."""
    table.items[ITEM] = {"pk": {"S": ITEM}, "output": {"M": {"k" * 60_000: {"S": "y" * 200_000}}}}
    attributes.stage(RUN, "r1", of_run("x" * 180_000))
    assert {*table.items[ITEM]} == {"pk", "staged", "output_s3_uri", "used_by"}


CALLS = [{"call_id": f"call_{number:024}", "name": "f" * 64, "arguments": "{}"} for number in range(3000)]


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"output": {f"k{number}": "abc" for number in range(20_000)}}, id="many keys"),
        pytest.param({"output": {"k" * 60_000 + str(number): "" for number in range(7)}}, id="long keys"),
        pytest.param({"output": {f"k{number}": number for number in range(40_000)}}, id="numbers"),
        pytest.param({"required_action": CALLS}, id="many calls"),
        pytest.param({"required_action": [CALLS[0] | {"arguments": "x" * 500_000}]}, id="long arguments"),
    ],
)
def test_what_is_beyond_half_an_item_is_left_out_and_the_item_says_so(
    attributes: RunAttributes, table: FailingTable, given: dict[str, Any]
) -> None:
    """The text is as long as its keys make it; all of it is in the bucket."""
    attributes.stage(RUN, "r1", of_run("x" * MAX_OUTPUT_BYTES) | given)
    assert SHORTENED_BYTES < item_bytes(table.items[ITEM]) < MAX_ITEM_BYTES / 2
    read = attributes.read(RUN)
    assert read is not None
    assert read["output_truncated"]


# --- waits for webhooks


@pytest.fixture
def waits(table: FailingTable) -> EventWaits:
    return EventWaits(table, "t")  # type: ignore[arg-type]


def test_a_webhook_that_nothing_waits_for_leaves_nothing(waits: EventWaits, table: FailingTable) -> None:
    assert waits.note_webhook("resp_1", NOW) is None
    assert table.items == {}


def test_a_webhook_tells_who_waits_and_stays_noted_until_long_after_the_wait(
    waits: EventWaits, table: FailingTable
) -> None:
    assert waits.announce("resp_1", "r1", DUE) is None
    assert table.items["WAIT#resp_1"]["expires_epoch_s"] == {"N": str(DUE + KEPT_SECONDS)}
    table.items["WAIT#resp_1"]["token_r1"] = {"S": "token"}
    assert waits.note_webhook("resp_1", NOW) == EventWait(("r1",), ("token",))
    assert waits.announce("resp_1", "r1", DUE) == NOW
