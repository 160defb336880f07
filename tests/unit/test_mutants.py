"""How the tests are run: the stages of `make test`, and the mutants, with probes that tell which tests get there."""

import builtins
import json
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from local import stages
from testkit.mutants import result
from testkit.mutants.catalog import LIST, Mutant, read
from testkit.mutants.journal import Journal, Verdict
from testkit.mutants.probes import HEARD_BY, probed
from testkit.mutants.result import BEFORE, SURVIVED, Death
from testkit.mutants.tiers import Tier, TierError, first_failure
from testkit.mutants.tree import Tree

SOURCE = """
LIMIT = 3


def spent(count):
    if count > LIMIT:
        return True
    elif count < 0:
        raise ValueError
    return False
"""


def mutant(old: str, new: str, fact: str = "Nobody spends more") -> Mutant:
    return Mutant("limits.py", fact, old, new)


def test_each_fact_is_broken_by_one_mutant_and_none_of_the_result_before_is_dropped() -> None:
    mutants = read(LIST.read_text())
    assert {each.new for each in mutants if each.new == each.old} == set()
    before = result.read(BEFORE.read_text())
    assert len(before) == 128
    assert set(before) <= {each.name for each in mutants}


def test_two_mutants_of_one_name_are_refused() -> None:
    text = "a.py:\n- {fact: It is so, old: a, new: b}\nb.py:\n- {fact: it is so., old: a, new: b}"
    with pytest.raises(ValueError, match="it-is-so"):
        read(text)


def test_lines_are_found_and_replaced_at_any_indent() -> None:
    broken = mutant("if count > LIMIT:\n    return True", "if count:\n    return False\npass").applied_to(SOURCE)
    assert "    if count:\n        return False\n    pass\n    elif" in broken


@pytest.mark.parametrize(
    ("old", "places"), [("count", 3), ("count < 0", 1), ("if count > LIMIT:\n        return True", 0)]
)
def test_code_is_looked_for_with_its_indents_from_the_first_line_on(old: str, places: int) -> None:
    assert len(mutant(old, "0").places(SOURCE)) == places


@pytest.mark.parametrize(("old", "reached_by"), [("count > LIMIT", [1, 4, -1]), ("count < 0", [1, -1]), ("False", [1])])
def test_a_probe_tells_who_gets_there(monkeypatch: pytest.MonkeyPatch, old: str, reached_by: list[int]) -> None:
    text, everywhere = probed(SOURCE, [mutant(old, "None")])
    assert everywhere == set()
    names: dict[str, Any] = {}
    exec(text, names)
    assert names["spent"](4) is True, "where nobody listens a probe changes nothing"
    reached = []
    for count in (1, 4, -1):
        heard: list[str] = []
        monkeypatch.setattr(builtins, HEARD_BY, heard.append, raising=False)
        with suppress(ValueError):
            names["spent"](count)
        reached += [count] if heard else []
    assert reached == reached_by


def test_what_stands_outside_of_functions_is_reached_by_all() -> None:
    assert probed(SOURCE, [mutant("LIMIT = 3", "LIMIT = 4")])[1] == {"nobody-spends-more"}


def test_the_result_is_read_as_it_was_written() -> None:
    killed, alive = mutant("a", "b", "It dies"), mutant("a", "b", "It lives")
    deaths = {killed.name: Death("tests/unit/test_a.py::test_b[x|y]", 1.5), alive.name: Death(SURVIVED, 2.0)}
    text = result.write([killed, alive], deaths, "abc", 2)
    assert "2 mutants of commit abc, 1 killed, 1 alive." in text
    assert result.read(text) == deaths


def test_the_result_of_a_part_says_how_many_were_tried() -> None:
    """Or the commit would be named for what nobody tried on it."""
    mutants = [mutant("a", "b", "It dies"), mutant("a", "b", "It dies too")]
    deaths = {each.name: Death("tests/unit/test_a.py::test_b", 1.5) for each in mutants}
    text = result.write(mutants, deaths, "abc", 1)
    assert "2 mutants of commit abc (1 tried on it, the others on earlier ones), 2 killed, 0 alive." in text


def test_a_run_that_was_stopped_goes_on_where_it_was(tmp_path: Path) -> None:
    """On the same tree only; the last line may have been cut off."""
    path = tmp_path / "journal"
    stopped = Journal(path, "this tree")
    verdicts = [Verdict("unit", "lives", None, 1), Verdict("unit", "dies", "tests/a.py::b", 2)]
    for each in (*verdicts, Verdict("flow", "is-cut-off", None, 1)):
        stopped.add(each)
    path.write_text(path.read_text()[:-9])
    for _ in range(2):
        goes_on = Journal(path, "this tree")
        assert [each for name in ("lives", "dies", "is-cut-off") for each in goes_on.of(name)] == verdicts
        assert (goes_on.lives("lives"), goes_on.lives("dies"), goes_on.has("unit", "lives")) == (True, False, True)
    assert Journal(path, "another tree").of("lives") == []


