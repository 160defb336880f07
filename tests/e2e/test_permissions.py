"""What each role of the deployed application may do, and that it may do nothing else: IAM is asked.

The emulator enforces the functions' roles while the other tests run, but not the state machine's: of that one this is
the only proof. Its `simulate_principal_policy` weighs the policies of a role, inline and attached. It does not show:

- resource policies, permission boundaries, an organization's policies and condition keys sent along: it ignores them;
- several resources at once: it looks at the first one only, so here each call asks about one;
- so PutEvents, which has a condition, is denied: tests/static/test_observability.py has the permission, and
  tests/e2e/test_observability.py an event that was put with it;
- a misspelled action: it denies what AWS would refuse to answer;
- X-Ray: it has no document for AWS's own AWSXrayWriteOnlyAccess, and takes the policy for an empty one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

import pytest
from botocore.exceptions import ClientError

from local.deployment import APPLICATION_STACK, ROOT, Application
from local.embedded_cloud import EmbeddedCloud
from local.openai_standin import OpenAIStandIn
from testkit.template import tasks
from tests.support.stacks import TOOL_FUNCTION_ARNS

Permissions = set[tuple[str, str]]
"""Actions, each with the ARN of a resource."""

MAY = {
    "CustomResourceFunction": {
        "Table": "dynamodb:GetItem dynamodb:PutItem dynamodb:UpdateItem dynamodb:DeleteItem",
        "OutputsBucket": "s3:PutObject s3:DeleteObject",
        "ApiKey": "secretsmanager:GetSecretValue",
        "StateMachine": "states:StartExecution",
        "UnansweredQueue": "sqs:SendMessage",
    },
    "ReconcileFunction": {
        "Table": "dynamodb:GetItem dynamodb:PutItem dynamodb:UpdateItem dynamodb:DeleteItem",
        "OutputsBucket": "s3:PutObject s3:DeleteObject",
        "ApiKey": "secretsmanager:GetSecretValue",
    },
    "CallToolFunction": {"Table": "dynamodb:GetItem dynamodb:PutItem", "ToolFunction": "lambda:InvokeFunction"},
    "SignalFunction": {"Table": "dynamodb:GetItem dynamodb:PutItem"},
    "ResponderFunction": {
        "Table": "dynamodb:GetItem dynamodb:PutItem",
        "DueAnswers": "dynamodb:Query",
        "StateMachine": "states:StartExecution",
        "UnansweredQueue": "sqs:ReceiveMessage sqs:DeleteMessage sqs:GetQueueAttributes",
    },
    "WebhookFunction": {
        "Table": "dynamodb:UpdateItem",
        "StateMachine": "states:SendTaskSuccess",
        "WebhookSecret": "secretsmanager:GetSecretValue",
    },
    "WebhookEndpointFunction": {
        "ApiKey": "secretsmanager:GetSecretValue",
        "WebhookSecret": "secretsmanager:PutSecretValue",
    },
}
"""What each function needs, by the logical ids of the template; the state machine's needs are in its definition."""

ASKED = {
    "bedrock-mantle": "bedrock-mantle:CreateInference bedrock-mantle:GetInference bedrock-mantle:CancelInference "
    "bedrock-mantle:DeleteInference",
    "dynamodb": "dynamodb:GetItem dynamodb:PutItem dynamodb:UpdateItem dynamodb:DeleteItem dynamodb:Query "
    "dynamodb:Scan dynamodb:BatchGetItem dynamodb:BatchWriteItem dynamodb:ExportTableToPointInTime "
    "dynamodb:DeleteTable",
    "events": "events:PutEvents events:PutRule events:PutTargets events:DeleteRule",
    "iam": "iam:PassRole iam:PutRolePolicy iam:AttachRolePolicy sts:AssumeRole",
    "kms": "kms:Decrypt kms:Encrypt",
    "lambda": "lambda:InvokeFunction lambda:UpdateFunctionCode lambda:UpdateFunctionConfiguration lambda:AddPermission",
    "logs": "logs:GetLogEvents logs:FilterLogEvents logs:DeleteLogGroup",
    "s3": "s3:GetObject s3:PutObject s3:DeleteObject",
    "secretsmanager": "secretsmanager:GetSecretValue secretsmanager:PutSecretValue secretsmanager:DeleteSecret",
    "sqs": "sqs:SendMessage sqs:ReceiveMessage sqs:DeleteMessage sqs:GetQueueAttributes sqs:PurgeQueue",
    "states": "states:StartExecution states:StopExecution states:DescribeExecution states:GetExecutionHistory "
    "states:UpdateStateMachine states:SendTaskSuccess states:SendTaskFailure",
}
"""By the service of an ARN, the actions that every role is asked about, on each resource and on a stranger's."""

