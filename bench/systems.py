"""The three systems, deployed side by side on one embedded cloud: this application and its peers."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import crhelper

from bench.invocations import Function, functions_of
from bench.plan import WITH_WEBHOOKS
from local.deployment import APPLICATION_STACK, BUILD, DeploymentError, build, deploy, stack_outputs, wait_for_stack
from local.embedded_cloud import EmbeddedCloud
from local.embedded_cloud.process import DEFAULT_ACCOUNT

PEERS, CDK = Path(__file__).parent / "peers", Path(__file__).parent / "cdk"
MODEL = "gpt-5.4-mini"
QUESTION = "What is a stack?"
PATIENCE_SECONDS = 1800
"""ServiceTimeout of every run, for all systems."""


@dataclass(frozen=True)
class System:
    """One deployed system; `properties` makes a run's properties of its metadata."""

    name: str
    resource_type: str
    service_token: str
    functions: list[Function]
    properties: Callable[[Mapping[str, str]], dict[str, Any]]
    state_machine_arn: str | None = None

    def resource(self, metadata: Mapping[str, str]) -> dict[str, Any]:
        """The resource of a template that runs once."""
        fixed = {"ServiceToken": self.service_token, "ServiceTimeout": PATIENCE_SECONDS}
        return {"Type": self.resource_type, "Properties": {**fixed, **self.properties(metadata)}}


@dataclass(frozen=True)
class Api:
    """The server that runs the threads."""

    base_url: str
    key: str


def deploy_threadrun(cloud: EmbeddedCloud, api: Api, *, webhooks: bool = False) -> System:
    """This application, built and deployed by the SAM CLI."""
    stack_name = f"{APPLICATION_STACK}-webhooks" if webhooks else APPLICATION_STACK
    asked = {"openai_base_url": api.base_url, "api_key": api.key, "EnableWebhooks": str(webhooks).lower()}
    application = deploy(cloud, build(), stack_name=stack_name, **asked)
    return System(
        WITH_WEBHOOKS if webhooks else "threadrun",
        "Custom::OpenAIThreadRun",
        application.service_token,
        functions_of(cloud, stack_name),
        lambda metadata: {
            "model": MODEL,
            "metadata": dict(metadata),
            "thread": {"messages": [{"role": "user", "content": QUESTION}]},
        },
        application.state_machine_arn,
    )


def _peer_properties(metadata: Mapping[str, str]) -> dict[str, Any]:
    return {"model": MODEL, "input": QUESTION, "metadata": dict(metadata)}


def deploy_cdk(cloud: EmbeddedCloud, api: Api) -> System:
    """The CDK's Provider framework: synthesised by aws-cdk-lib, deployed as `cdk deploy` would."""
    secret = _make_secret(cloud, "cdk", api)
    with tempfile.TemporaryDirectory() as temporary:
        output, handler = Path(temporary, "cdk.out"), Path(temporary, "handler")
        handler.mkdir()
        for name in ("openai_run.py", "cdk_handler.py"):
            shutil.copy(PEERS / name, handler)
        arguments = [str(output), str(handler), api.base_url, secret, DEFAULT_ACCOUNT, cloud.region]
        command = ["node", str(CDK / "app.js"), *arguments]
        environment = os.environ | {"NODE_PATH": str(BUILD / "cdk" / "node_modules")}
        result = subprocess.run(command, env=environment, capture_output=True, text=True)
        if result.returncode != 0:
            raise DeploymentError(f"cdk synth failed:\n{result.stderr[-2000:]}")
        _upload_assets(cloud, output)
        template = (output / "cdk.template.json").read_text()
    cloud.client("ssm").put_parameter(Name="/cdk-bootstrap/hnb659fds/version", Value="30", Type="String")
    _create_stack(cloud, "cdk", template, {})
    resources = cloud.client("cloudformation").describe_stack_resources(StackName="cdk")["StackResources"]
    waiter = next(each for each in resources if each["ResourceType"] == "AWS::StepFunctions::StateMachine")
    return System(
        "cdk-provider",
        "Custom::CdkRun",
        stack_outputs(cloud, "cdk")["ServiceToken"],
        functions_of(cloud, "cdk"),
        _peer_properties,
        waiter["PhysicalResourceId"],
    )


def _upload_assets(cloud: EmbeddedCloud, output: Path) -> None:
    """What `cdk deploy` publishes: each directory zipped, under the key that the template expects."""
    storage = cloud.client("s3")
    for asset in json.loads((output / "cdk.assets.json").read_text())["files"].values():
        if asset["source"]["packaging"] == "zip":
            content = _zipped(output / asset["source"]["path"])
            for destination in asset["destinations"].values():
                storage.create_bucket(Bucket=destination["bucketName"])
                storage.put_object(Bucket=destination["bucketName"], Key=destination["objectKey"], Body=content)


def deploy_crhelper(cloud: EmbeddedCloud, api: Api) -> System:
    """A function with crhelper, in a plain template."""
    secret = _make_secret(cloud, "crhelper", api)
    with tempfile.TemporaryDirectory() as temporary:
        package = Path(temporary)
        for name in ("openai_run.py", "crhelper_handler.py"):
            shutil.copy(PEERS / name, package)
        shutil.copytree(Path(crhelper.__file__).parent, package / "crhelper")
        content = _zipped(package)
    storage = cloud.client("s3")
    storage.create_bucket(Bucket="bench-crhelper")
    storage.put_object(Bucket="bench-crhelper", Key="code.zip", Body=content)
    parameters = {
        "CodeBucket": "bench-crhelper",
        "CodeKey": "code.zip",
        "OpenAIBaseUrl": api.base_url,
        "OpenAIApiKeySecretArn": secret,
    }
    _create_stack(cloud, "crhelper", (PEERS / "crhelper_template.yaml").read_text(), parameters)
    token = stack_outputs(cloud, "crhelper")["ServiceToken"]
    return System("crhelper", "Custom::CrhelperRun", token, functions_of(cloud, "crhelper"), _peer_properties)


def _make_secret(cloud: EmbeddedCloud, name: str, api: Api) -> str:
    secret = cloud.client("secretsmanager").create_secret(Name=f"{name}-api-key", SecretString=api.key)
    return str(secret["ARN"])


def _create_stack(cloud: EmbeddedCloud, name: str, template: str, parameters: Mapping[str, str]) -> None:
    cloudformation = cloud.client("cloudformation")
    cloudformation.create_stack(
        StackName=name,
        TemplateBody=template,
        Capabilities=["CAPABILITY_IAM"],
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
    )
    status = wait_for_stack(cloud, name)
    if status != "CREATE_COMPLETE":
        events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
        reasons = [each.get("ResourceStatusReason", "") for each in events if each["ResourceStatus"].endswith("FAILED")]
        raise DeploymentError(f"stack {name} is {status}: {reasons[-1] if reasons else 'no reason is known'}")


def _zipped(directory: Path) -> bytes:
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(directory.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                archive.write(path, str(path.relative_to(directory)))
    return package.getvalue()


DEPLOYMENTS: dict[str, Callable[[EmbeddedCloud, Api], System]] = {
    "threadrun": deploy_threadrun,
    WITH_WEBHOOKS: partial(deploy_threadrun, webhooks=True),
    "cdk-provider": deploy_cdk,
    "crhelper": deploy_crhelper,
}
