"""The application on a virtual clock: its own handlers' code, store and decisions, its own state machine's definition.

Nothing of its waiting policy is repeated here. A function takes as long as its profile says, and as it sleeps.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from unittest.mock import patch

from bench.metered_table import MeteredTable
from bench.peer_policies import STARTING_REQUESTS
from bench.prices import Usage
from bench.profile import Profile, SimulatedRun
from functions.custom_resource import app as custom_resource
from testkit.clock import Clock
from testkit.memory import functions
from testkit.memory.services import MemoryServer
from testkit.state_machine import INVOKE, TABLE, WAIT_FOR_TOKEN, update_item
from testkit.step_functions import StepFunctions
from threadrun.app.application import Application
from threadrun.app.settings import Settings
from threadrun.cloudformation.events import parse_event
from threadrun.providers.responses.assistant_catalog import AssistantCatalog
from threadrun.state.resource import RequestContext
from threadrun.workflow.webhooks import wake

KINDS = {"reconcile": "look", "signal": "answer"}
"""What a function does for a run, in the words of a profile."""
EVENT = {
    "RequestType": "Create",
    "RequestId": "7b1e7c1e-3a51-4f6e-9d3c-5a1f0d6b2c94",
    # As long, and as hard to compress, as AWS's.
    "ResponseURL": "http://127.0.0.1/arn%3Aaws%3Acloudformation%3Aus-east-1%3A123456789012%3Astack/bench/"
    "0f0c6a52-6c5e-4b9e-a1d7-93d3b7e0c1f8%7CRun%7C7b1e7c1e-3a51-4f6e-9d3c-5a1f0d6b2c94?X-Amz-Algorithm=AWS4-HMAC-SHA256"
    "&X-Amz-Date=20270115T080000Z&X-Amz-SignedHeaders=host&X-Amz-Expires=7200&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE"
    "%2F20270115%2Fus-east-1%2Fs3%2Faws4_request"
    f"&X-Amz-Signature={hashlib.sha256(b'nobody').hexdigest()}",
    "StackId": "arn:aws:cloudformation:us-east-1:123456789012:stack/bench/0f0c6a52-6c5e-4b9e-a1d7-93d3b7e0c1f8",
    "LogicalResourceId": "Run",
    "ResourceType": "Custom::OpenAIThreadRun",
    "ResourceProperties": {
        "ServiceToken": "arn",
        "ServiceTimeout": "3600",
        "model": "gpt-5.4-mini",
        "metadata": {"run": "threadrun-600-0", "seconds": "600.000"},
        "thread": {"messages": [{"role": "user", "content": "What is a stack?"}]},
    },
}


@dataclass(kw_only=True)
class WatchedServer(MemoryServer):
    """Looks at it take their time, and are counted."""

    clock: Clock
    look_s: float
    looks: int = 0

    def called(self, name: str) -> None:
        if name == "runs.observe":
            self.looks += 1
            self.clock.advance(self.look_s)
        super().called(name)


class VirtualApplication:
    """One deployment with one run, played to its answer."""

    def __init__(
        self, seconds: float, profile: Profile, jitter: Callable[[], float], *, webhooks: bool = False
    ) -> None:
        """`seconds` is how long the run takes, `jitter` a number from 0 to 1."""
        self._clock, self._seconds, self._profile = Clock(), seconds, profile
        self._usage, self._answered_epoch_s, self._ends_epoch_s = Usage(), 0.0, 0.0
        self._used: set[str] = set()
        """The kinds of turns that there were."""
        self.table = MeteredTable(TABLE)
        """With what the run leaves in it."""
        settings = Settings(
            table_name=TABLE, state_machine_arn="arn", outputs_bucket="bucket", enable_webhooks=webhooks
        )
        self._app = Application(settings, self._clock, self._clock.advance, jitter)
        table: Any = self.table
        catalog = AssistantCatalog(table, TABLE, self._clock)
        self._app._dynamodb = table
        self._server = WatchedServer(
            clock=self._clock,
            on_made=lambda made: None,
            catalog=catalog,
            next_run=(seconds, "completed"),
            look_s=profile.look_s,
        )
        self._app.backend = self._server
        self._states = StepFunctions(self._call, self._clock)
        self._app.step_functions = self._states  # type: ignore[assignment]

    def play(self) -> SimulatedRun:
        """From CloudFormation's request to its answer."""
        with patch("threadrun.cloudformation.respond.deliver", self._deliver):
            self._run_function(
                "start",
                lambda: custom_resource.handle(self._app, parse_event(EVENT, allow_loopback=True), RequestContext()),
            )
            self._ends_epoch_s = self._clock() + self._seconds
            self._clock.come_to_rest()
            self._usage += Usage(transitions=sum(each.transitions for each in self._states.executions))
        table = Usage(write_units=self.table.write_units, read_units=self.table.read_units)
        init = self._profile.init(*self._used)
        usage = self._usage + table + init
        lag_s = self._answered_epoch_s - self._ends_epoch_s
        return SimulatedRun(self._seconds, lag_s, usage, init, STARTING_REQUESTS + self._server.looks)

    def _deliver(self, url: str, body: bytes, **_: Any) -> None:
        assert json.loads(body)["Status"] == "SUCCESS", body
        self._answered_epoch_s = self._clock()

    def _run_function(self, kind: str, work: Callable[[], Any]) -> Any:
        """What the function does, it does at its end; what it sleeps is billed too."""
        self._clock.advance(self._profile.latency_s[kind])
        self._used.add(kind)
        before = self._clock()
        result = work()
        self._usage += self._profile.usage(kind, slept_s=self._clock() - before)
        return result

    def _call(self, resource: str, arguments: dict[str, Any]) -> Any:
        """What a task of the state machine calls."""
        if resource == INVOKE:
            work = partial(getattr(functions, arguments["FunctionName"]), self._app, arguments["Payload"])
            return {"Payload": self._run_function(KINDS[arguments["FunctionName"]], work)}
        if resource.endswith(WAIT_FOR_TOKEN):
            # The server tells at the run's end, and not before: the wait begins at once after a look.
            seconds = max(self._ends_epoch_s - self._clock(), 0)
            self._clock.later(seconds, "event", partial(self._receive_event, arguments["Key"]["pk"]["S"]))
        return update_item(self.table, resource, arguments)

    def _receive_event(self, key: str) -> None:
        event_waits = self._app.event_waits
        assert event_waits is not None
        note = partial(event_waits.note_webhook, key.partition("#")[2], self._clock())
        wait = self._run_function("wake", note)
        for token in wait.task_tokens if wait else ():
            wake(self._app.step_functions, token)
