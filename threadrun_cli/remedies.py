"""What to do about a reason: the rows of docs/failures.md, which `make reference` keeps beside the code."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

REPEATED = "as the message says"
"""The remedy where the message itself has it."""
_PROBLEMS = re.compile(r"invalid properties, \d+ problems?: ")
_REFUSAL = "cannot <do something>: <the server's words>"
_HTTP = re.compile(r"\(HTTP (\d{3})(?:, code (\w+))?")
_SERVERS_WORDS = re.compile(r"(\bcannot .+?: ).+?(?= \(HTTP \d{3})", re.DOTALL)
_BEFORE = re.compile(r"\W*(?:\S+: )?")
"""What may stand before a reason within a reason: a place."""
_PLACEHOLDER = re.compile(r"<[^<>]*>")
_FORMS = {
    "<ARN>": r"arn:\S+",
    "<which secret>": r"(?:the API key's secret|the webhooks' secret|the secret of a tool)",
    "<id>": r"\S+",
    "<number>": r"[\d.,]+",
    "<seconds>": r"[\d.,]+ ?\w*",
    "<place>": r"\S+",
    "<field>": r"\S+",
    "<argument>": r"\S+",
    "<status>": r"\w+",
}
"""What can stand in a placeholder; in any other any text."""


class Remedy(NamedTuple):
    cause: str
    remedy: str


class _Row(NamedTuple):
    message: str
    pattern: re.Pattern[str]
    remedy: Remedy

    @property
    def words(self) -> int:
        return len(_PLACEHOLDER.sub("", self.message))

    @property
    def is_open(self) -> bool:
        """Whether it ends in words of its own: another row may have these."""
        return self.message.endswith(">")


def remedies_for(reason: str) -> list[Remedy]:
    """What to do about each problem of a reason; none where no row has it."""
    reason = _SERVERS_WORDS.sub(r"\1…", reason)
    begins = _PROBLEMS.match(reason)
    parts = reason[begins.end() :].split("; ") if begins else [reason]
    return list(dict.fromkeys(remedy for part in parts for remedy in _of(part)))


def _of(reason: str, *, is_within: bool = False) -> Iterator[Remedy]:
    if (found := _best(reason, is_within=is_within)) is None:
        return
    row, end = found
    if row.message == _REFUSAL:
        if (status := _HTTP.search(reason)) and (told := _of_status(*status.groups())):
            yield told
        return  # The server's words are none of ours.
    yield row.remedy
    if end < len(reason):
        yield from _of(reason[end:], is_within=True)


def _best(reason: str, *, is_within: bool = False) -> tuple[_Row, int] | None:
    """The row, and where what it says for itself ends."""
    fitting = [(row.words, row, match) for row in _rows() if (match := row.pattern.search(reason))]
    if is_within:
        fitting = [each for each in fitting if _BEFORE.fullmatch(reason, endpos=each[2].start())]
    if not fitting:
        return None
    _, row, match = max(fitting, key=lambda each: each[0])
    return row, match.start("tail") if row.is_open else match.end()


def _of_status(status: str, code: str | None) -> Remedy | None:
    """By its code; then the last row of its status, which is about other codes."""
    rows = [*_read()["statuses"]]
    by_code = [row for row in rows if code and code in row["codes"]]
    by_status = [row for row in rows if status in row["statuses"]]
    found = next(iter(by_code), None) or next(reversed(by_status), None)
    return Remedy(found["cause"], found["remedy"]) if found else None


@cache
def _read() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(Path(__file__).with_name("remedies.json").read_text())
    return read


@cache
def _rows() -> list[_Row]:
    return [_Row(message, _pattern(message), Remedy(cause, remedy)) for message, cause, remedy in _read()["messages"]]


def _pattern(message: str) -> re.Pattern[str]:
    made, at = r"(?<!\w)", 0
    for each in _PLACEHOLDER.finditer(message):
        is_last = each.end() == len(message)
        form = _FORMS.get(each[0], r".+" if is_last else r".+?")
        made += re.escape(message[at : each.start()]) + (f"(?P<tail>{form})" if is_last else form)
        at = each.end()
    return re.compile(made + re.escape(message[at:]), re.DOTALL)
