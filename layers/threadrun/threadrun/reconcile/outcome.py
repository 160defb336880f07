"""What a decision comes to: shared by the decisions of all kinds of resources."""

from __future__ import annotations

from dataclasses import dataclass

from threadrun.errors import TerminalError
from threadrun.state.base import PhysicalRecord
from threadrun.state.observations import ObservedRun


@dataclass(frozen=True)
class Done:
    """The goal is reached. `observed` is there when the run's end was seen by this very call."""

    observed: ObservedRun | None = None


@dataclass(frozen=True)
class RequeueAfter:
    """Not yet: call again after `seconds`; 0 means save the record and call again at once."""

    seconds: float
    reason: str
    is_contended: bool = False
    """Others wait for the same thing: who waits spreads out, and comes back at another time than they do."""


@dataclass(frozen=True)
class InProgress:
    """Not yet: the server is at work on the run. When to look again is for `threadrun.reconcile.polling` to say."""

    status: str


@dataclass(frozen=True)
class CallTools:
    """Not yet: functions are to be called first, in parallel. Call again when all of them have been."""

    call_ids: tuple[str, ...]


def require_time(record: PhysicalRecord, what: str, now: float) -> None:
    """Raises `TerminalError` past the record's deadline, with what it waited for."""
    if now >= record.deadline_epoch_s:
        raise TerminalError(f"{what} was not ready in time: {record.waiting_for or 'there was none left'}")


Outcome = Done | RequeueAfter | InProgress | CallTools
