"""docs/interop.md, written from what was found and page.txt: every cell of its tables is an outcome."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from testkit.state_machine import read_definition
from testkit.template import states

WORKS = "works"
SENTENCE_CHARACTERS = 320
_CHANGING = (
    (re.compile(r"\b(resp|conv|msg|chain|asst|call|stack)_[\w=-]{6,}"), r"\1_…"),
    (re.compile(r"(127\.0\.0\.1|localhost):\d+"), r"\1"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}\b"), "…"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "…"),
    (re.compile(r"\s+"), " "),
)
"""What differs from one time to the next, and says nothing."""

TEMPLATE = Path(__file__).with_name("page.txt")


def written(found: Mapping[str, Any]) -> str:
    """The page; `found` has what each part of `make interop` returned, by its name."""
    emulated, tools = found["localemu"], found["deployers"]["tools"]
    statuses = ", ".join(f"{count} {status}" for status, count in sorted(emulated["statuses"].items()))
    entered = {name: [str(emulated["states"].get(name, 0))] for name in states(read_definition())}
    return TEMPLATE.read_text().format(
        minutes=found["minutes"],
        servers=table(["life", *map(_head, found["servers"]["servers"])], found["servers"]["lives"]),
        version=emulated["version"],
        jsonata=emulated["jsonata"],
        lives=table(["life", f"LocalEmu {emulated['version']}"], emulated["lives"]),
        statuses=statuses,
        states=table(["state", "entered"], entered),
        ways=table(["way", "as testkit's executor goes it", "ended, and entered"], found["definition"]["ways"]),
        tried=table(["tried", f"LocalEmu {emulated['version']}"], emulated["tried"]),
        steps=table(["step", *(f"{each['name']} {each['version']}" for each in tools)], found["deployers"]["steps"]),
    )


def _head(server: Mapping[str, str]) -> str:
    return f"{server['name']} {server['version']} `{server['path']}`, {server['behind']} behind it"


def table(heads: Sequence[str], rows: Mapping[str, Sequence[str]]) -> str:
    """A table of outcomes, and the sentences of those that do not work, numbered in their order."""
    sentences: list[str] = []
    lines = [_row(heads), _row(["---"] * len(heads))]
    lines += [_row([name, *(_cell(steady(each), sentences) for each in outcomes)]) for name, outcomes in rows.items()]
    notes = [f"{number}. {sentence}" for number, sentence in enumerate(sentences, 1)]
    return "\n".join([*lines, *(["", *notes] if notes else [])])


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(outcome: str, sentences: list[str]) -> str:
    kind, _, sentence = outcome.partition(": ")
    if not sentence:
        return outcome
    if (told := f"{kind}: `{sentence.replace('`', chr(39))}`") not in sentences:
        sentences.append(told)
    return f"{kind} ({sentences.index(told) + 1})"


def steady(outcome: str) -> str:
    """Without what differs from one time to the next, and not longer than a page can bear."""
    for pattern, instead in _CHANGING:
        outcome = pattern.sub(instead, outcome)
    outcome = outcome.strip()
    return outcome if len(outcome) <= SENTENCE_CHARACTERS else outcome[: SENTENCE_CHARACTERS - 3] + "..."
