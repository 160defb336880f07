"""Exists so that a test can break the wire on purpose, and say exactly when."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from .errors import ApiError

KINDS = ("status", "reset", "lost_reply", "garbage", "slow")

_MESSAGES = {
    429: ("Rate limit reached for requests. Please try again later.", "requests", "rate_limit_exceeded"),
    500: ("The server had an error while processing your request. Sorry about that!", "server_error", None),
    503: ("The engine is currently overloaded, please try again later.", "server_error", None),
}


@dataclass(frozen=True)
class Fault:
    """What goes wrong for requests whose method and whole path (a regular expression) match.

    - `status`: an error reply without the effect; `retry_after` is in seconds, `headers` are any others.
    - `reset`: the connection is closed before the effect.
    - `lost_reply`: the effect happens, then the connection is closed without a reply.
    - `garbage`: the effect happens, then a 200 with an unreadable body.
    - `slow`: the effect happens, the reply comes `seconds` later.

    The first `after` matching requests pass, the next `times` fail (None: for ever). A method of `*` is any.
    Raises ValueError for another kind, or a path that is no regular
    expression.
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
    times: int | None = 1
    after: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}, not {self.kind!r}")
        try:
            re.compile(self.path)
        except re.error as problem:
            raise ValueError(f"path {self.path!r} is no regular expression: {problem}") from problem

    def error(self) -> ApiError:
        """Make the reply of a `status` fault."""
        default = (
            "This error was scripted.",
            "server_error" if self.status >= 500 else "invalid_request_error",
            None,
        )
        message, kind, code = _MESSAGES.get(self.status, default)
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


@dataclass
class PlannedFaults:
    """The faults still to come, in the order in which they were planned."""

    _planned: list["_Planned"] = field(default_factory=list)

    def plan(self, fault: Fault) -> None:
        """Add a fault behind the others."""
        self._planned.append(_Planned(fault))

    def clear(self) -> None:
        """Forget all faults."""
        self._planned.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """Find the first fault that is due for a request; each matching one counts it."""
        for planned in self._planned:
            fault, seen = planned.fault, planned.seen
            if fault.method not in ("*", method) or not re.fullmatch(fault.path, path):
                continue
            planned.seen += 1
            if seen >= fault.after and (fault.times is None or seen < fault.after + fault.times):
                return fault
        return None


@dataclass
class _Planned:
    fault: Fault
    seen: int = 0


def fault_from_json(raw: Mapping[str, Any]) -> Fault:
    """Read a fault sent as a JSON object; raises ValueError for an unknown field."""
    known = {each.name for each in fields(Fault)}
    if unexpected := sorted(set(raw) - known):
        raise ValueError(f"unknown fault field {unexpected[0]!r}; known are {', '.join(sorted(known))}")
    return Fault(**raw)
