"""The templates and the state machine's definition, checked by the tools that their users run."""

import json
import re
import shutil
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.deployment import ROOT, RUNTIME_PACKAGES, SAM, build, reading_build
from testkit.state_machine import MODELLED_ERRORS, THROTTLED_ON_DEMAND, read_definition
from testkit.template import tasks, template
from tests.support.definitions import DEFINITION, EXAMPLES, expanded, made_of, run

ASL_VALIDATOR = ROOT / ".build" / "asl-validator" / "node_modules" / ".bin" / "asl-validator"

RESPONSES = {f"bedrock-mantle:{verb}Inference" for verb in ("Create", "Get", "Cancel", "Delete")}
CALL_THE_SERVER = {"CustomResourceFunctionRole", "ReconcileFunctionRole"}
ROLE = "AWS::IAM::Role"

CHECKOV = ROOT / ".venv-audit" / "bin" / "checkov"
OPERATION = ("CKV_AWS_115", "CKV_AWS_116", "CKV_AWS_117", "CKV_AWS_119", "CKV_AWS_173", "CKV_AWS_28")
"""Concurrency, dead letters, VPC, own keys, backups: an example shows what a function or a table is for."""
CHECKED_TYPES = {"AWS::DynamoDB::Table", ROLE, "AWS::Lambda::Function", "AWS::Logs::LogGroup"}


def test_sam_validates_the_template() -> None:
    assert "is a valid SAM Template" in run(SAM, "validate", "--lint", "--template", ROOT / "template.yaml")


def test_cfn_lint_is_clean_on_the_examples() -> None:
    assert run(SAM.parent / "cfn-lint", *EXAMPLES) == ""


@pytest.mark.skipif(not (shutil.which("node") and ASL_VALIDATOR.exists()), reason="npm was not there at make setup")
def test_asl_validator_is_clean(tmp_path: Path) -> None:
    path = tmp_path / "definition.json"
    path.write_text(json.dumps(read_definition()))
    run(ASL_VALIDATOR, "--json-path", path)


def test_no_state_retries_everything() -> None:
    """A retry names the errors that pass by themselves: a bug repeated is still a bug."""
    retriers = [each for task in tasks(yaml.safe_load(DEFINITION.read_text())) for each in task.get("Retry", [])]
    assert not any("States.ALL" in each["ErrorEquals"] for each in retriers)


def test_throttling_of_the_table_is_retried_by_the_name_that_the_integration_gives_it() -> None:
    """A name that nothing has would be retried never, and nothing would say so."""
    [retry] = read_definition()["States"]["Record attributes"]["Retry"]
    assert THROTTLED_ON_DEMAND in retry["ErrorEquals"]
    known = {f"DynamoDB.{name}" for name in MODELLED_ERRORS} | {THROTTLED_ON_DEMAND, "DynamoDB.SdkClientException"}
    assert set(retry["ErrorEquals"]) <= known | {"States.Timeout"}


def test_only_keys_travel_through_the_state_machine() -> None:
    """What a payload does not name cannot get into an execution's history."""
    definition = yaml.safe_load(DEFINITION.read_text())
    payloads = [task["Arguments"]["Payload"] for task in tasks(definition) if "FunctionName" in task["Arguments"]]
    assert {name for payload in payloads for name in payload} == {
        "key",
        "request_id",
        "retry_count",
        "call_id",
        "failure",
    }


def test_the_built_layer_has_all_that_the_functions_import(tmp_path: Path) -> None:
    """The emulator's functions see this project's own packages too, and would hide a missing one."""
    layer = build().parent / "ThreadRunLayer" / "python"
    for name in RUNTIME_PACKAGES:
        (tmp_path / name).symlink_to(Path(sysconfig.get_path("purelib")) / name)
    files = sorted(path.relative_to(layer).with_suffix("") for path in (layer / "threadrun").rglob("*.py"))
    script = f"""
import importlib, sys
sys.path[:0] = [{str(layer)!r}, {str(tmp_path)!r}]
for name in {[".".join(path.parts).removesuffix(".__init__") for path in files]!r}:
    importlib.import_module(name)
from threadrun.schema.json_schema import first_problem
assert first_problem("{{}}", {{"required": ["a"]}}), "what is imported only when it is needed"
for function in sys.argv[1:]:
    sys.path.insert(0, function)
    import app
    print(app.handler)
    del sys.modules["app"], sys.path[0]
"""
    functions = sorted(path.parent for path in (ROOT / "functions").glob("*/app.py"))
    with reading_build():
        said = run(sys.executable, "-I", "-S", "-c", script, *functions)
    assert said.count("function handler") == len(functions)


