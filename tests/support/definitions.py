"""The templates, and the tools that check them."""

import os
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple
from unittest import mock

from ministack.services.cloudformation import engine
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

from local.deployment import ROOT
from local.embedded_cloud.upstream import condition_values

condition_values.install()  # Stock ministack compares the functions of a condition themselves.
DEFINITION = ROOT / "statemachine" / "thread_run.asl.yaml"
EXAMPLES = sorted((ROOT / "docs" / "examples").glob("*.yaml"))


def run(*command: str | Path, **variables: str) -> str:
    environment = os.environ | {"SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": "us-east-1"} | variables
    result = subprocess.run(
        [str(part) for part in command], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout + result.stderr


def expanded(parameters: dict[str, str] | None = None, *, layer: str = "key") -> dict[str, Any]:
    """The application's template as SAM gives it to CloudFormation: only there are the roles to be seen."""
    template = yaml_parse((ROOT / "template.yaml").read_text())
    for resource in template["Resources"].values():
        for name in {"CodeUri", "ContentUri", "DefinitionUri"} & set(resource.get("Properties", {})):
            key = layer if name == "ContentUri" else "key"
            resource["Properties"][name] = f"s3://bucket/{key}"  # As after `sam package`.
    with mock.patch.dict(os.environ, AWS_DEFAULT_REGION="us-east-1"):  # SAM asks boto3 where it is.
        result: dict[str, Any] = transform(template, parameters or {}, SimpleNamespace(load=dict))
    return result


class Made(NamedTuple):
    """What CloudFormation would make of a template."""

    resources: dict[str, Any]
    outputs: dict[str, Any]


def made_of(template: dict[str, Any], *, stack_name: str = "threadrun", **parameters: str) -> Made:
    """By these parameters; ValueError with the reason where CloudFormation would make nothing."""
    values = engine._resolve_parameters(template, [{"Key": name, "Value": text} for name, text in parameters.items()])
    conditions = engine._evaluate_conditions(template, values)
    engine._evaluate_rules(template, values, conditions)
    context = ({}, values, conditions, {}, stack_name, "arn:stack")
    parts = (template[part].items() for part in ("Resources", "Outputs"))
    meant = ({name: each for name, each in part if conditions.get(each.get("Condition"), True)} for part in parts)
    return Made(*(engine._resolve_refs(part, *context) for part in meant))
