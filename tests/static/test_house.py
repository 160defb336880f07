"""The house stays easy to read: short files and functions, few parameters, small records."""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from local.deployment import ROOT

LAYER = ROOT / "layers/threadrun"
PRODUCT = sorted([*(LAYER / "threadrun").rglob("*.py"), *(ROOT / "functions").glob("*/app.py")])
FILE_LINES, FUNCTION_LINES, PARAMETERS, FIELDS = 300, 40, 6, 20


def functions(path: Path) -> Iterator[ast.FunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef):
            yield node


def parameters(function: ast.FunctionDef) -> list[str]:
    """What a caller gives: `self` is not among it."""
    given = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    return [each.arg for each in given if each.arg not in ("self", "cls")]


def models() -> Iterator[type[BaseModel]]:
    for path in (LAYER / "threadrun").rglob("*.py"):
        module = importlib.import_module(".".join(path.relative_to(LAYER).with_suffix("").parts))
        for _, value in inspect.getmembers(module, inspect.isclass):
            if issubclass(value, BaseModel) and value.__module__ == module.__name__:
                yield value


@pytest.mark.parametrize("path", PRODUCT, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_are_short_and_take_few_parameters(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= FILE_LINES
    for function in functions(path):
        assert (function.end_lineno or 0) - function.lineno + 1 <= FUNCTION_LINES, function.name
        assert len(parameters(function)) <= PARAMETERS, function.name


def test_no_record_has_more_fields_than_a_reader_can_hold() -> None:
    """The arguments' own models are the users' interface, and as long as that is."""
    large = {each.__name__: len(each.model_fields) for each in models() if len(each.model_fields) > FIELDS}
    assert {name for name in large if not name.startswith(("Desired", "Generation"))} == set(), large


def test_types_are_told_by_the_types_not_by_asserts() -> None:
    found = [path for path in PRODUCT for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Assert)]
    assert found == []
