"""Fixtures of the end-to-end tier: one embedded cloud, and in it the application.

The SAM CLI deploys it once; with other parameters it is created in other regions, from the template that was uploaded.
"""

import copy
import re
from collections.abc import Callable, Iterator

import pytest

from local.deployment import APPLICATION_STACK, build, deploy, stack_status, wait_for_stack
from local.embedded_cloud import EmbeddedCloud
from local.openai_standin import OpenAIStandIn
from tests.e2e.stacks import (
    FILE_BUCKET,
    TOOL_FUNCTION_ARNS,
    TOOL_SECRET,
    TOOL_SECRET_ARNS,
    Deployed,
    Stack,
    application_in,
    everything_written,
    left,
    standin,
)
from tests.e2e.terraform import attached_provider
from tests.support.runs import NOTHING

SAID = ("What is a stack?", "Answer in one sentence.", "The model had a bad day.", "A stack is a unit of deployment.")
SAID += (
    "How many bolts and nuts",
    '{"article": "bolt"}',
    "pieces",
    "sk-standin",
    "X-Amz-Signature",
    "whsec_",
    TOOL_SECRET,
)
"""Prompts, outputs, arguments and errors of the tests, and secrets: none of them may be found in what was written."""
PROCESSES = 4
"""Of each function: a start costs more than what it then does in most tests."""
FORKED = ("testkit.emulator.forked_functions",)
DeployBeside = Callable[..., Deployed]


@pytest.fixture(scope="session")
def openai_api() -> Iterator[OpenAIStandIn]:
    with standin() as api:
        yield api


@pytest.fixture(scope="session")
def deployed(openai_api: OpenAIStandIn) -> Iterator[Deployed]:
    """With IAM enforced on the functions' roles."""
    with EmbeddedCloud(iam_enforced=True, functions_at_once=PROCESSES, patches=FORKED) as cloud:
        url, key = openai_api.base_url, openai_api.api_key
        allowed = {
            "ToolFunctionArns": TOOL_FUNCTION_ARNS,
            "ToolSecretArns": TOOL_SECRET_ARNS,
            "FileBuckets": FILE_BUCKET,
        }
        application = deploy(cloud, build(), openai_base_url=url, api_key=key, **allowed)
        yield (found := Deployed(cloud, application, openai_api))
        assert_nothing_was_told(found)


def assert_nothing_was_told(deployed: Deployed) -> None:
    written = everything_written(deployed)
    assert [secret for secret in SAID if secret in written] == []


@pytest.fixture(scope="session")
def deploy_beside(deployed: Deployed) -> Iterator[DeployBeside]:
    """Creates the application once more, in another region of the cloud, with some parameters changed."""
    home, made = deployed.cloud, list[Deployed]()

    def create(api: OpenAIStandIn, region: str, **changed: str) -> Deployed:
        cloud = copy.copy(home)
        cloud.region = region
        stacks, secrets = home.client("cloudformation"), cloud.client("secretsmanager")
        described = stacks.describe_stacks(StackName=APPLICATION_STACK)["Stacks"][0]["Parameters"]
        parameters = {each["ParameterKey"]: each["ParameterValue"] for each in described}
        secret = secrets.create_secret(Name="key", SecretString=api.api_key)
        parameters |= {"OpenAIBaseUrl": api.base_url, "OpenAIApiKeySecretArn": secret["ARN"], **changed}
        cloud.client("cloudformation").create_stack(
            StackName=APPLICATION_STACK,
            TemplateURL=_copied(
                cloud, home, stacks.get_template(StackName=APPLICATION_STACK, TemplateStage="Original")["TemplateBody"]
            ),
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
        assert wait_for_stack(cloud, APPLICATION_STACK) == "CREATE_COMPLETE"
        made.append(Deployed(cloud, application_in(cloud), api))
        return made[-1]

    yield create
    for each in made:
        if stack_status(each.cloud, APPLICATION_STACK) != "DELETE_COMPLETE":
            assert_nothing_was_told(each)


def _copied(cloud: EmbeddedCloud, home: EmbeddedCloud, template: str) -> str:
    """The URL of the template, which is too long for a request, in a bucket of the stack's own region with its code."""
    here, there, copied = home.client("s3"), cloud.client("s3"), f"code-{cloud.region}"
    there.create_bucket(Bucket=copied, CreateBucketConfiguration={"LocationConstraint": cloud.region})
    for bucket, key in set(re.findall(r"s3://([\w.-]+)/([\w.-]+)", template)):
        there.put_object(Bucket=copied, Key=key, Body=here.get_object(Bucket=bucket, Key=key)["Body"].read())
    there.put_object(Bucket=copied, Key="template", Body=re.sub(r"s3://[\w.-]+/", f"s3://{copied}/", template).encode())
    return f"https://s3.{cloud.region}.amazonaws.com/{copied}/template"


@pytest.fixture(scope="session")
def deployed_elsewhere(deploy_beside: DeployBeside, openai_api: OpenAIStandIn) -> Deployed:
    return deploy_beside(openai_api, "eu-central-1")


@pytest.fixture(scope="session")
def with_webhooks(deployed: Deployed, deploy_beside: DeployBeside) -> Iterator[Deployed]:
    """With webhooks, in a region of its own, and with an OpenAI of its own: each deployment registers itself there."""
    with standin() as api:
        api.reach("on.aws", deployed.cloud.port)
        yield (found := deploy_beside(api, "eu-west-1", EnableWebhooks="true"))
        assert_nothing_was_told(found)
        assert Stack(found, APPLICATION_STACK).delete() == "DELETE_COMPLETE"
        assert api.counters()["webhook_endpoints"] == 0, "the endpoint is removed with the application"


@pytest.fixture(scope="session")
def provider() -> Iterator[dict[str, str]]:
    """Terraform's, for what asks no AWS."""
    with attached_provider() as variables:
        yield variables


@pytest.fixture
def stack(deployed: Deployed) -> Iterator[Stack]:
    """A stack that is not created yet; OpenAI's side is empty at the start, and both are at the end."""
    deployed.openai_api.reset()
    yield (stack := Stack(deployed))
    assert stack.delete() == "DELETE_COMPLETE"
    assert left(deployed.openai_api) == NOTHING
