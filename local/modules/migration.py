"""The list of new arguments in docs/migration.md: whatever the old resource did not have."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

from local.module_tables import between
from local.modules.files import MODULES, PARTS
from local.modules.shapes import Shape

BEGIN = "<!-- `make reference` writes what follows, from the models and the table above. -->"
WIDTH = 155


def migration_page(tree: Path) -> tuple[Path, str]:
    """The page, and what it should be."""
    path = tree / "docs" / "migration.md"
    text = path.read_text()
    return path, between(text, _new(text), path, BEGIN)


def _new(page: str) -> str:
    table = page.partition("| before | now |")[2].partition("\n\n")[0]
    old = set(re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE))
    of_stack = re.findall(r'^variable "(\w+)"', (PARTS / "stack.tf").read_text(), re.MULTILINE)
    of_run = [name for _, shape in MODULES[0].arguments() for name in _beyond(shape, shape.name, old)]
    of_stack, of_run = ([f"`{name}`" for name in names] for names in (of_stack, [*of_run, "output_keys"]))
    listed = f"New: {', '.join(of_stack)} of the stack; {', '.join(of_run)}. All but the first two are optional."
    return textwrap.fill(listed, WIDTH, break_on_hyphens=False, break_long_words=False)


def _beyond(shape: Shape, path: str, old: set[str]) -> Iterator[str]:
    """The path of what is new, but not those of what is in it."""
    if path not in old:
        yield path
        return
    for child in shape.children:
        yield from _beyond(child, f"{path}.{child.name}", old)
