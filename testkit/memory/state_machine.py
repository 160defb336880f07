"""Executions of statemachine/thread_run.asl.yaml, one state at a time, so that anything can come in between."""

from __future__ import annotations

import functools
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from functions.reconcile.app import MARGIN_SECONDS
from testkit.template import timeout_seconds
from threadrun.workflow.tool_calls import ToolCaller
from threadrun.workflow.waiting import Waiting

if TYPE_CHECKING:
    from testkit.memory.world import World

LINGER_SECONDS = timeout_seconds("reconcile") - MARGIN_SECONDS
_DEFINITION = Path(__file__).parents[2] / "statemachine/thread_run.asl.yaml"


@functools.cache
def definition() -> Any:
    return yaml.safe_load(_DEFINITION.read_text())


@functools.cache
def retries(state: str, error: str) -> tuple[float, int]:
    """Seconds before the first retry of an error, and how many there are."""
    found = definition()["States"].get(state) or definition()["States"]["Call tools"]["ItemProcessor"]["States"][state]
    for retry in found["Retry"]:
        if error in retry["ErrorEquals"]:
            return retry["IntervalSeconds"], retry["MaxAttempts"]
    return 0, 0


class FunctionFailed(Exception):
    """A function ended with an error of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


@dataclass
class Execution:
    """One execution; `step()` takes it to its next state."""

    world: World
    name: str
    text: str
    status: str = "RUNNING"
    failure: str = ""
    attributes_key: str = ""
    state: str = ""
    tries: int = 0
    call_ids: list[str] = field(default_factory=list)
    """Calls that are yet to be answered: one after the other, while other actors come in between."""
    given: dict[str, Any] = field(default_factory=dict)
    waits: int = 0
    task_token: str = ""
    """Of the wait for an event that is under way."""

    def start(self) -> None:
        self.given = json.loads(self.text)
        timeout = definition()["TimeoutSeconds"]
        self.world.later(timeout, f"{self.name} times out", lambda: self.end("TIMED_OUT"))
        self._go(definition()["StartAt"])

    def end(self, status: str) -> None:
        if self.status == "RUNNING":
            self.status = status
            self.world.forget_task(f"{self.name} times out")
            if status != "SUCCEEDED":
                self.world.report_execution(self)

    def step(self) -> None:
        if self.status != "RUNNING":
            return
        try:
            {
                "Reconcile": self._reconcile,
                "Call tool": self._call_tool,
                "Record attributes": self._record,
                "Signal": self._signal,
            }[self.state]()
        except FunctionFailed as failed:
            self._retry_or_catch(failed.name)

    def _go(self, state: str, wait_seconds: float = 0) -> None:
        self.state, self.tries = state, 0
        self.world.later(wait_seconds, f"{self.name}: {state}", self.step)

    def _choose(self, step: dict[str, Any]) -> None:
        self.attributes_key = step["attributes_key"]
        if step["outcome"] == "stop":
            self.end("SUCCEEDED")
        elif step["outcome"] == "call_tools":
            self.call_ids = list(step["call_ids"])
            self._go("Call tool")
        elif step["outcome"] == "wait":
            self._go("Reconcile", step["wait_seconds"])
        elif step["outcome"] == "await_event":
            self._await_event(step["wait_key"], step["wait_seconds"])
        else:
            self._go("Record attributes" if step["outcome"] == "record" else "Signal")

    def _await_event(self, wait_key: str, wait_seconds: float) -> None:
        self.waits += 1
        token = f"{self.name} {self.waits}"
        if not self.world.table.add_task_token(wait_key, token):
            self._go("Reconcile")
            return
        self.task_token = token
        self._go("Reconcile", wait_seconds)

    def succeed(self, token: str) -> bool:
        """An event ends the wait; false where nobody waits with this token."""
        if self.status != "RUNNING" or self.task_token != token:
            return False
        self.world.forget_task(f"{self.name}: Reconcile")
        self._go("Reconcile")
        return True

    def _reconcile(self) -> None:
        self.task_token = ""
        app, key = self.world.app, self.given["key"]
        waiting = Waiting(app.sleep, app.clock() + LINGER_SECONDS, app.settings.linger_seconds, app.event_waits)
        taken = self.world.run_function(
            self.name,
            lambda: app.stepper.take_step(key, self.given["request_id"], waiting),
        )
        if self.status == "RUNNING":
            self._choose(asdict(taken))

    def _call_tool(self) -> None:
        app, key, request_id = self.world.app, self.given["key"], self.given["request_id"]
        caller = ToolCaller(app.records, self.world.invoke_handler, app.clock)
        self.world.run_function(
            self.name,
            lambda: caller.answer(key, request_id, self.call_ids[0]),
        )
        if self.status == "RUNNING":
            self._next_call()

    def _next_call(self) -> None:
        self.call_ids.pop(0)
        self._go("Call tool" if self.call_ids else "Reconcile")

    def _record(self) -> None:
        self.world.table.record_attributes(self.attributes_key)
        self._go("Signal")

    def _signal(self) -> None:
        key, request_id, failure = self.given["key"], self.given["request_id"], self.failure or None
        self.world.run_function(self.name, lambda: self.world.app.responses.send(key, request_id, failure=failure))
        self.end("SUCCEEDED")

    def _retry_or_catch(self, error: str) -> None:
        interval, attempts = retries(self.state, error)
        if self.tries < attempts:
            self.tries += 1
            pause = min(interval * 2 ** (self.tries - 1), 60)
            self.world.later(pause, f"{self.name}: {self.state} again", self.step)
        elif error == "CallUnanswered":
            self._next_call()
        elif self.state in ("Reconcile", "Call tool"):
            self.failure = f"the reconcile function failed ({error}): its log group tells more"
            self._go("Signal")
        else:
            self.end("FAILED")
