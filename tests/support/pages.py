"""The documentation as data: links, anchors, code and what is set in code font, each with its file and line."""

import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from testkit.template import ROOT

PATTERNS = ("*.md", ".github/**/*.md", "bench/**/*.md", "cdk/**/*.md", "docs/**/*.md", "terraform/**/*.md")
_HTML_LINK = re.compile(r"""<(?:a|img|source)\b[^>]*?\b(?:href|src|srcset)\s*=\s*["']([^"']+)["']""", re.IGNORECASE)
_HTML_ANCHOR = re.compile(r"""<\w+\b[^>]*?\b(?:id|name)\s*=\s*["']([^"']+)["']""", re.IGNORECASE)


@dataclass(frozen=True)
class Found:
    """Something in a page; `place` is file:line, as an editor opens it."""

    path: Path
    line: int
    text: str

    @property
    def place(self) -> str:
        path = self.path.relative_to(ROOT) if self.path.is_relative_to(ROOT) else self.path
        return f"{path}:{self.line}"


@dataclass(frozen=True)
class Block(Found):
    """A code block; `line` is that of its first line of code."""

    language: str = ""


@dataclass
class Page:
    """What a Markdown file holds."""

    path: Path
    links: list[Found] = field(default_factory=list)
    spans: list[Found] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)


def read(path: Path, text: str) -> Page:
    """Read a page as GitHub does, so far as the checks need it."""
    page = Page(path)
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    line = 1
    for index, token in enumerate(tokens):
        line = token.map[0] + 1 if token.map else line
        if token.type == "fence":
            page.blocks.append(Block(path, line + 1, token.content, token.info.strip()))
        elif token.type == "code_block":
            page.blocks.append(Block(path, line, token.content))
        elif token.type == "html_block":
            _read_html(page, token.content, line)
        elif token.type == "inline":
            _read_inline(page, token.children or (), line)
        elif token.type == "heading_open":
            _add_anchor(page, tokens[index + 1].children or ())
    return page


def _read_inline(page: Page, children: Sequence[Token], line: int) -> None:
    for child in children:
        if child.type in ("softbreak", "hardbreak"):
            line += 1
        elif child.type in ("link_open", "image"):
            page.links.append(Found(page.path, line, str(child.attrs["href" if child.type == "link_open" else "src"])))
        elif child.type == "code_inline":
            page.spans.append(Found(page.path, line, child.content))
        elif child.type == "html_inline":
            _read_html(page, child.content, line)


def _read_html(page: Page, html: str, line: int) -> None:
    page.links += [Found(page.path, line, link) for link in _HTML_LINK.findall(html)]
    page.anchors |= set(_HTML_ANCHOR.findall(html))


def _add_anchor(page: Page, children: Sequence[Token]) -> None:
    """GitHub's rule: lower case, spaces as hyphens, without punctuation; the second of a name gets a number."""
    heading = "".join(child.content for child in children if child.type in ("text", "code_inline"))
    plain = re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
    number, name = 0, plain
    while name in page.anchors:
        number += 1
        name = f"{plain}-{number}"
    page.anchors.add(name)


@functools.cache
def page_at(path: Path) -> Page:
    return read(path, path.read_text())


def paths(*patterns: str) -> list[Path]:
    """Files of the repository, without what terraform keeps beside them."""
    found = {path for pattern in patterns for path in ROOT.glob(pattern) if ".terraform" not in path.parts}
    return sorted(found)


def pages() -> Iterator[Page]:
    return map(page_at, paths(*PATTERNS))
