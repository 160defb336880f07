"""The application deployed for a server that speaks Assistants v2, by parameters alone."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from local.deployment import Application, build, deploy
from local.embedded_cloud import EmbeddedCloud
from local.openai_standin import OpenAIStandIn, Script
from tests.support.shared_resources import template
from tests.support.stacks import Stack


@pytest.fixture
def assistants_api() -> Iterator[OpenAIStandIn]:
    with OpenAIStandIn(api="assistants", duration_s=1.5, queued_s=0.5, cancel_delay_s=0.3) as standin:
        yield standin


@pytest.fixture
def stack(deployed: tuple[EmbeddedCloud, Application], assistants_api: OpenAIStandIn) -> Iterator[Stack]:
    cloud, _ = deployed
    application = deploy(
        cloud,
        build(),
        openai_base_url=assistants_api.base_url,
        api_key=assistants_api.api_key,
        openai_api="assistants",
        stack_name="threadrun-assistants",
    )
    stack = Stack(cloud, application, f"e2e-{uuid.uuid4().hex[:8]}")
    yield stack
    stack.delete()


def test_a_stack_on_assistants_v2(stack: Stack, assistants_api: OpenAIStandIn) -> None:
    assistants_api.script(Script(output_text="From a thread's messages.", times=None))
    cloudformation = stack.cloud.client("cloudformation")
    cloudformation.create_stack(StackName=stack.name, TemplateBody=template(stack, "Be brief."))
    assert stack.wait() == "CREATE_COMPLETE", stack.reasons()
    outputs = stack.outputs()
    assert outputs["Assistant"].startswith("asst_")
    assert outputs["First"].startswith(f"{outputs['Thread']}:run_")
    item = stack.public_item(outputs["Second"])
    assert item is not None
    assert item["output_text"] == {"S": "From a thread's messages."}
    assert stack.delete() == "DELETE_COMPLETE"
    counters = assistants_api.counters()
    assert counters["threads"] == counters["assistants"] == counters["runs_in_flight"] == 0