ARNS = {
    "AWS::DynamoDB::Table": "arn:aws:dynamodb:{region}:{account}:table/{id}",
    "AWS::IAM::Role": "arn:aws:iam::{account}:role/{id}",
    "AWS::Lambda::Alias": "{id}",
    "AWS::Lambda::Function": "arn:aws:lambda:{region}:{account}:function:{id}",
    "AWS::Logs::LogGroup": "arn:aws:logs:{region}:{account}:log-group:{id}",
    "AWS::S3::Bucket": "arn:aws:s3:::{id}/outputs/object",
    "AWS::SecretsManager::Secret": "{id}",
    "AWS::SQS::Queue": "arn:aws:sqs:{region}:{account}:{name}",
    "AWS::StepFunctions::StateMachine": "{id}",
}
"""What can be acted on, by its physical id; the id of a queue is a URL that ends with its name."""

AWS_OWN_POLICIES = {
    # SAM attaches them. The first lets a function write to any log group, and read none; traces know no resource.
    "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
    "arn:aws:iam::aws:policy/AWSXrayWriteOnlyAccess",
    "arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole",
}


class Deployed(NamedTuple):
    """The application's stack as IAM sees it."""

    cloud: EmbeddedCloud
    arns: dict[str, str]
    """By logical id, all that can be acted on."""
    strangers: list[str]
    """What belongs to nobody here, but is named nearly the same."""
    roles: dict[str, str]
    """By the logical id of who takes it, the ARN of each role."""

    def allowed(self, role: str) -> Permissions:
        """Of all that is asked, what IAM allows to the role."""
        found = set()
        for arn in [*self.arns.values(), *self.strangers]:
            answer = self.cloud.client("iam").simulate_principal_policy(
                PolicySourceArn=role, ActionNames=ASKED[arn.split(":")[2]].split(), ResourceArns=[arn]
            )
            decisions = {each["EvalActionName"]: each["EvalDecision"] for each in answer["EvaluationResults"]}
            found |= {(action, arn) for action, decision in decisions.items() if decision == "allowed"}
        return found

    def statements(self, role: str) -> Iterator[dict[str, Any]]:
        """Of the policies of this application, inline and attached."""
        iam, name = self.cloud.client("iam"), role.rpartition("/")[2]
        for each in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
            if each["PolicyArn"] not in AWS_OWN_POLICIES:
                version = iam.get_policy(PolicyArn=each["PolicyArn"])["Policy"]["DefaultVersionId"]
                got = iam.get_policy_version(PolicyArn=each["PolicyArn"], VersionId=version)["PolicyVersion"]
                yield from as_document(got["Document"])["Statement"]
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
            yield from iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]["Statement"]


@pytest.fixture(scope="module")
def application(with_webhooks: tuple[EmbeddedCloud, Application, OpenAIStandIn]) -> Deployed:
    cloud, *_ = with_webhooks
    stacks = cloud.client("cloudformation")
    account = cloud.client("sts").get_caller_identity()["Account"]
    arns, strangers, roles = {}, [], {}
    for each in stacks.describe_stack_resources(StackName=APPLICATION_STACK)["StackResources"]:
        name, physical_id, kind = each["LogicalResourceId"], each["PhysicalResourceId"], each["ResourceType"]
        if kind == "AWS::SecretsManager::Secret":  # On AWS its physical id is the ARN.
            physical_id = cloud.client("secretsmanager").describe_secret(SecretId=physical_id)["ARN"]
        if kind in ARNS:
            arns[name], stranger = (
                ARNS[kind].format(region=cloud.region, account=account, id=some_id, name=some_id.rpartition("/")[2])
                for some_id in (physical_id, f"{physical_id}-other")
            )
            strangers.append(stranger)
        if kind == "AWS::Lambda::Function":
            roles[name] = cloud.client("lambda").get_function_configuration(FunctionName=physical_id)["Role"]
        if kind == "AWS::StepFunctions::StateMachine":
            roles[name] = cloud.client("stepfunctions").describe_state_machine(stateMachineArn=physical_id)["roleArn"]
    parameters = stacks.describe_stacks(StackName=APPLICATION_STACK)["Stacks"][0]["Parameters"]
    arns["ApiKey"] = next(p["ParameterValue"] for p in parameters if p["ParameterKey"] == "OpenAIApiKeySecretArn")
    arns["ToolFunction"] = TOOL_FUNCTION_ARNS.replace(":*:*:", f":{cloud.region}:{account}:").replace("*", "any")
    arns["EventBus"] = f"arn:aws:events:{cloud.region}:{account}:event-bus/default"
    arns["DueAnswers"] = f"{arns['Table']}/index/DueAnswers"
    strangers += [arns["OutputsBucket"].replace("/outputs/", "/elsewhere/"), f"{arns['DueAnswers']}-other"]
    strangers += [arns["ToolFunction"].replace(":function:", ":function:other-")]
    strangers += [arns["EventBus"].replace("/default", "/other")]
    strangers += [f"{arns['ApiKey']}-other", "arn:aws:s3:::someone-elses/object"]
    strangers += [f"arn:aws:kms:{cloud.region}:{account}:key/someone-elses"]
    strangers += [f"arn:aws:bedrock-mantle:{cloud.region}:{account}:project/default"]  # It is let in by a key.
    return Deployed(cloud, arns, strangers, roles)


