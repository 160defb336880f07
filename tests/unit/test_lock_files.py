"""The locks are those of pyproject.toml, the layer declares what it imports, and a bot looks after all of them."""

import ast
import json
import re
import sys
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from local.lock import LOCKS, ROOT, command
from tests.support.lock_files import direct, groups, included, pins

OF_THE_RUNTIME = {"boto3", "botocore", "urllib3"}
OF_DECLARED_PACKAGES = {
    "pydantic_core": "pydantic",
    "jsonschema_specifications": "jsonschema",
    "referencing": "jsonschema",
}
IN_LAMBDA = [*(ROOT / "layers").glob("**/*.py"), *(ROOT / "functions").glob("**/*.py")]


@pytest.mark.parametrize("group", [*groups(), "oldest"])
def test_each_group_has_a_lock_and_in_its_head_the_command_that_made_it(group: str) -> None:
    """The bot runs what it finds there."""
    head = (ROOT / LOCKS[group]).read_text().splitlines()[1]
    assert head == f"#    uv {' '.join(command(group))}"


@pytest.mark.parametrize("group", groups())
def test_a_lock_has_what_its_group_asks_for(group: str) -> None:
    for name, asked in direct(group).items():
        assert asked.specifier.contains(pins(group)[name]), f"{LOCKS[group]}: {name}"


@pytest.mark.parametrize(("group", "other"), [(group, other) for group in groups() for other in included(group)])
def test_a_lock_has_all_packages_of_the_groups_that_it_includes(group: str, other: str) -> None:
    assert set(pins(other)) <= set(pins(group))


def test_the_tests_run_with_the_versions_that_the_layer_has() -> None:
    """But for pydantic, which the emulator holds back: the layer's own is used wherever the application is deployed."""
    names = set(direct("runtime")) - {"pydantic"}
    assert {name: pins("runtime")[name] for name in names} == {name: pins("dev")[name] for name in names}


@pytest.mark.parametrize(("name", "asked"), direct("runtime").items())
def test_the_oldest_versions_are_the_lower_bounds(name: str, asked: object) -> None:
    [lowest] = re.findall(r">=([\d.]+)", str(asked))
    assert (pins("oldest")[name] + ".0").startswith(f"{lowest}.0")


def test_the_layer_declares_what_it_imports() -> None:
    """Type stubs are not imported when it runs."""
    nodes = [node for path in IN_LAMBDA for node in ast.walk(ast.parse(path.read_text()))]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
    imported = {name.partition(".")[0] for name in names if not name.startswith("mypy_boto3_")}
    others = imported - sys.stdlib_module_names - OF_THE_RUNTIME - {"threadrun"}
    assert "openai" in others
    assert {canonicalize_name(OF_DECLARED_PACKAGES.get(name, name)) for name in others} <= set(direct("runtime"))


# --- the bot

BOT = json.loads((ROOT / "renovate.json").read_text())
MANAGED = {
    "pip-compile": "**/requirements*.txt",
    "npm": "**/package.json",
    "terraform": "**/*.tf",
    "github-actions": ".github/workflows/*.y*ml",
    "dockerfile": "**/Dockerfile*",
    "pre-commit": ".pre-commit-config.yaml",
}
"""What each of the bot's managers is for, of the kinds of file that pin something."""

OURS = ("bench", "functions", "layers", "local", "statemachine", "terraform", "tests", ".github")


def files(pattern: str) -> list[str]:
    """Files of the repository, not of what is installed or built beside them."""
    found = [path.relative_to(ROOT) for path in ROOT.glob(pattern) if path.is_file()]
    return [
        str(path)
        for path in found
        if (len(path.parts) == 1 or path.parts[0] in OURS) and not {".terraform", "node_modules"} & {*path.parts}
    ]


def test_the_bot_updates_every_kind_of_file_that_pins_something() -> None:
    """Hooks of this repository's own pin nothing."""
    there = {manager for manager, pattern in MANAGED.items() if files(pattern)}
    hooks = (ROOT / ".pre-commit-config.yaml").read_text()
    if re.findall(r"repo: (\S+)", hooks) == ["local"]:
        there.discard("pre-commit")
    assert there == set(BOT["enabledManagers"])


def test_the_bot_updates_every_lock_but_the_oldest() -> None:
    patterns = [re.compile(each.strip("/")) for each in BOT["pip-compile"]["managerFilePatterns"]]
    matched = {path for path in files("**/requirements*.txt") if any(each.search(path) for each in patterns)}
    assert matched == set(LOCKS.values())
    assert BOT["ignorePaths"] == [LOCKS["oldest"]]


def test_every_package_of_npm_has_a_lock() -> None:
    folders = {Path(path).parent for path in files("**/package.json")}
    assert folders == {Path(path).parent for path in files("**/package-lock.json")} != set()
