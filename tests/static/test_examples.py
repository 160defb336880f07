"""Every example is deployed by a test, as it is, and says in its first line what it is for."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import Path

import pytest

from local.deployment import ROOT
from testkit.template import template

TEMPLATES = sorted((ROOT / "docs" / "examples").iterdir())
CONFIGURATIONS = sorted((ROOT / "terraform" / "examples").iterdir())
DEPLOYING = {"create_example", "begin_create_example", "terraform"}
"""`Stack`'s methods, and the fixture of test_terraform.py, whose caller applies what it gives."""


def deployed_by(sources: Iterable[str]) -> set[str]:
    """The examples that test functions name in a call of what deploys them."""
    found = set()
    for source in sources:
        for function in ast.walk(ast.parse(source)):
            if isinstance(function, ast.FunctionDef) and function.name.startswith("test_"):
                found |= {name for call in ast.walk(function) if (name := _named_in(call))}
    return found


def _named_in(call: ast.AST) -> str | None:
    if not (isinstance(call, ast.Call) and call.args and isinstance(call.args[0], ast.Constant)):
        return None
    called = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", None)
    return str(call.args[0].value) if called in DEPLOYING else None


def test_every_example_is_deployed_by_a_test() -> None:
    deployed = deployed_by(path.read_text() for path in (ROOT / "tests" / "e2e").glob("test_*.py"))
    assert deployed == {path.name for path in (*TEMPLATES, *CONFIGURATIONS)}


@pytest.mark.parametrize(
    ("source", "deployed"),
    [
        ('"""question.yaml"""', set()),
        ('def test_it(stack):\n    # stack.create_example("question.yaml")\n    assert stack.create({})', set()),
        ('def test_it(stack):\n    read("question.yaml")', set()),
        ('def helper(stack):\n    stack.create_example("question.yaml")', set()),
        ('def test_it(stack):\n    assert stack.create_example("question.yaml") == "X"', {"question.yaml"}),
        ('def test_it(terraform):\n    terraform("basic").run("apply")', {"basic"}),
    ],
)
def test_an_example_counts_where_a_test_deploys_it_and_not_where_it_is_mentioned(
    source: str, deployed: set[str]
) -> None:
    assert deployed_by([source]) == deployed


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_says_what_it_is_for_and_has_defaults(path: Path) -> None:
    assert path.read_text().partition("\n")[0].endswith(".")
    without = {name for name, each in template(path).get("Parameters", {}).items() if "Default" not in each}
    assert without <= {"ServiceToken", "FileId"}, "what nobody but the user knows"


def test_each_configuration_has_the_files_of_a_module() -> None:
    wanted = {"README.md", "main.tf", "outputs.tf", "variables.tf", "versions.tf"}
    files = {path: {each.name for each in path.iterdir() if each.is_file()} for path in CONFIGURATIONS}
    assert {path for path, names in files.items() if {n for n in names if not n.startswith(".")} != wanted} == set()
