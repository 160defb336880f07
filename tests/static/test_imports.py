"""Who may import whom outside of the package, whose own order import-linter keeps."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.deployment import ROOT

STOREYS = {"threadrun": "layers/threadrun/threadrun"} | {
    name: name for name in ("functions", "local", "testkit", "bench", "tests")
}
"""From the lowest up: each may import what is below it."""
SHARED = ("tests.support", "tests.contract.watch")


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            yield str(node.module)
            yield from (f"{node.module}.{each.name}" for each in node.names)
        elif isinstance(node, ast.Import):
            yield from (each.name for each in node.names)


@pytest.mark.parametrize("storey", STOREYS)
def test_each_storey_stands_on_those_below_it(storey: str) -> None:
    above = set(list(STOREYS)[list(STOREYS).index(storey) + 1 :])
    paths = sorted((ROOT / STOREYS[storey]).rglob("*.py"))
    assert paths
    found = {(str(path.relative_to(ROOT)), name) for path in paths for name in imported(path)}
    assert {(path, name) for path, name in found if name.partition(".")[0] in above} == set()


def test_tests_import_what_is_for_all_or_in_their_own_folder_and_no_tests() -> None:
    wrong = set()
    for path in sorted((ROOT / "tests").rglob("*.py")):
        own = f"tests.{path.relative_to(ROOT / 'tests').parts[0]}."
        for name in imported(path):
            is_test = any(part.startswith("test_") or part == "conftest" for part in name.split(".")[:3])
            if name.startswith("tests.") and (is_test or not f"{name}.".startswith((*SHARED, own))):
                wrong.add((str(path.relative_to(ROOT)), name))
    assert wrong == set()
