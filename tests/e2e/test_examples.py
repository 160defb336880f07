"""The example templates of docs/examples, deployed as they are."""

from __future__ import annotations

import time

import pytest
from botocore.exceptions import ClientError

from local.deployment import ROOT, wait_for_stack
from local.openai_standin import OpenAIStandIn, Script
from local.recorded_runs import read_runs
from tests.e2e.conftest import Stack
from tests.e2e.test_cloudformation import NOTHING, left

EXAMPLES = ROOT / "docs" / "examples"


def deploy(stack: Stack, name: str) -> str:
    begin(stack, name)
    return wait_for_stack(stack.cloud, stack.name)


def begin(stack: Stack, name: str) -> None:
    parameters = [{"ParameterKey": "ServiceToken", "ParameterValue": stack.application.service_token}]
    stack.cloud.client("cloudformation").create_stack(
        StackName=stack.name,
        TemplateBody=(EXAMPLES / name).read_text(),
        Parameters=parameters,
        Capabilities=["CAPABILITY_IAM"],
    )


def physical_id(stack: Stack, logical_id: str) -> str:
    """Wait until the resource is there, while others of its stack may still be created."""
    deadline = time.monotonic() + 30
    while True:
        resources = stack.cloud.client("cloudformation").describe_stack_resources(StackName=stack.name)
        for each in resources["StackResources"]:
            if (each["LogicalResourceId"], each["ResourceStatus"]) == (logical_id, "CREATE_COMPLETE"):
                return str(each["PhysicalResourceId"])
        assert time.monotonic() < deadline, stack.reasons()
        time.sleep(0.1)


def test_a_structured_answer_seeds_the_parameter_store(stack: Stack, openai_api: OpenAIStandIn) -> None:
    openai_api.script(Script(output_text='{"primary": "#1d4ed8", "accent": "#f59e0b"}'))
    assert deploy(stack, "structured_answer.yaml") == "CREATE_COMPLETE", stack.reasons()
    store = stack.cloud.client("ssm")
    found = {name: store.get_parameter(Name=f"/{stack.name}/{name}") for name in ("primary", "accent")}
    values = {name: reply["Parameter"]["Value"] for name, reply in found.items()}
    assert values == {"primary": "#1d4ed8", "accent": "#f59e0b"}
    sent = next(each.body for each in openai_api.requests if each.path == "/v1/responses")
    schema = sent["text"]["format"]["schema"]
    assert schema["additionalProperties"] is False, "CloudFormation's string is a boolean again"


def test_an_answer_that_breaks_its_promise_fails_the_deployment(stack: Stack, openai_api: OpenAIStandIn) -> None:
    openai_api.script(Script(output_text='{"primary": "blue", "accent": "#f59e0b"}'))
    assert deploy(stack, "structured_answer.yaml") == "ROLLBACK_COMPLETE"
    assert 'is not the promised JSON: primary is not as the schema says: pattern "^#[0-9a-f]{6}$"' in stack.reasons()
    assert left(openai_api) == NOTHING


def test_a_release_gate_lets_pass_what_its_review_says_yes_to(stack: Stack, openai_api: OpenAIStandIn) -> None:
    openai_api.script(Script(output_text='{"verdict": "yes", "summary": "Faster search."}'))
    assert deploy(stack, "release_gate.yaml") == "CREATE_COMPLETE", stack.reasons()
    notes = stack.cloud.client("ssm").get_parameter(Name=f"/{stack.name}/release-notes")
    assert notes["Parameter"]["Value"] == "Faster search."


def test_a_release_gate_fails_the_deployment_when_its_review_says_no(stack: Stack, openai_api: OpenAIStandIn) -> None:
    openai_api.script(Script(output_text='{"verdict": "no", "summary": "A column is dropped."}'))
    assert deploy(stack, "release_gate.yaml") == "ROLLBACK_COMPLETE"
    assert 'verdict is not as the schema says: const "yes"; summary: A column is dropped.' in stack.reasons()
    assert left(openai_api) == NOTHING
    with pytest.raises(ClientError, match="ParameterNotFound"):
        stack.cloud.client("ssm").get_parameter(Name=f"/{stack.name}/release-notes")


def test_a_function_tool_reads_a_table_of_the_stack(stack: Stack, openai_api: OpenAIStandIn) -> None:
    """Two calls at once; the emulator holds the functions to their roles."""
    calls = [
        {"type": "function_call", "name": "look_up_stock", "call_id": f"call_{name}", "arguments": {"article": name}}
        for name in ("bolt", "nut")
    ]
    openai_api.script(Script(output=calls, duration_s=6), Script(output_text="Two bolts and no nuts."))
    begin(stack, "function_tool.yaml")
    item = {"article": {"S": "bolt"}, "pieces": {"N": "2"}}
    stack.cloud.client("dynamodb").put_item(TableName=physical_id(stack, "Stock"), Item=item)
    assert stack.wait() == "CREATE_COMPLETE", stack.reasons()
    assert stack.outputs() == {"Answer": "Two bolts and no nuts."}
    sent = [each.body for each in openai_api.requests if (each.method, each.path) == ("POST", "/v1/responses")]
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
