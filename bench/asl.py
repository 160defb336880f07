"""Plays an execution of statemachine/thread_run.asl.yaml on a virtual clock, as far as the good case goes.

It reads the definition itself, so that it counts the transitions of whatever the definition is; a failing task, and
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
Task = Callable[[str, dict[str, Any]], Any]


class Machine:
    """The definition; `play` walks it."""

    def __init__(self, definition: Path = DEFINITION) -> None:
        parsed = yaml.safe_load(definition.read_text())
        self._start, self._states = parsed["StartAt"], parsed["States"]

    def play(self, given: dict[str, Any], task: Task, pass_time: Callable[[float], None]) -> int:
        """Walk from the start to an end; returns how many states were entered.

        `task` gets the resource and the arguments of a task state, and returns its result.
        """
        name, state_input, entered = self._start, given, 0
        while name is not None:
            state = self._states[name]
            states: dict[str, Any] = {"input": state_input, "context": {"Execution": {"Input": given}}}
            entered += 1
            match state["Type"]:
                case "Task":
                    states["result"] = task(state["Resource"], evaluated(state.get("Arguments", {}), states))
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
