"""How a step ends, and how long to wait: shared by the decisions of all kinds of resources."""

from __future__ import annotations

from dataclasses import dataclass

from threadrun.backend import ObservedRun
from threadrun.errors import TerminalError
from threadrun.record import PhysicalRecord

ROUND_SECONDS = 30
"""What a round through the state machine costs, in seconds of the function that looks; see docs/performance.md."""
LOOK_SHARE, MIN_LOOK_SECONDS = 0.05, 1
WAIT_SHARE, MAX_WAIT_SECONDS = 0.085, 60


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
class CallTools:
    """Not yet: functions are to be called first, in parallel. Call again when all of them have been."""

    call_ids: tuple[str, ...]


def poll_seconds(waited_seconds: float) -> float:
    """Time to the next look: in proportion to the time already waited, and so is the lag.

    While the next look is near, the function waits for it, and looks often, as that costs no more. Once it may be
    far enough for a round through the state machine to be cheaper, it is as far as the lag allows.
    """
    far = min(waited_seconds * WAIT_SHARE, MAX_WAIT_SECONDS)
    return far if is_far(far) else max(waited_seconds * LOOK_SHARE, MIN_LOOK_SECONDS)


def is_far(wait_seconds: float) -> bool:
    """Whether the state machine waits cheaper than a function does."""
    return wait_seconds >= ROUND_SECONDS


def require_time(record: PhysicalRecord, what: str, now: float) -> None:
    """Raises `TerminalError` past the record's deadline, with what it waited for."""
    if now >= record.deadline_epoch_s:
        raise TerminalError(f"{what} was not ready in time: {record.waiting_for or 'there was none left'}")