@pytest.mark.parametrize("api", ["responses", "assistants"])
def test_what_a_function_needs_of_the_sdk_is_imported_before_its_first_event(api: str) -> None:
    """And of the two wires only the one that is chosen; answering needs neither."""
    script = "import sys, app; print(*(n for n in sys.modules if n.startswith('threadrun.providers')))"
    variables = {"AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand", "TABLE_NAME": "table", "OPENAI_API": api}
    wires = {"responses": "threadrun.providers.responses", "assistants": "threadrun.providers.assistants_v2"}
    chosen = wires.pop(api)
    [other] = wires.values()
    for function in ("custom_resource", "reconcile", "signal", "call_tool"):
        path = f"{ROOT / 'layers' / 'threadrun'}:{ROOT / 'functions' / function}"
        imported = run(sys.executable, "-c", script, PYTHONPATH=path, **variables)
        assert (f"{chosen}.backend" in imported) == (function in ("custom_resource", "reconcile")), function
        assert other not in imported


def test_the_layer_asks_for_nothing_but_what_the_sdks_need() -> None:
    names = re.findall(r"^([a-z0-9-]+)==", (ROOT / "layers/threadrun/requirements.txt").read_text(), re.MULTILINE)
    assert {"openai", "aws-lambda-powertools", "pydantic"} <= set(names)
    assert not {"boto3", "botocore", "moto", "ministack"} & set(names)


def test_what_is_stored_is_encrypted_and_what_is_over_expires() -> None:
    """Not all of it can be seen on the emulator, and checkov knows no keys of SQS."""
    resources = template()["Resources"]
    table, queue = resources["Table"]["Properties"], resources["UnansweredQueue"]["Properties"]
    assert table["SSESpecification"] == {"SSEEnabled": True}
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_epoch_s", "Enabled": True}
    assert queue["SqsManagedSseEnabled"] is True
    assert queue["MessageRetentionPeriod"] <= 3 * 3600, "a presigned URL lives two hours"
    [rule] = resources["OutputsBucket"]["Properties"]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    groups = [each["Properties"] for each in resources.values() if each["Type"] == "AWS::Logs::LogGroup"]
    assert len(groups) == 8
    assert all("RetentionInDays" in group for group in groups)


# --- who lets the application in: a secret with a key or, on Amazon Bedrock, the roles


def test_on_bedrock_the_roles_may_use_responses_of_the_default_project_and_read_no_secret() -> None:
    made = made_of(expanded(), OpenAIProvider="bedrock")
    roles = {
        name: each["Properties"].get("Policies", []) for name, each in made.resources.items() if each["Type"] == ROLE
    }
    statements = [(role, each) for role in roles for p in roles[role] for each in p["PolicyDocument"]["Statement"]]
    assert "secretsmanager:" not in str(statements)
    allowed = {role: each for role, each in statements if "bedrock-mantle:" in str(each)}
    assert allowed.keys() == CALL_THE_SERVER
    assert len(allowed) == str(statements).count("arn:aws:bedrock-mantle:")
    for each in allowed.values():
        assert set(each["Action"]) == RESPONSES
        assert re.fullmatch(r"arn:aws:bedrock-mantle:us-east-1:\d+:project/default", each["Resource"])
    functions = [each["Properties"] for each in made.resources.values() if each["Type"] == "AWS::Lambda::Function"]
    assert {each["Environment"]["Variables"]["OPENAI_PROVIDER"] for each in functions} == {"bedrock"}


