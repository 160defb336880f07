"""The server's replies, whatever they hold: read without an error, and the answer found in them."""

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from threadrun.errors import NotFound
from threadrun.providers.answers import answer_in
from threadrun.providers.assistants_v2 import files
from threadrun.providers.assistants_v2 import shapes as assistants_v2
from threadrun.providers.replies import Reply, problem_in
from threadrun.providers.responses import items, shapes
from threadrun.state.observations import Citation, FunctionCall, ObservedRun, Usage

SAID = "I look first."
VERDICT = '{"verdict": "yes"}'


def message(text: Any, **more: Any) -> dict[str, Any]:
    return {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}], **more}


@pytest.mark.parametrize(
    ("messages", "answer"),
    [
        ([message(SAID, phase="commentary"), message(VERDICT)], VERDICT),
        ([message(SAID, phase="commentary"), message(VERDICT, phase="final_answer")], VERDICT),
        ([message(SAID), message(VERDICT, phase="final_answer")], VERDICT),
        ([message("a", phase="final_answer"), message("b", phase="final_answer")], "ab"),
        ([message("a"), message("b", phase=None)], "ab"),
        ([message(SAID, phase="commentary")], SAID),
        ([message(SAID, content="plain text")], "plain text"),
        ([message(SAID, content=None), message(None), message({"value": "nested"})], "nested"),
        ([message(SAID, content=[{"type": "refusal", "refusal": "No."}, {"type": "new", "text": "?"}, None])], ""),
        ([message(4)], "4"),
        ([message("a", content=["Good", " day"])], "Good day"),
        ([message("a", content={"type": "output_text", "text": "Hello"})], "Hello"),
        ([message("a", content=[{"text": "Hello"}])], "Hello"),
        ([message("a") | {"type": None}], "a"),
        ([message("aside", phase="commentary"), message("Hello", phase="")], "Hello"),
        ([], ""),
    ],
)
def test_the_answer_is_what_the_model_says_it_is(messages: list[dict[str, Any]], answer: str) -> None:
    assert answer_in([Reply(each) for each in messages]).output_text == answer
    assert shapes.observed_run(Reply({"id": "resp_1", "status": "completed", "output": messages})).output_text == answer


@pytest.mark.parametrize("part", [{"refusal": "No."}, {"type": "refusal", "refusal": "No."}])
def test_a_refusal_is_one_with_and_without_its_type(part: dict[str, Any]) -> None:
    assert answer_in([Reply(message("", content=[part]))]).refusal == "No."


def test_a_source_is_found_at_both_its_places() -> None:
    """Microsoft Foundry nests it on either API."""
    source = {"url": "https://e.com", "title": "E"}
    for annotation in ({"type": "url_citation", **source}, {"type": "url_citation", "url_citation": source}):
        part = {"type": "output_text", "text": "a", "annotations": [annotation]}
        assert answer_in([Reply(message("", content=[part]))]).citations == (Citation(**source),)


def test_sources_beyond_what_an_item_has_room_for_are_left_out() -> None:
    part: dict[str, Any] = {"type": "output_text", "text": "a"}
    part["annotations"] = [{"type": "url_citation", "url": "u" * 900}] * 9
    assert len(answer_in([Reply(message("b")), Reply(message("", content=[part]))]).citations) == 4
    part["annotations"] = [
        None,
        {"type": "new"},
        {"type": "url_citation", "url": None},
        {"url": "u", "start_index": "1"},
    ]
    assert answer_in([Reply(message("", content=[part]))]).citations == (Citation(url="u"),)


def test_a_source_is_told_by_its_place_in_the_whole_text() -> None:
    def part(text: str) -> dict[str, Any]:
        cited = {"type": "url_citation", "url": "u", "start_index": 0, "end_index": 2}
        return {"type": "output_text", "text": text, "annotations": [cited]}

    found = answer_in(
        [Reply(message("", content=[part("One, "), part("two, ")])), Reply(message("", content=[part("3")]))]
    )
    assert found.output_text == "One, two, 3"
    assert [(each.start, each.end) for each in found.citations] == [(0, 2), (5, 7), (10, 12)]


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        ({"code": "server_error", "message": "Sorry."}, "Sorry. (server_error)"),
        ({"code": None, "message": "Sorry."}, "Sorry."),
        ({"code": "server_error"}, "server_error (server_error)"),
        ("Sorry.", "Sorry."),
        (None, "incomplete because of max_output_tokens"),
        ([], "incomplete because of max_output_tokens"),
    ],
)
def test_a_servers_reason_is_found_in_any_shape(error: Any, problem: str) -> None:
    run = Reply({"error": error, "incomplete_details": {"reason": "max_output_tokens"}})
    assert problem_in(run, "error") == problem


def test_a_number_beyond_all_counts_is_none() -> None:
    """A record, and an item of the table, have room for eighteen digits."""
    assert [Reply({"n": each}).integer("n") for each in (1e300, -1e40, 1e18, 10**17)] == [None, None, None, 10**17]


@pytest.mark.parametrize("observed_run", [shapes.observed_run, assistants_v2.observed_run])
def test_a_name_that_is_longer_than_any_is_none(observed_run: Callable[[Reply], ObservedRun]) -> None:
    """They are kept in the record, which has no room for a megabyte of a server's."""
    run = observed_run(Reply(dict.fromkeys(("id", "model", "status"), "x" * 1_000_000)))
    assert (run.run_id, run.model, run.status) == ("", None, "in_progress")


