"""The application on LocalEmu: SAM's own transform of its template, deployed and asked there as CloudFormation asks."""

from __future__ import annotations

import inspect
import io
import json
import os
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any
from unittest import mock

import openai
import yaml
from botocore.exceptions import ClientError
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

from local.deployment import (
    APPLICATION_STACK,
    ROOT,
    Application,
    DeploymentError,
    build,
    run_sam,
    stack_outputs,
    wait_for_stack,
)
from local.openai_standin import OpenAIStandIn
from testkit.in_process.answer_url import AnswerUrl
from testkit.in_process.cloudformation import CloudFormation
from testkit.interop import lives
from testkit.interop.localemu.cloud import LocalEmu, jsonata_version, localemu
from testkit.interop.page import WORKS
from testkit.interop.servers import RESPONSES_MODEL as MODEL
from testkit.interop.servers import SCRIPTS, Server, version_of
from testkit.interop.wall_clock import WallClock
from testkit.state_machine import DEFINITION

CODE = "code"
HANDLERS = "tool-look-up"
PATIENCE_SECONDS = 120.0


def deploy(cloud: LocalEmu, api: OpenAIStandIn) -> Application:
    """Deploy the built template, transformed by SAM's own translator; raises `DeploymentError`.

    LocalEmu reads definitions as JSON only: the state machine's, which is YAML, is uploaded as the same data in JSON.
    """
    objects = cloud.client("s3")
    objects.create_bucket(Bucket=CODE)
    secret = cloud.client("secretsmanager").create_secret(Name="key", SecretString=api.api_key)["ARN"]
    parameters = {
        "OpenAIBaseUrl": api.base_url,
        "OpenAIApiKeySecretArn": secret,
        "AllowLoopbackResponseUrl": "true",
        "LingerSeconds": "0",
        "ToolFunctionArns": f"arn:aws:lambda:*:*:function:{HANDLERS}",
    }
    template = _transformed(cloud, parameters)
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::StepFunctions::StateMachine":
            place = resource["Properties"]["DefinitionS3Location"]
            definition = yaml.safe_load(objects.get_object(**place)["Body"].read())
            objects.put_object(**place, Body=json.dumps(definition).encode())
    objects.put_object(Bucket=CODE, Key="template", Body=json.dumps(template).encode())
    cloud.client("cloudformation").create_stack(
        StackName=APPLICATION_STACK,
        TemplateURL=f"{cloud.endpoint}/{CODE}/template",
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
        Capabilities=["CAPABILITY_IAM"],
    )
    status = wait_for_stack(cloud, APPLICATION_STACK, timeout_seconds=PATIENCE_SECONDS)
    if status != "CREATE_COMPLETE":
        raise DeploymentError(f"the application's stack is {status} on LocalEmu")
    outputs = stack_outputs(cloud, APPLICATION_STACK)
    return Application(outputs["ServiceToken"], outputs["TableName"], outputs["StateMachineArn"])


def _transformed(cloud: LocalEmu, parameters: dict[str, str]) -> dict[str, Any]:
    with TemporaryDirectory() as temporary:
        packaged = Path(temporary, "packaged.yaml")
        arguments = ["--template-file", str(build()), "--s3-bucket", CODE, "--output-template-file", str(packaged)]
        run_sam(["package", *arguments], _path() | cloud.environment())
        with mock.patch.dict(os.environ, AWS_DEFAULT_REGION=cloud.region):  # SAM asks boto3 where it is.
            template = yaml_parse(packaged.read_text())
            result: dict[str, Any] = transform(template, dict(parameters), SimpleNamespace(load=dict))
    return result


def _path() -> dict[str, str]:
    return {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}


class Asked(CloudFormation):
    """CloudFormation, played against the application's function as it is deployed on LocalEmu."""

    def __init__(self, cloud: LocalEmu, application: Application, url: AnswerUrl) -> None:
        super().__init__(url, WallClock())
        self._cloud, self._application = cloud, application

    def deliver(self, event: dict[str, Any]) -> None:
        payload = json.dumps(event | {"ServiceToken": self._application.service_token}).encode()
        before, client = len(self.url.answers), self._cloud.client("lambda")
        client.invoke(FunctionName=self._application.service_token, InvocationType="Event", Payload=payload)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len(self.url.answers) == before and time.monotonic() < deadline:
            time.sleep(0.1)

    def public_items(self) -> dict[str, Any]:
        items = self._cloud.client("dynamodb").scan(TableName=self._application.table_name)["Items"]
        return {item["pk"]["S"]: item for item in items if item["pk"]["S"].startswith("RUN#")}


