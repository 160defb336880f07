"""Runs the tests of a tier in a copy of the tree: once to see who gets where, then for each mutant those that do."""

from __future__ import annotations

import json
import re
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from testkit.mutants.catalog import Mutant
from testkit.mutants.probes import probed
from testkit.mutants.tree import Tree

TIERS = {"unit": ("unit",), "process": ("lives", "random_lives"), "crashes": ("crashes",)}
"""Folders of `tests`, the fastest first. Those that run the application in one process cost the same."""
_LETTERS = 5
"""By so many words are compared: their ends differ."""
_WORD_FACTOR = 4
"""How much longer a test may take, to be tried first, for each word that its name shares with the fact."""
_PATIENCE_SECONDS, _PATIENCE_FACTOR = 20, 10
"""What a test may take beside a mutant, and how many times what it takes without one."""
_BUSY_FACTORS = (1, 5, 25)
"""How many times that it may take, one after the other, while it is too slow without the mutant as well."""
_START_SECONDS = 120
_SHOWN_CHARACTERS = 4000


class TierError(Exception):
    """Tests did not run as they have to before any mutant is made."""


@dataclass(frozen=True)
class Failure:
    """The first test that fails with a mutant, and pytest's words."""

    test: str
    why: str
    is_late: bool = False
    """The test took longer than it may."""


@dataclass(frozen=True)
class Tier:
    """What some tests do without a mutant."""

    seconds: dict[str, float]
    """By the test's id."""
    reached: dict[str, list[str]]
    """Tests that get to a mutant, by its name, in the order to try them."""
    modules: list[str]
    """Of other packages, that its tests import."""


def observe(tree: Tree, tests: Sequence[str], mutants: Sequence[Mutant], workers: int) -> Tier:
    """Run tests, or folders of them, with probes in place of the mutants; raises `TierError` where one fails."""
    by_path = defaultdict(list)
    for each in mutants:
        by_path[each.path].append(each)
    originals = {path: (tree.folder / path).read_text() for path in by_path}
    everywhere: set[str] = set()
    for path, of_file in by_path.items():
        text, needless = probed(originals[path], of_file)
        everywhere |= needless
        tree.write(path, text)
    with tempfile.TemporaryDirectory() as out:
        printed = tree.run_all(_files_of(tests), workers, MUTANTS_OUT=out, **_only(tests, Path(out)))
        parts = [json.loads(part.read_text()) for part in Path(out).glob("session-*.json")]
    for path, text in originals.items():
        tree.write(path, text)
    found = {test: known for part in parts for test, known in part["tests"].items()}
    if not found or not all(known["is_good"] for known in found.values()):
        raise TierError(f"tests fail without any mutant:\n{printed[-_SHOWN_CHARACTERS:]}")
    seconds = {test: known["seconds"] for test, known in found.items()}
    reached = {
        each.name: _in_order(
            each, [test for test in found if each.name in everywhere or each.name in found[test]["reached"]], seconds
        )
        for each in mutants
    }
    modules = dict.fromkeys(name for part in parts for name in part["modules"])
    return Tier(seconds, reached, list(modules))


def _in_order(mutant: Mutant, tests: Iterable[str], seconds: Mapping[str, float]) -> list[str]:
    """The quickest first, and before them those that are about the same thing by their names."""
    words = _words(mutant.name)
    return sorted(tests, key=lambda test: seconds[test] / _WORD_FACTOR ** len(words & _words(test)))


def _words(text: str) -> set[str]:
    return {word[:_LETTERS] for word in re.findall("[a-z]{4,}", text.lower())} - {"that", "test", "tests"}


def _files_of(tests: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(test.partition("::")[0] for test in tests))


def _only(tests: Sequence[str], folder: Path) -> dict[str, str]:
    """The order to run just these tests, where they are tests and not folders."""
    if not any("::" in test for test in tests):
        return {}
    orders = folder / "tests.json"
    orders.write_text(json.dumps(dict.fromkeys(tests, 0)))
    return {"MUTANTS_TESTS": str(orders)}


def first_failure(tree: Tree, tier: Tier, mutant: Mutant) -> Failure | None:
    """The first test that fails with the mutant, of those that get to it; None where all pass.

    A test that takes too long proves nothing while the machine is so busy that it does so without the mutant too.
    """
    tests = tier.reached[mutant.name]
    for factor in _BUSY_FACTORS if tests else ():
        failure = _failure_of(tree, tier, tests, factor, mutant)
        if failure is None or not failure.is_late:
            return failure
        alone = failure.test if failure.test in tests else tests[0]
        if _failure_of(tree, tier, [alone], factor) is None:
            return failure
    if tests:
        raise TierError(f"{mutant.name}: the machine is too busy, its tests take too long without it as well")
    return None


def _failure_of(
    tree: Tree, tier: Tier, tests: Sequence[str], factor: int, mutant: Mutant | None = None
) -> Failure | None:
    limits = {test: factor * (_PATIENCE_SECONDS + _PATIENCE_FACTOR * tier.seconds[test]) for test in tests}
    original = (tree.folder / mutant.path).read_text() if mutant else ""
    if mutant:
        tree.write(mutant.path, mutant.applied_to(original))
    with tempfile.TemporaryDirectory() as folder:
        orders, told, output = (Path(folder) / name for name in ("tests.json", "failed.json", "output.txt"))
        orders.write_text(json.dumps(limits))
        environment = {"MUTANTS_OUT": folder, "MUTANTS_TESTS": str(orders), "MUTANTS_BROKEN": "yes"}
        patience = factor * (_START_SECONDS + _PATIENCE_FACTOR * sum(tier.seconds[test] for test in tests))
        code = tree.run(["-x", *_files_of(tests)], output, patience, **environment)
        failed = json.loads(told.read_text()) if told.exists() else None
        printed = output.read_text()
    if mutant:
        tree.write(mutant.path, original)
    if failed is not None:
        return Failure(**failed)
    return None if code == 0 else Failure("no test: pytest itself ends", printed, is_late=code is None)
