"""`make test`: which stages it runs, and how it ends."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from local import stages

Run = Callable[..., int]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Four stages that end as their names say, chosen by their numbers."""
    ends = {"first": "0", "second": "0", "fails": "3", "never": "0"}
    made = [stages.Stage(name, 1, (sys.executable, "-c", f"exit({status})")) for name, status in ends.items()]
    monkeypatch.setattr(stages, "STAGES", tuple(made))

    def main(*numbers: str) -> int:
        monkeypatch.setattr(sys, "argv", ["stages", *numbers])
        return stages.main()

    return main


def test_without_numbers_all_stages_run_until_one_fails(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == 3
    said = capsys.readouterr()
    assert [line for line in said.out.splitlines() if "about" in line] == [
        "4 stages, about 4 minutes",
        "[1/4] first: about 1 min",
        "[2/4] second: about 1 min",
        "[3/4] fails: about 1 min",
    ]
    assert 'make test STAGES="3"' in said.err


def test_stages_can_be_chosen(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("4", "1") == 0
    assert capsys.readouterr().out.splitlines()[0] == "2 stages, about 2 minutes"
    with pytest.raises(SystemExit):
        run("7")
    assert "there is no stage 7: they are 1 to 4" in capsys.readouterr().err
