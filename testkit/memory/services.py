"""OpenAI and AWS in memory, as far as the application can tell: what is there, who holds what, what has ended."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from testkit.memory.backend import MemoryBackend, MemoryFiles, MemoryRuns, MemoryThreads, MemoryVectorStores
from testkit.memory.table import MemoryTable
from threadrun.errors import NotFound, ThreadBusy
from threadrun.providers.responses.assistant_catalog import AssistantCatalog
from threadrun.schema.arguments import DesiredThread
from threadrun.schema.messages import Message
from threadrun.state.observations import FunctionCall, ObservedRun, RunPlan
from threadrun.storage.packing import unpack

SHARED_THREAD = "conv_shared"


@dataclass
class Flight:
    """A run that has not ended yet."""

    thread_id: str
    ends_epoch_s: float
    ends_as: str
    answers: tuple[str, ...] = ()
    """Calls that it brings the outputs of."""


STUMBLES = "stumbles"
"""How a run ends that fails for a reason that passes; the next one completes."""


@dataclass(kw_only=True)
class MemoryServer(MemoryBackend):
    """OpenAI's Responses API: a run locks its thread, ends by the clock, and shows in its thread once completed."""

    clock: Callable[[], float]
    on_made: Callable[[str], None]
    catalog: AssistantCatalog
    next_run: tuple[float, str] = (3, "completed")
    """Seconds that the runs to come take, and how they end."""
    flights: dict[str, Flight] = field(default_factory=dict)
    endings: dict[str, str] = field(default_factory=dict)
    """How each run that was ever started has ended."""
    _ids: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.threads, self.runs, self.assistants = TimedThreads(self), TimedRuns(self), self.catalog
        self.files, self.vector_stores = TimedFiles(self), TimedStores(self)

    def called(self, name: str) -> None:
        """Let the runs end whose time has come: each request sees the server as it is then."""
        for run_id, flight in list(self.flights.items()):
            if flight.ends_epoch_s <= self.clock():
                self._land(run_id, self.flights.pop(run_id))

    def _land(self, run_id: str, flight: Flight) -> None:
        stumbles = flight.ends_as == STUMBLES
        flight = replace(flight, ends_as="failed") if stumbles else flight
        self.endings[run_id] = flight.ends_as
        name, calls = run_id.partition("_")[2], []
        if flight.ends_as == "requires_action":
            calls = [f"call_{name}a", f"call_{name}b"]
        called = tuple(FunctionCall(each, "look_up", "{}") for each in calls)
        self.end(run_id, flight.ends_as, calls=called, may_pass=stumbles)
        if flight.ends_as in ("completed", "requires_action"):
            said = [f"output {call_id}" for call_id in flight.answers] + (calls or [f"msg_{name}"])
            self.items.get(flight.thread_id, []).extend(said)

    def new_id(self, prefix: str) -> str:
        self._ids += 1
        made = f"{prefix}_{self._ids}."
        self.on_made(made)
        return made

    def require_thread(self, thread_id: str) -> None:
        self.called("")
        if thread_id not in self.items:
            raise NotFound(f"no thread {thread_id}")

    def require_no_flight(self, thread_id: str) -> None:
        self.require_thread(thread_id)
        if any(flight.thread_id == thread_id for flight in self.flights.values()):
            raise ThreadBusy("locked")

    def open_calls(self, thread_id: str) -> list[FunctionCall]:
        """Calls in the thread that nobody has answered: no other run can use it."""
        items = self.items.get(thread_id, [])
        made = [item for item in items if item.startswith("call_")]
        return [FunctionCall(each, "look_up", "{}") for each in made if f"output {each}" not in items]

    def leaves_no_trace(self, run_id: str) -> bool:
        """Whether a run has ended without an answer in its thread."""
        return self.endings.get(run_id, "completed") not in ("completed", "requires_action")


class TimedThreads(MemoryThreads):
    """Threads that are not found where they are gone."""

    def __init__(self, server: MemoryServer) -> None:
        super().__init__(server)
        self._new_id, self._require_thread = server.new_id, server.require_thread

    def _new(self) -> str:
        thread_id = self._new_id("conv")
        self._server.items[thread_id] = []
        return thread_id

    def count_messages(self, thread_id: str) -> int:
        self._require_thread(thread_id)
        return super().count_messages(thread_id)

    def add_messages(self, thread_id: str, messages: Sequence[Message]) -> int:
        self._require_thread(thread_id)
        return super().add_messages(thread_id, messages)

    def update(self, thread_id: str, desired: DesiredThread) -> None:
        self._require_thread(thread_id)

    def last_item_id(self, thread_id: str) -> str | None:
        self._require_thread(thread_id)
        return super().last_item_id(thread_id)


