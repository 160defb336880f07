"""The version is said in one place, and every other place is held to it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

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
