"""The application deployed with other parameters: for other servers, and with snapshots (SnapStart) of its functions.

The emulator publishes versions and says that they have a snapshot; a snapshot itself it does not take.
"""

import json
from collections.abc import Callable
from typing import Any

from local.deployment import APPLICATION_STACK, wait_for_stack
from local.openai_standin import OpenAIStandIn, Script
from testkit.template import tasks
from tests.e2e.stacks import Deployed, Stack, left, shared_template, standin, started
from tests.support.runs import NOTHING, PROPERTIES

Deploy = Callable[..., Deployed]
ALIAS = "live"


def test_runs_share_an_assistant_and_a_thread(stack: Stack, openai_api: OpenAIStandIn) -> None:
    """Both runs are created at once: the thread's lock makes one wait for the other."""
    openai_api.script(Script(duration_s=3, times=None))
    stack.begin_create_from(shared_template(stack, "Be brief."))
    assert stack.wait() == "CREATE_COMPLETE", stack.reasons()
    before = stack.outputs()
    assert {before[name].partition(":")[0] for name in ("First", "Second")} == {before["Thread"]}
    assert openai_api.counters()["max_concurrent_per_conversation"] == 1
    assert {body["instructions"] for body in started(openai_api)} == {"Be brief."}

    assert stack.update_from(shared_template(stack, "Be long.")) == "UPDATE_COMPLETE", stack.reasons()
    after = stack.outputs()
    assert (after["Assistant"], after["Version"]) == (before["Assistant"], "2")
    assert after["First"] == before["First"], "an assistant's new version starts no run by itself"
    assert after["Second"] != before["Second"], "unless a trigger says so"
    assert after["SecondVersion"] == "2"


def test_a_stack_on_assistants_v2(deploy_beside: Deploy) -> None:
    with standin(api="assistants") as api:
        stack = Stack(deploy_beside(api, "eu-west-2", OpenAIApi="assistants"))
        api.script(Script(output_text="From a thread's messages.", times=None))
        stack.begin_create_from(shared_template(stack, "Be brief."))
        assert stack.wait() == "CREATE_COMPLETE", stack.reasons()
        outputs = stack.outputs()
        assert outputs["Assistant"].startswith("asst_")
        assert outputs["First"].startswith(f"{outputs['Thread']}:run_")
        assert text_of(stack, outputs["Second"]) == "From a thread's messages."
        assert stack.delete() == "DELETE_COMPLETE"
        assert left(api) == NOTHING


def test_a_stack_on_bedrock(deploy_beside: Deploy) -> None:
    """Signed requests, no secret, no conversations."""
    with standin(lacks=("conversations", "vector_stores"), signed=True) as api:
        stack = Stack(deploy_beside(api, "eu-west-3", OpenAIProvider="bedrock", OpenAIApiKeySecretArn=""))
        api.script(Script(output_text="A stack is a unit of deployment.", times=None))
        assert stack.create(PROPERTIES) == "CREATE_COMPLETE", stack.reasons()
        outputs = stack.outputs()
        assert outputs["threadid"].startswith("chain_")
        assert text_of(stack, outputs["Ref"]) == "A stack is a unit of deployment."
        assert stack.delete() == "DELETE_COMPLETE"
        assert left(api) == NOTHING
        assert api.counters()["runs_started"] == 1
        assert {each.path.split("/")[2] for each in api.requests} == {"responses"}


def test_a_key_of_another_project_takes_the_webhook_endpoint_with_it(deploy_beside: Deploy) -> None:
    """The old one is removed with the old key, which the function may read until then."""
    with standin() as api, standin(api_key="sk-standin-of-another-project") as other:
        deployed = deploy_beside(api, "ap-south-1", EnableWebhooks="true")
        assert api.counters()["webhook_endpoints"] == 1
        secret = deployed.cloud.client("secretsmanager").create_secret(Name="other-key", SecretString=other.api_key)
        update(deployed, OpenAIBaseUrl=other.base_url, OpenAIApiKeySecretArn=secret["ARN"])
        assert (api.counters()["webhook_endpoints"], other.counters()["webhook_endpoints"]) == (0, 1)
        policies = deployed.cloud.client("iam").list_policies(Scope="Local")["Policies"]
        assert len([each for each in policies if "WebhookEndpointApiKey" in each["PolicyName"]]) == 1
        assert Stack(deployed, APPLICATION_STACK).delete() == "DELETE_COMPLETE"
        assert other.counters()["webhook_endpoints"] == 0


