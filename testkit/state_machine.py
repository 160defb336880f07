"""Executes statemachine/thread_run.asl.yaml, as it is, on a virtual clock: one state at a time.

What its tasks call is somebody else's. A kind of state that the definition has not is not known here.
Source: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-amazon-states-language.html
"""

from __future__ import annotations

import functools
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from botocore.exceptions import ClientError

from testkit.clock import Clock
from testkit.jsonata_values import evaluated
from testkit.template import ROOT

DEFINITION = ROOT / "statemachine/thread_run.asl.yaml"
TABLE = "threadrun-table"
NAMES = {"ReconcileFunctionArn": "reconcile", "CallToolFunctionArn": "call_tool", "SignalFunctionArn": "signal"}
INVOKE = "arn:aws:states:::lambda:invoke"
WAIT_FOR_TOKEN = ".waitForTaskToken"
NO_TIMEOUT_SECONDS = 99_999_999
MAX_EVENTS = 25_000
EVENTS_BY_TYPE = {"Task": 2, "Wait": 2, "Choice": 2, "Pass": 2, "Succeed": 2, "Map": 4}
"""Of a state that is entered and left."""
EVENTS_OF_AN_ATTEMPT, EVENTS_OF_AN_ITEM = 3, 2
"""Of a task (scheduled, started, ended), and of an item of a Map besides its states (started, ended)."""
DEFAULT_ATTEMPTS = 3

MODELLED_ERRORS = frozenset(
    {
        "ConditionalCheckFailedException",
        "InternalServerErrorException",
        "ItemCollectionSizeLimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceededException",
        "ResourceNotFoundException",
        "TransactionConflictException",
    }
)
"""DynamoDB's errors that have a class of their own in the Java SDKs. Throttling of a table on demand has none."""
THROTTLED_ON_DEMAND = "DynamoDB.AmazonDynamoDBException"

Call = Callable[[str, dict[str, Any]], Any]
"""Gets the resource and the arguments of a task; returns its result, or raises `TaskFailed`."""


@dataclass(frozen=True)
class Later:
    """The result of a task that takes so many seconds, in which others work."""

    seconds: float
    result: Any


class TaskFailed(Exception):
    """A task failed with an error of this name."""

    def __init__(self, name: str, cause: str = "") -> None:
        super().__init__(name)
        self.name, self.cause = name, cause


