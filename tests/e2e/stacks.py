"""Stacks driven by boto3 as a user's tools would, what was written about them, and what is left of them."""

import json
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from local.dashboard import dashboard_readings
from local.deployment import APPLICATION_STACK, ROOT, Application, stack_outputs, wait_for_stack
from local.embedded_cloud import EmbeddedCloud
from local.openai_standin import OpenAIStandIn
from tests.support.until import until

EXAMPLES = ROOT / "docs" / "examples"
OUTPUTS = ("thread_id", "status", "created_at", "usage", "usage.total_tokens", "model", "output_text", "object")
TOOL_FUNCTION_ARNS = "arn:aws:lambda:*:*:function:e2e-*"
"""The functions of the stacks of these tests."""
TOOL_SECRET_ARNS = "arn:aws:secretsmanager:*:*:secret:e2e-mcp-*"
TOOL_SECRET = "tok-e2e-3Zq9"
"""What one of these secrets holds."""
FILE_BUCKET = "e2e-documents"
"""Which the application may read."""
PATIENCE_SECONDS = 540


class Deployed(NamedTuple):
    """The application in a cloud, as it is seen from one region, and the OpenAI that it asks."""

    cloud: EmbeddedCloud
    application: Application
    openai_api: OpenAIStandIn


def standin(**more: Any) -> OpenAIStandIn:
    """An OpenAI whose runs are short."""
    return OpenAIStandIn(duration_s=1.5, queued_s=0.5, cancel_delay_s=0.3, **more)


def application_in(cloud: EmbeddedCloud) -> Application:
    """That which is deployed in the cloud's region."""
    outputs = stack_outputs(cloud, APPLICATION_STACK)
    return Application(outputs["ServiceToken"], outputs["TableName"], outputs["StateMachineArn"])


class Stack:
    """One stack with one thread run; it is not created yet."""

    def __init__(self, deployed: Deployed, name: str = "") -> None:
        self.deployed = deployed
        self.cloud, self.application, self.openai_api = deployed
        self.name = name or f"e2e-{uuid.uuid4().hex[:8]}"
        self._cloudformation = self.cloud.client("cloudformation")

    def template(self, properties: dict[str, Any], more: dict[str, Any] | None = None) -> str:
        outputs = {name.replace(".", "").replace("_", ""): {"Fn::GetAtt": ["Run", name]} for name in OUTPUTS}
        outputs["Ref"] = {"Ref": "Run"}
        resources = {"Run": self.resource(**properties), **(more or {})}
        return json.dumps(
            {"Resources": resources, "Outputs": {name: {"Value": value} for name, value in outputs.items()}}
        )

    def resource(self, kind: str = "ThreadRun", **properties: Any) -> dict[str, Any]:
        fixed = {"ServiceToken": self.application.service_token, "ServiceTimeout": 60}
        return {"Type": f"Custom::OpenAI{kind}", "Properties": fixed | properties}

    def create(self, properties: dict[str, Any], **more: Any) -> str:
        self.begin_create(properties, **more)
        return self.wait()

    def begin_create(self, properties: dict[str, Any], **more: Any) -> None:
        self.begin_create_from(self.template(properties, **more))

    def begin_create_example(self, name: str, **parameters: str) -> None:
        """Create it from a template of docs/examples as it is."""
        self.begin_create_from((EXAMPLES / name).read_text(), **parameters)

    def begin_create_from(self, template: str, **parameters: str) -> None:
        given = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
        self._cloudformation.create_stack(
            StackName=self.name, TemplateBody=template, Parameters=given, Capabilities=["CAPABILITY_IAM"]
        )

    def update(self, properties: dict[str, Any], **more: Any) -> str:
        return self.update_from(self.template(properties, **more))

    def update_from(self, template: str) -> str:
        self._cloudformation.update_stack(StackName=self.name, TemplateBody=template)
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

    def physical_id(self, logical_id: str) -> str:
        """Wait until the resource is there, while others of the stack may still be created."""

        def found() -> str | None:
            for each in self._cloudformation.describe_stack_resources(StackName=self.name)["StackResources"]:
                if (each["LogicalResourceId"], each["ResourceStatus"]) == (logical_id, "CREATE_COMPLETE"):
                    return str(each["PhysicalResourceId"])
            return None

        return str(until(found, 30))

    def parameters(self) -> dict[str, str]:
        """What the stack has in the parameter store, by the last part of the name."""
        found = self.cloud.client("ssm").get_parameters_by_path(Path=f"/{self.name}")["Parameters"]
        return {each["Name"].rpartition("/")[2]: each["Value"] for each in found}

    def public_item(self, physical_id: str) -> dict[str, Any] | None:
        table, key = self.cloud.client("dynamodb"), {"pk": {"S": f"RUN#{physical_id}"}}
        item: dict[str, Any] | None = table.get_item(TableName=self.application.table_name, Key=key).get("Item")
        return item

    def requests(self) -> list[dict[str, Any]]:
        """CloudFormation's requests for its resources."""
        return [each for each in self.cloud.sent_events() if f"/{self.name}/" in each["StackId"]]

    def running_executions(self) -> list[str]:
        """All that run, of any stack."""
        states, arn = self.cloud.client("stepfunctions"), self.application.state_machine_arn
        found = states.list_executions(stateMachineArn=arn, statusFilter="RUNNING")["executions"]
        return [each["executionArn"] for each in found]

    @contextmanager
    def broken_function(self, logical_id: str) -> Iterator[None]:
        """A function of the application that cannot be loaded, until the block ends."""
        functions, name = self.cloud.client("lambda"), Stack(self.deployed, APPLICATION_STACK).physical_id(logical_id)
        handler = functions.get_function_configuration(FunctionName=name)["Handler"]
        functions.update_function_configuration(FunctionName=name, Handler="missing.handler")
        try:
            yield
        finally:
            functions.update_function_configuration(FunctionName=name, Handler=handler)


