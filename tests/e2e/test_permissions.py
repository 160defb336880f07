"""What each role of the deployed application may do, and that it may do nothing else: its policies are read from IAM.

The emulator enforces the functions' roles while the other tests run, but not the state machine's: of that one this is
the only proof.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.deployment import APPLICATION_STACK, ROOT
from testkit.template import tasks
from tests.e2e.stacks import FILE_BUCKET, TOOL_SECRET_ARNS, Deployed

READ_AND_WRITE = "dynamodb:GetItem dynamodb:PutItem"
RECORDS = {"dynamodb:table/Table": f"{READ_AND_WRITE} dynamodb:UpdateItem dynamodb:DeleteItem"}
OUTPUTS = {"s3:OutputsBucket/outputs/*": "s3:PutObject s3:DeleteObject"}
API_KEY = {"secretsmanager:secret:ApiKey": "secretsmanager:GetSecretValue"}
TOOL_SECRETS = {
    TOOL_SECRET_ARNS.replace("arn:aws:secretsmanager:*:*", "secretsmanager"): "secretsmanager:GetSecretValue"
}
HAND_OVER = {"states:stateMachine:StateMachine": "states:StartExecution"}
STEPS = [f"lambda:function:{name}Function" for name in ("Reconcile", "CallTool", "Signal")]

MAY: dict[str, dict[str, str]] = {
    "CustomResourceFunction": RECORDS
    | OUTPUTS
    | API_KEY
    | TOOL_SECRETS
    | HAND_OVER
    | {"sqs:UnansweredQueue": "sqs:SendMessage"},
    "ReconcileFunction": RECORDS
    | OUTPUTS
    | API_KEY
    | TOOL_SECRETS
    | {"dynamodb:table/Table/index/DueAnswers": "dynamodb:Query", "*": "lambda:GetAccountSettings"}
    | {f"s3:{FILE_BUCKET}/*": "s3:GetObject s3:GetObjectVersion"},
    "CallToolFunction": {"dynamodb:table/Table": READ_AND_WRITE, "lambda:function:e2e-*": "lambda:InvokeFunction"},
    "SignalFunction": {
        "dynamodb:table/Table": f"{READ_AND_WRITE} dynamodb:UpdateItem",
        "events:event-bus/default if events:source events:detail-type": "events:PutEvents",
    },
    "ResponderFunction": HAND_OVER
    | {
        "dynamodb:table/Table": f"{READ_AND_WRITE} dynamodb:UpdateItem",
        "dynamodb:table/Table/index/DueAnswers": "dynamodb:Query",
        "sqs:UnansweredQueue": "sqs:ReceiveMessage sqs:DeleteMessage sqs:GetQueueAttributes",
    },
    "WebhookFunction": {
        "dynamodb:table/Table if dynamodb:LeadingKeys": "dynamodb:UpdateItem",
        "states:stateMachine:StateMachine": "states:SendTaskSuccess",
        "secretsmanager:secret:WebhookSecret": "secretsmanager:GetSecretValue",
    },
    "WebhookEndpointFunction": API_KEY
    | {
        "secretsmanager:secret:WebhookSecret": "secretsmanager:GetSecretValue secretsmanager:PutSecretValue",
        "dynamodb:table/Table": "dynamodb:GetItem",
        "dynamodb:table/Table/index/DueAnswers": "dynamodb:Query",
        "states:stateMachine:StateMachine": "states:SendTaskSuccess",
    },
    "StateMachine": {
        "dynamodb:table/Table": "dynamodb:UpdateItem",
        # An execution goes on as it began: with the functions, or with their aliases where SnapStart is on.
        **dict.fromkeys([*STEPS, *(f"{step}:live" for step in STEPS)], "lambda:InvokeFunction"),
        "*": "logs:CreateLogDelivery logs:GetLogDelivery logs:UpdateLogDelivery logs:DeleteLogDelivery "
        "logs:ListLogDeliveries logs:PutResourcePolicy logs:DescribeResourcePolicies logs:DescribeLogGroups "
        "xray:PutTraceSegments xray:PutTelemetryRecords xray:GetSamplingRules xray:GetSamplingTargets",
    },
}
"""By who takes the role, what each needs, with the logical ids of the template; `if` names the keys of a condition."""

AWS_OWN_POLICIES = {
    # SAM attaches them. The first lets a function write to any log group, and read none; traces know no resource.
    "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
    "arn:aws:iam::aws:policy/AWSXrayWriteOnlyAccess",
    "arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole",
}


class Granted:
    """The application's stack as IAM sees it."""

    def __init__(self, deployed: Deployed) -> None:
        self.cloud, self.iam = deployed.cloud, deployed.cloud.client("iam")
        stacks = self.cloud.client("cloudformation")
        resources = stacks.describe_stack_resources(StackName=APPLICATION_STACK)["StackResources"]
        self.ids = {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in resources}
        parameters = stacks.describe_stacks(StackName=APPLICATION_STACK)["Stacks"][0]["Parameters"]
        self.ids |= {p["ParameterKey"]: p["ParameterValue"] for p in parameters if p["ParameterKey"].endswith("Arn")}
        functions, self.roles = self.cloud.client("lambda"), dict[str, str]()
        for name in (
            each["LogicalResourceId"] for each in resources if each["ResourceType"] == "AWS::Lambda::Function"
        ):
            self.roles[name] = functions.get_function_configuration(FunctionName=self.ids[name])["Role"]
        machine = self.cloud.client("stepfunctions").describe_state_machine(stateMachineArn=self.ids["StateMachine"])
        self.definition = json.loads(machine["definition"])
        self.roles["StateMachine"] = machine["roleArn"]

    def to(self, role: str) -> dict[str, set[str]]:
        """By resource, the actions that a role is granted."""
        found: dict[str, set[str]] = {}
        for statement in self.statements(role):
            assert set(statement) <= {"Sid", "Effect", "Action", "Resource", "Condition"}, "NotAction, NotResource"
            assert statement["Effect"] == "Allow"
            keys = [key for operands in statement.get("Condition", {}).values() for key in operands]
            for resource in as_list(statement["Resource"]):
                place = " ".join([self.named(resource), *(["if", *keys] if keys else [])])
                found.setdefault(place, set()).update(as_list(statement["Action"]))
        return found

    def statements(self, role: str) -> Iterator[dict[str, Any]]:
        """Those of the role's own policies, and of those that are attached to it, which deny nothing."""
        name = role.rpartition("/")[2]
        for policy in self.iam.list_role_policies(RoleName=name)["PolicyNames"]:
            yield from self.iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]["Statement"]
        for arn in self.attached(role) - {self.ids["FunctionLimits"]}:
            version = self.iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
            found = self.iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
            yield from found["Statement"]

    def attached(self, role: str) -> set[str]:
        """The policies attached to the role that are not AWS's."""
        found = self.iam.list_attached_role_policies(RoleName=role.rpartition("/")[2])["AttachedPolicies"]
        return {each["PolicyArn"] for each in found} - AWS_OWN_POLICIES

    def named(self, arn: str) -> str:
        """An ARN without partition, region and account, and with the logical ids of what it names."""
        if arn == self.ids["OpenAIApiKeySecretArn"]:
            return "secretsmanager:secret:ApiKey"
        text = re.sub(r"^arn:aws:(\w+):[^:]*:[^:]*:", r"\1:", arn)
        for logical_id, physical_id in self.ids.items():
            name = re.split("[:/]", physical_id)[-1]
            if name.startswith(f"{APPLICATION_STACK}-"):  # A secret's ARN ends with six letters more.
                text = re.sub(rf"(?<=[:/]){name}(-\w+)?(?=[:/]|$)", logical_id, text)
        return text


