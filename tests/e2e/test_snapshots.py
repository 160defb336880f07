"""The application deployed with SnapStart: the state machine invokes published versions, and new ones after an update.

The emulator publishes versions and says that they have a snapshot; a snapshot itself it does not take.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from local.deployment import APPLICATION_STACK, Application, build, deploy, wait_for_stack
from local.embedded_cloud import EmbeddedCloud
from local.openai_standin import OpenAIStandIn
from testkit.template import tasks
from tests.support.stacks import Stack

RUN = {"model": "gpt-5.4-mini", "thread": {"messages": [{"role": "user", "content": "What is a stack?"}]}}
ALIAS = "live"


@pytest.fixture
def snapshotted(openai_api: OpenAIStandIn) -> Iterator[tuple[EmbeddedCloud, Application]]:
    template = build()
    with EmbeddedCloud(iam_enforced=True) as cloud:
        url, key = openai_api.base_url, openai_api.api_key
        yield cloud, deploy(cloud, template, openai_base_url=url, api_key=key, snap_start=True)


def update(cloud: EmbeddedCloud, **changed: str) -> str:
    """Give parameters of the application another value, and leave all else as it is."""
    stacks = cloud.client("cloudformation")
    given = stacks.describe_stacks(StackName=APPLICATION_STACK)["Stacks"][0]["Parameters"]
    kept = [{"ParameterKey": each["ParameterKey"], "UsePreviousValue": True} for each in given]
    parameters = [each for each in kept if each["ParameterKey"] not in changed]
    parameters += [{"ParameterKey": name, "ParameterValue": value} for name, value in changed.items()]
    capabilities = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
    stacks.update_stack(
        StackName=APPLICATION_STACK, UsePreviousTemplate=True, Parameters=parameters, Capabilities=capabilities
    )
    return wait_for_stack(cloud, APPLICATION_STACK)


def invoked(cloud: EmbeddedCloud, application: Application) -> dict[str, dict[str, Any]]:
    """By ARN as the state machine's definition has it, the configuration of what is invoked."""
    states, functions = cloud.client("stepfunctions"), cloud.client("lambda")
    machine = states.describe_state_machine(stateMachineArn=application.state_machine_arn)
    arguments = [task["Arguments"] for task in tasks(json.loads(machine["definition"]))]
    arns = [each["FunctionName"] for each in arguments if "FunctionName" in each]
    return {arn: functions.get_function_configuration(FunctionName=arn) for arn in arns}


def run_and_delete(stack: Stack) -> None:
    assert stack.create(RUN) == "CREATE_COMPLETE", stack.reasons()
    assert stack.delete() == "DELETE_COMPLETE"


def test_the_state_machine_runs_snapshots_which_follow_a_changed_parameter(
    snapshotted: tuple[EmbeddedCloud, Application], openai_api: OpenAIStandIn
) -> None:
    cloud, application = snapshotted
    before = invoked(cloud, application)
    assert len(before) == 3
    for arn, function in before.items():
        assert arn.endswith(f":{ALIAS}")
        assert function["SnapStart"] == {"ApplyOn": "PublishedVersions", "OptimizationStatus": "On"}
        assert function["Environment"]["Variables"]["OPENAI_BASE_URL"] == openai_api.base_url
    run_and_delete(Stack(cloud, application, "first"))

    with OpenAIStandIn(duration_s=1.5, api_key=openai_api.api_key) as other:
        assert update(cloud, OpenAIBaseUrl=other.base_url) == "UPDATE_COMPLETE"
        after = invoked(cloud, application)
        assert set(after) == set(before), "executions that are under way go on with what they began with"
        for arn, function in after.items():
            assert int(function["Version"]) == int(before[arn]["Version"]) + 1
            assert function["Environment"]["Variables"]["OPENAI_BASE_URL"] == other.base_url
            versions = cloud.client("lambda").list_versions_by_function(FunctionName=arn.removesuffix(f":{ALIAS}"))
            assert {each["Version"] for each in versions["Versions"]} == {"$LATEST", function["Version"]}
        run_and_delete(Stack(cloud, application, "second"))

    assert update(cloud, SnapStart="false") == "UPDATE_COMPLETE"
    for arn in invoked(cloud, application):
        assert not arn.endswith(f":{ALIAS}")
        versions = cloud.client("lambda").list_versions_by_function(FunctionName=arn)["Versions"]
        assert {each["SnapStart"]["OptimizationStatus"] for each in versions} == {"Off"}, "nothing is billed"