def test_what_was_killed_before_and_lives_now_is_named() -> None:
    killed, alive = Death("tests/unit/test_a.py::test_b", 1), Death(SURVIVED, 1)
    before = {"still-dies": killed, "lives-now": killed, "lived-already": alive, "was-not-run": killed}
    now = {"still-dies": killed, "lives-now": alive, "lived-already": alive, "is-new": alive}
    assert result.newly_alive(before, now) == ["lives-now"]


class ScriptedTree(Tree):
    """Each run of its tests comes to the next of `ends`; `broken` tells which ran with the mutant in place."""

    def __init__(self, folder: Path, *ends: str) -> None:
        self.folder, self._ends, self.broken = folder, list(ends), list[bool]()

    def run(self, arguments: Sequence[str], output: Path, seconds: float, **environment: str) -> int:
        self.broken.append("BROKEN" in (self.folder / BROKEN.path).read_text())
        end = self._ends.pop(0)
        output.write_text("")
        if end == "passes":
            return 0
        told = {"test": TEST, "why": end, "is_late": end == "is late"}
        (Path(environment["MUTANTS_OUT"]) / "failed.json").write_text(json.dumps(told))
        return 1


BROKEN, TEST = mutant("LIMIT = 3", "BROKEN = 3"), "tests/unit/test_limits.py::test_it"


@pytest.mark.parametrize(
    ("ends", "is_killed", "broken"),
    [
        (["passes"], False, [True]),
        (["fails"], True, [True]),
        (["is late", "passes"], True, [True, False]),
        (["is late", "is late", "passes"], False, [True, False, True]),
        (["is late", "is late", "fails"], True, [True, False, True]),
    ],
)
def test_a_test_that_is_late_kills_only_if_it_is_not_late_without_the_mutant(
    tmp_path: Path, ends: list[str], is_killed: bool, broken: list[bool]
) -> None:
    """A machine that is busy with other things makes tests slow."""
    tree = ScriptedTree(tmp_path, *ends)
    (tmp_path / BROKEN.path).parent.mkdir(parents=True)
    tree.write(BROKEN.path, SOURCE)
    found = first_failure(tree, Tier({TEST: 0.1}, {BROKEN.name: [TEST]}, []), BROKEN)
    assert (found is not None, tree.broken) == (is_killed, broken)
    assert (tmp_path / BROKEN.path).read_text() == SOURCE


def test_a_machine_that_is_too_busy_for_a_verdict_ends_the_run(tmp_path: Path) -> None:
    """What it has found until then is kept."""
    tree = ScriptedTree(tmp_path, *["is late"] * 6)
    (tmp_path / BROKEN.path).parent.mkdir(parents=True)
    tree.write(BROKEN.path, SOURCE)
    with pytest.raises(TierError, match="nobody-spends-more: the machine is too busy"):
        first_failure(tree, Tier({TEST: 0.1}, {BROKEN.name: [TEST]}, []), BROKEN)


# --- stages


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Four stages that end as their names say, chosen by their numbers."""
    ends = {"first": "0", "second": "0", "fails": "3", "never": "0"}
    made = [stages.Stage(name, 1, (sys.executable, "-c", f"exit({status})")) for name, status in ends.items()]
    monkeypatch.setattr(stages, "STAGES", tuple(made))

    def main(*numbers: str) -> int:
        monkeypatch.setattr(sys, "argv", ["stages", *numbers])
        return stages.main()

    return main


def test_without_numbers_all_stages_run_until_one_fails(
    run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run() == 3
    said = capsys.readouterr()
    assert [line for line in said.out.splitlines() if "about" in line] == [
        "4 stages, about 4 minutes",
        "[1/4] first: about 1 min",
        "[2/4] second: about 1 min",
        "[3/4] fails: about 1 min",
    ]
    assert 'make test STAGES="3"' in said.err


def test_stages_can_be_chosen(run: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert run("4", "1") == 0
    assert capsys.readouterr().out.splitlines()[0] == "2 stages, about 2 minutes"
    with pytest.raises(SystemExit):
        run("7")
    assert "there is no stage 7: they are 1 to 4" in capsys.readouterr().err


def test_the_last_stage_begins_with_the_first_and_is_shown_last(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    meets = (
        "import pathlib, sys, time; [time.sleep(0.01) for _ in range(1000) if not pathlib.Path(sys.argv[1]).exists()]"
    )
    met = tmp_path / "met"
    first = (sys.executable, "-c", f"{meets}; print('first')", str(met))
    last = (sys.executable, "-c", f"open({str(met)!r}, 'w'); print('last'); exit(5)")
    monkeypatch.setattr(stages, "STAGES", (stages.Stage("first", 1, first), stages.Stage("last", 1, last)))
    monkeypatch.setattr(sys, "argv", ["stages"])
    began = time.monotonic()
    assert stages.main() == 5
    assert time.monotonic() - began < 9, "the first waits ten seconds for the last"
    assert capfd.readouterr().out.split("\n\n[2/2]")[0].endswith("about 1 min\nfirst")
