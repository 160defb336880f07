"""The findings as text for people, as JSON, or as SARIF for code scanning."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from threadrun import __version__
from threadrun_cli.findings import Finding

RULES = {
    "properties": "A property that the application refuses",
    "type": "A resource type that the application does not have",
    "service-token": "A ServiceToken that is missing or misspelt",
    "attribute": "An attribute that the resource does not have",
    "reference": "A reference to what the template does not have, or to something else than is meant",
    "advice": "What can be deployed and is hardly meant",
    "template": "A file that cannot be read as a template",
}


def as_text(findings: Sequence[Finding]) -> str:
    return "".join(f"{_place(each)}: {each.level}: {_of_resource(each)}\n" for each in findings)


def as_json(findings: Sequence[Finding]) -> str:
    return json.dumps([asdict(each) for each in findings], indent=2) + "\n"


def as_sarif(findings: Sequence[Finding]) -> str:
    """SARIF 2.1.0, with the files by the paths that were given."""
    rules = [{"id": name, "shortDescription": {"text": text}} for name, text in RULES.items()]
    driver = {"name": "threadrun", "version": __version__, "rules": rules}
    run = {"tool": {"driver": driver}, "results": [_result(each) for each in findings]}
    log = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2) + "\n"


def _result(finding: Finding) -> dict[str, Any]:
    place = {
        "artifactLocation": {"uri": quote(PurePath(finding.file).as_posix())},
        "region": {"startLine": finding.line, "startColumn": finding.column},
    }
    return {
        "ruleId": finding.rule,
        "level": finding.level,
        "message": {"text": _of_resource(finding)},
        "locations": [{"physicalLocation": place}],
    }


def _place(finding: Finding) -> str:
    return f"{finding.file}:{finding.line}:{finding.column}"


def _of_resource(finding: Finding) -> str:
    return f"{finding.resource}: {finding.message}" if finding.resource else finding.message
