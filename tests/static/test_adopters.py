"""What organisations ask of the application: a permissions boundary, a VPC, a key of their own, and long names."""

import json
from typing import Any

from tests.support.definitions import expanded, made_of

KEY = "arn:aws:secretsmanager:us-east-1:123456789012:secret:openai-api-key-AbCdEf"
READERS = {"CustomResourceFunctionRole", "ReconcileFunctionRole", "WebhookEndpointApiKey"}
"""Who may read the key: two roles, and the policy of the function that registers the webhook endpoint."""


def deployed(**parameters: str) -> dict[str, dict[str, Any]]:
    """With all that it can have."""
    return made_of(expanded(), **{"OpenAIApiKeySecretArn": KEY, "EnableWebhooks": "true", **parameters}).resources


def of_type(made: dict[str, dict[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
    return {name: each["Properties"] for name, each in made.items() if each["Type"] == kind}


def test_each_role_has_the_boundary_that_an_organisation_demands() -> None:
    boundary = "arn:aws:iam::123456789012:policy/boundary"
    bounded = of_type(deployed(PermissionsBoundary=boundary), "AWS::IAM::Role")
    assert len(bounded) == 8
    assert {name for name, role in bounded.items() if role["PermissionsBoundary"] != boundary} == set()
    assert not any("PermissionsBoundary" in role for role in of_type(deployed(), "AWS::IAM::Role").values())


def test_all_functions_are_in_the_vpc_of_a_private_server() -> None:
    """Its own network interfaces are then the only thing of EC2 that a function may make."""
    inside = deployed(VpcSubnetIds="subnet-1,subnet-2", VpcSecurityGroupIds="sg-1", SnapStart="true")
    functions = of_type(inside, "AWS::Lambda::Function")
    assert len(functions) == 7
    for function in functions.values():
        assert function["VpcConfig"] == {"SubnetIds": ["subnet-1", "subnet-2"], "SecurityGroupIds": ["sg-1"]}
        assert function.get("SnapStart", {}).get("ApplyOn", "None") == "None"
    for name, role in of_type(inside, "AWS::IAM::Role").items():
        is_function = name != "StateMachineRole"
        assert ("AWSLambdaVPCAccessExecutionRole" in str(role.get("ManagedPolicyArns"))) == is_function
    assert "ec2:" not in json.dumps(inside["FunctionLimits"])
    outside = deployed()
    assert "ec2:*" in json.dumps(outside["FunctionLimits"])
    assert not any("VpcConfig" in function for function in of_type(outside, "AWS::Lambda::Function").values())


def statements(made: dict[str, dict[str, Any]], action: str) -> dict[str, Any]:
    """By role or policy, the one statement that allows the action."""
    found = {}
    for name, each in made.items():
        documents = [each["Properties"].get("PolicyDocument") if each["Type"] == "AWS::IAM::ManagedPolicy" else None]
        documents += [policy["PolicyDocument"] for policy in each["Properties"].get("Policies", [])]
        allowed = [s for document in documents if document for s in document["Statement"] if action in str(s["Action"])]
        if allowed:
            [found[name]] = allowed
    return found


def test_a_key_under_a_customer_managed_key_is_decrypted_by_its_readers_and_nothing_else_with_it() -> None:
    kms_key = "arn:aws:kms:us-east-1:123456789012:key/one"
    decrypting = statements(deployed(ApiKeyKmsKeyArn=kms_key), "kms:Decrypt")
    assert decrypting.keys() == READERS
    for each in decrypting.values():
        assert (each["Action"], each["Resource"]) == ("kms:Decrypt", kms_key)
        assert each["Condition"] == {
            "StringEquals": {"kms:ViaService": "secretsmanager.us-east-1.amazonaws.com"},
            "StringLike": {"kms:EncryptionContext:SecretARN": [KEY, f"{KEY}-??????"]},
        }
    assert "kms:" not in json.dumps(deployed())


TOOL_SECRETS = "arn:aws:secretsmanager:us-east-1:123456789012:secret:mcp/*"


def test_the_secrets_of_tools_are_read_by_the_functions_that_start_runs_and_by_nobody_where_none_are_allowed() -> None:
    made = deployed(ToolSecretArns=TOOL_SECRETS)
    reading = statements(made, "secretsmanager:GetSecretValue")["ToolSecrets"]
    assert (reading["Action"], reading["Resource"]) == ("secretsmanager:GetSecretValue", [TOOL_SECRETS])
    assert "kms:" not in json.dumps(made)
    roles = of_type(made, "AWS::IAM::Role")
    readers = {name for name, role in roles.items() if "ToolSecrets" in role.get("ManagedPolicyArns", [])}
    assert readers == {"CustomResourceFunctionRole", "ReconcileFunctionRole"}
    assert "ToolSecrets" not in deployed()
    assert '"ToolSecrets"' not in json.dumps(deployed())


def test_secrets_of_tools_under_customer_managed_keys_are_decrypted_and_nothing_else_with_these() -> None:
    kms_key = "arn:aws:kms:us-east-1:123456789012:key/two"
    decrypting = statements(deployed(ToolSecretArns=TOOL_SECRETS, ToolSecretKmsKeyArns=kms_key), "kms:Decrypt")
    assert decrypting.keys() == {"ToolSecrets"}
    assert decrypting["ToolSecrets"]["Resource"] == [kms_key]
    assert decrypting["ToolSecrets"]["Condition"] == {
        "StringEquals": {"kms:ViaService": "secretsmanager.us-east-1.amazonaws.com"},
        "StringLike": {"kms:EncryptionContext:SecretARN": [TOOL_SECRETS]},
    }


def test_the_old_webhook_endpoint_can_be_removed_with_the_old_key_after_the_secret_was_changed() -> None:
    """CloudFormation removes what is replaced at the end of an update, and what depends on a thing before the thing."""
    before, after = (deployed(OpenAIApiKeySecretArn=arn) for arn in (KEY, KEY.replace("openai", "another")))
    policies = [each["WebhookEndpointApiKey"]["Properties"] for each in (before, after)]
    assert policies[0]["Description"] != policies[1]["Description"], "a change that replaces a managed policy"
    assert [each["Roles"] for each in policies] == [["WebhookEndpointFunctionRole"]] * 2
    assert "WebhookEndpointApiKey" in before["WebhookEndpoint"]["DependsOn"]
    reading = statements(before, "secretsmanager:GetSecretValue")
    assert {name for name, each in reading.items() if each["Resource"] == KEY} == READERS


def test_an_account_with_few_concurrent_executions_reserves_none() -> None:
    """Lambda refuses a reservation that leaves others fewer than 100, or than 10 in a new account."""

    def reserved(**parameters: str) -> set[str]:
        functions = of_type(deployed(**parameters), "AWS::Lambda::Function")
        return {name for name, each in functions.items() if "ReservedConcurrentExecutions" in each}

    assert reserved(WebhookConcurrency="0") == set()
    assert reserved() == {"WebhookFunction"}


NAMES = {
    ("AWS::Logs::LogGroup", "LogGroupName"): 512,
    ("AWS::CloudWatch::Dashboard", "DashboardName"): 255,
    ("AWS::Lambda::LayerVersion", "LayerName"): 140,
    ("AWS::Lambda::Alias", "Name"): 128,
    ("AWS::CloudWatch::Alarm", "MetricName"): 255,
    ("Custom::OpenAIWebhookEndpoint", "Name"): 256,
}
"""Most characters of the names that the template gives. CloudFormation shortens those that it makes itself.

Source: each type's page in the CloudFormation template reference.
"""


def test_names_fit_where_the_stacks_name_is_as_long_as_can_be() -> None:
    """A name that the template does not give cannot be too long; one that is not known here fails the test."""
    key = "arn:aws:secretsmanager:us-east-1:123456789012:secret:openai-api-key-AbCdEf"
    made = made_of(expanded(), stack_name="s" * 128, OpenAIApiKeySecretArn=key, EnableWebhooks="true").resources
    given = [
        ((each["Type"], name), value)
        for each in made.values()
        for name, value in each["Properties"].items()
        # A function's own would be too long, and Ref of another resource is none.
        if name.endswith("Name") and not (name == "FunctionName" and each["Type"] != "AWS::Lambda::Function")
    ]
    assert {place for place, _ in given} == NAMES.keys()
    assert [place for place, value in given if len(value) > NAMES[place]] == []
    assert any("s" * 128 in value for _, value in given)
    exports = [each["Export"]["Name"]["Fn::Sub"] for each in expanded()["Outputs"].values() if "Export" in each]
    assert [len(name.replace("${AWS::StackName}", "s" * 128)) <= 255 for name in exports] == [True]
