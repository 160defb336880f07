"""The version is said in one place, the locks are those of pyproject.toml, and a bot looks after all of them."""

import ast
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from local.lock import LOCKS, command
from local.release import (
    CHANGELOG,
    ROOT,
    TEMPLATE,
    VERSION_FILE,
    Problem,
    disagreements,
    revision_of,
    unfinished,
    version_of,
)
from tests.support.lock_files import direct, groups, included, pins

UNRELEASED = "# Changelog\n\n## Unreleased\n\n"


def replace(tree: Path, file: str, old: str, new: str) -> None:
    text = (tree / file).read_text()
    assert old in text
    (tree / file).write_text(text.replace(old, new))


def snapshot(tree: Path, version: str) -> Path:
    return tree / "tests/upgrade/versions" / f"{version}.json.xz"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree as it is when 1.2.0 can be released."""
    for file in (VERSION_FILE, TEMPLATE):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, tmp_path / file)
        replace(tmp_path, file, version_of(ROOT), "1.2.0")
    (tmp_path / CHANGELOG).write_text(
        UNRELEASED + "## 1.2.0 - 2026-12-24\n\n### Added\n\n- Sleigh.\n\n## 1.1.9 - 2026-12-01\n\n- Reindeer.\n"
    )
    for version in ("1.1.9", "1.2.0"):
        snapshot(tmp_path, version).parent.mkdir(parents=True, exist_ok=True)
        snapshot(tmp_path, version).touch()
    module = tmp_path / "terraform" / "modules" / "thread"
    module.mkdir(parents=True)
    (module / "README.md").write_text("# Thread\n\nVersion 1.2.0, of the application and the modules.\n")
    return tmp_path


def test_this_tree_and_one_that_is_ready_have_no_problems(tree: Path) -> None:
    assert disagreements(ROOT) == []
    assert unfinished(tree, "1.2.0") + disagreements(tree) == []


def test_between_releases_the_changelog_may_have_changes_without_a_version(tree: Path) -> None:
    (tree / CHANGELOG).write_text(UNRELEASED + "- Snow.\n\n## 1.2.0 - 2026-12-24\n\n- Sleigh.\n")
    assert disagreements(tree) == []
    [problem] = unfinished(tree, "1.2.0")
    assert (problem.where, problem.what) == (CHANGELOG, "has changes under Unreleased")


SPOILT: list[tuple[Callable[[Path], None], str]] = [
    (
        lambda tree: replace(tree, TEMPLATE, "SemanticVersion: 1.2.0", "SemanticVersion: 1.1.0"),
        f"template.yaml: says 1.1.0, {VERSION_FILE} says 1.2.0; set SemanticVersion",
    ),
    (
        lambda tree: replace(tree, TEMPLATE, "    SemanticVersion: 1.2.0\n", ""),
        f"template.yaml: says no version, {VERSION_FILE} says 1.2.0",
    ),
    (
        lambda tree: replace(tree, "terraform/modules/thread/README.md", "1.2.0", "1.1.9"),
        f"terraform/modules/thread/README.md: says 1.1.9, {VERSION_FILE} says 1.2.0; run `make reference`",
    ),
    (lambda tree: replace(tree, CHANGELOG, "1.2.0", "1.3.0"), f"CHANGELOG.md: has 1.3.0, {VERSION_FILE} says 1.2.0"),
    (lambda tree: replace(tree, CHANGELOG, "1.1.9", "1.10.0"), "CHANGELOG.md: has 1.2.0, 1.10.0 in this order"),
    (
        lambda tree: snapshot(tree, "1.10.0").touch(),
        f"tests/upgrade/versions: has 1.10.0, {VERSION_FILE} says 1.2.0",
    ),
    (
        lambda tree: snapshot(tree, "1.1.9").unlink(),
        "tests/upgrade/versions: lacks 1.1.9, which CHANGELOG.md has as released",
    ),
]


@pytest.mark.parametrize(("spoil", "said"), SPOILT)
def test_a_place_that_says_another_version_is_named(tree: Path, spoil: Callable[[Path], None], said: str) -> None:
    spoil(tree)
    assert any(str(problem).startswith(said) for problem in disagreements(tree)), disagreements(tree)


def test_another_version_than_the_trees_lacks_everything(tree: Path) -> None:
    """A heading without a date is none."""
    replace(tree, CHANGELOG, UNRELEASED, UNRELEASED + "## 1.3.0\n\n")
    assert unfinished(tree, "1.3.0") == [
        Problem(VERSION_FILE, "says 1.2.0, not 1.3.0", "set __version__"),
        Problem(CHANGELOG, "has no heading 1.3.0", "move what is under Unreleased to `## 1.3.0 - <date>`"),
        Problem(
            "tests/upgrade/versions", "has no 1.3.0", "run `make snapshot VERSION=1.3.0` and commit what it writes"
        ),
    ]


@pytest.mark.parametrize(
    "text", ["", '__version__ = "1.2"\n', '__version__ = "01.2.0"\n', '__version__ = "1.2.0rc1"\n']
)
def test_a_version_has_three_numbers(tree: Path, text: str) -> None:
    (tree / VERSION_FILE).write_text(text)
    with pytest.raises(ValueError, match="no __version__ of the form"):
        version_of(tree)


def test_the_tag_is_checked_where_there_is_one() -> None:
    answers = {"refs/tags/v1.2.0^{commit}": "a" * 40, "HEAD^{commit}": "b" * 40, "--porcelain": "M README.md"}
    assert revision_of("1.2.0", lambda *said: answers.get(said[-1], "")) == ("a" * 40, "from its tag v1.2.0 (aaaaaaa)")
    assert revision_of("1.3.0", lambda *said: answers.get(said[-1], "")) == (
        "b" * 40,
        "from HEAD (bbbbbbb), as there is no tag v1.3.0 yet, without the changes that are not committed",
    )


# --- the locks

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


def files(pattern: str) -> list[str]:
    """Files of the repository, not of what is installed or built beside them."""
    asked = ["git", "ls-files", "--cached", "--others", "--exclude-standard", f":(glob){pattern}"]
    return subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()


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
