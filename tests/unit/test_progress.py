"""What long commands say while they work: the time by now and the time expected; and what `make up` leaves to read."""

import io
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from local import progress, stages, up
from local.deployment import ROOT, Application, DeploymentError
from local.embedded_cloud.process import environment_of_clients
from local.progress import Elapsed, duration, step
from testkit.template import template


@pytest.fixture(autouse=True)
def times(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Not those of this machine."""
    path = tmp_path / "times.json"
    monkeypatch.setattr(progress, "TIMES", path)
    return path


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Moves the clock on."""
    clock = [1000.0]
    monkeypatch.setattr("local.progress.monotonic", lambda: clock[0])

    def move(seconds: float) -> None:
        clock[0] += seconds

    return move


def terminal() -> Console:
    return Console(file=io.StringIO(), force_terminal=True, width=100, legacy_windows=False)


def drawn(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59.6, "1 min"), (75, "1 min 15 s"), (600, "10 min"), (3700, "61 min 40 s")]
)
def test_durations_are_short(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_step_shows_its_time_and_the_time_expected(now: Callable[[float], None]) -> None:
    elapsed = Elapsed("sam build", 40)
    now(12)
    assert str(elapsed) == "sam build: 12 s of about 40 s"
    whole = Elapsed("all", 100)
    now(48)
    part = Elapsed("sam deploy", 20, within=whole)
    assert str(part) == "sam deploy: 0 s of about 20 s; all: 48 s of about 1 min 40 s"


def test_the_next_time_expects_what_it_took_the_last_time(now: Callable[[float], None]) -> None:
    with step(terminal(), "sam build", 40) as elapsed:
        assert elapsed.expected_s == 40
        now(7)
    with suppress(DeploymentError), step(terminal(), "sam build", 40) as elapsed:
        assert elapsed.expected_s == 7
        now(1)
        raise DeploymentError("sam build failed")
    with step(terminal(), "sam build", 40) as elapsed:
        assert elapsed.expected_s == 7, "what failed took no time that counts"


def test_a_step_that_had_nothing_to_do_says_nothing_of_the_next_time(now: Callable[[float], None]) -> None:
    """As a build of what is built."""
    for expected_s in (40, 40):
        with step(terminal(), "sam build", 40) as elapsed:
            assert elapsed.expected_s == expected_s
            now(0.1)


def test_times_that_cannot_be_read_are_as_none(times: Path) -> None:
    times.write_text("{")
    with step(terminal(), "sam build", 40) as elapsed:
        assert elapsed.expected_s == 40


def test_a_step_is_seen_on_a_terminal_only() -> None:
    """A log needs no line for each second."""
    seen, log = terminal(), Console(file=io.StringIO())
    for console in (seen, log):
        with step(console, "sam build", 40):
            pass
    assert "sam build: 0 s of about 40 s" in drawn(seen)
    assert drawn(log) == ""


# --- make test


def test_a_stage_shows_its_time_below_what_it_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    """And its own output has no gaps, though the line of the time is drawn again and again."""
    prints = "import time; print('one', flush=True); time.sleep(0.5); print('two' + ' three')"
    made = (stages.Stage("only", 2, (sys.executable, "-c", prints)),)
    console = terminal()
    monkeypatch.setattr(stages, "STAGES", made)
    monkeypatch.setattr(sys, "argv", ["stages"])
    assert stages.main(console) == 0
    text = drawn(console)
    assert "[1/1] only: about 2 min" in text
    assert "[1/1]: 0 s of about 2 min; all: 0 s of about 2 min" in text
    assert text.index("one\n") < text.index("two three\n")


def test_the_stage_that_began_with_the_first_one_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own seconds are those after the others: "0 s" alone reads as if nothing had run."""
    made = tuple(stages.Stage(name, 1, (sys.executable, "-c", "")) for name in ("one", "two"))
    monkeypatch.setattr(stages, "STAGES", made)
    monkeypatch.setattr(sys, "argv", ["stages"])
    console = terminal()
    assert stages.main(console) == 0
    *_, one, two = drawn(console).rstrip().splitlines()
    assert re.search(r"one: \d+ s$", one)
    assert re.search(r"two: \d+ s more: it began with the first stage$", two)


# --- make up

PLACE = "http://127.0.0.1:4567"
TOKEN = "arn:aws:lambda:us-east-1:000000000000:function:token"


class Cloud:
    """An embedded cloud that costs nothing; `running` is the one that was started."""

    running: "Cloud | None" = None
    endpoint = PLACE

    def __init__(self, **_: Any) -> None: ...

    @classmethod
    def running_in(cls, _: Path) -> "Cloud | None":
        return cls.running

    def start(self) -> None:
        type(self).running = self

    def stop(self) -> None:
        type(self).running = None

    def environment(self) -> dict[str, str]:
        return environment_of_clients(PLACE, "us-east-1")


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(Cloud, "running", None)
    monkeypatch.setattr(up, "EmbeddedCloud", Cloud)
    monkeypatch.setattr(up, "build", lambda: tmp_path / "template.yaml")
    monkeypatch.setattr(up, "deploy", lambda *_, **__: Application(TOKEN, "table", "machine"))
    monkeypatch.setattr(up, "STATE", tmp_path / "up folder")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setattr(sys, "argv", ["up"])
    return tmp_path / "up folder"


def test_up_leaves_a_file_to_source_with_the_environment(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert up.main() == 0
    [line] = [line for line in capsys.readouterr().out.splitlines() if line.strip().startswith("source ")]
    shown = 'printf "%s %s %s" "$AWS_ENDPOINT_URL" "$SERVICE_TOKEN" "$TABLE_NAME"'
    sourced = subprocess.run(["bash", "-euc", f"{line}; {shown}"], capture_output=True, text=True, cwd=ROOT)
    assert (sourced.stdout, sourced.stderr) == (f"{PLACE} {TOKEN} table", "")
    assert "sk-secret" not in (state / "environment").read_text()


def test_up_says_again_what_it_said_when_it_runs_already(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert up.main() == 0
    said = capsys.readouterr().out
    assert up.main() == 0
    again = capsys.readouterr().out
    assert again.startswith("It is running already.")
    assert again.endswith(said[said.index("To use it") :])


def test_up_does_not_say_what_is_not_there_yet(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A second `make up` while the first one deploys."""
    Cloud().start()
    assert up.main() == 1
    assert "another `make up` is starting it" in capsys.readouterr().err


def test_up_that_fails_leaves_nothing(
    state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise DeploymentError("sam deploy failed")

    monkeypatch.setattr(up, "deploy", fails)
    assert up.main() == 1
    assert "sam deploy failed" in capsys.readouterr().err
    assert Cloud.running is None
    assert not (state / "environment").exists()


def test_down_takes_away_the_file_of_a_cloud_that_is_gone(
    state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert up.main() == 0
    monkeypatch.setattr(sys, "argv", ["up", "--stop"])
    capsys.readouterr()
    assert [up.main(), up.main()] == [0, 0]
    assert list(state.iterdir()) == []
    assert capsys.readouterr().out == "The embedded cloud is stopped.\nNothing was running.\n"


def test_up_names_an_example_to_deploy_next(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command is one that this machine has, and its template is there and needs no parameter."""
    assert up.main() == 0
    said = capsys.readouterr().out
    [command] = [
        line for line in said.replace("\\\n", " ").splitlines() if "sam deploy " in line and "--stack-name" in line
    ]
    words = command.split()
    assert words[0] == ".venv-sam/bin/sam"
    path = ROOT / words[words.index("--template-file") + 1]
    assert all("Default" in each for each in template(path)["Parameters"].values())