def needed_by(task: dict[str, Any], table_arn: str) -> tuple[str, str]:
    """What a Task state needs; one that is not known here fails the test, and is to be added."""
    arguments = task["Arguments"]
    match task["Resource"]:
        case "arn:aws:states:::lambda:invoke":
            return "lambda:InvokeFunction", arguments["FunctionName"]
        case "arn:aws:states:::dynamodb:updateItem" | "arn:aws:states:::aws-sdk:dynamodb:updateItem.waitForTaskToken":
            assert table_arn.endswith(f":table/{arguments['TableName']}")
            return "dynamodb:UpdateItem", table_arn
    pytest.fail(f"say here what a task needs that is a {task['Resource']}")


def test_the_state_machine_may_do_what_its_definition_needs_and_nothing_else(application: Deployed) -> None:
    arn = application.arns["StateMachine"]
    machine = application.cloud.client("stepfunctions").describe_state_machine(stateMachineArn=arn)
    table_arn = application.arns["Table"]
    needed = {needed_by(task, table_arn) for task in tasks(json.loads(machine["definition"]))}
    assert len(needed) == 4, "three functions and the table"
    # An execution goes on as it began, with the functions or with their aliases, where SnapStart was switched since.
    aliases = [arn for name, arn in application.arns.items() if name.endswith("Aliaslive")]
    assert len(aliases) == 3
    needed |= {("lambda:InvokeFunction", arn) for arn in aliases}
    assert application.allowed(machine["roleArn"]) == needed


@pytest.mark.parametrize("function", MAY)
def test_a_function_may_do_what_it_needs_and_nothing_else(application: Deployed, function: str) -> None:
    needed = {
        (action, application.arns[resource])
        for resource, actions in MAY[function].items()
        for action in actions.split()
    }
    assert application.allowed(application.roles[function]) == needed


def test_no_role_is_forgotten_here(application: Deployed) -> None:
    assert set(application.roles) == {*MAY, "StateMachine"}
    in_stack = {arn for arn in application.arns.values() if ":role/" in arn}
    assert in_stack == set(application.roles.values())
    assert len(in_stack) == len(application.roles), "nobody shares a role"


def test_every_permission_is_one_of_those_asked_about(application: Deployed) -> None:
    """An action or a resource that is granted, but that the lists above do not have, would pass unseen."""
    asked = {(action, arn) for arn in application.arns.values() for action in ASKED[arn.split(":")[2]].split()}
    for role in application.roles.values():
        for statement in application.statements(role):
            assert set(statement) <= {"Sid", "Effect", "Action", "Resource", "Condition"}, "NotAction, NotResource"
            if statement["Effect"] == "Deny":
                continue
            for action in as_list(statement["Action"]):
                assert not set("*?") & set(action), f"{role} has {action}"
                for resource in as_list(statement["Resource"]):
                    known = any(action == each and fnmatchcase(arn, resource) for each, arn in asked)
                    assert resource == "*" or known, f"nobody asked whether {role} may {action} on {resource}"


def test_a_permission_on_everything_has_its_reason_in_the_template(application: Deployed) -> None:
    lines = (ROOT / "template.yaml").read_text().splitlines()
    starred = [line for line in lines if re.search(r"""Resource: .*["']\*["']""", line)]
    assert [line for line in starred if "# " not in line] == []
    statements = [each for role in application.roles.values() for each in application.statements(role)]
    starred_statements = {json.dumps(each) for each in statements if "*" in as_list(each["Resource"])}
    assert len(starred_statements) == len(starred), starred_statements


def test_the_policies_attached_are_those_of_sam_and_the_limits_of_all_functions(application: Deployed) -> None:
    iam = application.cloud.client("iam")
    for name, role in application.roles.items():
        attached = iam.list_attached_role_policies(RoleName=role.rpartition("/")[2])["AttachedPolicies"]
        own = {each["PolicyArn"] for each in attached} - AWS_OWN_POLICIES
        assert len(own) == (name != "StateMachine")


@pytest.mark.parametrize("function", MAY)
def test_no_function_makes_a_log_group_or_a_network_interface(application: Deployed, function: str) -> None:
    """Late lines would make the group again that the stack has deleted, and its next deployment would find it there."""
    answer = application.cloud.client("iam").simulate_principal_policy(
        PolicySourceArn=application.roles[function],
        ActionNames=["logs:CreateLogGroup", "ec2:CreateNetworkInterface"],
        ResourceArns=["*"],
    )
    assert {each["EvalDecision"] for each in answer["EvaluationResults"]} == {"explicitDeny"}


def test_only_iam_says_who_may_send_requests(application: Deployed) -> None:
    """A policy of the function itself could open the ServiceToken to another account, or to everybody."""
    functions, arn = application.cloud.client("lambda"), application.arns["CustomResourceFunction"]
    policy = functions.get_policy(FunctionName=arn)["Policy"]  # AWS would say that there is none.
    assert json.loads(policy)["Statement"] == []
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        functions.get_function_url_config(FunctionName=arn)


def as_document(value: str | dict[str, Any]) -> dict[str, Any]:
    return json.loads(value) if isinstance(value, str) else value


def as_list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
