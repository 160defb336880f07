"""The house stays easy to read, where no linter looks: short files and functions, small records, tests apart."""

import ast
import importlib
import inspect
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from pydantic import BaseModel

from local.deployment import ROOT

LAYER = ROOT / "layers/threadrun"
PRODUCT = sorted([*(LAYER / "threadrun").rglob("*.py"), *(ROOT / "functions").glob("*/app.py")])
FILE_LINES, FUNCTION_LINES, FIELDS = 300, 40, 20
SHARED = ("tests.support", "tests.contract.watch")


@cache
def nodes(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(path.read_text())))


def models() -> Iterator[type[BaseModel]]:
    for path in (LAYER / "threadrun").rglob("*.py"):
        module = importlib.import_module(".".join(path.relative_to(LAYER).with_suffix("").parts))
        for _, value in inspect.getmembers(module, inspect.isclass):
            if issubclass(value, BaseModel) and value.__module__ == module.__name__:
                yield value


def imported(path: Path) -> Iterator[str]:
    for node in nodes(path):
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            yield str(node.module)
            yield from (f"{node.module}.{each.name}" for each in node.names)
        elif isinstance(node, ast.Import):
            yield from (each.name for each in node.names)


def test_files_and_functions_are_short() -> None:
    wrong = [path for path in PRODUCT if len(path.read_text().splitlines()) > FILE_LINES]
    functions = [(path, each) for path in PRODUCT for each in nodes(path) if isinstance(each, ast.FunctionDef)]
    long = [(path, each.name) for path, each in functions if (each.end_lineno or 0) - each.lineno >= FUNCTION_LINES]
    assert len(functions) > 300
    assert (wrong, long) == ([], [])


def test_no_traceback_is_logged() -> None:
    """It has the texts of all errors that led there, and a server or the HTTP library may quote the key."""
    for path in PRODUCT:
        calls = [each for each in nodes(path) if isinstance(each, ast.Call)]
        names = {each.func.attr for each in calls if isinstance(each.func, ast.Attribute)}
        options = {keyword.arg for each in calls for keyword in each.keywords}
        assert not names & {"exception", "format_exc", "format_exception", "print_exc"}, path
        assert not options & {"exc_info", "log_uncaught_exceptions"}, path


def test_no_record_has_more_fields_than_a_reader_can_hold() -> None:
    """The arguments' own models are the users' interface, and as long as that is."""
    large = {each.__name__: len(each.model_fields) for each in models() if len(each.model_fields) > FIELDS}
    assert {name for name in large if not name.startswith(("Desired", "Generation"))} == set(), large


def test_tests_import_what_is_for_all_or_in_their_own_folder_and_no_tests() -> None:
    wrong = set()
    for path in sorted((ROOT / "tests").rglob("*.py")):
        own = f"tests.{path.relative_to(ROOT / 'tests').parts[0]}."
        for name in imported(path):
            is_test = any(part.startswith("test_") or part == "conftest" for part in name.split(".")[:3])
            if name.startswith("tests.") and (is_test or not f"{name}.".startswith((*SHARED, own))):
                wrong.add((str(path.relative_to(ROOT)), name))
    assert wrong == set()
