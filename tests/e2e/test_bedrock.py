"""The application deployed for Amazon Bedrock, by parameters alone: signed requests, no secret, no conversations."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from local.deployment import Application, build, deploy
from local.embedded_cloud import EmbeddedCloud
from local.openai_standin import OpenAIStandIn, Script
from tests.support.stacks import Stack

STACK = "threadrun-bedrock"
PROPERTIES = {"model": "gpt-5.4-mini", "thread": {"messages": [{"role": "user", "content": "What is a stack?"}]}}


@pytest.fixture
def bedrock_api() -> Iterator[OpenAIStandIn]:
    lacks = ("conversations", "vector_stores")
    with OpenAIStandIn(lacks=lacks, signed=True, duration_s=1.5, queued_s=0.5, cancel_delay_s=0.3) as standin:
        yield standin


@pytest.fixture
def stack(deployed: tuple[EmbeddedCloud, Application], bedrock_api: OpenAIStandIn) -> Iterator[Stack]:
    cloud, _ = deployed
    application = deploy(
        cloud,
        build(),
        openai_base_url=bedrock_api.base_url,
        api_key="",
        openai_provider="bedrock",
        stack_name=STACK,
    )
    stack = Stack(cloud, application, f"e2e-{uuid.uuid4().hex[:8]}")
    yield stack
    stack.delete()


def test_a_stack_on_bedrock(stack: Stack, bedrock_api: OpenAIStandIn) -> None:
    bedrock_api.script(Script(output_text="A stack is a unit of deployment.", times=None))
    assert stack.create(PROPERTIES) == "CREATE_COMPLETE", stack.reasons()
    outputs = stack.outputs()
    assert outputs["threadid"].startswith("chain_")
    item = stack.public_item(outputs["Ref"])
    assert item is not None
    assert item["output_text"] == {"S": "A stack is a unit of deployment."}
    assert stack.delete() == "DELETE_COMPLETE"
    counters = bedrock_api.counters()
    assert counters["runs_started"] == 1
    assert counters["responses"] == counters["responses_in_flight"] == 0
    assert {each.path.split("/")[2] for each in bedrock_api.requests} == {"responses"}
    parameters = stack.cloud.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]["Parameters"]
    assert {each["ParameterKey"]: each["ParameterValue"] for each in parameters}["OpenAIApiKeySecretArn"] == ""
