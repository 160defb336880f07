"""What to do about a reason: the rows of docs/failures.md, which `make reference` keeps beside the code."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

_ONE_PROBLEM = "invalid properties, 1 problem: "


class Remedy(NamedTuple):
    cause: str
    remedy: str


def remedy_for(reason: str) -> Remedy | None:
    """The row whose message says most of the reason; None where no row has it."""
    reason = reason.removeprefix(_ONE_PROBLEM)
    fitting = [(len(words), remedy) for words, remedy in _rows() if re.search(words, reason, re.DOTALL)]
    return max(fitting, default=(0, None), key=lambda each: each[0])[1]


@cache
def _rows() -> list[tuple[str, Remedy]]:
    read: list[list[str]] = json.loads(Path(__file__).with_name("remedies.json").read_text())
    return [(_pattern(message), Remedy(cause, remedy)) for message, cause, remedy in read]


def _pattern(message: str) -> str:
    return ".+".join(map(re.escape, re.split(r"<[^<>]*>", message)))
