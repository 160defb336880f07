"""Every file says in its first line why it is there."""

from __future__ import annotations

from pathlib import Path

from tests.support.pages import ROOT, paths

FOLDERS = ("bench", "docs", "functions", "layers", "local", "statemachine", "terraform", "tests")
BEGINNINGS = {
    ".py": ('"""',),
    ".tf": ("# ",),
    ".hcl": ("# ",),
    ".yaml": ("# ",),
    ".toml": ("# ",),
    ".js": ("// ", "/*"),
    ".md": ("# ",),
}
OTHERWISE = {"bench/conditions.md": "a part of a page that the bench writes"}
FILES = [
    path
    for ending in BEGINNINGS
    for path in paths(f"*{ending}", *(f"{folder}/**/*{ending}" for folder in FOLDERS))
    if str(path.relative_to(ROOT)) not in OTHERWISE
]


def says_why(path: Path) -> bool:
    first = path.read_text().partition("\n")[0]
    return first.startswith(BEGINNINGS[path.suffix]) and len(first) > 8


def test_every_file_begins_with_why_it_is_there() -> None:
    assert len(FILES) > 250
    assert {path.suffix for path in FILES} == set(BEGINNINGS)
    assert [str(path.relative_to(ROOT)) for path in FILES if not says_why(path)] == []
