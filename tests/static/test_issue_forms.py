"""The forms for issues are ones that GitHub takes, ask for what helps, and warn of secrets.

Source: https://docs.github.com/en/communities/using-templates-to-encourage-useful-issues-and-pull-requests/syntax-for-githubs-form-schema
"""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from local.deployment import ROOT

FOLDER = ROOT / ".github" / "ISSUE_TEMPLATE"
KINDS = {"markdown", "textarea", "input", "dropdown", "checkboxes"}


def form(name: str) -> dict[str, Any]:
    return yaml.safe_load((FOLDER / name).read_text())  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", ["bug.yml", "feature.yml"])
def test_a_form_has_the_parts_that_github_wants(name: str) -> None:
    given = form(name)
    assert set(given) == {"name", "description", "labels", "body"}
    assert any(each["type"] != "markdown" for each in given["body"])
    ids = [each["id"] for each in given["body"] if each["type"] != "markdown"]
    assert len(ids) == len(set(ids))
    for each in given["body"]:
        assert each["type"] in KINDS
        assert set(each) <= {"type", "id", "attributes", "validations"}
        assert ("value" if each["type"] == "markdown" else "label") in each["attributes"]
        assert each["type"] not in ("dropdown", "checkboxes") or each["attributes"]["options"]


def test_a_bug_is_asked_for_what_it_is_found_by() -> None:
    ids = {each.get("id") for each in form("bug.yml")["body"]}
    assert {"version", "region", "event", "log", "server", "resource"} <= ids
    assert "correlation_id" in (FOLDER / "bug.yml").read_text()


@pytest.mark.parametrize("path", ["ISSUE_TEMPLATE/bug.yml", "ISSUE_TEMPLATE/feature.yml", "PULL_REQUEST_TEMPLATE.md"])
def test_each_form_warns_of_secrets(path: str) -> None:
    text = (ROOT / ".github" / path).read_text()
    for secret in ("keys", "presigned URLs", "prompts"):
        assert secret in text
