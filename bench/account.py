"""Runs in an account whose concurrent executions are limited, on a virtual clock.

With the application's own handlers' code, decisions and state machine's definition. Lambda refuses what is beyond the
limit, as on AWS: the state machine retries by its definition, CloudFormation's events come again after one second,
twice that, and so on to five minutes.
"""

from __future__ import annotations

import heapq
import io
import json
import logging
import math
import random
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

from bench.metered_table import MeteredTable
from bench.prices import Usage
from bench.virtual_application import EVENT, WatchedServer
from functions.custom_resource import app as custom_resource
from testkit.clock import Clock, Task
from testkit.memory import functions
from testkit.state_machine import DEFINITION, INVOKE, TABLE, Execution, Later, TaskFailed, update_item
from threadrun.app.application import Application
from threadrun.app.settings import Settings
from threadrun.cloudformation.events import parse_event
from threadrun.providers.responses.assistant_catalog import AssistantCatalog
from threadrun.state.resource import RequestContext

RUN_SECONDS, SERVICE_TIMEOUT_SECONDS = 300.0, 600
START_SECONDS, STEP_SECONDS = 2.0, 0.5
"""What a function takes besides its sleep, on AWS and not always warm: the one that starts a run, and the others."""
MEMORY_GB = {"custom_resource": 0.5, "reconcile": 0.15625, "signal": 0.5}
MAX_EVENT_PAUSE_SECONDS = 300
"""Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html."""
REFUSED = "Lambda.TooManyRequestsException"
MORE_THAN_ANY = 1_000_000
"""Executions that an account never has."""


class Agenda(Clock):
    """A clock for a hundred thousand tasks. What is left of an execution that has ended does nothing by itself."""

    def __init__(self) -> None:
        super().__init__()
        self._heap: list[tuple[float, int, Task]] = []
        self._number = 0

    def later(self, seconds: float, name: str, act: Callable[[], None]) -> None:
        self._number += 1
        due_epoch_s = self.now + seconds
        heapq.heappush(self._heap, (due_epoch_s, self._number, Task(due_epoch_s, name, act)))

    def forget_tasks(self, *beginnings: str) -> None:
        pass

    def next_task(self) -> Task | None:
        return self._heap[0][2] if self._heap else None

    def run_task(self, task: Task) -> None:
        heapq.heappop(self._heap)
        self.now = task.due_epoch_s
        task.act()


class NoHistory(list[Any]):
    """Of an execution: those of ten thousand would take all memory."""

    def append(self, entry: Any) -> None:
        pass


class SharedTable(MeteredTable):
    """Of ten thousand runs: how many of them are awaited is known without a look at each."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._awaited = set[str]()

    def put_item(self, *, Item: dict[str, Any], **more: Any) -> dict[str, Any]:
        reply = super().put_item(Item=Item, **more)
        (self._awaited.add if "due" in Item else self._awaited.discard)(Item["pk"]["S"])
        return reply

    def query(self, *, Limit: int | None = None, **more: Any) -> dict[str, Any]:
        return {"Count": min(len(self._awaited), Limit or MORE_THAN_ANY)}


@dataclass
class Account:
    """Lambda, which refuses what is beyond the limit."""

    clock: Clock
    limit: int
    at_work: int = 0
    most_at_work: int = 0
    refusals: int = 0
    usage: Usage = field(default_factory=Usage)

    def invoke(self, function: str, work: Callable[[], float]) -> None:
        """Have `work` done, which returns its seconds. Raises `TaskFailed`."""
        if self.at_work >= self.limit:
            self.refusals += 1
            raise TaskFailed(REFUSED)
        self.at_work += 1
        self.most_at_work = max(self.most_at_work, self.at_work)
        seconds = work()
        self.usage += Usage(invocations=1, gb_seconds={"arm64": seconds * MEMORY_GB[function]})
        self.clock.later(seconds, "end", self._end)

    def _end(self) -> None:
        self.at_work -= 1


@dataclass(frozen=True)
class Policy:
    """How the application copes with refusals."""

    name: str
    definition: Path = DEFINITION
    """The state machine's."""
    sleeps_anyway: bool = False
    """Functions sleep however few executions there are."""


