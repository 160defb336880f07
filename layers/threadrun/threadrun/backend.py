"""What reconciling needs of a server that runs threads: the protocol each wire API implements.

Implementations map every failure to `errors`: `TransientError` (429, 5xx, network), `LostReply` where a
creating call may have had its effect, `ThreadBusy` for a held lock, `TerminalError` for a refusal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from threadrun.desired import DesiredRun

FINAL_STATUSES = frozenset({"completed", "requires_action", "failed", "incomplete", "cancelled", "expired"})


@dataclass(frozen=True)
class Usage:
    """Tokens of a run."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0


@dataclass(frozen=True)
class ObservedRun:
    """A run as the server shows it now; times are Unix seconds."""

    run_id: str
    status: str
    created_at: int | None = None
    completed_at: int | None = None
    model: str | None = None
    usage: Usage = Usage()
    output_text: str = ""
    problem: str | None = None
    """The server's own reason where the run failed or is incomplete."""

    @property
    def is_final(self) -> bool:
        return self.status in FINAL_STATUSES


class Backend(Protocol):
    """One server, one wire API."""

    def create_thread(self, desired: DesiredRun) -> str:
        """Make an empty thread; returns its id."""

    def last_item_id(self, thread_id: str) -> str | None:
        """Id of the thread's newest item, none on an empty thread."""

    def start_run(self, desired: DesiredRun, thread_id: str) -> ObservedRun:
        """Start the run with its messages; raises `LostReply` when that may have happened all the same."""

    def find_lost_run(self, thread_id: str, after_item_id: str | None) -> ObservedRun | None:
        """A run whose start got no reply, proved by what the thread holds after `after_item_id`."""

    def observe_run(self, thread_id: str, run_id: str) -> ObservedRun:
        """Look at the run; raises `NotFound` where there is none."""

    def adopt_run(self, thread_id: str, run_id: str) -> ObservedRun:
        """Look at a run that somebody else started; raises `NotFound` unless it is proved to be this thread's."""

    def cancel_run(self, thread_id: str, run_id: str) -> None:
        """Ask for the run's end; asking again, or for a finished or unknown run, is no error."""

    def delete_run(self, thread_id: str, run_id: str) -> None:
        """Delete the run; an unknown one is no error."""

    def delete_thread(self, thread_id: str) -> None:
        """Delete the thread with its items; an unknown one is no error."""
