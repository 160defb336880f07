"""Runs the tests of a tier in a copy of the tree: once to see who gets where, then for each mutant those that do."""

from __future__ import annotations

import json
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from testkit.mutants.catalog import Mutant
from testkit.mutants.probes import probed
from testkit.mutants.tree import Tree

TIERS = ("unit", "flow", "random_lives", "wires", "crashes")
"""Folders of `tests`, the fastest first."""
_PATIENCE_SECONDS, _PATIENCE_FACTOR = 20, 10
"""What a test may take beside a mutant, and how many times what it takes without one."""
_START_SECONDS = 120
_SHOWN_CHARACTERS = 4000


class TierError(Exception):
    """Tests did not run as they have to before any mutant is made."""


@dataclass(frozen=True)
class Failure:
    """The first test that fails with a mutant, and pytest's words."""

    test: str
    why: str


@dataclass(frozen=True)
class Tier:
    """What the tests of one folder do without a mutant."""

    seconds: dict[str, float]
    """By the test's id."""
    reached: dict[str, list[str]]
    """Tests that get to a mutant, by its name, the quickest first."""
    modules: list[str]
    """Of other packages, that its tests import."""


def observe(tree: Tree, tier: str, mutants: Sequence[Mutant]) -> Tier:
    """Run the tier with probes in place of the mutants; raises `TierError` where one of its tests fails."""
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
        printed = tree.run_all([f"tests/{tier}"], MUTANTS_OUT=out)
        parts = [json.loads(part.read_text()) for part in Path(out).glob("session-*.json")]
    for path, text in originals.items():
        tree.write(path, text)
    tests = {test: known for part in parts for test, known in part["tests"].items()}
    if not tests or not all(known["is_good"] for known in tests.values()):
        raise TierError(f"tests/{tier} fails without any mutant:\n{printed[-_SHOWN_CHARACTERS:]}")
    quickest = sorted(tests, key=lambda test: tests[test]["seconds"])
    reached = {
        each.name: [test for test in quickest if each.name in everywhere or each.name in tests[test]["reached"]]
        for each in mutants
    }
    modules = dict.fromkeys(name for part in parts for name in part["modules"])
    return Tier({test: known["seconds"] for test, known in tests.items()}, reached, list(modules))


def first_failure(tree: Tree, tier: Tier, mutant: Mutant) -> Failure | None:
    """The first test that fails with the mutant, of those that get to it; None where all pass."""
    tests = tier.reached[mutant.name]
    if not tests:
        return None
    limits = {test: _PATIENCE_SECONDS + _PATIENCE_FACTOR * tier.seconds[test] for test in tests}
    files = dict.fromkeys(test.partition("::")[0] for test in tests)
    original = (tree.folder / mutant.path).read_text()
    tree.write(mutant.path, mutant.applied_to(original))
    with tempfile.TemporaryDirectory() as folder:
        orders, told, output = (Path(folder) / name for name in ("tests.json", "failed.json", "output.txt"))
        orders.write_text(json.dumps(limits))
        patience = _START_SECONDS + _PATIENCE_FACTOR * sum(tier.seconds[test] for test in tests)
        code = tree.run(["-x", *files], output, patience, MUTANTS_OUT=folder, MUTANTS_TESTS=str(orders))
        failed = json.loads(told.read_text()) if told.exists() else None
        printed = output.read_text()
    tree.write(mutant.path, original)
    if failed is not None:
        return Failure(failed["test"], failed["why"])
    return None if code == 0 else Failure("no test: pytest itself ends", printed)
