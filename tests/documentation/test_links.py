"""Links lead somewhere, files that are named are there, and every file says in its first line what it is for."""

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.support.pages import ROOT, Found, page_at, pages, paths, read

HOSTS = {
    "aws.amazon.com",
    "developer.hashicorp.com",
    "developers.openai.com",
    "docs.aws.amazon.com",
    "github.com",
    "keepachangelog.com",
    "platform.openai.com",
}
"""Whose pages the documentation sends its readers to: another one is a decision."""

FOLDERS = ("bench", "cdk", "docs", "functions", "layers", "local", "statemachine", "terraform", "tests")
THE_READERS = {"summary.yaml", "answer.yaml", "answer-sam.yaml", "app.py"}
"""Files that the documentation has its readers write."""

FIRST_LINES = {
    ".py": '"""',
    ".tf": "# ",
    ".hcl": "# ",
    ".yaml": "# ",
    ".toml": "# ",
    ".js": ("// ", "/*"),
    ".md": "# ",
}
ENDINGS = r"\.(?:hcl|json|md|png|py|tf|toml|txt|yaml|yml)"
NAMED_DECISION = r'(?m)# docs/decisions\.md: "(.+)"$'
LINKS = [link for page in pages() for link in page.links]
SPANS = [span for page in pages() for span in page.spans]


def problem_of(link: Found) -> str | None:
    """What is wrong with a link; None where it leads somewhere."""
    parts = urlsplit(link.text)
    if parts.scheme or parts.netloc:
        if parts.scheme != "https" or not parts.hostname or " " in link.text:
            return "is not a whole https address"
        return None if parts.hostname in HOSTS else f"leads to {parts.hostname}, which is not in HOSTS"
    target = (link.path.parent / unquote(parts.path)).resolve() if parts.path else link.path
    if not target.is_relative_to(ROOT):
        return "leads out of the repository"
    if not target.exists():
        return "leads to a file that is not there"
    if parts.fragment and (target.suffix != ".md" or parts.fragment not in page_at(target).anchors):
        return "leads to a heading that is not there"
    return None


def places(found: list[Found], problems: list[str | None]) -> list[str]:
    return [f"{each.place}: {each.text} {problem}" for each, problem in zip(found, problems, strict=True) if problem]


def test_every_link_leads_somewhere() -> None:
    assert len(LINKS) > 50, "the pages were not found"
    assert not places(LINKS, [problem_of(link) for link in LINKS])


def missing_path(span: Found) -> str | None:
    """What is wrong with the name of a file; None where it is there, or is a pattern of some that are."""
    name = span.text
    if name.startswith((".build/", "*", "/")):
        return None
    pattern = re.sub(r"<\w+>", "*", name)
    # The end of a path is enough: prose names a file the way one speaks of it.
    if any(ROOT.glob(pattern)) or any(any((ROOT / folder).rglob(pattern)) for folder in FOLDERS):
        return None
    return None if name in THE_READERS else "is not there"


def test_every_file_that_is_named_is_there() -> None:
    named = [span for span in SPANS if re.fullmatch(rf"[\w./*<>-]+{ENDINGS}", span.text)]
    assert len(named) > 50, "the names were not found"
    assert not places(named, [missing_path(span) for span in named])


@pytest.mark.parametrize(
    ("markdown", "problem"),
    [
        ("[a](nobody.md)", "a file that is not there"),
        ("![a](docs/nobody.png)", "a file that is not there"),
        ('<img src="docs/nobody.png">', "a file that is not there"),
        ("[a](#nobody)", "a heading that is not there"),
        ("[a](docs/events.md#nobody)", "a heading that is not there"),
        ("[a](Makefile#help)", "a heading that is not there"),
        ("[a](../elsewhere.md)", "out of the repository"),
        ("[a](http://aws.amazon.com/)", "not a whole https address"),
        ("[a](https:///path)", "not a whole https address"),
        ("[a](https://example.com/)", "leads to example.com, which is not in HOSTS"),
        ("[a][b]\n\n[b]: nobody.md", "a file that is not there"),
        ("| a |\n| --- |\n| [a](nobody.md) |", "a file that is not there"),
    ],
)
def test_a_wrong_link_is_found(markdown: str, problem: str) -> None:
    [link] = read(ROOT / "README.md", markdown).links
    assert problem in str(problem_of(link))


