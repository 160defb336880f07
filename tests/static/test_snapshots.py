"""Snapshots (SnapStart) of the functions that the state machine invokes: what publishes them, and what they keep."""

import json
import re
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from local.deployment import ROOT
from testkit.template import tasks
from tests.support.definitions import DEFINITION, expanded, made_of, run

SNAPSHOTS = {"ReconcileFunction": "reconcile", "CallToolFunction": "call_tool", "SignalFunction": "signal"}
MAX_DESCRIPTION_CHARACTERS = 256
"""Of a version: https://docs.aws.amazon.com/lambda/latest/api/API_PublishVersion.html"""
SHORTEST_SECRET_ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:"


def of_type(template: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    """By the logical id of the function, what belongs to it, and its own logical id as `Id`."""
    return {
        each["Properties"]["FunctionName"]["Ref"]: {**each, "Id": name}
        for name, each in template["Resources"].items()
        if each["Type"] == kind
    }


def named(part: Any, template: dict[str, Any]) -> Iterator[str]:
    """Everything that a part of a template names: by Ref, in a text of Fn::Sub, or through a condition."""
    if isinstance(part, list):
        for inner in part:
            yield from named(inner, template)
    elif isinstance(part, dict):
        for name, inner in part.items():
            if name == "Ref":
                yield inner
            elif name == "Fn::Sub":
                text, own = (inner, {}) if isinstance(inner, str) else inner
                yield from (each for each in re.findall(r"\$\{([\w:.]+)\}", text) if each not in own)
            elif name == "Fn::If":
                yield from named(template["Conditions"][inner[0]], template)
            yield from named(inner, template)


def longest(name: str, parameter: dict[str, Any]) -> str:
    """Its longest value; a KeyError where nothing limits it."""
    allowed = parameter.get("AllowedValues")
    start = {"OpenAIBaseUrl": "https://", "OpenAIApiKeySecretArn": SHORTEST_SECRET_ARN}.get(name, "")
    return max(map(str, allowed), key=len) if allowed else start.ljust(int(parameter["MaxLength"]), "x")


def test_the_functions_of_the_state_machine_have_snapshots_where_asked_for_and_no_others() -> None:
    template = expanded()
    versions, aliases = of_type(template, "AWS::Lambda::Version"), of_type(template, "AWS::Lambda::Alias")
    assert set(versions) == set(aliases) == set(SNAPSHOTS)
    for name, alias in aliases.items():
        assert alias["Properties"]["Name"] == "live"
        # The snapshot of a version that nobody invokes any more would be billed for good.
        assert versions[name]["DeletionPolicy"] == "Delete"
        assert "UpdateReplacePolicy" not in versions[name]
    asked = {"ApplyOn": {"Fn::If": ["HasSnapStart", "PublishedVersions", "None"]}}
    functions = {name: each for name, each in template["Resources"].items() if each["Type"] == "AWS::Lambda::Function"}
    assert {name: each["Properties"].get("SnapStart") for name, each in functions.items()} == {
        name: asked if name in SNAPSHOTS else None for name in functions
    }
    assert template["Parameters"]["SnapStart"]["Default"] == "false"


def test_the_service_token_stays_the_function_itself() -> None:
    """CloudFormation refuses another ServiceToken on a resource that exists."""
    template = expanded()
    assert template["Outputs"]["ServiceToken"]["Value"] == {"Fn::GetAtt": ["CustomResourceFunction", "Arn"]}
    [config] = [each for each in template["Resources"].values() if each["Type"] == "AWS::Lambda::EventInvokeConfig"]
    assert config["Properties"]["Qualifier"] == "$LATEST", "where its failures are reported"


def test_every_parameter_in_a_snapshot_publishes_another_version_when_it_changes() -> None:
    """SAM publishes by what the template says: a parameter's new value would leave the alias with the old one."""
    template = expanded()
    parameters = set(template["Parameters"]) - {"VpcSubnetIds", "VpcSecurityGroupIds"}  # In a VPC there are none.
    versions = of_type(template, "AWS::Lambda::Version")
    for name in SNAPSHOTS:
        description = versions[name]["Properties"]["Description"]
        reaches = parameters & set(named(template["Resources"][name]["Properties"], template))
        assert {"OpenAIBaseUrl", "SnapStart"} <= reaches
        assert reaches == set(named(description, template)), name

    one, other = (of_type(expanded({"OpenAIBaseUrl": url}), "AWS::Lambda::Version") for url in ("http://a", "http://b"))
    assert one == other, "SAM sees a parameter's value now: the description need not name it any more"


def test_the_description_of_a_version_always_fits() -> None:
    template = expanded()
    for name, version in of_type(template, "AWS::Lambda::Version").items():
        parameters = set(named(version["Properties"]["Description"], template))
        values = {each: longest(each, template["Parameters"][each]) for each in parameters}
        made = made_of(template, **values | {"OpenAIProvider": "api_key"}).resources[version["Id"]]
        assert len(made["Properties"]["Description"]) <= MAX_DESCRIPTION_CHARACTERS, name


def test_a_new_layer_publishes_new_versions() -> None:
    old, new = (of_type(expanded(layer=key), "AWS::Lambda::Version") for key in ("old", "new"))
    for name in SNAPSHOTS:
        assert old[name]["Id"] != new[name]["Id"]


def test_a_snapshot_that_is_not_ready_is_waited_for() -> None:
    """Lambda drops one that nobody used for two weeks, and makes it anew at the next invocation, which it refuses."""
    invoking = [task for task in tasks(yaml.safe_load(DEFINITION.read_text())) if "lambda:" in task["Resource"]]
    assert len(invoking) == len(SNAPSHOTS)
    for task in invoking:
        retried = {name for retrier in task["Retry"] for name in retrier["ErrorEquals"]}
        assert {"Lambda.SnapStartNotReadyException", "Lambda.SnapStartTimeoutException"} <= retried


LOOK_INTO = """
import json, sys
calls = []
sys.addaudithook(lambda name, args: calls.append(name) if name in ("socket.connect", "socket.getaddrinfo") else None)
import app
from threadrun.app import application
built = sorted(vars(application.application()).keys() & {"responses", "backend", "step_functions"})
keys = application._openai_client.cache_info().currsize + application._secrets.cache_info().currsize
print(json.dumps({"built": built, "calls": calls, "keys": keys}))
"""


@pytest.mark.parametrize("function", SNAPSHOTS.values())
def test_a_snapshot_has_what_the_function_needs_and_neither_key_nor_connection(function: str) -> None:
    path = f"{ROOT / 'functions' / function}:{ROOT / 'layers' / 'threadrun'}"
    variables = {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start", "TABLE_NAME": "table"}
    variables |= {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "PYTHONPATH": path}
    seen = json.loads(run(sys.executable, "-c", LOOK_INTO, **variables))
    assert seen == {
        "built": ["backend", "responses"] if function == "reconcile" else ["responses"],
        "calls": [],
        "keys": 0,
    }
