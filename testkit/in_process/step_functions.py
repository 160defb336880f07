"""Step Functions in this process: the real client starts executions that a virtual clock takes to their ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from testkit.clock import Clock
from testkit.in_process.cloud import Cloud
from testkit.in_process.sleepers import Sleepers
from testkit.memory.refusals import Refusal
from testkit.state_machine import DEFINITION, Call, Execution

ARN = "arn:aws:states:us-east-1:123456789012:{}:threadrun"
STATE_MACHINE_ARN = ARN.format("stateMachine")


class StepFunctions:
    """All executions of the one state machine."""

    def __init__(
        self, cloud: Cloud, call: Call, clock: Clock, sleepers: Sleepers, on_end: Callable[[Execution], None]
    ) -> None:
        self.executions: list[Execution] = []
        self.max_concurrency: int | None = None
        """Of a Map, instead of that of the definition."""
        self._call, self._clock, self._sleepers, self._on_end = call, clock, sleepers, on_end
        cloud.operations |= {"sfn.StartExecution": self._start, "sfn.SendTaskSuccess": self._succeed}

    def start(self, name: str, text: str, definition: Path = DEFINITION) -> None:
        """Its first state is a task of the clock."""
        execution = Execution(name, text, self._call, self._clock, self._on_end, definition)
        execution.run, execution.max_concurrency = self._sleepers.run, self.max_concurrency
        self.executions.append(execution)
        execution.start()

    def histories(self) -> str:
        """All that Step Functions would show of them."""
        return json.dumps([(each.name, each.text, each.history) for each in self.executions], default=str)

    def _start(self, *, stateMachineArn: str, name: str, input: str) -> dict[str, Any]:
        if name in [each.name for each in self.executions]:
            raise Refusal("ExecutionAlreadyExists")
        self.start(name, input)
        return {"executionArn": f"{ARN.format('execution')}:{name}"}

    def _succeed(self, *, taskToken: str, output: str) -> None:
        if not any(each.succeed(taskToken) for each in self.executions):
            raise Refusal("TaskTimedOut")
