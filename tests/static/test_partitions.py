"""The template in each of AWS's partitions: what SAM makes of it there, with the partition's own values put in."""

import json
import re
from typing import Any

import pytest
from samtranslator.translator.arn_generator import ArnGenerator

from testkit.state_machine import DEFINITION
from tests.support.definitions import expanded

REGIONS = {
    "aws": ("eu-west-1", "amazonaws.com", "console.aws.amazon.com"),
    "aws-us-gov": ("us-gov-west-1", "amazonaws.com", "console.amazonaws-us-gov.com"),
    "aws-cn": ("cn-north-1", "amazonaws.com.cn", "console.amazonaws.cn"),
    "aws-eusc": ("eusc-de-east-1", "amazonaws.eu", "console.amazonaws-eusc.eu"),
}
"""Region, suffix and console of each. Source: botocore's partitions.json; the consoles' own addresses."""
PRINCIPAL = re.compile(r'"[a-z]+\.amazonaws\.com"')
"""Of a service: the same in all partitions."""


class Deployed:
    """The template as a partition's CloudFormation sees it: conditions decided, pseudo parameters replaced."""

    def __init__(self, partition: str, **parameters: str) -> None:
        region, suffix, _ = REGIONS[partition]
        template = expanded(parameters)
        given = {name: each.get("Default", "") for name, each in template["Parameters"].items()} | parameters
        pseudo = {"Partition": partition, "Region": region, "URLSuffix": suffix, "AccountId": "123456789012"}
        self._values = given | {f"AWS::{name}": value for name, value in pseudo.items()}
        self._conditions = template["Conditions"]
        parts = {each: self.resolved(template[each]) for each in ("Resources", "Outputs")}
        self.resources, self.outputs = (
            {name: each for name, each in part.items() if self.holds(each.get("Condition"))} for part in parts.values()
        )

    def holds(self, condition: str | None) -> bool:
        return condition is None or self.resolved(self._conditions[condition]) is True

    def resolved(self, part: Any) -> Any:
        if isinstance(part, list):
            return [self.resolved(each) for each in part]
        if not isinstance(part, dict):
            return part
        match part:
            case {"Ref": name} if name in self._values:
                return self._values[name]
            case {"Condition": str(name), **rest} if not rest:
                return self.holds(name)
            case {"Fn::If": [name, yes, no]}:
                return self.resolved(yes if self.holds(name) else no)
        done = {name: self.resolved(each) for name, each in part.items()}
        return FUNCTIONS.get(next(iter(done), ""), lambda deployed, _: done)(self, next(iter(done.values()), None))

    def filled(self, given: Any) -> str:
        text, own = given if isinstance(given, list) else (given, {})
        for name, value in (self._values | own).items():
            text = text.replace("${" + name + "}", str(value))
        return text


FUNCTIONS: dict[str, Any] = {
    "Fn::Equals": lambda _, pair: pair[0] == pair[1],
    "Fn::Not": lambda _, one: not one[0],
    "Fn::And": lambda _, every: all(every),
    "Fn::Sub": Deployed.filled,
}


@pytest.fixture(params=REGIONS)
def partition(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGIONS[request.param][0])
    monkeypatch.setattr(ArnGenerator, "BOTO_SESSION_REGION_NAME", REGIONS[request.param][0])
    return str(request.param)


@pytest.mark.parametrize("provider", ["api_key", "bedrock"])
def test_nothing_in_it_is_of_another_partition(partition: str, provider: str) -> None:
    deployed = Deployed(partition, EnableWebhooks="true", OpenAIProvider=provider, AlarmTopicArn="topic")
    text = json.dumps([deployed.resources, deployed.outputs])
    assert set(re.findall(r"arn:(aws[a-z-]*):", text)) == {partition}
    others = {suffix for _, suffix, _ in REGIONS.values()} - {REGIONS[partition][1]}
    assert not [each for each in others if re.search(re.escape(each) + r"(?![.\w])", PRINCIPAL.sub("", text))]
    assert f"https://{REGIONS[partition][2]}/cloudwatch/" in deployed.outputs["DashboardUrl"]["Value"]


def test_the_tasks_of_the_state_machine_are_of_its_partition(partition: str) -> None:
    machine = Deployed(partition).resources["StateMachine"]["Properties"]
    assert machine["DefinitionSubstitutions"]["Partition"] == partition
    resources = re.findall(r"Resource: (\S+):states:::", DEFINITION.read_text())
    assert len(resources) == 5
    assert set(resources) == {"arn:${Partition}"}


def test_traces_and_webhooks_are_off_where_they_do_not_exist(partition: str) -> None:
    deployed = Deployed(partition, EnableWebhooks="true")
    exist = partition != "aws-cn"
    functions = [each for each in deployed.resources.values() if each["Type"] == "AWS::Lambda::Function"]
    modes = {each["Properties"]["TracingConfig"]["Mode"] for each in functions}
    assert modes == {"Active" if exist else "PassThrough"}
    assert deployed.resources["StateMachine"]["Properties"]["TracingConfiguration"] == {"Enabled": exist}
    role = json.dumps(deployed.resources["StateMachineRole"]["Properties"]["Policies"])
    assert ("xray:PutTraceSegments" in role) == exist
    assert ("WebhookFunction" in deployed.resources) == exist
    variables = deployed.resources["ReconcileFunction"]["Properties"]["Environment"]["Variables"]
    assert variables["ENABLE_WEBHOOKS"] == str(exist).lower()
