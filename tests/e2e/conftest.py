"""Fixtures of the end-to-end tier: one embedded cloud with the application in it, deployed once by the SAM CLI."""

from __future__ import annotations

import copy
import uuid
from collections.abc import Iterator

import pytest

from local.deployment import APPLICATION_STACK, Application, build, deploy, wait_for_stack
from local.embedded_cloud import EmbeddedCloud
from local.openai_standin import OpenAIStandIn
from tests.e2e.written import everything_written
from tests.support.stacks import TOOL_FUNCTION_ARNS, Stack

SAID = ("What is a stack?", "Answer in one sentence.", "The model had a bad day.", "A stack is a unit of deployment.")
SAID += ("How many bolts and nuts", '{"article": "bolt"}', "pieces")
"""Prompts, outputs, arguments and errors of the tests: none of them may be found in what was written."""


@pytest.fixture(scope="session")
def openai_api() -> Iterator[OpenAIStandIn]:
    with OpenAIStandIn(duration_s=1.5, queued_s=0.5, cancel_delay_s=0.3) as standin:
        yield standin


@pytest.fixture(scope="session")
def deployed(openai_api: OpenAIStandIn) -> Iterator[tuple[EmbeddedCloud, Application]]:
    """The embedded cloud, with IAM enforced on the functions' roles, and the application in it."""
    built = build()
    with EmbeddedCloud(iam_enforced=True) as cloud:
        application = deploy(
            cloud,
            built,
            openai_base_url=openai_api.base_url,
            api_key=openai_api.api_key,
            tool_function_arns=TOOL_FUNCTION_ARNS,
        )
        yield cloud, application
        written = everything_written(cloud, application)
        assert [secret for secret in (openai_api.api_key, "X-Amz-Signature", *SAID) if secret in written] == []


@pytest.fixture(scope="session")
def deployed_elsewhere(
    deployed: tuple[EmbeddedCloud, Application], openai_api: OpenAIStandIn
) -> tuple[EmbeddedCloud, Application]:
    """The same cloud as it is seen from another region, and the application that is deployed there."""
    cloud = copy.copy(deployed[0])
    cloud.region = "eu-central-1"
    url, key = openai_api.base_url, openai_api.api_key
    return cloud, deploy(cloud, build(), openai_base_url=url, api_key=key, tool_function_arns=TOOL_FUNCTION_ARNS)


@pytest.fixture(scope="session")
def with_webhooks() -> Iterator[tuple[EmbeddedCloud, Application, OpenAIStandIn]]:
    """The same with webhooks, and with an OpenAI of its own: each deployment registers itself there."""
    built = build()
    standin = OpenAIStandIn(duration_s=1.5, queued_s=0.5, cancel_delay_s=0.3)
    with standin as openai_api, EmbeddedCloud(iam_enforced=True) as cloud:
        openai_api.reach("on.aws", cloud.port)
        url, key = openai_api.base_url, openai_api.api_key
        application = deploy(
            cloud,
            built,
            openai_base_url=url,
            api_key=key,
            webhooks=True,
            tool_function_arns=TOOL_FUNCTION_ARNS,
        )
        yield cloud, application, openai_api
        written = everything_written(cloud, application)
        assert [secret for secret in (openai_api.api_key, "whsec_", "X-Amz-Signature") if secret in written] == []
        cloud.client("cloudformation").delete_stack(StackName=APPLICATION_STACK)
        assert wait_for_stack(cloud, APPLICATION_STACK) == "DELETE_COMPLETE"
        assert openai_api.counters()["webhook_endpoints"] == 0, "the endpoint is removed with the application"


@pytest.fixture
def stack(deployed: tuple[EmbeddedCloud, Application], openai_api: OpenAIStandIn) -> Iterator[Stack]:
    """A stack that is not created yet; OpenAI's side is empty at the start, and the stack is gone at the end."""
    openai_api.reset()
    stack = Stack(*deployed, name=f"e2e-{uuid.uuid4().hex[:8]}")
    yield stack
    stack.delete()
