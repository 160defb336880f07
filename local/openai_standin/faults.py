"""Exists so that a test can break the wire, or lose webhooks, on purpose, and say exactly when."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from .errors import ApiError

_MESSAGES = {
    429: ("Rate limit reached for requests. Please try again later.", "requests", "rate_limit_exceeded"),
    500: ("The server had an error while processing your request. Sorry about that!", "server_error", None),
    503: ("The engine is currently overloaded, please try again later.", "server_error", None),
}


@dataclass(frozen=True, kw_only=True)
class _Turns:
    """When a fault strikes: of what matches, the first `after` pass; the next `times` (None: for ever) are hit.

    Or an evenly spread `share` of them. What comes before `begins_at` or from `ends_at` on, in epoch seconds, does
    not match. Raises ValueError for another kind, a share outside of 0 to 1, or a pattern that is no regular
    expression.
    """

    share: float = 1.0
    times: int | None = 1
    after: int = 0
    begins_at: float = -math.inf
    ends_at: float = math.inf

    @property
    def pattern(self) -> str:
        raise NotImplementedError

    def _require_possible(self, kind: str, *kinds: str) -> None:
        if kind not in kinds:
            raise ValueError(f"kind must be one of {', '.join(kinds)}, not {kind!r}")
        if not 0 <= self.share <= 1:
            raise ValueError(f"share must be from 0 to 1, not {self.share!r}")
        try:
            re.compile(self.pattern)
        except re.error as problem:
            raise ValueError(f"{self.pattern!r} is no regular expression: {problem}") from problem

    def strikes(self, seen: int) -> bool:
        """Tell whether it hits what matches after `seen` others did."""
        number = seen - self.after
        if number < 0 or (self.times is not None and number >= self.times):
            return False
        return _whole((number + 1) * self.share) > _whole(number * self.share)


@dataclass(frozen=True)
class Fault(_Turns):
    """What goes wrong for requests whose method and whole path (a regular expression) match; `*` is any method.

    - `status`: an error reply without the effect; `retry_after` is in seconds, `headers` are any others.
    - `reset`: the connection is closed before the effect.
    - `lost_reply`: the effect happens, then the connection is closed without a reply.
    - `garbage`: the effect happens, then a 200 with an unreadable body.
    - `slow`: the effect happens, the reply comes `seconds` later.
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

    def __post_init__(self) -> None:
        self._require_possible(self.kind, "status", "reset", "lost_reply", "garbage", "slow")

    @property
    def pattern(self) -> str:
        """Match the method and the path."""
        return f"{'.*' if self.method == '*' else self.method} {self.path}"

    def error(self) -> ApiError:
        """Make the reply of a `status` fault."""
        usual = "server_error" if self.status >= 500 else "invalid_request_error"
        message, kind, code = _MESSAGES.get(self.status, ("This error was scripted.", usual, None))
        if self.code == "insufficient_quota":
            kind = self.code
        headers = dict(self.headers)
        if self.retry_after is not None:
            headers["retry-after"] = f"{self.retry_after:g}"
        return ApiError(self.status, self.message or message, code=self.code or code, kind=kind, headers=headers)


@dataclass(frozen=True)
class DeliveryFault(_Turns):
    """What goes wrong with webhooks whose whole event type (a regular expression) matches; several may hit one.

    - `drop`: it is never sent.
    - `delay`: it is sent `seconds` late.
    - `twice`: it is sent once more under the same id, `seconds` after the first.
    """

    kind: str
    event: str = ".*"
    seconds: float = 0.0
    times: int | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        self._require_possible(self.kind, "drop", "delay", "twice")

    @property
    def pattern(self) -> str:
        """Match the event type."""
        return self.event


class ConnectionLost(Exception):
    """The connection ends without a reply; `had_effect` tells whether the request was carried out."""

    def __init__(self, had_effect: bool) -> None:
        super().__init__("the connection is closed without a reply")
        self.had_effect = had_effect


AnyFault = TypeVar("AnyFault", bound=_Turns)


class PlannedFaults(Generic[AnyFault]):
    """The faults still to come, in the order in which they were planned, each with how often it matched."""

    def __init__(self) -> None:
        self._planned: list[tuple[AnyFault, list[int]]] = []

    def plan(self, fault: AnyFault) -> None:
        """Add a fault behind the others."""
        self._planned.append((fault, [0]))

    def hits(self, text: str, now: float) -> Iterator[AnyFault]:
        """Find the faults that are due for what `text` describes; each matching one that is looked at counts it."""
        for fault, seen in self._planned:
            if fault.begins_at <= now < fault.ends_at and re.fullmatch(fault.pattern, text):
                seen[0] += 1
                if fault.strikes(seen[0] - 1):
                    yield fault


def delays(faults: PlannedFaults[DeliveryFault], event_type: str, now: float) -> list[float]:
    """Tell after how many seconds one webhook is sent, once for each time; nothing where it is lost."""
    hits = list(faults.hits(event_type, now))
    if any(fault.kind == "drop" for fault in hits):
        return []
    late_s = sum(fault.seconds for fault in hits if fault.kind == "delay")
    return [late_s, *(late_s + fault.seconds for fault in hits if fault.kind == "twice")]


def _whole(number: float) -> int:
    return int(number + 1e-9)
