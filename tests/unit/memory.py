"""A server in memory for tests of decisions: the smallest honest `Backend`, with faults on demand."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from threadrun.backend import ObservedRun
from threadrun.desired import DesiredRun
from threadrun.errors import NotFound
from threadrun.record import RunRecord


@dataclass
class MemoryBackend:
    """Threads and runs as dictionaries; `faults` maps a method's name to errors that its next calls raise."""

    threads: dict[str, list[str]] = field(default_factory=dict)
    runs: dict[str, ObservedRun] = field(default_factory=dict)
    faults: dict[str, list[Exception]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    lose_replies: int = 0

    def _called(self, name: str) -> None:
        self.calls.append(name)
        if self.faults.get(name):
            raise self.faults[name].pop(0)

    def create_thread(self, desired: DesiredRun) -> str:
        self._called("create_thread")
        thread_id = f"conv_{len(self.threads) + 1}"
        self.threads[thread_id] = []
        return thread_id

    def last_item_id(self, thread_id: str) -> str | None:
        self._called("last_item_id")
        return self.threads[thread_id][-1] if self.threads[thread_id] else None

    def start_run(self, desired: DesiredRun, thread_id: str) -> ObservedRun:
        self._called("start_run")
        run = ObservedRun(f"resp_{len(self.runs) + 1}", "queued", created_at=100)
        self.runs[run.run_id] = run
        return run

    def find_lost_run(self, thread_id: str, after_item_id: str | None) -> ObservedRun | None:
        self._called("find_lost_run")
        items = self.threads[thread_id]
        new = items[items.index(after_item_id) + 1 :] if after_item_id else items
        return ObservedRun(new[-1], "completed", output_text="found") if new else None

    def observe_run(self, thread_id: str, run_id: str) -> ObservedRun:
        self._called("observe_run")
        if run_id not in self.runs:
            raise NotFound(f"no run {run_id}")
        return self.runs[run_id]

    def adopt_run(self, thread_id: str, run_id: str) -> ObservedRun:
        return self.observe_run(thread_id, run_id)

    def cancel_run(self, thread_id: str, run_id: str) -> None:
        self._called("cancel_run")

    def delete_run(self, thread_id: str, run_id: str) -> None:
        self._called("delete_run")
        self.runs.pop(run_id, None)

    def delete_thread(self, thread_id: str) -> None:
        self._called("delete_thread")
        self.threads.pop(thread_id, None)

    def end(self, run_id: str, status: str = "completed", **more: object) -> None:
        """Let a run end."""
        self.runs[run_id] = replace(self.runs[run_id], status=status, completed_at=200, **more)  # type: ignore[arg-type]


def wanted_run(**desired: object) -> RunRecord:
    """A run that has just been asked for, at second 1,000 and due at 2,000."""
    run = DesiredRun.model_validate(
        {"model": "m", "thread": {"messages": [{"role": "user", "content": "Hello."}]}} | desired
    )
    return RunRecord(
        key="run",
        fingerprint=run.fingerprint(),
        desired=run,
        bookkeeping=run.bookkeeping,
        wanted_since_epoch_s=1000,
        deadline_epoch_s=2000,
    )