def test_numbers_of_other_servers_are_numbers() -> None:
    """Seen: times with a fraction, a model named by a number, and usage without a total."""
    usage = {"input_tokens": 3.0, "output_tokens": 4, "total_tokens": None}
    seen = {"id": "resp_1", "status": "completed", "created_at": 1732578201.37, "completed_at": "soon", "model": 4}
    run = shapes.observed_run(Reply(seen | {"usage": usage}))
    assert (run.created_at, run.completed_at, run.model, run.usage) == (1732578201, None, "4", Usage(3, 4, 7))


def test_arguments_that_are_no_text_are_written_as_json() -> None:
    call = {"type": "function_call", "call_id": "call_1", "name": "look"}
    found = items.calls_in([Reply(call | {"arguments": value}) for value in ({"a": 1}, None, '{"b":2}')])
    assert [each.arguments for each in found] == ['{"a": 1}', "{}", '{"b":2}']
    assert items.calls_in([Reply(call | {"call_id": None})]) == [], "nobody could answer it"
    assert found[0] == FunctionCall("call_1", "look", '{"a": 1}')


@pytest.mark.parametrize("status", ["requires_action", "queued", "in_progress", "cancelled"])
def test_only_a_run_that_requires_action_has_calls_to_answer(status: str) -> None:
    """Assistants v2 may show them for a moment longer."""
    call = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    action = {"type": "submit_tool_outputs", "submit_tool_outputs": {"tool_calls": [call]}}
    found = assistants_v2.observed_run(Reply({"id": "run_1", "status": status, "required_action": action}))
    assert [each.call_id for each in found.calls] == (["call_1"] if status == "requires_action" else [])


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (rb'{"id": "\ud83d"}', "?"),
        (b'{"id": "a", "temperature": NaN, "top_p": 1e400, "n": 1e9999999999}', "a"),
        (b'{"id": "a", "n": ' + b"9" * 5000 + b"}", "a"),
        (b'{"id": "a", "n": ' + b"[" * 400 + b"]" * 400 + b"}", "a"),
        (b'{"id": "a", "n": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", ""),
        (b'{"id": "a\x00\n\x1b"}', "a\x00\n\x1b"),
        (b'{"id": "a\xff", "n": 1}', "a\ufffd"),
        ('{"id": "\u00e9"}'.encode("utf-16"), "\u00e9"),
        (b'{"id": "resp_', ""),
        (b"[]", ""),
        (b"", ""),
    ],
)
def test_a_body_is_read_as_far_as_it_is_json(body: bytes, text: str) -> None:
    assert Reply.of(httpx2.Response(200, content=body)).text("id") == text


@pytest.mark.parametrize(
    ("shown", "status"),
    [
        ({"status": "Completed"}, "completed"),
        ({"status": "IN_PROGRESS", "completed_at": 5}, "in_progress"),
        ({"status": "succeeded"}, "completed"),
        ({"status": "canceled", "completed_at": 5}, "cancelled"),
        ({"status": "done", "completed_at": 5}, "completed"),
        ({"status": "running", "completed_at": None}, "running"),
        ({"status": "error", "completed_at": 5}, "failed"),
        ({"status": "s" * 100_000}, "in_progress"),
        ({"status": None, "completed_at": 5}, "completed"),
        ({}, "in_progress"),
    ],
)
def test_an_end_is_one_in_other_words_too(shown: dict[str, Any], status: str) -> None:
    """A run whose end is not understood would be waited for until its deadline, and lost."""
    for observed_run in (shapes.observed_run, assistants_v2.observed_run):
        assert observed_run(Reply({"id": "run_1"} | shown)).status == status


def test_numbers_that_are_not_json_are_no_numbers() -> None:
    """Python would read them, and write them into what nobody else can read."""
    reply = Reply.of(httpx2.Response(200, content=b'{"a": NaN, "b": Infinity, "c": [-Infinity]}'))
    assert [reply.has(name) for name in "abc"] == [False, False, True]
    assert reply.json("c") == "[null]"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=3,
)
FIELDS = """
    id status output usage error last_error incomplete_details created_at model content required_action
    tool_resources tools response_format role type text call_id phase submit_tool_outputs tool_calls function
    arguments file_search vector_store_ids json_schema
"""
OBJECTS = st.recursive(
    JSON,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS.split()), inner, max_size=5),
    max_leaves=12,
)


def find_a_run(reply: Reply) -> None:
    """Items without ids are refused in one of the two families."""
    with suppress(NotFound):
        items.run_in(reply.objects("output"))


READERS: tuple[Callable[[Reply], object], ...] = (
    shapes.observed_run,
    assistants_v2.observed_run,
    files.granted_by,
    find_a_run,
    lambda reply: answer_in(reply.objects("output")),
)


@given(st.dictionaries(st.sampled_from(FIELDS.split()), OBJECTS, max_size=8))
def test_nothing_that_a_server_sends_raises(fields: dict[str, Any]) -> None:
    reply = Reply(json.loads(json.dumps(fields)))
    for read in READERS:
        read(reply)
