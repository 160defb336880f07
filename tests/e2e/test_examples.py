"""The example templates of docs/examples, deployed as they are."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from local.deployment import Application
from local.embedded_cloud import EmbeddedCloud
from local.openai_standin import OpenAIStandIn, Script
from local.recorded_runs import read_runs
from tests.support.runs import NOTHING
from tests.support.stacks import Stack, left, physical_id


def parameters(stack: Stack) -> dict[str, str]:
    """What the stack has in the parameter store, by the last part of the name."""
    found = stack.cloud.client("ssm").get_parameters_by_path(Path=f"/{stack.name}")["Parameters"]
    return {each["Name"].rpartition("/")[2]: each["Value"] for each in found}


def sent_responses(openai_api: OpenAIStandIn) -> list[dict[str, Any]]:
    return [each.body for each in openai_api.requests if (each.method, each.path) == ("POST", "/v1/responses")]


def test_a_question_and_nothing_else(stack: Stack, openai_api: OpenAIStandIn) -> None:
    openai_api.script(Script(output_text="So that it can be read.", usage=(30, 9)))
    assert stack.create_example("question.yaml", Question="Why as code?") == "CREATE_COMPLETE", stack.reasons()
    outputs = stack.outputs()
    assert (outputs["Answer"], outputs["Status"], outputs["TotalTokens"]) == (
        "So that it can be read.",
        "completed",
        "39",
    )
    assert stack.public_item(outputs["RunId"]) is not None
    [sent] = sent_responses(openai_api)
    assert sent["metadata"]["stack"] == stack.name
    assert stack.delete() == "DELETE_COMPLETE"
    assert left(openai_api) == NOTHING
    assert stack.public_item(outputs["RunId"]) is None


def test_runs_on_an_existing_thread_follow_each_other(stack: Stack, openai_api: OpenAIStandIn) -> None:
    openai_api.script(Script(output_text="Every second checkout failed."), Script(output_text="An alarm on the pool."))
    assert stack.create_example("existing_thread.yaml") == "CREATE_COMPLETE", stack.reasons()
    outputs = stack.outputs()
    assert (outputs["Summary"], outputs["Prevention"]) == ("Every second checkout failed.", "An alarm on the pool.")
    assert [each["conversation"] for each in sent_responses(openai_api)] == [outputs["ThreadId"]] * 2
    assert openai_api.counters()["conversations"] == 1
    assert stack.delete() == "DELETE_COMPLETE"
    assert left(openai_api) == NOTHING


def test_a_file_is_searched_for_the_answer_and_stays(stack: Stack, openai_api: OpenAIStandIn) -> None:
    file_id = openai_api.add_file(name="on-call.md")
    openai_api.script(Script(output_text="The platform team."))
    assert stack.create_example("retrieval.yaml", FileId=file_id) == "CREATE_COMPLETE", stack.reasons()
    outputs = stack.outputs()
    assert (outputs["Answer"], json.loads(outputs["FileIds"])) == ("The platform team.", [file_id])
    [sent] = sent_responses(openai_api)
    [tool] = sent["tools"]
    assert tool["type"] == "file_search"
    made = [each.body for each in openai_api.requests if (each.method, each.path) == ("POST", "/v1/vector_stores")]
    assert [each["file_ids"] for each in made] == [[file_id]]
    assert openai_api.counters()["vector_stores"] == 1
    assert stack.delete() == "DELETE_COMPLETE"
    assert left(openai_api) == NOTHING
    counters = openai_api.counters()
    assert (counters["vector_stores"], counters["files"]) == (0, 1), "the file is the user's own"


@pytest.fixture
def twins(stack: Stack, deployed_elsewhere: tuple[EmbeddedCloud, Application]) -> Iterator[tuple[Stack, Stack]]:
    """Stacks of one name in two regions."""
    other = Stack(*deployed_elsewhere, name=stack.name)
    yield stack, other
    other.delete()


def test_two_regions_get_a_notice_in_their_own_language(twins: tuple[Stack, Stack], openai_api: OpenAIStandIn) -> None:
    notices = {"us-east-1": ("English", "No changes on Sunday."), "eu-central-1": ("German", "Sonntags nicht.")}
    for language, text in notices.values():
        asked = {"instructions": f"Translate into {language}. Answer with the translation only."}
        openai_api.script(Script(output_text=text, match=asked))
    for stack in twins:
        stack.begin_create_example("two_regions.yaml")
    assert [stack.wait() for stack in twins] == ["CREATE_COMPLETE"] * 2, [stack.reasons() for stack in twins]
    assert {stack.cloud.region: stack.outputs()["Notice"] for stack in twins} == {
        region: text for region, (_, text) in notices.items()
    }
    assert [parameters(stack) for stack in twins] == [{"notice": text} for _, text in notices.values()]
    for stack in twins:
        runs = read_runs(stack.cloud.client("dynamodb"), stack.application.table_name, time.time())
        assert len([run for run in runs if run.stack_name == stack.name]) == 1, "each is recorded in its own region"

    here, there = twins
    assert there.delete() == "DELETE_COMPLETE"
    assert parameters(there) == {}
    assert parameters(here) == {"notice": "No changes on Sunday."}
    assert left(openai_api)["responses"] == 1, "the other region's run is as it was"
    assert here.delete() == "DELETE_COMPLETE"
    assert left(openai_api) == NOTHING


def test_a_structured_answer_seeds_the_parameter_store(stack: Stack, openai_api: OpenAIStandIn) -> None:
    openai_api.script(Script(output_text='{"primary": "#1d4ed8", "accent": "#f59e0b"}'))
    assert stack.create_example("structured_answer.yaml") == "CREATE_COMPLETE", stack.reasons()
    assert parameters(stack) == {"primary": "#1d4ed8", "accent": "#f59e0b"}
    [sent] = sent_responses(openai_api)
    schema = sent["text"]["format"]["schema"]
    assert schema["additionalProperties"] is False, "CloudFormation's string is a boolean again"
    assert stack.delete() == "DELETE_COMPLETE"
    assert parameters(stack) == {}
    assert left(openai_api) == NOTHING


def test_an_answer_that_breaks_its_promise_fails_the_deployment(stack: Stack, openai_api: OpenAIStandIn) -> None:
    openai_api.script(Script(output_text='{"primary": "blue", "accent": "#f59e0b"}'))
    assert stack.create_example("structured_answer.yaml") == "ROLLBACK_COMPLETE"
    assert 'is not the promised JSON: primary is not as the schema says: pattern "^#[0-9a-f]{6}$"' in stack.reasons()
    assert left(openai_api) == NOTHING


def test_a_release_gate_lets_pass_what_its_review_says_yes_to(stack: Stack, openai_api: OpenAIStandIn) -> None:
    openai_api.script(Script(output_text='{"verdict": "yes", "summary": "Faster search."}'))
    assert stack.create_example("release_gate.yaml") == "CREATE_COMPLETE", stack.reasons()
    assert parameters(stack) == {"release-notes": "Faster search."}
    assert stack.delete() == "DELETE_COMPLETE"
    assert parameters(stack) == {}
    assert left(openai_api) == NOTHING


def test_a_release_gate_fails_the_deployment_when_its_review_says_no(stack: Stack, openai_api: OpenAIStandIn) -> None:
    openai_api.script(Script(output_text='{"verdict": "no", "summary": "A column is dropped."}'))
    assert stack.create_example("release_gate.yaml") == "ROLLBACK_COMPLETE"
    assert 'verdict is not as the schema says: const "yes"; summary: A column is dropped.' in stack.reasons()
    assert left(openai_api) == NOTHING
    assert parameters(stack) == {}


def test_a_function_tool_reads_a_table_of_the_stack(stack: Stack, openai_api: OpenAIStandIn) -> None:
    """Two calls at once; the emulator holds the functions to their roles."""
    calls = [
        {"type": "function_call", "name": "look_up_stock", "call_id": f"call_{name}", "arguments": {"article": name}}
        for name in ("bolt", "nut")
    ]
    openai_api.script(Script(output=calls, duration_s=6), Script(output_text="Two bolts and no nuts."))
    stack.begin_create_example("function_tool.yaml")
    item = {"article": {"S": "bolt"}, "pieces": {"N": "2"}}
    stack.cloud.client("dynamodb").put_item(TableName=physical_id(stack, "Stock"), Item=item)
    assert stack.wait() == "CREATE_COMPLETE", stack.reasons()
    assert stack.outputs() == {"Answer": "Two bolts and no nuts."}
    sent = sent_responses(openai_api)
    outputs = {each["call_id"]: each["output"] for each in sent[1]["input"]}
    assert outputs == {"call_bolt": '{"pieces": 2}', "call_nut": '{"pieces": 0}'}
    every = read_runs(stack.cloud.client("dynamodb"), stack.application.table_name, time.time())
    [run] = [each for each in every if each.stack_name == stack.name]
    phases = [span.phase for span in run.spans]
    assert [phase for phase in phases if phase != "queued"] == ["starting", "running", "tools", "running", "answering"]
    first = next(span for span in run.spans if span.phase == "tools")
    assert first.begin_epoch_s - run.begin_epoch_s >= 5, "the response that calls takes 6 seconds"
    assert stack.delete() == "DELETE_COMPLETE"
    assert left(openai_api) == NOTHING
