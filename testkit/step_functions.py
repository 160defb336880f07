"""Step Functions in this process: executions of the one state machine, that a virtual clock takes to their ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from testkit.clock import Clock
from testkit.memory.refusals import Refusal
from testkit.state_machine import DEFINITION, Call, Execution

ARN = "arn:aws:states:us-east-1:123456789012:{}:threadrun"
STATE_MACHINE_ARN = ARN.format("stateMachine")


class ExecutionAlreadyExists(Refusal):
    """The name is taken for 90 days."""

    def __init__(self) -> None:
        super().__init__("ExecutionAlreadyExists")


class StepFunctions:
    """As much of the client as the application uses, and all executions."""

    exceptions = SimpleNamespace(ExecutionAlreadyExists=ExecutionAlreadyExists)

    def __init__(
        self,
        call: Call,
        clock: Clock,
        on_end: Callable[[Execution], None] = lambda execution: None,
        run: Callable[[Callable[[], None]], None] = lambda step: step(),
    ) -> None:
        """`call` is what tasks call, `run` how a step is taken."""
        self.executions: list[Execution] = []
        self.max_concurrency: int | None = None
        """Of a Map, instead of that of the definition."""
        self._call, self._clock, self._on_end, self._run = call, clock, on_end, run

    def start(self, name: str, text: str, definition: Path = DEFINITION) -> None:
        """Its first state is a task of the clock."""
        execution = Execution(name, text, self._call, self._clock, self._on_end, definition)
        execution.run, execution.max_concurrency = self._run, self.max_concurrency
        self.executions.append(execution)
        execution.start()

    def histories(self) -> str:
        """All that Step Functions would show of them."""
        return json.dumps([(each.name, each.text, each.history) for each in self.executions], default=str)

    def start_execution(self, *, stateMachineArn: str, name: str, input: str) -> dict[str, Any]:
        if name in [each.name for each in self.executions]:
            raise ExecutionAlreadyExists
        self.start(name, input)
        return {"executionArn": f"{ARN.format('execution')}:{name}"}

    def send_task_success(self, *, taskToken: str, output: str) -> None:
        if not any(each.succeed(taskToken) for each in self.executions):
            raise Refusal("TaskTimedOut")
