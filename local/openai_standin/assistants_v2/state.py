"""Exists to hold assistants, threads and runs, and to take runs along with the clock; it knows nothing of HTTP."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..answers import Outcome
from ..errors import none_found, wrong_prefix
from ..items import Item

Body = dict[str, Any]
Calls = list[Body]

ACTIVE = ("queued", "in_progress", "requires_action", "cancelling")


@dataclass
class Thread:
    """A thread and its messages as they are shown, oldest first."""

    id: str
    created_at: int
    metadata: dict[str, str]
    tool_resources: Body
    messages: list[Body] = field(default_factory=list)

    @property
    def vector_store_ids(self) -> list[str]:
        """List the vector stores that its attachments went to, or that it was given."""
        return list(self.tool_resources.get("file_search", {}).get("vector_store_ids", ()))


@dataclass
class Turn:
    """What the model does until it is done or calls functions; times are in epoch seconds."""

    outcome: Outcome
    context: list[Item]
    starts_at: float
    ends_at: float
    is_delivered: bool = False

    @property
    def calls(self) -> Calls:
        """List the function calls that must be answered before the run can go on."""
        return [item for item in self.outcome.output if item["type"] == "function_call"]


@dataclass
class ThreadRun:
    """One run, from its creation to its end; times are in epoch seconds."""

    id: str
    thread: Thread
    settings: Mapping[str, Any]
    metadata: dict[str, str]
    created_at: float
    expires_at: float
    turns: list[Turn]
    steps: list[Body] = field(default_factory=list)
    cancelled_at: float | None = None

    def end(self) -> tuple[float, str]:
        """Tell when it ends, and how, if nobody does anything more about it."""
        turn = self.turns[-1]
        ends = [] if turn.calls else [(turn.ends_at, turn.outcome.status)]
        if self.cancelled_at is not None:
            ends.append((self.cancelled_at, "cancelled"))
        return min([*ends, (self.expires_at, "expired")], key=lambda each: each[0])

    def status(self, now: float) -> str:
        """Tell its status at a time."""
        (end, final), turn = self.end(), self.turns[-1]
        if now >= end:
            return final
        if self.cancelled_at is not None:
            return "cancelling"
        if now < turn.starts_at:
            return "queued"
        return "in_progress" if now < turn.ends_at else "requires_action"

    def is_active(self, now: float) -> bool:
        """Tell whether it still holds its thread."""
        return self.status(now) in ACTIVE


class Assistants:
    """All assistants, threads and runs."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now
        self.assistants: dict[str, Body] = {}
        self.threads: dict[str, Thread] = {}
        self.runs: dict[str, ThreadRun] = {}

    def assistant(self, identifier: str) -> Body:
        """Find an assistant, or refuse as OpenAI did (400 for a foreign id, 404)."""
        found: Body = _found(self.assistants, identifier, "assistant", "asst")
        return found

    def thread(self, identifier: str) -> Thread:
        """Find a thread, or refuse as OpenAI did (400 for a foreign id, 404)."""
        found: Thread = _found(self.threads, identifier, "thread", "thread")
        return found

    def run(self, thread_id: str, identifier: str) -> ThreadRun:
        """Find a run of a thread; that of another thread is not found (404)."""
        thread = self.thread(thread_id)
        run: ThreadRun = _found(self.runs, identifier, "run", "run")
        if run.thread is not thread:
            raise none_found("run", identifier)
        return run

    def runs_of(self, thread: Thread) -> list[ThreadRun]:
        """List the runs of a thread, oldest first."""
        return [run for run in self.runs.values() if run.thread is thread]

    def active_run(self, thread: Thread) -> ThreadRun | None:
        """Find the run that holds a thread."""
        return next((run for run in self.runs_of(thread) if run.is_active(self.now())), None)

    def counters(self) -> dict[str, int]:
        """Count what is there; a run in flight may outlive its thread."""
        in_flight = [run for run in self.runs.values() if run.is_active(self.now())]
        return {
            "assistants": len(self.assistants),
            "threads": len(self.threads),
            "runs_in_flight": len(in_flight),
        }


def _found(known: Mapping[str, Any], identifier: str, what: str, prefix: str) -> Any:
    if not identifier.startswith(prefix):
        raise wrong_prefix(f"{what}_id", identifier, prefix)
    if identifier not in known:
        raise none_found(what, identifier)
    return known[identifier]
