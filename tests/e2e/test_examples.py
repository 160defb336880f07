"""The example templates of docs/examples, deployed as they are."""

from __future__ import annotations

from local.deployment import ROOT, wait_for_stack
from local.openai_standin import OpenAIStandIn, Script
from tests.e2e.conftest import Stack
from tests.e2e.test_cloudformation import NOTHING, left

EXAMPLES = ROOT / "docs" / "examples"


def deploy(stack: Stack, name: str) -> str:
    parameters = [{"ParameterKey": "ServiceToken", "ParameterValue": stack.application.service_token}]
    stack.cloud.client("cloudformation").create_stack(
        StackName=stack.name, TemplateBody=(EXAMPLES / name).read_text(), Parameters=parameters
    )
    return wait_for_stack(stack.cloud, stack.name)


def test_a_structured_answer_seeds_the_parameter_store(stack: Stack, openai_api: OpenAIStandIn) -> None:
    openai_api.script(Script(output_text='{"primary": "#1d4ed8", "accent": "#f59e0b"}'))
    assert deploy(stack, "structured_answer.yaml") == "CREATE_COMPLETE", stack.reasons()
    store = stack.cloud.client("ssm")
    found = {name: store.get_parameter(Name=f"/{stack.name}/{name}") for name in ("primary", "accent")}
    values = {name: reply["Parameter"]["Value"] for name, reply in found.items()}
    assert values == {"primary": "#1d4ed8", "accent": "#f59e0b"}
    sent = next(each.body for each in openai_api.requests if each.path == "/v1/responses")
    schema = sent["text"]["format"]["schema"]
    assert schema["additionalProperties"] is False, "CloudFormation's string is a boolean again"


def test_an_answer_that_breaks_its_promise_fails_the_deployment(stack: Stack, openai_api: OpenAIStandIn) -> None:
    openai_api.script(Script(output_text='{"primary": "blue", "accent": "#f59e0b"}'))
    assert deploy(stack, "structured_answer.yaml") == "ROLLBACK_COMPLETE"
    assert 'is not the promised JSON: primary is not as the schema says: pattern "^#[0-9a-f]{6}$"' in stack.reasons()
    assert left(openai_api) == NOTHING