def test_anchors_are_those_of_github() -> None:
    page = read(Path("x.md"), "# `make lock`, and: what (then)?\n## Über_uns\n## Über_uns\n\n[self](#über_uns-1)\n")
    assert page.anchors == {"make-lock-and-what-then", "über_uns", "über_uns-1"}


def test_a_file_that_is_named_and_not_there_is_found() -> None:
    page = read(ROOT / "README.md", "`tests/unit/test_nobody.py`, `nobody.tf`, `terraform/*.nobody.tf`, `Makefile`")
    problems = [missing_path(span) for span in page.spans]
    assert problems == ["is not there", "is not there", "is not there", None]


def test_every_file_begins_with_why_it_is_there() -> None:
    patterns = [(f"*{ending}", *(f"{folder}/**/*{ending}" for folder in FOLDERS)) for ending in FIRST_LINES]
    files = [path for each in patterns for path in paths(*each)]
    assert len(files) > 250
    assert {path.suffix for path in files} == set(FIRST_LINES)
    lines = {str(path.relative_to(ROOT)): path.read_text().partition("\n")[0] for path in files}
    bare = {
        name for name, line in lines.items() if not line.startswith(FIRST_LINES[Path(name).suffix]) or len(line) < 9
    }
    assert bare == {"bench/conditions.md"}, "a part of a page that the bench writes"


def decisions() -> list[str]:
    """The decisions' headings, without their dates."""
    text = (ROOT / "docs" / "decisions.md").read_text()
    return re.findall(r"^## \d{4}-\d\d-\d\d (.+)$", text, re.MULTILINE)


def test_every_decision_that_the_code_names_is_there() -> None:
    files = paths("layers/**/*.py", "functions/**/*.py", "statemachine/*.yaml")
    named = {(path.name, title) for path in files for title in re.findall(NAMED_DECISION, path.read_text())}
    assert len(named) > 9, "the comments were not found"
    mentions = sum(path.read_text().count("# docs/decisions.md") for path in files)
    assert mentions == sum(len(re.findall(NAMED_DECISION, path.read_text())) for path in files), "without a heading"
    assert {(name, title) for name, title in named if title not in decisions()} == set()


def test_the_index_has_every_decision_once_and_a_superseded_one_links_to_its_successor() -> None:
    text = (ROOT / "docs" / "decisions.md").read_text()
    titles = decisions()
    listed = re.findall(r"^- \[(.+)\]\(#\S+\)$", text.partition("\n## 20")[0], re.MULTILINE)
    assert len(titles) > 50
    assert sorted(listed) == sorted(titles)
    notes = re.findall(r"^\*\*(?:Superseded|Extended)[^*]*\*\* (.*)$", text, re.MULTILINE)
    assert len(notes) > 5
    assert [note for note in notes if not re.fullmatch(r"\[.+\]\(#\S+\)\.", note)] == []


def test_each_promise_of_security_names_tests_that_try_to_break_it() -> None:
    table = (ROOT / "SECURITY.md").read_text().partition("| --- |")[2].partition("\n\n")[0]
    promises = table.splitlines()[1:]
    named = [re.findall(r"`(test_\w+)`", row.rpartition(" | ")[2]) for row in promises]
    assert len(promises) > 15
    assert [row for row, names in zip(promises, named, strict=True) if not names] == []
    there = {
        name
        for path in paths("tests/**/test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)
    }
    assert {name for names in named for name in names} - there == set()
