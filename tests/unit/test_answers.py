"""What a run gives: its attributes, typed for the table and as text, and the response with 4,096 bytes at most."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.reference import ATTRIBUTES, page
from testkit.memory.backend import wanted_run
from testkit.state_machine import read_definition
from threadrun.cloudformation.delivery import MAX_BODY_BYTES, failure_body
from threadrun.cloudformation.protocol import readable
from threadrun.cloudformation.respond import decide_response, response_body
from threadrun.schema.arguments import RESOURCE_MODELS
from threadrun.state.attributes import (
    made_attributes,
    output_scalars,
    response_data,
    run_attributes,
    with_all_attributes,
)
from threadrun.state.base import Options, Owned, Window
from threadrun.state.observations import ObservedRun, Usage
from threadrun.state.resource import Request, ResourceRecord, Response
from threadrun.state.run import RunRecord
from threadrun.state.shared import AssistantRecord, ThreadRecord

REQUEST = Request(request_id="1", request_type="Create", response_url="u", received_epoch_s=0, deadline_epoch_s=1)


def resource(*runs: RunRecord) -> ResourceRecord:
    stack_id = "arn:aws:cloudformation:eu-west-1:123456789012:stack/s/1"
    return ResourceRecord(stack_id=stack_id, logical_id="Run", made={run.key: run for run in runs})


def body(text: str, *, style: str = "snake_case", **more: Any) -> tuple[bytes, dict[str, Any]]:
    run = wanted_run()
    run.options = Options.model_validate({"key_style": style})
    run.thread, run.run = Owned(id="conv_1"), Owned(id="resp_1")
    observed = ObservedRun("resp_1", "completed", 1, 2, 3, "m", Usage(1, 2, 3), text)
    run.observe(observed, 3)
    answer = Response(status="SUCCESS", physical_id="conv_1:resp_1", target_key="run")
    raw = response_body(resource(run), REQUEST, answer, run_attributes(run, observed) | more)
    return raw, json.loads(raw)


@pytest.mark.parametrize(
    ("status", "must_recheck", "reason"),
    [
        ("completed", False, ""),
        ("failed", False, "run resp_1 ended as `failed`; only `completed` is accepted"),
        ("in_progress", False, "the work ended early"),
        ("completed", True, "the work ended early"),
    ],
)
def test_what_becomes_of_the_work_after_a_runs_end_does_not_count(status: Any, must_recheck: bool, reason: str) -> None:
    """Unless CloudFormation returns to it: whether it is still there was to be seen."""
    run = wanted_run()
    run.thread, run.run, run.must_recheck = Owned(id="conv_1"), Owned(id="resp_1"), must_recheck
    run.observe(ObservedRun("resp_1", status), 3)
    request = REQUEST.model_copy(update={"target_key": run.key})
    response = decide_response(resource(run), request, "the work ended early")
    assert (response.status, response.reason) == ("FAILED" if reason else "SUCCESS", reason)


def test_all_accepted_statuses_are_named() -> None:
    run = wanted_run(accept_statuses=["completed", "incomplete"])
    run.thread, run.run = Owned(id="conv_1"), Owned(id="resp_1")
    run.observe(ObservedRun("resp_1", "failed", problem="overloaded (server_error)"), 3)
    response = decide_response(resource(run), REQUEST.model_copy(update={"target_key": run.key}), None)
    named = "only `completed` and `incomplete` are accepted"
    assert response.reason == f"run resp_1 ended as `failed`; {named}: overloaded (server_error)"


@pytest.mark.parametrize("letter", ["a", "é", "語", "🙂", '"', "\n"])
def test_a_long_output_is_cut_to_the_last_byte_that_fits(letter: str) -> None:
    raw, answer = body(letter * 5000)
    text = answer["Data"]["output_text"]
    size = len(json.dumps(letter, ensure_ascii=False).encode()) - 2
    assert MAX_BODY_BYTES - size <= len(raw) <= MAX_BODY_BYTES, "one more has no room"
    assert answer["Data"]["output_truncated"] == "true"
    assert text == letter * (len(text) - 3) + "..."


def test_4096_bytes_are_whole_and_one_more_is_cut() -> None:
    room = MAX_BODY_BYTES - len(body("")[0])
    whole, answer = body("x" * room)
    assert len(whole) == MAX_BODY_BYTES
    assert answer["Data"]["output_truncated"] == "false"
    cut, answer = body("x" * (room + 1))
    assert len(cut) <= MAX_BODY_BYTES
    assert answer["Data"]["output_truncated"] == "true"


def test_keys_of_the_output_come_first_and_are_whole_or_absent() -> None:
    _, answer = body(json.dumps({"small": 1, "huge": "x" * 5000, "also": "y"}))
    data = answer["Data"]
    assert (data["output.small"], data["output.also"]) == ("1", "y")
    assert "output.huge" not in data
    assert data["output_truncated"] == "true"


@given(st.text(max_size=6000), st.sampled_from(["snake_case", "PascalCase"]))
def test_any_output_fits(text: str, style: str) -> None:
    raw, answer = body(text, style=style)
    assert len(raw) <= MAX_BODY_BYTES
    names = ("output_text", "output_truncated") if style == "snake_case" else ("OutputText", "OutputTruncated")
    given, is_cut = (answer["Data"][name] for name in names)
    assert is_cut == "true" or given == readable(text)


def test_a_value_that_has_no_room_is_left_out_whole_before_the_response_is_too_long() -> None:
    """CloudFormation refuses a longer one: a completed run with many files would fail."""
    files = [f"file-{number:022}" for number in range(300)]
    raw, answer = body("An answer.", file_ids=files)
    assert len(raw) <= MAX_BODY_BYTES
    assert "file_ids" not in answer["Data"]
    assert (answer["Data"]["output_text"], answer["Data"]["output_truncated"]) == ("An answer.", "true")


def test_no_key_of_an_answer_takes_the_place_of_an_attribute() -> None:
    text = json.dumps({"status": "failed", "id": "resp_9", "output_text": "?", "usage.total_tokens": 9, "output.id": 1})
    plain, data = body("")[1]["Data"], body(text)[1]["Data"]
    added = {name: value for name, value in data.items() if name not in plain}
    assert {name: data[name] for name in plain} == plain | {"output_text": text}
    assert added.keys() == {f"output.{key}" for key in json.loads(text)}


@pytest.mark.parametrize("text", ["\x00", "\x1b[31m", "\x7f", "\x85", "\ud83d", "\ufffe"])
def test_what_xml_cannot_hold_reaches_no_stack(text: str) -> None:
    """One such character makes all events of a stack unreadable."""
    expected = "?" + text[1:]
    assert body(json.dumps({"key": text}))[1]["Data"]["output.key"] == expected
    assert body(json.dumps({text: "value"}))[1]["Data"][f"output.{expected}"] == "value"
    assert body(text)[1]["Data"]["output_text"] == expected
    failed = Response(status="FAILED", physical_id=text, reason=text)
    answer = json.loads(response_body(resource(), REQUEST, failed, None))
    assert (answer["Reason"], answer["PhysicalResourceId"]) == (expected, expected)


def test_keys_that_differ_in_what_xml_cannot_hold_are_told_to_be_missing() -> None:
    answer = body(json.dumps({"k\x01": 1, "k\x02": 2}))[1]
    assert answer["Data"]["output_truncated"] == "true"


@pytest.mark.parametrize("model", ["m" * 4000, "\\" * 4000])
def test_any_assistant_fits(model: str) -> None:
    made = AssistantRecord(
        key="a", identity="", window=Window(since_epoch_s=0, deadline_epoch_s=1), assistant_id="asst_1", model=model
    )
    known = ResourceRecord(stack_id="s", logical_id="l", made={"a": made})
    answer = Response(status="SUCCESS", physical_id="asst_1", target_key="a")
    raw = response_body(known, REQUEST, answer, None)
    assert len(raw) <= MAX_BODY_BYTES
    assert json.loads(raw)["Data"]["id"] == "asst_1"


@given(st.text(min_size=1, max_size=50_000))
def test_any_reason_fits(reason: str) -> None:
    raw = failure_body({"PhysicalResourceId": "p"}, reason)
    assert len(raw) <= MAX_BODY_BYTES
    assert json.loads(raw)["Reason"]


def test_an_item_that_lacks_attributes_has_all_of_them_once_it_is_read() -> None:
    """An older version wrote it. One without the answer is none: the server is looked at again."""
    names = run_attributes(wanted_run(), ObservedRun("resp_1", "completed"))
    assert with_all_attributes({"output_text": "Hi."}).keys() == names.keys()  # type: ignore[union-attr]
    assert with_all_attributes({"output_text": "Hi.", "output": "?", "status": "completed"})["output"] == {}  # type: ignore[index]
    assert with_all_attributes({"output": {}}) is None


# --- the attributes, and the pages that describe them all


@pytest.mark.parametrize(
    ("text", "scalars"),
    [
        ('{"a": "x", "b": 1, "c": 0.5}', {"a": "x", "b": 1, "c": Decimal("0.5")}),
        ('{"d": true, "e": null, "f": [1], "g": {}}', {"d": True, "e": None}),
        ("plain text", {}),
        ("[1, 2]", {}),
        ('{"a": NaN}', {}),
        ('{"a": 1} and more', {}),
        ('{"": 1}', {}),
        (f'{{"{"k" * 65_535}": 1, "{"k" * 65_536}": 2}}', {"k" * 65_535: 1}),
        ("", {}),
        ('{"n": 123456789012345678901234567890123456789}', {"n": "123456789012345678901234567890123456789"}),
        ('{"n": 1e500}', {"n": "1e500"}),
        ("[" * 100_000, {}),
    ],
)
def test_only_top_level_scalars_of_a_json_object_count(text: str, scalars: dict[str, object]) -> None:
    assert output_scalars(text) == scalars


def test_the_state_machine_records_every_attribute() -> None:
    """A new attribute that the definition does not move would be lost without a word."""
    arguments = read_definition()["States"]["Record attributes"]["Arguments"]
    attributes = run_attributes(wanted_run(), ObservedRun("resp_1", "completed"))
    assert set(arguments["ExpressionAttributeNames"].values()) == set(attributes)
    for name in arguments["ExpressionAttributeNames"]:
        moved = (f"{name} = staged.{name}", f"{name} = if_not_exists(staged.{name}, :unknown)")
        assert any(each in arguments["UpdateExpression"] for each in moved)


def test_every_attribute_is_described() -> None:
    observed = ObservedRun("r", "completed", output_text='{"k": 1}')
    fixed, output = response_data(run_attributes(wanted_run(), observed), "snake_case")
    given = {*fixed, "output_text", "output_truncated", *(name.replace(".k", ".<key>") for name in output)}
    assert set(ATTRIBUTES["Custom::OpenAIThreadRun"]) == given
    made = {"key": "k", "identity": "i", "window": Window(since_epoch_s=0, deadline_epoch_s=1)}
    for kind, record in (("Custom::OpenAIThread", ThreadRecord), ("Custom::OpenAIAssistant", AssistantRecord)):
        assert set(ATTRIBUTES[kind]) == set(made_attributes(record.model_validate(made)))


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("ThreadRun", "`model` - (Required unless `assistant_id` or `import_id` is given)"),
        ("ThreadRun", "`thread` - (Required unless `existing_thread_id` or `import_id` is given)"),
        ("ThreadRun", "`existing_thread_id` - (Optional)"),
        ("ThreadRun", "`function` - (Required for type `function`)"),
        ("ThreadRun", "`file_url` - (Required unless `file_id` is given)"),
        ("Assistant", "`model` - (Required)"),
        ("File", "`content` - (Required unless `content_base64` or `source` is given)"),
    ],
)
def test_a_page_says_when_an_argument_is_required(kind: str, line: str) -> None:
    assert f"* {line} " in page(RESOURCE_MODELS[f"Custom::OpenAI{kind}"])


@pytest.mark.parametrize("kind", RESOURCE_MODELS)
def test_every_argument_has_a_description(kind: str) -> None:
    assert "None" not in page(RESOURCE_MODELS[kind])
