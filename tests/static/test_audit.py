"""The audit of the dependencies, against a server that speaks OSV's protocol as far as pip-audit needs it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug import Request, Response

from local import audit
from tests.support.serving import serving

VULNERABILITY = {
    "id": "GHSA-0000-0000-0000",
    "aliases": ["CVE-2026-0000"],
    "summary": "It does what it should not.",
    "affected": [
        {
            "package": {"name": "openai", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "99.0"}]}],
        }
    ],
}


class Osv:
    """Knows `vulnerable` packages by name, and keeps the questions."""

    url = ""

    def __init__(self) -> None:
        self.vulnerable: dict[str, Any] = {}
        self.asked: list[str] = []

    def answer(self, request: Request) -> Response:
        self.asked.append(name := request.get_json(force=True)["package"]["name"])
        return Response(json.dumps({"vulns": [self.vulnerable[name]]} if name in self.vulnerable else {}))


@pytest.fixture
def osv() -> Iterator[Osv]:
    server = Osv()
    with serving(server.answer) as origin:
        server.url = f"{origin}/v1/query"
        yield server


def test_a_finding_fails_with_all_that_is_needed_to_act(
    osv: Osv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    osv.vulnerable["openai"] = VULNERABILITY
    monkeypatch.setattr(audit, "AUDITED", ["layers/threadrun/requirements.txt"])
    stamp = tmp_path / "clean"
    assert audit.main(osv.url, stamp) == 1
    said = capsys.readouterr().err
    assert "layers/threadrun/requirements.txt: openai 3." in said
    assert ": CVE-2026-0000, GHSA-0000-0000-0000; fixed in 99.0" in said
    assert not stamp.exists(), "the next check asks again"
    monkeypatch.setitem(audit.EXCEPTIONS, "CVE-2026-0000", "a test")
    assert audit.main(osv.url, stamp) == 0, "a finding that is excepted is passed over"


def test_a_clean_result_is_not_asked_for_again(osv: Osv, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stamp = tmp_path / "clean"
    assert audit.main(osv.url, stamp) == 0
    assert "no known vulnerabilities" in capsys.readouterr().out
    # One package of each lock file.
    assert {"aws-lambda-powertools", "ministack", "aws-sam-cli", "checkov"} <= set(osv.asked)
    osv.asked.clear()
    assert audit.main(osv.url, stamp) == 0
    assert osv.asked == []


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/v1/query", "http://127.0.0.1:1:1/"])
def test_without_a_reply_of_the_database_it_says_so_and_is_not_clean(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Work goes on without a network, but a check that was not made is never counted as passed."""
    stamp = tmp_path / "clean"
    assert audit.main(url, stamp) == 0
    assert f"Dependencies were NOT audited: {url} could not be asked (" in capsys.readouterr().out
    assert not stamp.exists()
