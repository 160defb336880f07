"""Stacks with a thread run, driven by boto3 as a user's tools would, and what is left of them at OpenAI."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from local.deployment import APPLICATION_STACK, ROOT, Application, stack_outputs, wait_for_stack
from local.embedded_cloud import EmbeddedCloud
from local.openai_standin import OpenAIStandIn
from testkit.template import template

EXAMPLES = ROOT / "docs" / "examples"


OUTPUTS = ("thread_id", "status", "created_at", "usage", "usage.total_tokens", "model", "output_text", "object")


TOOL_FUNCTION_ARNS = "arn:aws:lambda:*:*:function:e2e-*"
"""The functions of the stacks of these tests."""


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


def left(openai_api: OpenAIStandIn) -> Counter[str]:
    """What the API still has of all that can be deleted; a kind of which there is none is not in it."""
    counters = openai_api.counters()
    names = ("conversations", "responses", "responses_in_flight", "orphan_items")
    return +Counter({name: counters[name] for name in names})


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


def until(condition: Callable[[], Any], seconds: float = 60) -> Any:
    """What the condition gives as soon as it gives something."""
    patience = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < patience, "nothing happened"
        time.sleep(0.05)
    return found


def running_executions(stack: Stack) -> list[str]:
    states = stack.cloud.client("stepfunctions")
    found = states.list_executions(stateMachineArn=stack.application.state_machine_arn, statusFilter="RUNNING")
    return [each["executionArn"] for each in found["executions"]]
