"""Plays an execution of statemachine/thread_run.asl.yaml on a virtual clock, as far as the good case goes.

It reads the definition itself, so that it counts the transitions of whatever the definition is; retries, and
a kind of state that the definition has not, are not known here.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import jsonata
import yaml

DEFINITION = Path(__file__).parents[1] / "statemachine" / "thread_run.asl.yaml"
Task = Callable[[str, dict[str, Any], float], Any]
NO_TIMEOUT_SECONDS = 99_999_999


class TaskFailed(Exception):
    """A task failed with an error of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class Machine:
    """The definition; `play` walks it."""

    def __init__(self, definition: Path = DEFINITION) -> None:
        parsed = yaml.safe_load(definition.read_text())
        self._start, self._states = parsed["StartAt"], parsed["States"]

    def play(self, given: dict[str, Any], task: Task, pass_time: Callable[[float], None]) -> int:
        """Walk from the start to an end; returns how many states were entered.

        `task` gets the resource, the arguments and the timeout in seconds of a task state, and returns its result.
        It may raise `TaskFailed` where the definition catches that.
        """
        name, state_input, entered = self._start, given, 0
        while name is not None:
            state = self._states[name]
            entered += 1
            context = {"Execution": {"Input": given}, "Task": {"Token": str(entered)}}
            states: dict[str, Any] = {"input": state_input, "context": context}
            match state["Type"]:
                case "Task":
                    arguments = evaluated(state.get("Arguments", {}), states)
                    timeout = float(evaluated(state.get("TimeoutSeconds", NO_TIMEOUT_SECONDS), states))
                    try:
                        states["result"] = task(state["Resource"], arguments, timeout)
                    except TaskFailed as failed:
                        state = _catcher(state, failed.name)
                case "Wait":
                    pass_time(float(evaluated(state["Seconds"], states)))
                case "Choice":
                    name = _choice(state, states)
                    continue
                case "Pass":
                    pass
                case "Succeed":
                    return entered
                case other:
                    raise NotImplementedError(f"state {name} is of type {other}")
            if "Output" in state:
                state_input = evaluated(state["Output"], states)
            name = state.get("Next")
        return entered


def _catcher(state: dict[str, Any], error: str) -> dict[str, Any]:
    """What follows an error; a StopIteration where nothing catches it."""
    return next(each for each in state["Catch"] if error in each["ErrorEquals"])


def _choice(state: dict[str, Any], states: dict[str, Any]) -> str:
    for each in state["Choices"]:
        if evaluated(each["Condition"], states):
            return str(each["Next"])
    return str(state["Default"])


def evaluated(template: Any, states: dict[str, Any]) -> Any:
    """The template with each `{% JSONata %}` in it replaced by its value."""
    return _evaluated(template, json.dumps(states))


def _evaluated(template: Any, states: str) -> Any:
    if isinstance(template, dict):
        return {name: _evaluated(each, states) for name, each in template.items()}
    if isinstance(template, list):
        return [_evaluated(each, states) for each in template]
    if isinstance(template, str) and template.startswith("{%"):
        return json.loads(_value(template.removeprefix("{%").removesuffix("%}"), states))
    return template


@cache
def _value(expression: str, states: str) -> str:
    """As JSON text, so that nobody can change what is cached: thousands of runs ask the same."""
    compiled = _compiled(expression)
    frame = compiled.create_frame()
    frame.bind("states", json.loads(states))
    return json.dumps(compiled.evaluate(None, frame))


@cache
def _compiled(expression: str) -> Any:
    return jsonata.Jsonata(expression)
