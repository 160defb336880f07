"""The index of docs/decisions.md has every decision once, and a superseded one links to its successor."""

from __future__ import annotations

import re

from tests.support.pages import ROOT

TEXT = (ROOT / "docs" / "decisions.md").read_text()
INDEX, _, ENTRIES = TEXT.partition("\n## 20")


def test_the_index_has_every_decision_once() -> None:
    titles = re.findall(r"^## \d{4}-\d\d-\d\d (.+)$", f"\n## 20{ENTRIES}", re.MULTILINE)
    listed = re.findall(r"^- \[(.+)\]\(#\S+\)$", INDEX, re.MULTILINE)
    assert len(titles) > 50
    assert sorted(listed) == sorted(titles)


def test_what_supersedes_a_decision_is_linked_from_it() -> None:
    notes = re.findall(r"^\*\*(?:Superseded|Extended)[^*]*\*\* (.*)$", TEXT, re.MULTILINE)
    assert len(notes) > 5
    assert all(re.fullmatch(r"\[.+\]\(#\S+\)\.", note) for note in notes), notes