class TimedRuns(MemoryRuns):
    """Runs that take their time."""

    _server: MemoryServer

    def start(self, plan: RunPlan, thread_id: str) -> ObservedRun:
        self._server.require_no_flight(thread_id)
        if self._server.open_calls(thread_id):
            raise ThreadBusy("locked")
        seconds, ends_as = self._server.next_run
        if plan.effective.tools and ends_as in ("completed", STUMBLES):
            return self._take_off("resp", thread_id, "requires_action")
        if ends_as == STUMBLES:
            self._server.next_run = seconds, "completed"
        return self._take_off("resp", thread_id, ends_as)

    def _take_off(self, prefix: str, thread_id: str, ends_as: str, answers: tuple[str, ...] = ()) -> ObservedRun:
        server = self._server
        run = ObservedRun(server.new_id(prefix), "queued", created_at=int(server.clock()))
        server.responses[run.run_id] = run
        server.flights[run.run_id] = Flight(thread_id, server.clock() + server.next_run[0], ends_as, answers)
        return run

    def find_lost(
        self, thread_id: str, after_item_id: str | None, token: str = "", but: Collection[str] = ()
    ) -> ObservedRun | None:
        self._called("")
        items = self._server.items.get(thread_id, [])
        return self._found_in(items[items.index(after_item_id) + 1 :] if after_item_id else items)

    def submit_outputs(self, plan: RunPlan, thread_id: str, run_id: str, outputs: Mapping[str, str]) -> ObservedRun:
        self._server.require_no_flight(thread_id)
        open_calls = {call.call_id for call in self._server.open_calls(thread_id)}
        assert open_calls == set(outputs), f"{set(outputs)} is submitted, {open_calls} is waited for"
        seconds, ends_as = self._server.next_run
        ends_as = ends_as if ends_as == STUMBLES else "completed"
        self._server.next_run = seconds, "completed"
        return self._take_off("cont", thread_id, ends_as, tuple(outputs))

    def find_continuation(self, thread_id: str, run_id: str, call_ids: Collection[str]) -> ObservedRun | None:
        self._called("")
        items = self._server.items.get(thread_id, [])
        answered = [items.index(f"output {call_id}") for call_id in call_ids if f"output {call_id}" in items]
        return self._found_in(items[max(answered) + 1 :]) if answered else None

    def _found_in(self, items: Sequence[str]) -> ObservedRun | None:
        calls = [FunctionCall(each, "look_up", "{}") for each in items if each.startswith("call_")]
        if calls and f"output {calls[-1].call_id}" not in items:
            return ObservedRun(calls[-1].call_id, "requires_action", calls=tuple(calls))
        answers = [item for item in items if item.startswith("msg_")]
        return ObservedRun(answers[-1], "completed", output_text="found") if answers else None

    def close_calls(self, thread_id: str, run_id: str, call_ids: Collection[str]) -> None:
        self._called("")
        open_calls = {call.call_id for call in self._server.open_calls(thread_id)}
        outputs = [f"output {call_id}" for call_id in call_ids if call_id in open_calls]
        self._server.items.get(thread_id, []).extend(outputs)

    def cancel(self, thread_id: str, run_id: str) -> None:
        self._called("")
        flights = self._server.flights
        if run_id in flights:
            flights[run_id] = replace(flights[run_id], ends_epoch_s=self._server.clock() + 1, ends_as="cancelled")

    def delete(self, thread_id: str, run_id: str) -> None:
        self._called("")
        assert run_id not in self._server.flights, "a run in flight was deleted: nobody can cancel it any more"
        self._server.responses.pop(run_id, None)


class TimedFiles(MemoryFiles):
    _server: MemoryServer

    def _new_id(self) -> str:
        return self._server.new_id("file")

    def _now(self) -> float:
        return self._server.clock()


class TimedStores(MemoryVectorStores):
    _server: MemoryServer

    def _new_id(self) -> str:
        return self._server.new_id("vs")


class RecordedTable(MemoryTable):
    """`texts` has every record that was ever saved."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.texts: list[str] = []

    def put_item(self, *, Item: dict[str, Any], **more: Any) -> dict[str, Any]:
        reply = super().put_item(Item=Item, **more)
        if "body" in Item:
            self.texts.append(unpack(Item["body"]["B"]).decode())
        return reply