class RunInFlight:
    """One stack's run: what its functions do, each by a clock of its own that begins with the account's."""

    def __init__(
        self,
        number: int,
        account: Account,
        table: Any,
        policy: Policy,
        chance: random.Random,
        seconds: float = RUN_SECONDS,
    ) -> None:
        """`number` tells runs of one account apart; the run takes `seconds`."""
        self._name, self._account, self._policy, self._chance = f"run{number}", account, policy, chance
        self._clock, self.seconds = Clock(), seconds
        self.answers: list[tuple[float, str]] = []
        self.started_epoch_s = 0.0
        self.execution: Execution | None = None
        settings = Settings(table_name=TABLE, state_machine_arn="arn", outputs_bucket="bucket")
        self._app = Application(settings, self._clock, self._clock.advance, chance.random)
        self._table = self._app._dynamodb = table
        catalog = AssistantCatalog(table, TABLE, self._clock)
        self.server = WatchedServer(
            clock=self._clock, on_made=lambda made: None, catalog=catalog, next_run=(seconds, "completed"), look_s=0
        )
        self.server._ids = number * 100
        self._app.backend = self.server
        self._app.concurrent_executions = MORE_THAN_ANY if policy.sleeps_anyway else account.limit
        self._app.hand_over = self._hand_over  # type: ignore[method-assign]
        given: Any = EVENT["ResourceProperties"]
        properties = given | {"ServiceTimeout": str(max(SERVICE_TIMEOUT_SECONDS, math.ceil(2 * seconds)))}
        self._event = EVENT | {
            "RequestId": self._name,
            "StackId": f"{EVENT['StackId']}{number}",
            "ResourceProperties": properties,
        }

    def deliver(self, tries: int = 0) -> None:
        """Lambda invokes the function of the ServiceToken, and later where it is refused."""
        if tries == 0:
            sent = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(self._account.clock()))
            self._event["ResponseURL"] = f"http://127.0.0.1/{self._name}?X-Amz-Date={sent}"
        try:
            self._account.invoke("custom_resource", partial(self._work, START_SECONDS, self._start))
        except TaskFailed:
            pause = min(2**tries, MAX_EVENT_PAUSE_SECONDS) * (0.5 + self._chance.random() / 2)
            self._account.clock.later(pause, "delivery", partial(self.deliver, tries + 1))

    def _work(self, seconds: float, work: Callable[[], object]) -> float:
        """What a function does, it does at its end; returns how long it took, with what it slept."""
        self._clock.now = began = self._account.clock() + seconds
        work()
        return seconds + self._clock() - began

    def _start(self) -> None:
        event = parse_event(self._event, allow_loopback=True)
        custom_resource.handle(self._app, event, RequestContext())
        self.started_epoch_s = self._clock()

    def _hand_over(self, key: str, request_id: str) -> None:
        text = json.dumps({"key": key, "request_id": request_id})
        execution = Execution(self._name, text, self._call, self._account.clock, definition=self._policy.definition)
        execution.jitter, execution.history, self.execution = self._chance.random, NoHistory(), execution
        self._account.clock.later(self._clock() - self._account.clock(), "hand over", execution.start)

    def _call(self, resource: str, arguments: dict[str, Any]) -> Any:
        if resource != INVOKE:
            return update_item(self._table, resource, arguments)
        function, payload, results = arguments["FunctionName"], arguments["Payload"], list[Any]()
        step = getattr(functions, function)
        if self._policy.sleeps_anyway:
            payload = payload | {"retry_count": 0}
        work = partial(self._work, STEP_SECONDS, lambda: results.append(step(self._app, payload)))
        began = self._account.clock()
        self._account.invoke(function, work)
        return Later(self._clock() - began, {"Payload": results[0]})

    def take(self, body: bytes) -> None:
        """CloudFormation gets a response."""
        self.answers.append((self._clock(), json.loads(body)["Status"]))


def play_all(made: Sequence[RunInFlight], account: Account, every_s: float = 0) -> None:
    """Have these runs, numbered from 0, begin so far apart, and play until nothing is left to do."""
    by_url = {f"/run{number}?": run for number, run in enumerate(made)}

    def deliver(url: str, body: bytes, **_: Any) -> None:
        by_url[url.removeprefix("http://127.0.0.1").partition("X-Amz")[0]].take(body)

    logging.disable(logging.CRITICAL)
    try:
        with patch("threadrun.cloudformation.respond.deliver", deliver), redirect_stdout(io.StringIO()):
            for number, run in enumerate(made):
                account.clock.later(number * every_s, "delivery", run.deliver)
            while task := account.clock.next_task():
                account.clock.run_task(task)
    finally:
        logging.disable(logging.NOTSET)


def usage_of(made: Iterable[RunInFlight], table: SharedTable) -> Usage:
    """Of the state machine and the table by all of them, without functions."""
    transitions = sum(run.execution.transitions for run in made if run.execution)
    return Usage(transitions=transitions, write_units=table.write_units, read_units=table.read_units)
