"""`make test`: which stages it runs, and how it ends."""

from __future__ import annotations

import sys

import pytest

from local import stages


def run(monkeypatch: pytest.MonkeyPatch, *numbers: str) -> int:
    monkeypatch.setattr(sys, "argv", ["stages", *numbers])
    return stages.main()


@pytest.fixture
def four(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stages that end as their names say."""
    ends = {"first": "0", "second": "0", "fails": "3", "never": "0"}
    made = [stages.Stage(name, 1, (sys.executable, "-c", f"exit({status})")) for name, status in ends.items()]
    monkeypatch.setattr(stages, "STAGES", tuple(made))


@pytest.mark.usefixtures("four")
def test_without_numbers_all_stages_run_until_one_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch) == 3
    said = capsys.readouterr()
    assert [line for line in said.out.splitlines() if "about" in line] == [
        "4 stages, about 4 minutes",
        "[1/4] first: about 1 min",
        "[2/4] second: about 1 min",
        "[3/4] fails: about 1 min",
    ]
    assert 'make test STAGES="3"' in said.err


@pytest.mark.usefixtures("four")
def test_stages_can_be_chosen(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "4", "1") == 0
    assert capsys.readouterr().out.splitlines()[0] == "2 stages, about 2 minutes"


@pytest.mark.usefixtures("four")
def test_a_stage_that_does_not_exist_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        run(monkeypatch, "7")
    assert "there is no stage 7: they are 1 to 4" in capsys.readouterr().err
