"""Where fate strikes: every call that the application makes to the outside passes here and can be broken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from botocore.exceptions import ClientError

from threadrun.errors import LostReply, ResponseNotDelivered, TerminalError, TransientError
from threadrun.reconcile.backend import Backend
from threadrun.workflow.tool_calls import HandlerFailed, HandlerUnavailable

CREATING = frozenset(
    {
        "threads.create",
        "threads.create_bare",
        "threads.add_messages",
        "runs.start",
        "runs.submit_outputs",
        "assistants.put",
        "files.upload",
        "vector_stores.create",
    }
)


class ProcessEnded(BaseException):
    """A function's process is gone in the middle of its work; no handler of exceptions sees it."""


class Fate(Enum):
    """What can happen at one call."""

    DIES_BEFORE = "the process ends before it"
    DIES_AFTER = "the process ends after it"
    FAILS = "it has no effect, and the caller can't know that"
    REPLY_LOST = "it has its effect, and the caller can't know that"
    BUSY = "the service asks to try later"
    REFUSED = "the service refuses it"
    INTERRUPTED = "another actor comes first"


@dataclass
class Trap:
    """What happens at the call of this name, after some others of the name; without a name, at any."""

    name: str
    remaining: int
    fate: Fate
    choice: int = 0


@dataclass
class Calls:
    """Every call passes here; each trap strikes once."""

    interrupt: Callable[[int], None]
    lose: Callable[[object], None]
    """Is told what a creating call returned whose reply nobody got."""
    traps: list[Trap] = field(default_factory=list)

    def make(self, name: str, call: Callable[[], Any], error: Callable[[str, Fate], Exception | None]) -> Any:
        """Make the call, unless its fate is another; `error` says how the service reports a fate."""
        trap = self._sprung(name)
        fate = trap.fate if trap else None
        if trap and fate is Fate.INTERRUPTED:
            self.interrupt(trap.choice)
        if fate is Fate.DIES_BEFORE:
            raise ProcessEnded
        problem = error(name, fate) if fate else None
        if problem is not None and fate is not Fate.REPLY_LOST:
            raise problem
        result = call()
        if fate is Fate.DIES_AFTER:
            raise ProcessEnded
        if problem is not None:
            self.lose(result)
            raise problem
        return result

    def _sprung(self, name: str) -> Trap | None:
        for trap in self.traps:
            if trap.name in ("", name):
                trap.remaining -= 1
                if trap.remaining < 0:
                    self.traps.remove(trap)
                    return trap
        return None


class Watched:
    """A service whose methods are calls to the outside; `prefix` is what their names begin with."""

    def __init__(
        self, service: object, calls: Calls, error: Callable[[str, Fate], Exception | None], prefix: str = ""
    ) -> None:
        self._service, self._calls, self._error, self._prefix = service, calls, error, prefix

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._service, name)
        if not callable(value):
            return value
        called = f"{self._prefix}{name}"
        return lambda *given, **named: self._calls.make(called, lambda: value(*given, **named), self._error)


class WatchedBackend:
    """A `Backend` whose requests are calls to the outside: `runs.start`, for example."""

    def __init__(self, backend: Backend, calls: Calls) -> None:
        self.threads: Any = Watched(backend.threads, calls, openai_error, "threads.")
        self.runs: Any = Watched(backend.runs, calls, openai_error, "runs.")
        self.files: Any = Watched(backend.files, calls, openai_error, "files.")
        self.vector_stores: Any = Watched(backend.vector_stores, calls, openai_error, "vector_stores.")
        self.assistants: Any = Watched(backend.assistants, calls, openai_error, "assistants.")


def openai_error(method: str, fate: Fate) -> Exception | None:
    """How a backend reports it; what it does not know how to refuse it never refuses."""
    if fate in (Fate.FAILS, Fate.REPLY_LOST):
        return LostReply("no reply") if method in CREATING else TransientError("no reply")
    if fate is Fate.BUSY:
        return TransientError("too many requests", 7)
    if fate is Fate.REFUSED and method != "runs.cancel":
        return TerminalError("refused")
    return None


def aws_error(operation: str, fate: Fate) -> Exception | None:
    """How botocore reports it, after its own retries."""
    codes = {
        Fate.FAILS: "InternalServerError",
        Fate.REPLY_LOST: "InternalServerError",
        Fate.BUSY: "ThrottlingException",
    }
    code = codes.get(fate)
    return ClientError({"Error": {"Code": code, "Message": ""}}, operation) if code else None


def handler_error(_: str, fate: Fate) -> Exception | None:
    """How the invocation of a handler reports it."""
    if fate in (Fate.FAILS, Fate.BUSY):
        return HandlerUnavailable("TooManyRequestsException")
    if fate in (Fate.REPLY_LOST, Fate.REFUSED):
        return HandlerFailed("Error", "", is_worth_retrying=fate is Fate.REPLY_LOST)
    return None


def url_error(_: str, fate: Fate) -> Exception | None:
    """How the delivery of an answer reports it."""
    is_broken = fate in (Fate.FAILS, Fate.REPLY_LOST, Fate.BUSY, Fate.REFUSED)
    return ResponseNotDelivered("not taken") if is_broken else None
