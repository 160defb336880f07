"""The audit of the dependencies, against a server that speaks OSV's protocol as far as pip-audit needs it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from local import audit

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


class Osv(ThreadingHTTPServer):
    """Knows `vulnerable` packages by name, and keeps the questions."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.vulnerable: dict[str, Any] = {}
        self.asked: list[str] = []
        self.url = f"http://127.0.0.1:{self.server_port}/v1/query"


class Answer(BaseHTTPRequestHandler):
    server: Osv

    def do_POST(self) -> None:
        name = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["package"]["name"]
        self.server.asked.append(name)
        known = self.server.vulnerable.get(name)
        body = json.dumps({"vulns": [known]} if known else {}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing on stderr."""


@pytest.fixture
def osv() -> Iterator[Osv]:
    with Osv() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_finding_fails_with_all_that_is_needed_to_act(
    osv: Osv, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    osv.vulnerable["openai"] = VULNERABILITY
    stamp = tmp_path / "clean"
    assert audit.main(osv.url, stamp) == 1
    said = capsys.readouterr().err
    assert "layers/threadrun/requirements.txt: openai 3." in said
    assert ": CVE-2026-0000, GHSA-0000-0000-0000; fixed in 99.0" in said
    assert not stamp.exists(), "the next check asks again"


def test_a_clean_result_is_not_asked_for_again(osv: Osv, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stamp = tmp_path / "clean"
    assert audit.main(osv.url, stamp) == 0
    assert "no known vulnerabilities" in capsys.readouterr().out
    # One package of each lock file.
    assert {"aws-lambda-powertools", "ministack", "aws-sam-cli", "checkov"} <= set(osv.asked)
    osv.asked.clear()
    assert audit.main(osv.url, stamp) == 0
    assert osv.asked == []


def test_an_excepted_finding_is_passed_over(osv: Osv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    osv.vulnerable["openai"] = VULNERABILITY
    monkeypatch.setitem(audit.EXCEPTIONS, "CVE-2026-0000", "a test")
    assert audit.main(osv.url, tmp_path / "clean") == 0


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/v1/query", "http://127.0.0.1:1:1/"])
def test_where_nobody_can_be_asked_it_says_so_and_is_not_clean(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Work goes on without a network, but a check that was not made is never counted as passed."""
    stamp = tmp_path / "clean"
    assert audit.main(url, stamp) == 0
    assert f"Dependencies were NOT audited: {url} could not be asked (" in capsys.readouterr().out
    assert not stamp.exists()
