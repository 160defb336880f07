"""The pages for users are in plain English: none of the words of prose.yaml is in them, outside of code."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from markdown_it import MarkdownIt

from testkit.template import template
from tests.support.pages import ROOT, paths

RULES: list[dict[str, str]] = yaml.safe_load(Path(__file__).with_name("prose.yaml").read_text())
LOOK_FOR = [(re.compile(rule["word"], re.IGNORECASE), rule["instead"]) for rule in RULES]
PATTERNS = ("*.md", ".github/**/*.md", "cdk/**/*.md", "docs/**/*.md", "terraform/**/*.md")
RECORDS = {"CHANGELOG.md", "decisions.md", "interop.md"}
"""What was written at a time, or by a program: not rewritten."""


def prose_of(markdown: str) -> list[tuple[int, str]]:
    """The text of a page with its lines, without code."""
    found = []
    for token in MarkdownIt("commonmark").enable("table").parse(markdown):
        for child in token.children or ():
            if child.type == "text" and token.map:
                found.append((token.map[0] + 1, child.content))
    return found


def problems(text: str) -> list[str]:
    return [f"{word[0].strip(' .')}: {instead}" for pattern, instead in LOOK_FOR if (word := pattern.search(text))]


PAGES = [path for path in paths(*PATTERNS) if path.name not in RECORDS]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_page_has_plain_words(path: Path) -> None:
    assert not [f"{line}: {each}" for line, text in prose_of(path.read_text()) for each in problems(text)]


def descriptions(part: Any) -> list[str]:
    if isinstance(part, dict):
        own = [part[key] for key in ("Description", "AssertDescription") if isinstance(part.get(key), str)]
        return own + [each for value in part.values() for each in descriptions(value)]
    return [each for value in part for each in descriptions(value)] if isinstance(part, list) else []


def test_the_templates_descriptions_have_plain_words() -> None:
    found = descriptions(template())
    assert len(found) > 20
    assert not [each for text in found for each in problems(text)]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("It is told at once.", "told"),
        ("This text is no JSON.", "is no JSON"),
        ("For who has it.", "For who has"),
        ("Nobody knows.", "Nobody"),
        ("It is open to anybody.", "anybody"),
        ("A replacement is no change.", "is no change"),
        ("Who may read it sees it.", "Who may"),
        ("Shown to whoever asks.", "whoever"),
        ("The server does not tell it.", "does not tell"),
        ("It is gone for good.", "for good"),
        ("It is read anew.", "anew"),
        ("3600 unless set", "unless set"),
        ("All but for two.", "but for"),
        ("A proxy, say.", ", say"),
        ("It waits. Else it ends.", "Else"),
        ("The promised JSON.", "promised"),
    ],
)
def test_a_word_of_the_list_is_found(text: str, word: str) -> None:
    [(_, read)] = prose_of(text)
    assert any(word.strip(" .") in each for each in problems(read))


def test_code_is_not_prose() -> None:
    assert prose_of("`told`\n\n```text\ntold\n```\n") == []
