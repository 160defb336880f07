"""What the Serverless Application Repository requires of an application, and GitHub of the forms for issues.

Sources: https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/serverless-sam-template-publishing-applications-metadata-properties.html
https://docs.github.com/en/communities/using-templates-to-encourage-useful-issues-and-pull-requests/syntax-for-githubs-form-schema
"""

import re
import tomllib
from typing import Any

import pytest
import yaml

from local.deployment import ROOT
from testkit.template import template

FIVE_MEGABYTES = 5 * 1024 * 1024
FOLDER = ROOT / ".github" / "ISSUE_TEMPLATE"
KINDS = {"markdown", "textarea", "input", "dropdown", "checkboxes"}


def application() -> dict[str, Any]:
    metadata: dict[str, Any] = template()["Metadata"]["AWS::ServerlessRepo::Application"]
    return metadata


def test_name_author_description_and_labels_are_within_the_limits() -> None:
    metadata = application()
    assert re.fullmatch(r"[a-zA-Z0-9-]{1,140}", metadata["Name"])
    assert re.fullmatch(r"[a-z0-9](([a-z0-9]|-(?!-))*[a-z0-9])?", metadata["Author"])
    assert len(metadata["Author"]) <= 127
    assert 1 <= len(metadata["Description"]) <= 256
    labels = metadata["Labels"]
    assert 1 <= len(labels) <= 10
    assert [each for each in labels if not re.fullmatch(r"[a-zA-Z0-9+\-_:/@]{1,127}", each)] == []
    assert len(set(labels)) == len(labels)


def test_the_licence_is_the_projects_and_its_file_and_the_readme_can_be_published() -> None:
    metadata = application()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert metadata["SpdxLicenseId"] == project["license"] == "Apache-2.0"
    licence, readme = (ROOT / metadata[name] for name in ("LicenseUrl", "ReadmeUrl"))
    assert "Apache License\n                           Version 2.0" in licence.read_text()
    assert 0 < licence.stat().st_size < FIVE_MEGABYTES
    assert 0 < readme.stat().st_size < FIVE_MEGABYTES


def test_nothing_is_there_that_the_repository_would_not_take() -> None:
    """A name that is spelled otherwise is passed over by `sam publish`."""
    known = {"Name", "Description", "Author", "SpdxLicenseId", "LicenseUrl", "ReadmeUrl", "Labels", "HomePageUrl"}
    assert set(application()) <= known | {"SemanticVersion", "SourceCodeUrl"}
    assert set(application()) >= {"Name", "Description", "Author", "SpdxLicenseId", "LicenseUrl", "SemanticVersion"}


# --- the forms for issues ask for what helps, and warn of secrets


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
