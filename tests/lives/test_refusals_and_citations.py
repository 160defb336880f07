"""What comes with an answer, or in its place: a refusal, sources, tokens that were cached or thought with."""

import json
from typing import Any

import pytest

from local.openai_standin import Fault, Script
from testkit.in_process.world import World
from tests.support.runs import attributes, delete_all, each_wire, failure

NO = "I cannot help with that: it is private."
REFUSED = Script(output=[{"type": "message", "content": [{"type": "refusal", "refusal": NO}]}], times=None)
WEB = {"type": "url_citation", "url": "https://example.com/a", "title": "A", "start_index": 0, "end_index": 4}


def cited(wire: str, file_id: str) -> dict[str, Any]:
    """A source in a file, as each API names it."""
    places = {"start_index": 2, "end_index": 5}
    if wire == "assistants":
        return {"type": "file_citation", "text": "[1]", "file_citation": {"file_id": file_id}, **places}
    return {"type": "container_file_citation", "container_id": "c", "file_id": file_id, "filename": "a.md", **places}


@each_wire
def test_a_refusal_fails_the_run_and_its_words_are_nobodys_business(world: World, properties: dict[str, Any]) -> None:
    world.openai.script(REFUSED)
    answer = world.create(properties)
    reason = failure(answer)
    assert "the model refused to answer in run" in reason
    assert "set accept_refusal to accept this, or reason_key to refusal to see its words here" in reason
    assert "private" not in reason
    delete_all(world, answer)


@each_wire
@pytest.mark.parametrize("words", ["", None, []])
def test_a_refusal_without_a_word_is_one(world: World, wire: str, properties: dict[str, Any], words: object) -> None:
    path, first = ("/v1/responses/[^/]+", "output") if wire == "responses" else ("/v1/threads/.*/messages", "data")
    world.openai.fault(
        Fault("GET", path, "odd", place=(first, 0, "content", 0, "refusal"), odd_value=words, times=None)
    )
    world.openai.script(REFUSED)
    reason = failure(world.create(properties | {"reason_key": "refusal"}))
    assert reason.endswith("; refusal: (without a word)")


@each_wire
@pytest.mark.parametrize("words", ["", None])
def test_a_refusal_without_a_word_beside_an_answer_is_none(
    world: World, wire: str, properties: dict[str, Any], words: object
) -> None:
    """Some servers always send one."""
    path, first = ("/v1/responses/[^/]+", "output") if wire == "responses" else ("/v1/threads/.*/messages", "data")
    place = (first, 0, "content", 1, "refusal")
    world.openai.fault(Fault("GET", path, "odd", place=place, odd_value=words, times=None))
    parts = [{"type": "output_text", "text": "Yes."}, {"type": "refusal", "refusal": NO}]
    world.openai.script(Script(output=[{"type": "message", "content": parts}], times=None))
    assert attributes(world.create(properties))["output_text"] == "Yes."


@each_wire
def test_the_words_of_a_refusal_are_shown_where_the_user_wants_it(world: World, properties: dict[str, Any]) -> None:
    world.openai.script(REFUSED)
    assert failure(world.create(properties | {"reason_key": "refusal"})).endswith(f"; refusal: {NO}")


@each_wire
def test_a_refusal_can_be_accepted_and_keeps_no_promise_then(world: World, properties: dict[str, Any]) -> None:
    world.openai.script(REFUSED)
    schema = {"type": "object", "properties": {"verdict": {"type": "string"}}, "required": ["verdict"]}
    form = {"type": "json_schema", "json_schema": {"name": "gate", "schema": schema}}
    answer = world.create(properties | {"accept_refusal": "true", "response_format": form})
    data = attributes(answer)
    assert (data["status"], data["refusal"], data["output_text"]) == ("completed", NO, "")
    started = world.openai.counters()["runs_started"]
    kept = world.update(answer["PhysicalResourceId"], properties | {"accept_refusal": "false", "response_format": form})
    assert attributes(kept)["refusal"] == NO, "what was accepted once is not judged again"
    assert world.openai.counters()["runs_started"] == started


@each_wire
def test_sources_come_with_the_answer_by_their_places_in_it(
    world: World, wire: str, properties: dict[str, Any]
) -> None:
    sources = [WEB, cited(wire, "file-1")] if wire == "responses" else [cited(wire, "file-1")]
    parts = [{"type": "output_text", "text": "Four"}, {"type": "output_text", "text": "Other", "annotations": sources}]
    world.openai.script(Script(output=[{"type": "message", "content": parts}]))
    answer = world.create(properties)
    data = attributes(answer)
    assert data["output_text"] == "FourOther"
    web = {"url": "https://example.com/a", "file": None, "title": "A", "start": 4, "end": 8}
    file = {"url": None, "file": "file-1", "title": {"responses": "a.md"}.get(wire), "start": 6, "end": 9}
    expected = [web, file] if wire == "responses" else [file]
    assert json.loads(data["citations"]) == expected
    [item] = world.public_items().values()
    assert item["citations"]["L"][-1]["M"]["file"] == {"S": "file-1"}


@pytest.mark.parametrize("wire", ["responses"], indirect=True)
def test_the_text_goes_before_its_sources(world: World, properties: dict[str, Any]) -> None:
    """A response has 4,096 bytes: what is left out is told by `output_truncated`, and the item of the table has it."""
    part = {"type": "output_text", "text": "x" * 2000, "annotations": [WEB] * 30}
    world.openai.script(Script(output=[{"type": "message", "content": [part]}]))
    data = attributes(world.create(properties))
    assert (data["output_text"], data["output_truncated"]) == ("x" * 2000, "true")
    assert "citations" not in data
    [item] = world.public_items().values()
    assert len(item["citations"]["L"]) == 30


@pytest.mark.parametrize("wire", ["responses"], indirect=True)
def test_a_source_that_is_too_long_leaves_its_place_to_the_next_ones(world: World, properties: dict[str, Any]) -> None:
    """And is told to be missing, in the response and in the item."""
    long = WEB | {"url": "data:text/plain," + "a" * 4000}
    part = {"type": "output_text", "text": "Yes.", "annotations": [WEB, long, WEB]}
    world.openai.script(Script(output=[{"type": "message", "content": [part]}]))
    data = attributes(world.create(properties))
    assert [each["url"] for each in json.loads(data["citations"])] == [WEB["url"]] * 2
    assert (data["output_text"], data["output_truncated"]) == ("Yes.", "true")
    [item] = world.public_items().values()
    assert item["output_truncated"] == {"BOOL": True}


@pytest.mark.parametrize("wire", ["responses"], indirect=True)
def test_tokens_that_were_cached_or_thought_with_are_told(world: World, properties: dict[str, Any]) -> None:
    world.openai.script(Script(output_text="Yes.", usage=(100, 20, 64, 12)))
    data = attributes(world.create(properties))
    assert (data["usage.cached_tokens"], data["usage.reasoning_tokens"]) == ("64", "12")
    assert json.loads(data["usage"])["total_tokens"] == 120
