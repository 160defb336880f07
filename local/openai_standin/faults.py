"""Exists so that a test can break the wire, or lose webhooks, on purpose, and say exactly when."""

import copy
import functools
import math
import operator
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from .errors import ApiError

WEBHOOK = "WEBHOOK"
_REQUEST_KINDS = ("status", "reset", "lost_reply", "garbage", "slow", "drip", "odd", "repeated", "late_status")
ABSENT = object()
"""The value of a field that an `odd` reply leaves out."""
_WEBHOOK_KINDS = ("drop", "delay", "twice")
_MESSAGES = {
    429: ("Rate limit reached for requests. Please try again later.", "requests", "rate_limit_exceeded"),
    500: ("The server had an error while processing your request. Sorry about that!", "server_error", None),
    503: ("The engine is currently overloaded, please try again later.", "server_error", None),
}


@dataclass(frozen=True)
class Fault:
    """What goes wrong for requests whose method and whole path (a regular expression) match; `*` is any method.

    - `status`: an error reply without the effect; `retry_after` is in seconds, `headers` are any others.
    - `late_status`: the same reply after the effect, as a gateway's that gave up.
    - `reset`: the connection is closed before the effect.
    - `lost_reply`: the effect happens, then the connection is closed without a reply.
    - `garbage`: the effect happens, then a 200 with an unreadable body.
    - `slow`: the effect happens, the reply comes `seconds` later.
    - `drip`: the effect happens, the reply comes byte by byte, `seconds` apart.
    - `repeated`: the effect happens, and the reply is that to the same request once more, as some gateways make it.
    - `odd`: the effect happens, and the reply has `odd_value` at `place`, the names and indexes that lead there.

    A webhook is sent by the method `WEBHOOK`, to the type of its event. Several faults may hit the same one.

    - `drop`: it is never sent.
    - `delay`: it is sent `seconds` late.
    - `twice`: it is sent once more under the same id, `seconds` after the first.

    Of those that match, the first `after` pass; the next `times` (None: for ever) are hit, or an evenly spread
    `share` of them. What comes before `begins_at` or from `ends_at` on, in epoch seconds, does not match. Raises
    ValueError for another kind, a share outside of 0 to 1, or a path that is no regular expression.
    """

    method: str
    path: str
    kind: str
    status: int = 500
    code: str | None = None
    message: str | None = None
    retry_after: float | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    place: tuple[str | int, ...] = ()
    odd_value: Any = ABSENT
    share: float = 1.0
    times: int | None = 1
    after: int = 0
    begins_at: float = -math.inf
    ends_at: float = math.inf

    def __post_init__(self) -> None:
        kinds = _WEBHOOK_KINDS if self.method == WEBHOOK else _REQUEST_KINDS
        if self.kind not in kinds:
            raise ValueError(f"kind must be one of {', '.join(kinds)}, not {self.kind!r}")
        if not 0 <= self.share <= 1:
            raise ValueError(f"share must be from 0 to 1, not {self.share!r}")
        try:
            re.compile(self.path)
        except re.error as problem:
            raise ValueError(f"path {self.path!r} is no regular expression: {problem}") from problem

    def matches(self, method: str, path: str, now: float) -> bool:
        """Tell whether it is about a request, or a webhook."""
        is_meant = self.method == method or (self.method == "*" and method != WEBHOOK)
        return is_meant and self.begins_at <= now < self.ends_at and bool(re.fullmatch(self.path, path))

    def strikes(self, seen: int) -> bool:
        """Tell whether it hits what matches after `seen` others did."""
        number = seen - self.after
        if number < 0 or (self.times is not None and number >= self.times):
            return False
        return _whole((number + 1) * self.share) > _whole(number * self.share)

    def odd(self, body: Any) -> Any:
        """Change a reply; one that has no such place stays as it is."""
        *way, last = self.place
        changed = copy.deepcopy(body)
        with suppress(KeyError, IndexError, TypeError):
            holder = functools.reduce(operator.getitem, way, changed)
            holder[last]  # A field that there is not is not made.
            if self.odd_value is ABSENT:
                del holder[last]
            else:
                holder[last] = self.odd_value
        return changed

    def error(self) -> ApiError:
        """Make the reply of a `status` or `late_status` fault."""
        usual = "server_error" if self.status >= 500 else "invalid_request_error"
        message, kind, code = _MESSAGES.get(self.status, ("This error was scripted.", usual, None))
        if self.code == "insufficient_quota":
            kind = self.code
        headers = dict(self.headers)
        if self.retry_after is not None:
            headers["retry-after"] = f"{self.retry_after:g}"
        return ApiError(self.status, self.message or message, code=self.code or code, kind=kind, headers=headers)


class ConnectionLost(Exception):
    """The connection ends without a reply; `had_effect` tells whether the request was carried out."""

    def __init__(self, had_effect: bool) -> None:
        super().__init__("the connection is closed without a reply")
        self.had_effect = had_effect


class PlannedFaults:
    """The faults still to come, in the order in which they were planned, each with how often it matched."""

    def __init__(self) -> None:
        self._planned: list[tuple[Fault, list[int]]] = []

    def plan(self, fault: Fault) -> None:
        self._planned.append((fault, [0]))

    def hits(self, method: str, path: str, now: float) -> Iterator[Fault]:
        """Find the faults that are due; each matching one that is looked at counts it."""
        for fault, seen in self._planned:
            if fault.matches(method, path, now):
                seen[0] += 1
                if fault.strikes(seen[0] - 1):
                    yield fault

    def delays(self, event_type: str, now: float) -> list[float]:
        """Tell after how many seconds one webhook is sent, once for each time; nothing where it is lost."""
        hits = list(self.hits(WEBHOOK, event_type, now))
        if any(fault.kind == "drop" for fault in hits):
            return []
        late_s = sum(fault.seconds for fault in hits if fault.kind == "delay")
        return [late_s, *(late_s + fault.seconds for fault in hits if fault.kind == "twice")]


def _whole(number: float) -> int:
    return int(number + 1e-9)
