"""`result.md`: which test kills which mutant."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from testkit.mutants.catalog import Mutant

RESULT = Path(__file__).with_name("result.md")
BEFORE = Path(__file__).with_name("before.md")
"""A result of an earlier state of the code, to compare with."""
SURVIVED = "nothing"
_ROW = re.compile(r"^\| ([a-z0-9-]+) \| (.+) \| ([0-9.]+) \|$", re.MULTILINE)


@dataclass(frozen=True)
class Death:
    """What became of a mutant."""

    killed_by: str
    """A test's id, or `SURVIVED`."""
    seconds: float
    """Until that was known, with the start of pytest."""


def read(text: str) -> dict[str, Death]:
    """What is known of each mutant, by its name."""
    rows = _ROW.findall(text)
    return {name: Death(by.strip("`").replace("&#124;", "|"), float(seconds)) for name, by, seconds in rows}


def newly_alive(before: Mapping[str, Death], now: Mapping[str, Death]) -> list[str]:
    """Names of the mutants that a test killed before, and none does now."""
    killed = [name for name, death in before.items() if death.killed_by != SURVIVED]
    return [name for name in killed if name in now and now[name].killed_by == SURVIVED]


def write(mutants: Sequence[Mutant], deaths: Mapping[str, Death], commit: str, tried: int) -> str:
    """The page, with the mutants in the order of their list; so many of them were `tried` on this `commit`."""
    known = {each.name: deaths[each.name] for each in mutants if each.name in deaths}
    survivors = sum(death.killed_by == SURVIVED for death in known.values())
    since = "" if tried >= len(known) else f" ({tried} tried on it, the others on earlier ones)"
    lines = [
        "# What kills each mutant",
        "",
        "Written by `make mutants`. A mutant breaks the fact that it is named after; beside it is the first test that",
        "failed, of those that execute the changed code, the fastest tier and the quickest test first.",
        "",
        f"{len(known)} mutants of commit {commit}{since}, {len(known) - survivors} killed, {survivors} alive.",
        "",
        "| mutant | killed by | seconds |",
        "| --- | --- | --- |",
    ]
    for name, death in known.items():
        killed_by = death.killed_by if death.killed_by == SURVIVED else f"`{death.killed_by}`"
        lines.append(f"| {name} | {killed_by.replace('|', '&#124;')} | {death.seconds:.1f} |")
    return "\n".join(lines) + "\n"
