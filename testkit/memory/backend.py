"""A server in memory for tests of decisions: the smallest honest `Backend`, with faults on demand."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from threadrun.errors import NotFound, ThreadRunError
from threadrun.reconcile.backend import Assistants, Files, Runs, Threads, VectorStores
from threadrun.schema.arguments import DesiredAssistant, DesiredRun, DesiredThread
from threadrun.schema.files import DesiredFile
from threadrun.schema.limits import Limits
from threadrun.schema.messages import Message
from threadrun.schema.stores import DesiredVectorStore
from threadrun.state.base import Window
from threadrun.state.files import Upload
from threadrun.state.observations import (
    Content,
    Indexing,
    ObservedAssistant,
    ObservedFile,
    ObservedRun,
    ObservedStore,
    RunPlan,
)
from threadrun.state.run import RunRecord


@dataclass
class MemoryBackend:
    """What the server has, as dictionaries; `threads`, `runs`, `files`, `vector_stores` and `assistants` work on them.

    `faults` maps a request, such as `runs.start`, to the errors that the next ones raise; `calls` has all requests.
    """

    items: dict[str, list[str]] = field(default_factory=dict)
    """Ids of each thread's items, by the thread's id."""
    responses: dict[str, ObservedRun] = field(default_factory=dict)
    faults: dict[str, list[Exception]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    settings: dict[str, ObservedAssistant] = field(default_factory=dict)
    indexing: dict[str, Indexing] = field(default_factory=dict)
    stored: dict[str, ObservedFile] = field(default_factory=dict)
    stores: dict[str, set[str]] = field(default_factory=dict)
    """Files of each store that runs share."""
    holders: dict[str, str] = field(default_factory=dict)
    """Whose each file is."""
    keeps_threads: bool = True
    """Without, nothing of a run whose start got no reply can be seen."""

    def __post_init__(self) -> None:
        self.threads: Threads = MemoryThreads(self)
        self.runs: Runs = MemoryRuns(self)
        self.files: Files = MemoryFiles(self)
        self.vector_stores: VectorStores = MemoryVectorStores(self)
        self.assistants: Assistants = MemoryAssistants(self)

    def called(self, name: str) -> None:
        """Note the request, and fail it where a test says so."""
        self.calls.append(name)
        if self.faults.get(name):
            raise self.faults[name].pop(0)

    def end(self, run_id: str, status: str = "completed", **more: object) -> None:
        """Let a run end."""
        ended = replace(self.responses[run_id], status=status, completed_at=200, **more)  # type: ignore[arg-type]
        self.responses[run_id] = ended


class MemoryThreads:
    def __init__(self, server: MemoryBackend) -> None:
        self._server, self._called = server, server.called

    def create(self, plan: RunPlan) -> str:
        self._called("threads.create")
        return self._new()

    def create_bare(self, desired: DesiredThread) -> str:
        self._called("threads.create_bare")
        return self._new()

    def _new(self) -> str:
        thread_id = f"conv_{len(self._server.items) + 1}"
        self._server.items[thread_id] = []
        return thread_id

    def count_messages(self, thread_id: str) -> int:
        self._called("threads.count_messages")
        return len(self._server.items[thread_id])

    def add_messages(self, thread_id: str, messages: Sequence[Message]) -> int:
        self._server.items[thread_id] += [message.content for message in messages[:20]]
        self._called("threads.add_messages")
        return len(messages[:20])

    def update(self, thread_id: str, desired: DesiredThread) -> None:
        self._called("threads.update")

    def empty(self, thread_id: str) -> None:
        self._called("threads.empty")

    def delete(self, thread_id: str) -> None:
        self._called("threads.delete")
        self._server.items.pop(thread_id, None)

    def last_item_id(self, thread_id: str) -> str | None:
        self._called("threads.last_item_id")
        items = self._server.items[thread_id]
        return items[-1] if items else None


class MemoryRuns:
    limits = Limits()

    def __init__(self, server: MemoryBackend) -> None:
        self._server, self._called = server, server.called

    def start(self, plan: RunPlan, thread_id: str) -> ObservedRun:
        self._called("runs.start")
        return self._new(created_at=100)

    def _new(self, created_at: int) -> ObservedRun:
        run = ObservedRun(f"resp_{len(self._server.responses) + 1}", "queued", created_at=created_at)
        self._server.responses[run.run_id] = run
        return run

    def find_lost(
        self, thread_id: str, after_item_id: str | None, token: str = "", but: Collection[str] = ()
    ) -> ObservedRun | None:
        self._called("runs.find_lost")
        items = self._server.items[thread_id]
        new = items[items.index(after_item_id) + 1 :] if after_item_id else items
        return ObservedRun(new[-1], "completed", output_text="found") if new else None

    def keeps(self, thread_id: str) -> bool:
        return self._server.keeps_threads

    def observe(self, thread_id: str, run_id: str) -> ObservedRun:
        self._called("runs.observe")
        if run_id in self._server.items.get(thread_id, []):
            return ObservedRun(run_id, "completed", output_text="found")
        if run_id not in self._server.responses:
            raise NotFound(f"no run {run_id}")
        return self._server.responses[run_id]

    def look(self, thread_id: str, run_id: str) -> ObservedRun:
        return self.observe(thread_id, run_id)

    def adopt(self, thread_id: str, run_id: str) -> ObservedRun:
        return self.observe(thread_id, run_id)

    def submit_outputs(self, plan: RunPlan, thread_id: str, run_id: str, outputs: Mapping[str, str]) -> ObservedRun:
        self._called("runs.submit_outputs")
        assert {call.call_id for call in self._server.responses[run_id].calls} == set(outputs), "each call, no other"
        return self._new(created_at=150)

    def find_continuation(self, thread_id: str, run_id: str, call_ids: Collection[str]) -> ObservedRun | None:
        self._called("runs.find_continuation")
        return None

    def close_calls(self, thread_id: str, run_id: str, call_ids: Collection[str]) -> None:
        self._called("runs.close_calls")

    def redactor(self, secret_arns: Iterable[str]) -> tuple[Callable[[str], str], list[ThreadRunError]]:
        return str, []

    def cancel(self, thread_id: str, run_id: str) -> None:
        self._called("runs.cancel")

    def delete(self, thread_id: str, run_id: str) -> None:
        self._called("runs.delete")
        self._server.responses.pop(run_id, None)


class MemoryFiles:
    """Files whose claims are taken with the upload: the two requests are told apart on the stand-in."""

    def __init__(self, server: MemoryBackend) -> None:
        self._server, self._called = server, server.called

    def measure(self, desired: DesiredFile) -> Content:
        self._called("files.measure")
        return Content(len(desired.inline()))

    def sha256(self, desired: DesiredFile, upload: Upload) -> str:
        return "digest"

    def upload(self, desired: DesiredFile, upload: Upload, token: str) -> tuple[ObservedFile, str]:
        self._called("files.upload")
        made = ObservedFile(self._new_id(), desired.filename, upload.size_bytes, created_at=int(self._now()))
        self._server.stored[made.file_id], self._server.holders[made.file_id] = made, token
        return made, self.sha256(desired, upload)

    def _new_id(self) -> str:
        return f"file-{len(self._server.stored) + 1}"

    def _now(self) -> float:
        return 1000

    def find_lost(self, upload: Upload, token: str) -> ObservedFile | None:
        self._called("files.find_lost")
        ours = [made for file_id, made in self._server.stored.items() if self._server.holders[file_id] == token]
        return ours[-1] if ours else None

    def observe(self, file_id: str) -> ObservedFile:
        self._called("files.observe")
        if file_id not in self._server.stored:
            raise NotFound(f"file {file_id} is not known")
        return self._server.stored[file_id]

    def delete(self, file_id: str) -> None:
        self._called("files.delete")
        self._server.stored.pop(file_id, None)


class MemoryVectorStores:
    def __init__(self, server: MemoryBackend) -> None:
        self._server, self._called = server, server.called

    def make(self, plan: RunPlan, thread_id: str, token: str) -> str | None:
        if not plan.effective.has_tool("retrieval", "file_search"):
            return None
        self._called("vector_stores.make")
        self._server.indexing["vs_1"] = Indexing(is_pending=True)
        return "vs_1"

    def observe_indexing(self, vector_store_id: str) -> Indexing:
        self._called("vector_stores.observe_indexing")
        return self._server.indexing[vector_store_id]

    def create(self, desired: DesiredVectorStore, token: str) -> str:
        self._called("vector_stores.create")
        if (known := self.find(token)) is None:
            known = self._new_id()
            self._server.stores[known], self._server.holders[known] = set(desired.file_ids or ()), token
        return known

    def _new_id(self) -> str:
        return f"vs_{len(self._server.stores) + 1}"

    def find(self, token: str) -> str | None:
        return next((each for each in self._server.stores if self._server.holders[each] == token), None)

    def update(self, vector_store_id: str, desired: DesiredVectorStore) -> None:
        self._called("vector_stores.update")

    def file_ids(self, vector_store_id: str) -> list[str]:
        self._called("vector_stores.file_ids")
        return list(self._server.stores[vector_store_id])

    def add_file(self, vector_store_id: str, file_id: str, desired: DesiredVectorStore) -> None:
        self._called("vector_stores.add_file")
        self._server.stores[vector_store_id].add(file_id)

    def remove_file(self, vector_store_id: str, file_id: str) -> None:
        self._called("vector_stores.remove_file")
        self._server.stores[vector_store_id].discard(file_id)

    def observe(self, vector_store_id: str) -> ObservedStore:
        self._called("vector_stores.observe")
        if vector_store_id not in self._server.stores:
            raise NotFound(f"vector store {vector_store_id} is not known")
        return ObservedStore(vector_store_id, status="completed")

    def delete(self, vector_store_id: str) -> None:
        self._called("vector_stores.delete")
        self._server.indexing.pop(vector_store_id, None)
        self._server.stores.pop(vector_store_id, None)

    def delete_lost(self, token: str) -> None:
        self._called("vector_stores.delete_lost")


class MemoryAssistants:
    def __init__(self, server: MemoryBackend) -> None:
        self._server, self._called = server, server.called

    def put(self, assistant_id: str | None, desired: DesiredAssistant, token: str) -> ObservedAssistant:
        self._called("assistants.put")
        assistant_id = assistant_id or f"asst_{len(self._server.settings) + 1}"
        self._server.settings[assistant_id] = ObservedAssistant(assistant_id, desired)
        return self._server.settings[assistant_id]

    def find(self, assistant_id: str) -> ObservedAssistant:
        self._called("assistants.find")
        if assistant_id not in self._server.settings:
            raise NotFound(f"assistant {assistant_id} is not known")
        return self._server.settings[assistant_id]

    def delete(self, assistant_id: str) -> None:
        self._called("assistants.delete")
        self._server.settings.pop(assistant_id, None)

    def delete_lost(self, token: str) -> None:
        self._called("assistants.delete_lost")


def wanted_run(**desired: object) -> RunRecord:
    """A run that has just been asked for, at second 1,000 and due at 2,000."""
    run = DesiredRun.model_validate(
        {"model": "m", "thread": {"messages": [{"role": "user", "content": "Hello."}]}} | desired
    )
    window = Window(since_epoch_s=1000, deadline_epoch_s=2000)
    record = RunRecord(key="run", identity=run.identity(), window=window)
    record.set_desired(run, "snake_case")
    return record
