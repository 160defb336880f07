"""A server in memory for tests of decisions: the smallest honest `Backend`, with faults on demand."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from threadrun.errors import NotFound
from threadrun.schema.arguments import DesiredAssistant, DesiredRun, DesiredThread, Message
from threadrun.state.observations import Indexing, ObservedAssistant, ObservedRun, RunPlan
from threadrun.state.run import RunRecord


@dataclass
class MemoryBackend:
    """Threads and runs as dictionaries; `faults` maps a method's name to errors that its next calls raise."""

    threads: dict[str, list[str]] = field(default_factory=dict)
    runs: dict[str, ObservedRun] = field(default_factory=dict)
    faults: dict[str, list[Exception]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    assistants: dict[str, ObservedAssistant] = field(default_factory=dict)
    stores: dict[str, Indexing] = field(default_factory=dict)
    keeps_threads: bool = True
    """Without, nothing of a run whose start got no reply can be seen."""

    def _called(self, name: str) -> None:
        self.calls.append(name)
        if self.faults.get(name):
            raise self.faults[name].pop(0)

    min_completion_tokens = 16

    def find_assistant(self, assistant_id: str) -> ObservedAssistant:
        self._called("find_assistant")
        if assistant_id not in self.assistants:
            raise NotFound(f"no assistant {assistant_id} is known")
        return self.assistants[assistant_id]

    def put_assistant(self, assistant_id: str | None, desired: DesiredAssistant, token: str) -> ObservedAssistant:
        self._called("put_assistant")
        assistant_id = assistant_id or f"asst_{len(self.assistants) + 1}"
        self.assistants[assistant_id] = ObservedAssistant(assistant_id, desired)
        return self.assistants[assistant_id]

    def delete_assistant(self, assistant_id: str) -> None:
        self._called("delete_assistant")
        self.assistants.pop(assistant_id, None)

    def create_bare_thread(self, desired: DesiredThread) -> str:
        return self._new_thread("create_bare_thread")

    def count_messages(self, thread_id: str) -> int:
        self._called("count_messages")
        return len(self.threads[thread_id])

    def add_messages(self, thread_id: str, messages: Sequence[Message]) -> int:
        self.threads[thread_id] += [message.content for message in messages[:20]]
        self._called("add_messages")
        return len(messages[:20])

    def update_thread(self, thread_id: str, desired: DesiredThread) -> None:
        self._called("update_thread")

    def make_vector_store(self, plan: RunPlan, thread_id: str, token: str) -> str | None:
        if not plan.effective.has_tool("retrieval", "file_search"):
            return None
        self._called("make_vector_store")
        self.stores["vs_1"] = Indexing(is_pending=True)
        return "vs_1"

    def observe_indexing(self, vector_store_id: str) -> Indexing:
        self._called("observe_indexing")
        return self.stores[vector_store_id]

    def delete_vector_store(self, vector_store_id: str) -> None:
        self._called("delete_vector_store")
        self.stores.pop(vector_store_id, None)

    def create_thread(self, plan: RunPlan) -> str:
        return self._new_thread("create_thread")

    def _new_thread(self, name: str) -> str:
        self._called(name)
        thread_id = f"conv_{len(self.threads) + 1}"
        self.threads[thread_id] = []
        return thread_id

    def last_item_id(self, thread_id: str) -> str | None:
        self._called("last_item_id")
        return self.threads[thread_id][-1] if self.threads[thread_id] else None

    def start_run(self, plan: RunPlan, thread_id: str) -> ObservedRun:
        self._called("start_run")
        run = ObservedRun(f"resp_{len(self.runs) + 1}", "queued", created_at=100)
        self.runs[run.run_id] = run
        return run

    def find_lost_run(self, thread_id: str, after_item_id: str | None) -> ObservedRun | None:
        self._called("find_lost_run")
        items = self.threads[thread_id]
        new = items[items.index(after_item_id) + 1 :] if after_item_id else items
        return ObservedRun(new[-1], "completed", output_text="found") if new else None

    def shows_lost_runs(self, thread_id: str) -> bool:
        return self.keeps_threads

    def continue_run(self, plan: RunPlan, thread_id: str, run_id: str, outputs: Mapping[str, str]) -> ObservedRun:
        self._called("continue_run")
        assert {call.call_id for call in self.runs[run_id].calls} == set(outputs), "each call, and no other"
        run = ObservedRun(f"resp_{len(self.runs) + 1}", "queued", created_at=150)
        self.runs[run.run_id] = run
        return run

    def find_continuation(self, thread_id: str, run_id: str, call_ids: Collection[str]) -> ObservedRun | None:
        self._called("find_continuation")
        return None

    def close_calls(self, thread_id: str, run_id: str, call_ids: Collection[str]) -> None:
        self._called("close_calls")

    def observe_run(self, thread_id: str, run_id: str) -> ObservedRun:
        self._called("observe_run")
        if run_id in self.threads.get(thread_id, []):
            return ObservedRun(run_id, "completed", output_text="found")
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
    record = RunRecord(key="run", identity=run.identity(), wanted_since_epoch_s=1000, deadline_epoch_s=2000)
    record.set_desired(run)
    return record