def update_item(client: Any, resource: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Make the state machine's own call of DynamoDB. Raises `TaskFailed`."""
    try:
        return dict(client.update_item(**arguments))
    except ClientError as error:
        raise TaskFailed(_error_name(resource, error.response["Error"]["Code"]), str(error)) from None


def _error_name(resource: str, code: str) -> str:
    """The class of the Java SDK's error: of its second version for `aws-sdk`, of its first one otherwise.

    Source: https://github.com/aws/aws-sdk-java/issues/2222
    """
    name = f"{code.removesuffix('Exception')}Exception"
    if "aws-sdk" in resource:
        return f"DynamoDb.{name if name in MODELLED_ERRORS else 'DynamoDbException'}"
    return f"DynamoDB.{name}" if name in MODELLED_ERRORS else THROTTLED_ON_DEMAND


@functools.cache
def read_definition(path: Path = DEFINITION) -> dict[str, Any]:
    """With the names of functions and table in their places."""
    text = path.read_text()
    for placeholder, name in {**NAMES, "TableName": TABLE, "Partition": "aws"}.items():
        text = text.replace("${" + placeholder + "}", name)
    definition: dict[str, Any] = yaml.safe_load(text)
    return definition


class Execution:
    """One execution; what it does next is a task of the clock."""

    def __init__(
        self,
        name: str,
        text: str,
        call: Call,
        clock: Clock,
        on_end: Callable[[Execution], None] = lambda execution: None,
        definition: Path = DEFINITION,
    ) -> None:
        """`text` is its input; `on_end` is called once, whatever the end is."""
        self.name, self.text, self.call, self.clock, self._on_end = name, text, call, clock, on_end
        self.definition, self.given = read_definition(definition), json.loads(text)
        self.status, self.transitions, self.waits, self.events = "RUNNING", 0, 0, 1
        self.history: list[Any] = [self.given]
        """All that Step Functions would show of it."""
        self.run: Callable[[Callable[[], None]], None] = lambda step: step()
        """How a step is taken."""
        self.max_concurrency: int | None = None
        """Instead of that of the definition."""
        self.jitter: Callable[[], float] = lambda: 1
        """From 0 to 1: of the longest pause before a retry with jitter."""
        self.waiting: dict[str, _Walk] = {}
        """Who waits for which task token."""

    def start(self) -> None:
        seconds = self.definition.get("TimeoutSeconds", NO_TIMEOUT_SECONDS)
        self.clock.later(seconds, f"{self.name} times out", lambda: self.end("TIMED_OUT"))
        _Walk(self, self.definition, lambda _: self.end("SUCCEEDED"), self._fail).begin(self.given)

    def end(self, status: str) -> None:
        if self.status == "RUNNING":
            self.status = status
            self.clock.forget_tasks(f"{self.name} ", f"{self.name}: ")
            self._on_end(self)

    def note_events(self, count: int) -> None:
        """Of its history, which has an end: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html."""
        self.events += count
        if self.events >= MAX_EVENTS:
            self.end("FAILED")

    def succeed(self, token: str) -> bool:
        """End the wait for this token; false where nobody waits with it."""
        if self.status != "RUNNING" or token not in self.waiting:
            return False
        self.waiting.pop(token).awake(token)
        return True

    def _fail(self, failed: TaskFailed) -> None:
        self.end("FAILED")


class _Walk:
    """A way through the states of a definition: the execution's own, or that of one item of a Map."""

    def __init__(
        self,
        execution: Execution,
        machine: dict[str, Any],
        on_end: Callable[[Any], None],
        on_failure: Callable[[TaskFailed], None],
        item: Any = None,
    ) -> None:
        self._execution, self._clock = execution, execution.clock
        self._machine, self._on_end, self._on_failure = machine, on_end, on_failure
        self._context: dict[str, Any] = {"Execution": {"Input": execution.given}, "Map": {"Item": {"Value": item}}}
        self._name, self._input, self._tries = "", None, Counter[int]()
        self.is_given_up = False

    @property
    def _state(self) -> dict[str, Any]:
        state: dict[str, Any] = self._machine["States"][self._name]
        return state

    @property
    def _is_over(self) -> bool:
        return self.is_given_up or self._execution.status != "RUNNING"

    def begin(self, state_input: Any) -> None:
        self._enter(self._machine["StartAt"], state_input)

    def _enter(self, name: str, state_input: Any) -> None:
        if self._is_over:
            return
        self._name, self._input = name, state_input
        self._tries.clear()
        self._context["State"] = {"Name": name, "RetryCount": 0}
        self._execution.transitions += 1
        self._execution.note_events(EVENTS_BY_TYPE[self._state["Type"]])
        self._execution.history.append((name, state_input))
        match self._state["Type"]:
            case "Choice":
                self._enter(self._choice(), state_input)
            case "Pass":
                self._leave()
            case "Succeed":
                self._on_end(state_input)
            case "Wait":
                self._clock.later(self._evaluated(self._state["Seconds"]), self._task_name, self._leave)
            case "Task":
                self._do_later(self._call)
            case "Map":
                self._do_later(self._map)
            case other:
                raise NotImplementedError(f"state {name} is of type {other}")

    @property
    def _task_name(self) -> str:
        return f"{self._execution.name}: {self._name}"

    def _do_later(self, step: Callable[[], None], seconds: float = 0) -> None:
        self._clock.later(seconds, self._task_name, lambda: self._execution.run(functools.partial(self._try, step)))

    def _try(self, step: Callable[[], None]) -> None:
        if self._is_over:
            return
        try:
            step()
        except TaskFailed as failed:
            self._retry_or_catch(failed)

    def _evaluated(self, template: Any, **states: Any) -> Any:
        return evaluated(template, {"input": self._input, "context": self._context, **states})

    def _choice(self) -> str:
        chosen = (each["Next"] for each in self._state["Choices"] if self._evaluated(each["Condition"]))
        return str(next(chosen, self._state["Default"]))

    def _call(self) -> None:
        resource = self._state["Resource"]
        token = f"{self._execution.name} {self._execution.transitions}"
        if resource.endswith(WAIT_FOR_TOKEN):
            self._execution.waiting[token] = self
            self._context["Task"] = {"Token": token}
        arguments = self._evaluated(self._state.get("Arguments", {}))
        self._execution.history.append(arguments)
        self._execution.note_events(EVENTS_OF_AN_ATTEMPT + resource.endswith(WAIT_FOR_TOKEN))
        try:
            result = self._execution.call(resource, arguments)
        except TaskFailed:
            self._execution.waiting.pop(token, None)
            raise
        if isinstance(result, Later):
            self._clock.later(result.seconds, self._task_name, functools.partial(self._leave, result.result))
        elif not resource.endswith(WAIT_FOR_TOKEN):
            self._leave(result)
        elif token in self._execution.waiting:
            self._execution.waits += 1
            seconds = self._evaluated(self._state.get("TimeoutSeconds", NO_TIMEOUT_SECONDS))
            self._clock.later(seconds, token, functools.partial(self._try, functools.partial(self._sleep_in, token)))

    def _sleep_in(self, token: str) -> None:
        del self._execution.waiting[token]
        raise TaskFailed("States.Timeout")

    def awake(self, token: str) -> None:
        """What it waited for has happened."""
        self._clock.forget_tasks(token)
        self._leave({})

    def _map(self) -> None:
        state, items = self._state, self._evaluated(self._state["Items"])
        results: list[Any] = []
        waiting: list[tuple[_Walk, Any]] = []
        walks: list[_Walk] = []

        def end(result: Any) -> None:
            results.append(result)
            if waiting:
                begin(*waiting.pop(0))
            elif len(results) == len(items):
                self._leave(results)

        def fail(failed: TaskFailed) -> None:
            for walk in walks:
                walk.is_given_up = True
            self._retry_or_catch(failed)

        def begin(walk: _Walk, selected: Any) -> None:
            walks.append(walk)
            walk.begin(selected)

        self._execution.note_events(EVENTS_OF_AN_ITEM * len(items))
        for item in items:
            walk = _Walk(self._execution, state["ItemProcessor"], end, fail, item)
            waiting.append((walk, walk._evaluated(state["ItemSelector"])))
        at_once = self._execution.max_concurrency or state["MaxConcurrency"]
        first, waiting[:] = waiting[:at_once], waiting[at_once:]
        for each in first:
            begin(*each)
        if not items:
            self._leave(results)

    def _leave(self, result: Any = None) -> None:
        if self._is_over:
            return
        output = self._input if self._state["Type"] in ("Pass", "Wait") else result
        if "Output" in self._state:
            output = self._evaluated(self._state["Output"], result=result)
        self._execution.history.append((result, output))
        if self._state.get("End"):
            self._on_end(output)
        else:
            self._enter(self._state["Next"], output)

    def _retry_or_catch(self, failed: TaskFailed) -> None:
        if self._is_over:
            return
        self._execution.history.append((failed.name, failed.cause))
        retry = next((each for each in self._state.get("Retry", ()) if _is_meant(failed, each)), None)
        if retry is not None:
            number = self._state["Retry"].index(retry)
            if self._tries[number] < retry.get("MaxAttempts", DEFAULT_ATTEMPTS):
                pause = retry.get("IntervalSeconds", 1) * retry.get("BackoffRate", 2) ** self._tries[number]
                self._tries[number] += 1
                self._context["State"]["RetryCount"] += 1
                self._execution.transitions += 1
                spread = self._execution.jitter() if retry.get("JitterStrategy") == "FULL" else 1
                self._do_later(self._call, min(pause, retry.get("MaxDelaySeconds", pause)) * spread)
                return
        catch = next((each for each in self._state.get("Catch", ()) if _is_meant(failed, each)), None)
        if catch is None:
            self._on_failure(failed)
        else:
            error = {"Error": failed.name, "Cause": failed.cause}
            self._enter(catch["Next"], self._evaluated(catch["Output"], errorOutput=error))


def _is_meant(failed: TaskFailed, handler: dict[str, Any]) -> bool:
    return not {failed.name, "States.ALL"}.isdisjoint(handler["ErrorEquals"])
