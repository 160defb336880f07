"""What the Serverless Application Repository requires of an application that is published to it.

The limits are AWS's own:
https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/serverless-sam-template-publishing-applications-metadata-properties.html
"""

from __future__ import annotations

import re
import tomllib
from typing import Any

from local.deployment import ROOT
from testkit.template import template

FIVE_MEGABYTES = 5 * 1024 * 1024


def application() -> dict[str, Any]:
    metadata: dict[str, Any] = template()["Metadata"]["AWS::ServerlessRepo::Application"]
    return metadata


def test_name_author_and_description_are_within_the_limits() -> None:
    metadata = application()
    assert re.fullmatch(r"[a-zA-Z0-9-]{1,140}", metadata["Name"])
    assert re.fullmatch(r"[a-z0-9](([a-z0-9]|-(?!-))*[a-z0-9])?", metadata["Author"])
    assert len(metadata["Author"]) <= 127
    assert 1 <= len(metadata["Description"]) <= 256


def test_labels_are_ten_at_most_and_of_allowed_characters() -> None:
    labels = application()["Labels"]
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
