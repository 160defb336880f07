"""docs/interop.md: how it is written, and that it was written by what is there now."""

import re
from typing import Any

import pytest

from local.deployment import ROOT
from local.lock import JUDGES
from testkit.clock import Clock
from testkit.in_process.deployed import ENVIRONMENT
from testkit.interop.deployers.stacks import STEPS
from testkit.interop.lives import LIVES
from testkit.interop.localemu.definition import WAYS, gone_here
from testkit.interop.localemu.lives import ATTEMPTS
from testkit.interop.page import SENTENCE_CHARACTERS, steady, table, written
from testkit.interop.wall_clock import WallClock
from testkit.state_machine import read_definition
from testkit.template import states
from tests.support.lock_files import direct, pins

PAGE = ROOT / "docs" / "interop.md"
FOUND: dict[str, Any] = {
    "minutes": 3,
    "servers": {
        "servers": [{"name": "OGX", "version": "1", "path": "/v1", "behind": "chat completions"}],
        "lives": {"plain": ["works"], "delete": ["refused: Delete: thread conv_0123456789 has | and `x`"]},
    },
    "localemu": {
        "version": "1.3",
        "jsonata": "2.2",
        "lives": {"plain": ["works"]},
        "statuses": {"SUCCEEDED": 2},
        "states": {"Reconcile": 4},
        "tried": {"x": ["works"]},
    },
    "definition": {"version": "1.3", "ways": {"a wait": ["works", "SUCCEEDED, 1 Wait"]}},
    "deployers": {"tools": [{"name": "`cdk deploy`", "version": "2"}], "steps": {"create": ["works"]}},
}


def test_a_page_has_every_outcome_and_each_sentence_once() -> None:
    page = written(FOUND)
    assert "| life | OGX 1 `/v1`, chat completions behind it |" in page
    assert "| delete | refused (1) |" in page
    assert "1. refused: `Delete: thread conv_… has | and 'x'`" in page
    assert "| Reconcile | 4 |" in page
    assert "| Superseded | 0 |" in page
    assert "| a wait | works | SUCCEEDED, 1 Wait |" in page
    assert "Executions: 2 SUCCEEDED." in page
    assert "{" not in page


def test_sentences_are_numbered_in_their_order_and_told_once() -> None:
    told = table(["a", "b", "c"], {"1": ["no: x", "no: y"], "2": ["no: x", "works"]}).splitlines()
    assert told[2:] == ["| 1 | no (1) | no (2) |", "| 2 | no (1) | works |", "", "1. no: `x`", "2. no: `y`"]


@pytest.mark.parametrize(
    ("outcome", "told"),
    [
        ("works", "works"),
        ("cannot read run resp_0123456789-_=: no", "cannot read run resp_…: no"),
        ("the server at http://127.0.0.1:40123/v1", "the server at http://127.0.0.1/v1"),
        ("two\n\nlines", "two lines"),
        ("x" * 400, "x" * (SENTENCE_CHARACTERS - 3) + "..."),
    ],
)
def test_what_differs_each_time_is_left_out(outcome: str, told: str) -> None:
    assert steady(outcome) == told


def test_the_ways_enter_every_state_of_the_definition(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    gone = [gone_here(way) for way in WAYS.values()]
    assert {status for status, _ in gone} == {"SUCCEEDED"}
    assert {name for _, entered in gone for name in entered} == set(states(read_definition()))


def test_the_page_is_of_the_lives_the_steps_and_the_definition_that_there_are() -> None:
    first_cells = re.findall(r"^\| (.+?) \|", PAGE.read_text(), re.MULTILINE)
    rows = [each for each in first_cells if each not in ("---", "life", "state", "way", "tried", "step")]
    assert rows == [*LIVES, *LIVES, *states(read_definition()), *WAYS, *ATTEMPTS, *STEPS]


def test_the_page_is_of_the_versions_in_the_locks() -> None:
    page, asked = PAGE.read_text(), {name: pins(judge)[name] for judge in JUDGES for name in direct(judge)}
    titles = {"ogx": "OGX", "litellm": "LiteLLM", "localemu": "LocalEmu", "awscli": "`aws cloudformation deploy`"}
    assert {name: f"{titles.get(name, name)} {version}" in page for name, version in asked.items()} == dict.fromkeys(
        asked, True
    )


def test_a_wall_clock_waits_until_a_task_is_due() -> None:
    clock, happened = WallClock(), list[float]()
    clock.later(0.05, "task", lambda: happened.append(clock.now))
    began = clock.now
    clock.come_to_rest()
    assert isinstance(clock, Clock)
    assert happened[0] >= began + 0.05
    assert clock.tasks == []
