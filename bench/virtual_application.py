"""The application on a virtual clock: its own handlers' code, store and decisions, its own state machine's definition.

Nothing of its waiting policy is repeated here. A function takes as long as its profile says, and as it sleeps.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any
from unittest.mock import patch

from bench.asl import Machine, TaskFailed
from bench.metered_table import MeteredTable
from bench.prices import Usage
from bench.profile import Profile, SimulatedRun
from functions.custom_resource import app as custom_resource
from testkit.memory.services import MemoryServer, MemoryStepFunctions
from testkit.memory.state_machine import LINGER_SECONDS
from threadrun.app.application import Application
from threadrun.app.settings import Settings
from threadrun.cloudformation.events import parse_event
from threadrun.providers.responses.assistant_catalog import AssistantCatalog
from threadrun.state.progress import RequestContext
from threadrun.workflow.waiting import Waiting

EPOCH_S = 1_800_000_000.0
EVENT = {
    "RequestType": "Create",
    "RequestId": "request",
    "ResponseURL": "https://cloudformation-custom-resource-response-useast1.s3.us-east-1.amazonaws.com/"
    "request?X-Amz-Date=20270115T080000Z",
    "StackId": "arn:aws:cloudformation:us-east-1:123456789012:stack/bench/1",
    "LogicalResourceId": "Run",
    "ResourceType": "Custom::OpenAIThreadRun",
    "ResourceProperties": {
        "ServiceToken": "arn",
        "ServiceTimeout": "1800",
        "model": "gpt-5.4-mini",
        "metadata": {"run": "threadrun-600-0", "seconds": "600.000"},
        "thread": {"messages": [{"role": "user", "content": "What is a stack?"}]},
    },
}


class VirtualApplication:
    """One deployment with one run, played to its answer."""

    def __init__(
        self, seconds: float, profile: Profile, machine: Machine, jitter: Callable[[], float], *, webhooks: bool = False
    ) -> None:
        """`seconds` is how long the run takes, `jitter` a number from 0 to 1."""
        self.now, self._seconds, self._profile, self._machine = EPOCH_S, seconds, profile, machine
        self._usage, self._answered_epoch_s, self._ends_epoch_s = Usage(), 0.0, 0.0
        self._table = MeteredTable()
        settings = Settings(
            table_name="table", state_machine_arn="arn", outputs_bucket="bucket", enable_webhooks=webhooks
        )
        self._app = Application(settings, lambda: self.now, self._pass_time, jitter)
        table: Any = self._table
        catalog = AssistantCatalog(table, "table", lambda: self.now)
        self._app._dynamodb = table
        self._app.backend = MemoryServer(
            clock=lambda: self.now, on_made=lambda made: None, catalog=catalog, next_run=(seconds, "completed")
        )
        self._app.step_functions = MemoryStepFunctions(self._start, lambda token: True)  # type: ignore[assignment]
        self._execution: dict[str, Any] | None = None

    def play(self) -> SimulatedRun:
        """From CloudFormation's request to its answer."""
        with patch("threadrun.cloudformation.respond.deliver", self._deliver):
            self._run_function("start", lambda: custom_resource.handle(self._app, parse_event(EVENT), RequestContext()))
            self._ends_epoch_s = self.now + self._seconds
            if self._execution is not None:
                played = self._machine.play(self._execution, self._task, self._pass_time)
                self._usage += Usage(transitions=played)
        table = Usage(write_units=self._table.write_units, read_units=self._table.read_units)
        return SimulatedRun(self._seconds, self._answered_epoch_s - self._ends_epoch_s, self._usage + table)

    def _start(self, name: str, text: str) -> None:
        self._execution = json.loads(text)

    def _deliver(self, url: str, body: bytes, **_: Any) -> None:
        assert json.loads(body)["Status"] == "SUCCESS", body
        self._answered_epoch_s = self.now

    def _pass_time(self, seconds: float) -> None:
        self.now += seconds

    def _run_function(self, kind: str, work: Callable[[], Any]) -> Any:
        """What the function does, it does at its end; what it sleeps is billed too."""
        self._pass_time(self._profile.latency_s[kind])
        before = self.now
        result = work()
        self._usage += self._profile.usage(kind, slept_s=self.now - before)
        return result

    def _task(self, resource: str, arguments: dict[str, Any], timeout_s: float) -> Any:
        """A task of the state machine."""
        if resource.endswith(".waitForTaskToken"):
            return self._await_event(arguments, timeout_s)
        if resource.endswith(":dynamodb:updateItem"):
            self._table.record_attributes(arguments["Key"]["pk"]["S"])
            return {}
        given, function = arguments["Payload"], arguments["FunctionName"]
        if "Signal" in function:
            return {"Payload": self._run_function("answer", lambda: self._answer(given))}
        return {"Payload": self._run_function("look", lambda: self._look(given))}

    def _await_event(self, arguments: dict[str, Any], timeout_s: float) -> Any:
        """The server tells at the run's end, and not before: the wait begins at once after a look."""
        (token,) = arguments["ExpressionAttributeValues"].values()
        self._table.add_task_token(arguments["Key"]["pk"]["S"], token["S"])
        if self.now + timeout_s < self._ends_epoch_s:
            self._pass_time(timeout_s)
            raise TaskFailed("States.Timeout")
        self.now = max(self.now, self._ends_epoch_s)
        event_waits = self._app.event_waits
        assert event_waits is not None
        run_id = arguments["Key"]["pk"]["S"].partition("#")[2]
        self._run_function("wake", lambda: event_waits.note_event(run_id))
        return {}

    def _look(self, given: dict[str, Any]) -> dict[str, Any]:
        app = self._app
        waiting = Waiting(app.sleep, app.clock() + LINGER_SECONDS, app.settings.linger_seconds, app.event_waits)
        return asdict(app.stepper.take_step(given["key"], given["request_id"], waiting))

    def _answer(self, given: dict[str, Any]) -> dict[str, Any]:
        failure = given.get("failure") or None
        answered = self._app.responses.send(given["key"], given["request_id"], failure=failure)
        return {"answered": answered is not None}