KEY_ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:openai-AbCdEf"
KMS_ARN = "arn:aws:kms:us-east-1:123456789012:key/1"


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({}, "OpenAIProvider=api_key needs OpenAIApiKeySecretArn"),
        ({"OpenAIProvider": "bedrock", "OpenAIApi": "assistants"}, "OpenAIProvider=bedrock needs OpenAIApi=responses"),
        ({"OpenAIProvider": "bedrock", "EnableWebhooks": "true"}, "OpenAIProvider=bedrock needs EnableWebhooks=false"),
        ({"OpenAIApiKeySecretArn": KEY_ARN, "VpcSubnetIds": "subnet-1"}, "VpcSubnetIds needs VpcSecurityGroupIds"),
        ({"OpenAIApiKeySecretArn": KEY_ARN, "VpcSecurityGroupIds": "sg-1"}, "VpcSecurityGroupIds needs VpcSubnetIds"),
        ({"OpenAIApiKeySecretArn": KEY_ARN, "ToolSecretKmsKeyArns": KMS_ARN}, "needs ToolSecretArns"),
        ({"OpenAIProvider": "bedrock", "ApiKeyKmsKeyArn": KMS_ARN}, "OpenAIProvider=bedrock needs no ApiKeyKmsKeyArn"),
        (
            {"OpenAIApiKeySecretArn": KEY_ARN, "Observability": "false", "AlarmTopicArn": "arn:aws:sns:us-east-1:1:t"},
            "AlarmTopicArn needs Observability=true",
        ),
        ({"OpenAIApiKeySecretArn": "openai-api-key"}, "OpenAIApiKeySecretArn"),
        ({"OpenAIBaseUrl": "https://server/v1?api-version=preview"}, "OpenAIBaseUrl"),
        ({"OpenAIBaseUrl": "https://server/v1#part"}, "OpenAIBaseUrl"),
        ({"OpenAIBaseUrl": "https://server/" + "v" * 130}, "OpenAIBaseUrl"),
    ],
)
def test_parameters_that_do_not_fit_are_refused_before_anything_is_made(
    parameters: dict[str, str], reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        made_of(expanded(), **parameters)


def test_the_url_of_a_project_in_foundry_is_accepted() -> None:
    url = f"https://{'r' * 24}.services.ai.azure.com/api/projects/{'p' * 40}/openai/v1/"
    made = made_of(expanded(), OpenAIApiKeySecretArn=KEY_ARN, OpenAIBaseUrl=url)
    assert url in str(made.resources["ReconcileFunction"])


# --- examples; tests/e2e/test_examples.py and test_terraform.py deploy all of them as they are


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_a_template_says_what_it_is_for_and_has_defaults(path: Path) -> None:
    assert path.read_text().partition("\n")[0].endswith(".")
    without = {name for name, each in template(path).get("Parameters", {}).items() if "Default" not in each}
    assert without <= {"FileId"}, "what nobody but the user knows"


def test_each_configuration_has_the_files_of_a_module() -> None:
    wanted = {"README.md", "main.tf", "outputs.tf", "variables.tf", "versions.tf"}
    folders = (ROOT / "terraform" / "examples").iterdir()
    files = {path: {each.name for each in path.iterdir() if each.is_file()} for path in folders}
    assert {path for path, names in files.items() if {n for n in names if not n.startswith(".")} != wanted} == set()


# --- checkov finds nothing but what a resource's metadata excepts, with a reason


def checkov(*templates: Path, skipped: Sequence[str] = ()) -> dict[str, Any]:
    """The report; without an account checkov calls nobody, once it is told not to look for a newer version."""
    # Not by whole paths: they are in the values that it makes of a `!Ref`, and 40 characters of one look like a key.
    named = [each.relative_to(ROOT) if each.is_relative_to(ROOT) else each for each in templates]
    files = [argument for template in named for argument in ("--file", template)]
    options = ["--framework", "cloudformation", "--compact", "--skip-download", "--soft-fail", "--output", "json"]
    options += ["--skip-check", ",".join(skipped)] if skipped else []
    report: dict[str, Any] = json.loads(
        run(CHECKOV, *options, *files, CKV_SKIP_PACKAGE_UPDATE_CHECK="true", BC_API_KEY="")
    )
    return report


def test_checkov_is_clean(tmp_path: Path) -> None:
    template = expanded()
    for resource in template["Resources"].values():
        resource.pop("Condition", None)  # checkov passes over what a condition leaves out.
    resources = template["Resources"]
    resources["WebhookFunctionUrl"]["Metadata"] = resources["WebhookFunction"]["Metadata"]  # SAM does not hand it on.
    path = tmp_path / "expanded.json"
    path.write_text(json.dumps(template))
    results = checkov(ROOT / "template.yaml", path)["results"]
    assert [f"{each['check_id']} {each['check_name']}: {each['resource']}" for each in results["failed_checks"]] == []
    assert results["parsing_errors"] == []

    excepted = results["skipped_checks"]
    assert [each for each in excepted if each["check_result"]["suppress_comment"] == "No comment provided"] == []

    # A template that checkov can't read counts as clean: it must have looked at each of these.
    looked_at = {each["resource"] for each in results["passed_checks"] + excepted}
    checked = {f"{r['Type']}.{name}" for name, r in template["Resources"].items() if r["Type"] in CHECKED_TYPES}
    assert len(checked) > len(CHECKED_TYPES)
    assert checked <= looked_at


def test_checkov_finds_nothing_in_the_examples_but_how_they_are_operated() -> None:
    results = checkov(*EXAMPLES, skipped=OPERATION)["results"]
    assert [f"{each['check_id']} {each['check_name']}: {each['resource']}" for each in results["failed_checks"]] == []
    assert any(each["file_path"].endswith("/function_tool.yaml") for each in results["passed_checks"])


def test_checkov_finds_what_is_not_excepted(tmp_path: Path) -> None:
    """The flags above must not silence it."""
    path = tmp_path / "open.json"
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    policy = {"PolicyName": "all", "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]}}
    role = {"Type": ROLE, "Properties": {"AssumeRolePolicyDocument": {}, "Policies": [policy]}}
    path.write_text(json.dumps({"AWSTemplateFormatVersion": "2010-09-09", "Resources": {"Role": role}}))
    found = {each["check_id"] for each in checkov(path)["results"]["failed_checks"]}
    assert {"CKV_AWS_107", "CKV_AWS_109"} <= found, "exposed credentials, permissions management"
