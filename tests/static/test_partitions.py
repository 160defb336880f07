"""The template in each of AWS's partitions: what SAM makes of it there, with the partition's own values put in."""

import json
import re

import pytest
from samtranslator.translator.arn_generator import ArnGenerator

from testkit.state_machine import DEFINITION
from tests.support.definitions import Made, expanded, made_of

REGIONS = {
    "aws": ("eu-west-1", "amazonaws.com", "console.aws.amazon.com"),
    "aws-us-gov": ("us-gov-west-1", "amazonaws.com", "console.amazonaws-us-gov.com"),
    "aws-cn": ("cn-north-1", "amazonaws.com.cn", "console.amazonaws.cn"),
    "aws-eusc": ("eusc-de-east-1", "amazonaws.eu", "console.amazonaws-eusc.eu"),
}
"""Region, suffix and console of each. Source: botocore's partitions.json; the consoles' own addresses."""
PRINCIPAL = re.compile(r'"[a-z]+\.amazonaws\.com"')
"""Of a service: the same in all partitions."""


def deployed(partition: str, **parameters: str) -> Made:
    """The template as a partition's CloudFormation makes it, by the partition's own values."""
    region, suffix, _ = REGIONS[partition]
    given = {"OpenAIApiKeySecretArn": f"arn:{partition}:secretsmanager:{region}:123456789012:secret:key"} | parameters
    text = json.dumps(expanded(given))
    for name, value in {"Partition": partition, "Region": region, "URLSuffix": suffix}.items():
        text = text.replace(f'{{"Ref": "AWS::{name}"}}', f'"{value}"').replace(f"${{AWS::{name}}}", value)
    return made_of(json.loads(text), **given)


@pytest.fixture(params=REGIONS)
def partition(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGIONS[request.param][0])
    monkeypatch.setattr(ArnGenerator, "BOTO_SESSION_REGION_NAME", REGIONS[request.param][0])
    return str(request.param)


@pytest.mark.parametrize(("provider", "webhooks"), [("api_key", "true"), ("bedrock", "false")])
def test_nothing_in_it_is_of_another_partition(partition: str, provider: str, webhooks: str) -> None:
    arns = {"AlarmTopicArn": f"arn:{partition}:sns:topic"}
    if provider == "api_key":
        arns["ApiKeyKmsKeyArn"] = f"arn:{partition}:kms:::key/key"
    made = deployed(partition, EnableWebhooks=webhooks, OpenAIProvider=provider, **arns)
    text = json.dumps([made.resources, made.outputs])
    assert set(re.findall(r"arn:(aws[a-z-]*):", text)) == {partition}
    others = {suffix for _, suffix, _ in REGIONS.values()} - {REGIONS[partition][1]}
    assert not [each for each in others if re.search(re.escape(each) + r"(?![.\w])", PRINCIPAL.sub("", text))]
    assert f"https://{REGIONS[partition][2]}/cloudwatch/" in made.outputs["DashboardUrl"]["Value"]


def test_the_tasks_of_the_state_machine_are_of_its_partition(partition: str) -> None:
    machine = deployed(partition).resources["StateMachine"]["Properties"]
    assert machine["DefinitionSubstitutions"]["Partition"] == partition
    resources = re.findall(r"Resource: (\S+):states:::", DEFINITION.read_text())
    assert len(resources) == 5
    assert set(resources) == {"arn:${Partition}"}


def test_traces_and_webhooks_are_off_where_they_do_not_exist(partition: str) -> None:
    made = deployed(partition, EnableWebhooks="true")
    exist = partition != "aws-cn"
    functions = [each for each in made.resources.values() if each["Type"] == "AWS::Lambda::Function"]
    modes = {each["Properties"]["TracingConfig"]["Mode"] for each in functions}
    assert modes == {"Active" if exist else "PassThrough"}
    assert made.resources["StateMachine"]["Properties"]["TracingConfiguration"] == {"Enabled": exist}
    role = json.dumps(made.resources["StateMachineRole"]["Properties"]["Policies"])
    assert ("xray:PutTraceSegments" in role) == exist
    assert ("WebhookFunction" in made.resources) == exist
    variables = made.resources["ReconcileFunction"]["Properties"]["Environment"]["Variables"]
    assert variables["ENABLE_WEBHOOKS"] == str(exist).lower()


def test_only_objects_of_the_named_buckets_may_be_read(partition: str) -> None:
    made = deployed(partition, FileBuckets="documents,report-*")
    policies = made.resources["ReconcileFunctionRole"]["Properties"]["Policies"]
    [statement] = [
        each for policy in policies for each in policy["PolicyDocument"]["Statement"] if each.get("Sid") == "Files"
    ]
    assert statement["Action"] == ["s3:GetObject", "s3:GetObjectVersion"]
    assert statement["Resource"] == [f"arn:{partition}:s3:::{name}/*" for name in ("documents", "report-*")]
    without = deployed(partition).resources["ReconcileFunctionRole"]["Properties"]["Policies"]
    assert "Files" not in str(without)