def add_handler(cloud: LocalEmu) -> str:
    """Deploy `lives.handled` as a Lambda function, once; returns its ARN."""
    functions, archive = cloud.client("lambda"), io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        source = inspect.getsource(lives.handled).replace("handled(event: dict[str, Any])", "handled(event, context)")
        zipped.writestr("app.py", source)
    made = functions.create_function(
        FunctionName=HANDLERS,
        Runtime="python3.13",
        Role="arn:aws:iam::000000000000:role/handler",
        Handler="app.handled",
        Code={"ZipFile": archive.getvalue()},
    )
    functions.get_waiter("function_active_v2").wait(FunctionName=HANDLERS)
    return str(made["FunctionArn"])


def play_localemu(say: Callable[[str], None]) -> dict[str, Any]:
    """Play every life on the application in LocalEmu, then try what it is known not to have.

    Returns the outcomes, and how often each state of the definition was entered.
    """
    outcomes: dict[str, list[str]] = {}
    with OpenAIStandIn(duration_s=2) as api, localemu() as cloud, closing(AnswerUrl()) as url:
        api.script(*SCRIPTS)
        url.listen()
        application = deploy(cloud, api)
        say("LocalEmu: the application is deployed")
        server = Server("stand-in", "", "", "/v1", "", api.base_url, MODEL, *_seen(api))
        client = openai.OpenAI(api_key=api.api_key, base_url=api.base_url)
        handler_arn = add_handler(cloud)
        for name, life in lives.LIVES.items():
            stack = lives.Stack(server, Asked(cloud, application, url), client, lambda: handler_arn)
            outcomes[name] = [lives.outcome(life, stack)]
            say(f"LocalEmu: {name}: {outcomes[name][0]}")
        statuses, states = _executions(cloud, application)
        tried = {name: [attempt(cloud, application)] for name, attempt in ATTEMPTS.items()}
    found = {"lives": outcomes, "statuses": statuses, "states": states, "tried": tried}
    return {"version": version_of("localemu", "localemu"), "jsonata": jsonata_version(), **found}


def _sam_deploy(cloud: LocalEmu, _: Application) -> str:
    arguments = ["deploy", "--template-file", str(build()), "--stack-name", "sam", "--s3-bucket", CODE]
    try:
        run_sam([*arguments, "--capabilities", "CAPABILITY_IAM"], _path() | cloud.environment())
    except DeploymentError as error:
        return f"refused: {str(error).splitlines()[-1]}"
    return WORKS


def _yaml_definition(cloud: LocalEmu, application: Application) -> str:
    states = cloud.client("stepfunctions")
    role = states.describe_state_machine(stateMachineArn=application.state_machine_arn)["roleArn"]
    try:
        states.create_state_machine(name="yaml", definition=DEFINITION.read_text(), roleArn=role)
    except ClientError as error:
        return f"refused: {error.response['Error']['Message'].splitlines()[0]}"
    return WORKS


def _custom_resource(cloud: LocalEmu, application: Application) -> str:
    body = (ROOT / "docs" / "examples" / "question.yaml").read_text()
    cloudformation = cloud.client("cloudformation")
    try:
        cloudformation.create_stack(StackName="question", TemplateBody=body)
    except ClientError as error:
        return f"refused: {error.response['Error']['Message']}"
    status = wait_for_stack(cloud, "question", timeout_seconds=PATIENCE_SECONDS)
    answer = stack_outputs(cloud, "question").get("Answer", "")
    if status == "CREATE_COMPLETE" and "infrastructure as code" in answer:
        return WORKS
    events = cloudformation.describe_stack_events(StackName="question")["StackEvents"]
    reasons = [each["ResourceStatusReason"] for each in events if each.get("ResourceStatusReason")]
    return f"wrong: the stack is {status}, its output Answer is {answer!r}, its events say {reasons}"


ATTEMPTS: dict[str, Callable[[LocalEmu, Application], str]] = {
    "`sam deploy` of the template as it is": _sam_deploy,
    "the definition as YAML": _yaml_definition,
    "a stack with a `Custom::OpenAIThreadRun`": _custom_resource,
}
"""What is tried as it is, and why the lives have another way."""


def _seen(api: OpenAIStandIn) -> tuple[Callable[[], str], Callable[[], int]]:
    return (
        lambda: json.dumps([each.body for each in api.requests], ensure_ascii=False),
        lambda: api.counters()["runs_started"],
    )


def _executions(cloud: LocalEmu, application: Application) -> tuple[dict[str, int], dict[str, int]]:
    """How many executions ended how, and how often each state was entered."""
    client = cloud.client("stepfunctions")
    statuses, states = Counter[str](), Counter[str]()
    for page in client.get_paginator("list_executions").paginate(stateMachineArn=application.state_machine_arn):
        for execution in page["executions"]:
            statuses[execution["status"]] += 1
            arn = execution["executionArn"]
            for events in client.get_paginator("get_execution_history").paginate(executionArn=arn):
                entered = [each.get("stateEnteredEventDetails") for each in events["events"]]
                states.update(each["name"] for each in entered if each)
    return dict(statuses), dict(states)
