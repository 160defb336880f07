"""`make demo` as a newcomer runs it."""

import re

import pytest

from local import demo

NEVER_HERE = {"ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted"}
"""Of AWS, which has no data of what never happened: no execution ends so here."""


def test_the_demo_ends_well_and_every_metric_of_the_dashboard_and_the_alarms_has_data(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("COLUMNS", "160")
    assert demo.main() == 0
    said = capsys.readouterr().out
    words = " ".join(said.split())
    assert "summary: Dropping customers.email cannot be taken back." in words, "why the gate's stack failed"
    assert "nothing is left" in said
    table = said[said.index("read from CloudWatch") :]
    rows = re.findall(r"(\w+)(?: [\w.-]+)? +(?:Sum|Average|Maximum|p50) +(-|[\d.,]+)$", table, re.MULTILINE)
    assert len(rows) > 30
    assert {name for name, value in rows if value == "-"} == NEVER_HERE
    assert demo.TIMELINE.read_text().count("<svg") == 2, "for wide windows and for narrow ones"
