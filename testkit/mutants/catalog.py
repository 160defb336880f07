"""The list of mutants: facts of the product, and the change to its code that breaks each one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

LIST = Path(__file__).with_name("mutants.yaml")
PACKAGE = Path("layers/threadrun/threadrun")
"""Where the files of the list are, from the root of the tree."""


@dataclass(frozen=True)
class Mutant:
    """One change that must make a test fail."""

    file: str
    """Below the product's package."""
    fact: str
    """What is true of the product, and not of this mutant."""
    old: str
    """The code as it is: it is in the file exactly once."""
    new: str

    @property
    def name(self) -> str:
        """The fact in kebab case."""
        return re.sub(r"[^a-z0-9]+", "-", self.fact.lower()).strip("-")

    @property
    def path(self) -> Path:
        """From the root of the tree."""
        return PACKAGE / self.file

    def places(self, source: str) -> list[tuple[int, int, str]]:
        """Where its code is: from, to, and the indent of its first line, which the list leaves out of all lines."""
        first, *rest = self.old.splitlines()
        found = []
        for match in re.finditer(re.escape(first), source):
            start = match.start()
            line = source[source.rfind("\n", 0, start) + 1 :]
            indent = line[: len(line) - len(line.lstrip(" "))]
            whole = f"\n{indent}".join([first, *rest])
            if source.startswith(whole, start):
                found.append((start, start + len(whole), indent))
        return found

    def applied_to(self, source: str) -> str:
        """The file's text with the change."""
        ((start, end, indent),) = self.places(source)
        return source[:start] + f"\n{indent}".join(self.new.splitlines()) + source[end:]


def read(text: str) -> list[Mutant]:
    """The mutants of a list; raises `ValueError` where two have one name."""
    files: Mapping[str, Sequence[Mapping[str, Any]]] = yaml.safe_load(text)
    mutants = [Mutant(file, **each) for file, of_file in files.items() for each in of_file]
    names = [each.name for each in mutants]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"mutants of one name: {', '.join(twice)}")
    return mutants


def problems(mutants: Sequence[Mutant], root: Path) -> list[str]:
    """Why mutants cannot be made of this tree: one line each."""
    return [f"{each.name}: {problem}" for each in mutants if (problem := _problem(each, root / each.path))]


def _problem(mutant: Mutant, path: Path) -> str | None:
    if not path.exists():
        return f"there is no file {mutant.path}"
    source = path.read_text()
    count = len(mutant.places(source))
    if count != 1:
        return f"{mutant.path} has its code {count} times, not once: {mutant.old.splitlines()[0]}"
    try:
        compile(mutant.applied_to(source), mutant.file, "exec", dont_inherit=True)
    except SyntaxError as error:
        return f"what becomes of {mutant.path} is no Python: {error.msg}, line {error.lineno}"
    return None
