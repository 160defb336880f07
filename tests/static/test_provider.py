"""What the template makes of who lets the application in: a secret with a key or, on Amazon Bedrock, the roles."""

from __future__ import annotations

from typing import Any

import pytest
from ministack.services.cloudformation import engine

from tests.support.definitions import expanded

SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:key"
RESPONSES = {f"bedrock-mantle:{verb}Inference" for verb in ("Create", "Get", "Cancel", "Delete")}
CALL_THE_SERVER = {"CustomResourceFunctionRole", "ReconcileFunctionRole"}


def resources(**parameters: str) -> dict[str, dict[str, Any]]:
    """The template's resources as CloudFormation would make them; ValueError with the reason where it would not."""
    template = expanded()
    given = [{"Key": name, "Value": value} for name, value in parameters.items()]
    values = engine._resolve_parameters(template, given)
    conditions = engine._evaluate_conditions(template, values)
    engine._evaluate_rules(template, values, conditions)
    made = {name: each for name, each in template["Resources"].items() if conditions.get(each.get("Condition"), True)}
    return {
        name: engine._resolve_refs(each, {}, values, conditions, {}, "threadrun", "arn:stack")
        for name, each in made.items()
    }


def permissions(made: dict[str, dict[str, Any]], service: str) -> dict[str, set[tuple[str, str]]]:
    """By role, the actions of a service that it allows, each with its resource."""
    found: dict[str, set[tuple[str, str]]] = {}
    for name, each in made.items():
        if each["Type"] != "AWS::IAM::Role":
            continue
        statements = [s for p in each["Properties"].get("Policies", []) for s in p["PolicyDocument"]["Statement"]]
        for statement in statements:
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            mine = {(action, str(statement["Resource"])) for action in actions if action.startswith(f"{service}:")}
            found.setdefault(name, set()).update(mine)
    return {name: allowed for name, allowed in found.items() if allowed}


def test_a_key_is_read_by_those_who_call_the_server_and_nobody_may_call_bedrock() -> None:
    made = resources(OpenAIApiKeySecretArn=SECRET)
    read = {("secretsmanager:GetSecretValue", SECRET)}
    assert permissions(made, "secretsmanager") == dict.fromkeys(CALL_THE_SERVER, read)
    assert permissions(made, "bedrock-mantle") == {}


def test_on_bedrock_the_roles_may_use_responses_of_the_default_project_and_read_no_secret() -> None:
    made = resources(OpenAIProvider="bedrock")
    assert permissions(made, "secretsmanager") == {}
    allowed = permissions(made, "bedrock-mantle")
    assert allowed.keys() == CALL_THE_SERVER
    for each in allowed.values():
        assert {action for action, _ in each} == RESPONSES
        [resource] = {resource for _, resource in each}
        assert resource.startswith("arn:aws:bedrock-mantle:us-east-1:")
        assert resource.endswith(":project/default")
    functions = [each["Properties"] for each in made.values() if each["Type"] == "AWS::Lambda::Function"]
    assert {each["Environment"]["Variables"]["OPENAI_PROVIDER"] for each in functions} == {"bedrock"}


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({}, "OpenAIProvider=api_key needs OpenAIApiKeySecretArn"),
        ({"OpenAIProvider": "bedrock", "OpenAIApi": "assistants"}, "OpenAIProvider=bedrock needs OpenAIApi=responses"),
        ({"OpenAIProvider": "bedrock", "EnableWebhooks": "true"}, "OpenAIProvider=bedrock needs EnableWebhooks=false"),
        ({"OpenAIApiKeySecretArn": "openai-api-key"}, "OpenAIApiKeySecretArn"),
    ],
)
def test_parameters_that_do_not_fit_are_refused_before_anything_is_made(
    parameters: dict[str, str], reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        resources(**parameters)