def text_of(stack: Stack, physical_id: str) -> str:
    item = stack.public_item(physical_id)
    assert item is not None
    return str(item["output_text"]["S"])


def update(deployed: Deployed, **changed: str) -> None:
    """Give parameters of the application another value, and leave all else as it is."""
    stacks = deployed.cloud.client("cloudformation")
    given = stacks.describe_stacks(StackName=APPLICATION_STACK)["Stacks"][0]["Parameters"]
    parameters = [
        {"ParameterKey": name, "ParameterValue": changed[name]}
        if name in changed
        else {"ParameterKey": name, "UsePreviousValue": True}
        for name in (each["ParameterKey"] for each in given)
    ]
    capabilities = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
    stacks.update_stack(
        StackName=APPLICATION_STACK, UsePreviousTemplate=True, Parameters=parameters, Capabilities=capabilities
    )
    assert wait_for_stack(deployed.cloud, APPLICATION_STACK) == "UPDATE_COMPLETE"


def invoked(deployed: Deployed) -> dict[str, dict[str, Any]]:
    """By ARN as the state machine's definition has it, the configuration of what is invoked."""
    states, functions = deployed.cloud.client("stepfunctions"), deployed.cloud.client("lambda")
    machine = states.describe_state_machine(stateMachineArn=deployed.application.state_machine_arn)
    arguments = [task["Arguments"] for task in tasks(json.loads(machine["definition"]))]
    arns = [each["FunctionName"] for each in arguments if "FunctionName" in each]
    return {arn: functions.get_function_configuration(FunctionName=arn) for arn in arns}


def versions_of(deployed: Deployed, arn: str) -> list[dict[str, Any]]:
    found = deployed.cloud.client("lambda").list_versions_by_function(FunctionName=arn.removesuffix(f":{ALIAS}"))
    return list(found["Versions"])


def run_and_delete(deployed: Deployed) -> None:
    stack = Stack(deployed)
    assert stack.create(PROPERTIES) == "CREATE_COMPLETE", stack.reasons()
    assert stack.delete() == "DELETE_COMPLETE"


def test_the_state_machine_runs_snapshots_which_follow_a_changed_parameter(
    deploy_beside: Deploy, openai_api: OpenAIStandIn
) -> None:
    deployed = deploy_beside(openai_api, "us-west-2", SnapStart="true")
    before = invoked(deployed)
    assert len(before) == 3
    for arn, function in before.items():
        assert arn.endswith(f":{ALIAS}")
        assert function["SnapStart"] == {"ApplyOn": "PublishedVersions", "OptimizationStatus": "On"}
        assert function["Environment"]["Variables"]["OPENAI_BASE_URL"] == openai_api.base_url
    run_and_delete(deployed)

    with standin(api_key=openai_api.api_key) as other:
        update(deployed, OpenAIBaseUrl=other.base_url)
        after = invoked(deployed)
        assert set(after) == set(before), "executions that are under way go on with what they began with"
        for arn, function in after.items():
            assert int(function["Version"]) == int(before[arn]["Version"]) + 1
            assert function["Environment"]["Variables"]["OPENAI_BASE_URL"] == other.base_url
            assert {each["Version"] for each in versions_of(deployed, arn)} == {"$LATEST", function["Version"]}
        run_and_delete(deployed)
        assert other.counters()["runs_started"] == 1

    update(deployed, SnapStart="false")
    for arn in invoked(deployed):
        assert not arn.endswith(f":{ALIAS}")
        statuses = {each["SnapStart"]["OptimizationStatus"] for each in versions_of(deployed, arn)}
        assert statuses == {"Off"}, "nothing is billed"
