"""What reconciling needs of a server that runs threads: the protocol each wire API implements.

Implementations map every failure to `errors`: `TransientError` (429, 5xx, network), `LostReply` where a
creating call may have had its effect, `ThreadBusy` for a held lock, `NotFound` for what is not there,
`TerminalError` for another refusal. Deleting what is gone is no error.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from threadrun.schema.arguments import DesiredAssistant, DesiredThread, Message
from threadrun.state.observations import Indexing, ObservedAssistant, ObservedRun, RunPlan


class Backend(Protocol):
    """One server, one wire API."""

    min_completion_tokens: int

    def put_assistant(self, assistant_id: str | None, desired: DesiredAssistant, token: str) -> ObservedAssistant:
        """Create the assistant, or change it where it has an id already; `token` makes a repeated creation one.

        One that was just created may not be complete: its id is to be saved before it is put again.
        """

    def find_assistant(self, assistant_id: str) -> ObservedAssistant:
        """Raises `NotFound`."""

    def delete_assistant(self, assistant_id: str) -> None: ...

    def create_thread(self, plan: RunPlan) -> str:
        """Make the new thread of a run; returns its id. Its messages may follow with the start."""

    def create_bare_thread(self, desired: DesiredThread) -> str:
        """Make a thread without messages; returns its id."""

    def count_messages(self, thread_id: str) -> int: ...

    def add_messages(self, thread_id: str, messages: Sequence[Message]) -> int:
        """Add the first ones of these messages, as many as one call takes; returns how many that were."""

    def update_thread(self, thread_id: str, desired: DesiredThread) -> None:
        """Replace the thread's metadata."""

    def delete_thread(self, thread_id: str) -> None:
        """Delete the thread with its items."""

    def last_item_id(self, thread_id: str) -> str | None:
        """Id of the thread's newest item, none on an empty thread."""

    def make_vector_store(self, plan: RunPlan, thread_id: str, token: str) -> str | None:
        """The store of the run's attached files, made if it is not there yet; None where the run needs none."""

    def observe_indexing(self, vector_store_id: str) -> Indexing: ...

    def delete_vector_store(self, vector_store_id: str) -> None: ...

    def start_run(self, plan: RunPlan, thread_id: str) -> ObservedRun:
        """Start the run; raises `LostReply` when that may have happened all the same."""

    def find_lost_run(self, thread_id: str, after_item_id: str | None) -> ObservedRun | None:
        """A run whose start got no reply, proved by what the thread holds after `after_item_id`."""

    def shows_lost_runs(self, thread_id: str) -> bool:
        """Whether `find_lost_run` and `find_continuation` would find what there is on this thread."""

    def observe_run(self, thread_id: str, run_id: str) -> ObservedRun:
        """Look at the run; raises `NotFound` where there is none."""

    def adopt_run(self, thread_id: str, run_id: str) -> ObservedRun:
        """Look at a run that somebody else started; raises `NotFound` unless it is proved to be this thread's."""

    def continue_run(self, plan: RunPlan, thread_id: str, run_id: str, outputs: Mapping[str, str]) -> ObservedRun:
        """Answer all calls that the run waits for, by call id; raises `LostReply` when that may have happened.

        What goes on may have an id of its own.
        """

    def find_continuation(self, thread_id: str, run_id: str, call_ids: Collection[str]) -> ObservedRun | None:
        """What the run does since these calls were answered; None where that can't be seen."""

    def close_calls(self, thread_id: str, run_id: str, call_ids: Collection[str]) -> None:
        """See to it that those of these calls that nobody answered don't block the thread for others."""

    def cancel_run(self, thread_id: str, run_id: str) -> None:
        """Ask for the run's end; asking again, or for a finished or unknown run, is no error."""

    def delete_run(self, thread_id: str, run_id: str) -> None: ...
