"""Fixtures of the end-to-end tier: one embedded cloud with the application in it, deployed once by the SAM CLI."""

from __future__ import annotations

import copy
import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from local.deployment import APPLICATION_STACK, ROOT, Application, build, deploy, stack_outputs, wait_for_stack
from local.embedded_cloud import EmbeddedCloud
from local.openai_standin import OpenAIStandIn
from testkit.template import template
from tests.e2e.written import everything_written

EXAMPLES = ROOT / "docs" / "examples"
OUTPUTS = ("thread_id", "status", "created_at", "usage", "usage.total_tokens", "model", "output_text", "object")

TOOL_FUNCTION_ARNS = "arn:aws:lambda:*:*:function:e2e-*"
"""The functions of the stacks of these tests."""
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


class Stack:
    """One stack with one thread run, driven by boto3 as a user's tools would."""

    def __init__(
        self, cloud: EmbeddedCloud, application: Application, name: str, cloudformation: Any | None = None
    ) -> None:
        """`cloudformation` is a client to share: making one takes a while."""
        self.cloud, self.application, self.name = cloud, application, name
        self._cloudformation = cloudformation or cloud.client("cloudformation")

    def template(self, properties: dict[str, Any], more: dict[str, Any] | None = None, outputs: bool = True) -> str:
        resource = self.resource(properties)
        body: dict[str, Any] = {"Resources": {"Run": resource, **(more or {})}}
        if outputs:
            values = {name.replace(".", "").replace("_", ""): {"Fn::GetAtt": ["Run", name]} for name in OUTPUTS}
            body["Outputs"] = {name: {"Value": value} for name, value in values.items()}
            body["Outputs"]["Ref"] = {"Value": {"Ref": "Run"}}
        return json.dumps(body)

    def resource(self, properties: dict[str, Any]) -> dict[str, Any]:
        fixed = {"ServiceToken": self.application.service_token, "ServiceTimeout": 60}
        return {"Type": "Custom::OpenAIThreadRun", "Properties": {**fixed, **properties}}

    def create(self, properties: dict[str, Any], **more: Any) -> str:
        self.begin_create(properties, **more)
        return self.wait()

    def begin_create(self, properties: dict[str, Any], **more: Any) -> None:
        self._cloudformation.create_stack(StackName=self.name, TemplateBody=self.template(properties, **more))

    def create_example(self, name: str, **parameters: str) -> str:
        """Create it from a template of docs/examples as it is."""
        self.begin_create_example(name, **parameters)
        return self.wait()

    def begin_create_example(self, name: str, **parameters: str) -> None:
        path = EXAMPLES / name
        if "ServiceToken" in template(path).get("Parameters", {}):
            parameters["ServiceToken"] = self.application.service_token
        self._cloudformation.create_stack(
            StackName=self.name,
            TemplateBody=path.read_text(),
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            Capabilities=["CAPABILITY_IAM"],
        )

    def update(self, properties: dict[str, Any], **more: Any) -> str:
        self._cloudformation.update_stack(StackName=self.name, TemplateBody=self.template(properties, **more))
        return self.wait()

    def delete(self) -> str:
        self.begin_delete()
        return self.wait()

    def begin_delete(self) -> None:
        self._cloudformation.delete_stack(StackName=self.name)

    def wait(self) -> str:
        return wait_for_stack(self.cloud, self.name)

    def outputs(self) -> dict[str, str]:
        return stack_outputs(self.cloud, self.name)

    def reasons(self) -> str:
        """The reasons of all failed events, as a user reads them."""
        events = self._cloudformation.describe_stack_events(StackName=self.name)["StackEvents"]
        return "\n".join(e.get("ResourceStatusReason", "") for e in events if e["ResourceStatus"].endswith("_FAILED"))

    @contextmanager
    def broken_function(self, logical_id: str) -> Iterator[None]:
        """A function of the application that cannot be loaded, until the block ends."""
        functions = self.cloud.client("lambda")
        found = self._cloudformation.describe_stack_resource(StackName=APPLICATION_STACK, LogicalResourceId=logical_id)
        name = found["StackResourceDetail"]["PhysicalResourceId"]
        handler = functions.get_function_configuration(FunctionName=name)["Handler"]
        functions.update_function_configuration(FunctionName=name, Handler="missing.handler")
        try:
            yield
        finally:
            functions.update_function_configuration(FunctionName=name, Handler=handler)

    def public_item(self, physical_id: str) -> dict[str, Any] | None:
        table = self.cloud.client("dynamodb")
        key = {"pk": {"S": f"RUN#{physical_id}"}}
        item: dict[str, Any] | None = table.get_item(TableName=self.application.table_name, Key=key).get("Item")
        return item


@pytest.fixture
def stack(deployed: tuple[EmbeddedCloud, Application], openai_api: OpenAIStandIn) -> Iterator[Stack]:
    """A stack that is not created yet; OpenAI's side is empty at the start, and the stack is gone at the end."""
    openai_api.reset()
    stack = Stack(*deployed, name=f"e2e-{uuid.uuid4().hex[:8]}")
    yield stack
    stack.delete()