def shared_template(stack: Stack, instructions: str) -> str:
    """Two runs that share an assistant and a thread; the second one has the assistant's version as a trigger."""
    uses = {"assistant_id": {"Ref": "Assistant"}, "existing_thread_id": {"Ref": "Thread"}}
    version = {"Fn::GetAtt": ["Assistant", "version"]}
    messages = [{"role": "user", "content": f"Part {number}."} for number in range(25)]
    resources = {
        "Assistant": stack.resource("Assistant", model="gpt-5.4-mini", instructions=instructions, temperature=0.5),
        "Thread": stack.resource("Thread", messages=messages),
        "First": stack.resource(**uses),
        "Second": stack.resource(**uses, triggers={"version": version}),
    }
    outputs: dict[str, Any] = {name: {"Ref": name} for name in resources}
    outputs |= {"Version": version, "SecondVersion": {"Fn::GetAtt": ["Second", "assistant_version"]}}
    return json.dumps({"Resources": resources, "Outputs": {name: {"Value": value} for name, value in outputs.items()}})


def settled(stacks: Iterable[Stack]) -> Counter[str]:
    """Wait until no operation is under way on any of these stacks of one region; how many ended how."""
    names, cloudformation = {stack.name for stack in stacks}, next(iter(stacks)).cloud.client("cloudformation")

    def statuses() -> Counter[str] | None:
        pages = cloudformation.get_paginator("list_stacks").paginate()
        found = {each["StackName"]: each["StackStatus"] for page in pages for each in page["StackSummaries"]}
        counted = Counter(found.get(name, "DELETE_COMPLETE") for name in names)
        return None if any(status.endswith("_IN_PROGRESS") for status in counted) else counted

    ended: Counter[str] = until(statuses, PATIENCE_SECONDS, every=0.5)
    return ended


def left(openai_api: OpenAIStandIn) -> Counter[str]:
    """What the API still has of all that can be deleted; a kind of which there is none is not in it."""
    gone = ("runs_started", "files", "max_concurrent_per_conversation", "webhook_endpoints")
    return +Counter({name: count for name, count in openai_api.counters().items() if name not in gone})


def started(openai_api: OpenAIStandIn) -> list[dict[str, Any]]:
    """The requests that started a run, in order."""
    return [each.body for each in openai_api.requests if (each.method, each.path) == ("POST", "/v1/responses")]


def counted(cloud: EmbeddedCloud) -> dict[str, float | None]:
    """What CloudWatch has of the dashboard's and the alarms' metrics, the failures by their reason."""
    return {dict(each.dimensions).get("reason", each.name): each.value for each in dashboard_readings(cloud)}


def logged(cloud: EmbeddedCloud, **groups: str) -> Iterator[str]:
    """The messages in all log groups, or in those that are described so."""
    logs = cloud.client("logs")
    for group in logs.describe_log_groups(**groups)["logGroups"]:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"])
        yield from (event["message"] for page in pages for event in page["events"])


def everything_written(deployed: Deployed) -> str:
    """All that an application wrote where others can read it: logs, executions' inputs, outputs and histories.

    The table, the bucket and the queue are not part of it: they are encrypted and expire.
    """
    states, written = deployed.cloud.client("stepfunctions"), list(logged(deployed.cloud))
    pages = states.get_paginator("list_executions").paginate(stateMachineArn=deployed.application.state_machine_arn)
    for execution in [each for page in pages for each in page["executions"]]:
        arn = execution["executionArn"]
        history = states.get_paginator("get_execution_history").paginate(executionArn=arn)
        written += [json.dumps(page["events"], default=str) for page in history]
        written.append(json.dumps(states.describe_execution(executionArn=arn), default=str))
    return "\n".join(written)