def as_list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


@pytest.fixture(scope="module")
def granted(with_webhooks: Deployed) -> Granted:
    return Granted(with_webhooks)


@pytest.mark.parametrize("name", MAY)
def test_a_role_may_do_what_it_needs_and_nothing_else(granted: Granted, name: str) -> None:
    assert granted.to(granted.roles[name]) == {place: set(actions.split()) for place, actions in MAY[name].items()}
    attached = {"WebhookEndpointFunction": {"FunctionLimits", "WebhookEndpointApiKey"}, "StateMachine": set[str]()}
    attached |= {f"{each}Function": {"FunctionLimits", "ToolSecrets"} for each in ("CustomResource", "Reconcile")}
    expected = {granted.ids[policy] for policy in attached.get(name, {"FunctionLimits"})}
    assert granted.attached(granted.roles[name]) == expected


def test_no_function_makes_a_log_group_or_a_network_interface(granted: Granted) -> None:
    """Late lines would make the group again that the stack has deleted, and its next deployment would find it there."""
    asked = ["logs:CreateLogGroup", "ec2:CreateNetworkInterface"]
    for role in (role for name, role in granted.roles.items() if name != "StateMachine"):
        answer = granted.iam.simulate_principal_policy(PolicySourceArn=role, ActionNames=asked, ResourceArns=["*"])
        assert {each["EvalDecision"] for each in answer["EvaluationResults"]} == {"explicitDeny"}


def test_the_state_machine_needs_what_its_definition_has(granted: Granted) -> None:
    """A kind of task that is not known here fails the test, and is to be added."""
    found = set()
    for task in tasks(granted.definition):
        action = re.fullmatch(r"arn:aws:states:::(?:aws-sdk:)?(lambda:invoke|dynamodb:updateItem).*", task["Resource"])
        assert action, task["Resource"]
        arguments = task["Arguments"]
        used = arguments["FunctionName"] if action[1] == "lambda:invoke" else f":table/{arguments['TableName']}"
        found.add(granted.named(used).lstrip(":"))
    assert found == {*STEPS, "table/Table"}


def test_no_role_is_forgotten_or_shared(granted: Granted) -> None:
    assert set(granted.roles) == set(MAY)
    roles = {physical_id for name, physical_id in granted.ids.items() if name.endswith("Role")}
    assert {role.rpartition("/")[2] for role in granted.roles.values()} == roles
    assert len(roles) == len(granted.roles)


def test_a_permission_on_everything_has_its_reason_in_the_template(granted: Granted) -> None:
    lines = (ROOT / "template.yaml").read_text().splitlines()
    starred = [line for line in lines if re.search(r"""Resource: .*["']\*["']""", line)]
    assert [line for line in starred if "# " not in line] == []
    allowed, denied = 3, 2
    assert len(starred) == allowed + denied


def test_only_iam_says_who_may_send_requests(granted: Granted) -> None:
    """A policy of the function itself could open the ServiceToken to another account, or to everybody."""
    functions, name = granted.cloud.client("lambda"), granted.ids["CustomResourceFunction"]
    policy = functions.get_policy(FunctionName=name)["Policy"]  # AWS would say that there is none.
    assert json.loads(policy)["Statement"] == []
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        functions.get_function_url_config(FunctionName=name)
