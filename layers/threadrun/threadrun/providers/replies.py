"""Replies of a server, read without trust: a field can be absent, null, or of another type than documented.

Reading never fails. What is not as documented counts as absent, because a run that was paid for must not be lost to
the way a server words it.
"""

from __future__ import annotations

import json
import math
from contextlib import suppress
from typing import Any

import httpx2

from threadrun.schema.types import from_json
from threadrun.state.observations import KNOWN_STATUSES, Usage

_MOST_DIGITS = 18
_NAMES = {"id", "call_id", "run_id", "thread_id", "file_id", "name", "filename", "model", "status", "code", "purpose"}
_NAME_CHARACTERS = 512
"""More than any has; those of a run are kept in its record."""
_OTHER_WORDS = {"succeeded": "completed", "canceled": "cancelled", "error": "failed", "errored": "failed"}


class Reply:
    """One JSON object of a server. Texts can be encoded (`threadrun.schema.types.from_json`)."""

    def __init__(self, fields: object = None) -> None:
        self._fields: dict[str, Any] = fields if isinstance(fields, dict) else {}

    @classmethod
    def of(cls, response: httpx2.Response) -> Reply:
        """The body of a reply; empty where it is not a JSON object. One odd character does not make it unreadable."""
        text = response.content.decode(json.detect_encoding(response.content), "replace")
        with suppress(ValueError):
            return cls(from_json(text, parse_constant=lambda _: None, parse_int=_integer, strict=False))
        return cls()

    def has(self, name: str) -> bool:
        return self._fields.get(name) is not None

    def text(self, name: str) -> str:
        """A text or a number as text; empty where there is neither, or a name that is longer than any."""
        value = self._fields.get(name)
        text = str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
        return "" if name in _NAMES and len(text) > _NAME_CHARACTERS else text

    def json(self, name: str) -> str:
        """A text as it is, anything else as JSON text; `{}` where there is nothing."""
        value = self._fields.get(name)
        return value if isinstance(value, str) else json.dumps({} if value is None else value)

    def integer(self, name: str) -> int | None:
        """A number without its fraction, of seconds or of a count; None where there is none."""
        value = self._fields.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return int(value) if abs(value) < 10**_MOST_DIGITS else None
        return None

    def is_false(self, name: str) -> bool:
        return self._fields.get(name) is False

    def object(self, name: str) -> Reply:
        return Reply(self._fields.get(name))

    def objects(self, name: str) -> list[Reply]:
        """The objects of a list."""
        value = self._fields.get(name)
        return [Reply(each) for each in value if isinstance(each, dict)] if isinstance(value, list) else []

    def texts(self, name: str) -> list[str]:
        """The texts of a list."""
        value = self._fields.get(name)
        return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []

    def is_list(self, name: str) -> bool:
        return isinstance(self._fields.get(name), list)

    def fields(self) -> dict[str, Any]:
        """All fields, as they came."""
        return self._fields


def _integer(digits: str) -> int | None:
    return int(digits) if len(digits) <= _MOST_DIGITS else None


def usage_in(usage: Reply, prompt: str, completion: str) -> Usage:
    """The tokens, by the names of the fields that this API has for them."""
    read, written = usage.integer(prompt) or 0, usage.integer(completion) or 0
    cached = usage.object(f"{prompt}_details").integer("cached_tokens") or 0
    reasoning = usage.object(f"{completion}_details").integer("reasoning_tokens") or 0
    return Usage(read, written, usage.integer("total_tokens") or read + written, cached, reasoning)


def status_in(run: Reply) -> str:
    """The status in the words of the API. One that it does not have is an end where the run has the time of its end."""
    word = run.text("status").lower()
    word = _OTHER_WORDS.get(word, word)
    if word not in KNOWN_STATUSES and run.integer("completed_at"):
        return "completed"
    return word or "in_progress"


def problem_in(run: Reply, error: str) -> str | None:
    """Why a run failed (field `error`) or is incomplete, in the server's words; None where it says nothing."""
    told, text = run.object(error), run.text(error)
    if message := told.text("message") or told.text("code") or text:
        return f"{message} ({told.text('code')})" if told.text("code") else message
    reason = run.object("incomplete_details").text("reason")
    return f"incomplete because of {reason}" if reason else None
