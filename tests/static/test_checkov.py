"""Checkov finds nothing in the templates but what a resource's metadata excepts, with a reason."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from local.deployment import ROOT
from tests.support.definitions import EXAMPLES, expanded, run

CHECKOV = ROOT / ".venv-audit" / "bin" / "checkov"
OPERATION = ("CKV_AWS_115", "CKV_AWS_116", "CKV_AWS_117", "CKV_AWS_119", "CKV_AWS_173", "CKV_AWS_28")
"""Concurrency, dead letters, VPC, own keys, backups: an example shows what a function or a table is for."""
CHECKED_TYPES = {"AWS::DynamoDB::Table", "AWS::IAM::Role", "AWS::Lambda::Function", "AWS::Logs::LogGroup"}


def checkov(*templates: Path, skipped: Sequence[str] = ()) -> dict[str, Any]:
    """The report; without an account checkov calls nobody, once it is told not to look for a newer version."""
    files = [argument for template in templates for argument in ("--file", template)]
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
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {}, "Policies": [policy]}}
    path.write_text(json.dumps({"AWSTemplateFormatVersion": "2010-09-09", "Resources": {"Role": role}}))
    found = {each["check_id"] for each in checkov(path)["results"]["failed_checks"]}
    assert {"CKV_AWS_107", "CKV_AWS_109"} <= found, "exposed credentials, permissions management"
