"""The executor of the state machine does what the language's specification says, as far as the definition needs it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonata
import pytest

from testkit.clock import Clock
from testkit.jsonata_values import evaluated
from testkit.state_machine import WAIT_FOR_TOKEN, Execution, TaskFailed, read_definition

END = {"Type": "Succeed"}


@pytest.fixture
def played(tmp_path: Path) -> Callable[..., Execution]:
    """Play an execution to its end; a task's results may be errors."""

    def play(states: dict[str, Any], results: Iterator[Any], given: dict[str, Any] | None = None) -> Execution:
        path = tmp_path / "definition.yaml"
        path.write_text(json.dumps({"StartAt": next(iter(states)), "States": {**states, "End": END}}))

        def call(resource: str, arguments: dict[str, Any]) -> Any:
            result = next(results)
            if isinstance(result, Exception):
                raise result
            return result

        execution = Execution("one", json.dumps(given or {}), call, Clock(), definition=path)
        execution.start()
        execution.clock.come_to_rest()
        return execution

    return play


def task(**more: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": "look", "Next": "End", **more}


def test_a_definition_is_walked_state_by_state(played: Callable[..., Execution]) -> None:
    wait = {"Type": "Wait", "Seconds": "{% $states.input.wait %}", "Next": "Look"}
    choices = [{"Condition": "{% $states.input.wait > 0 %}", "Next": "Wait"}]
    states = {
        "Wait": wait,
        "Look": task(Output="{% $states.result %}", Next="Done?"),
        "Done?": {"Type": "Choice", "Choices": choices, "Default": "End"},
    }
    execution = played(states, iter([{"wait": 7}, {"wait": 0}]), {"wait": 3})
    assert (execution.status, execution.transitions) == ("SUCCEEDED", 7)
    assert execution.clock() - Clock.BEGIN == 3 + 7


def test_an_error_goes_where_the_definition_catches_it(played: Callable[..., Execution]) -> None:
    said = "{% 'it was ' & $states.errorOutput.Error %}"
    catch = [{"ErrorEquals": ["Late"], "Output": {"said": said}, "Next": "End"}]
    execution = played({"Look": task(Catch=catch, Next="Look")}, iter([TaskFailed("Late")]))
    assert execution.transitions == 2
    assert execution.history[-1] == ("End", {"said": "it was Late"})


@pytest.mark.parametrize(("failures", "status", "seconds"), [(2, "SUCCEEDED", 2 + 3), (3, "FAILED", 2 + 3)])
def test_an_error_is_retried_as_often_as_the_definition_says(
    played: Callable[..., Execution], failures: int, status: str, seconds: float
) -> None:
    """Each time after twice as long, and never longer than the longest delay."""
    retry = {"ErrorEquals": ["Late"], "IntervalSeconds": 2, "BackoffRate": 2, "MaxAttempts": 2, "MaxDelaySeconds": 3}
    execution = played({"Look": task(Retry=[retry])}, iter([TaskFailed("Late")] * failures + [{}]))
    assert (execution.status, execution.clock() - Clock.BEGIN) == (status, seconds)


def test_a_token_that_does_not_come_is_a_timeout(played: Callable[..., Execution]) -> None:
    catch = [{"ErrorEquals": ["States.Timeout"], "Output": {}, "Next": "End"}]
    states = {"Await": task(Resource=f"look{WAIT_FOR_TOKEN}", TimeoutSeconds=60, Catch=catch, Next="Await")}
    execution = played(states, iter([{}]))
    assert (execution.status, execution.waits, execution.clock() - Clock.BEGIN) == ("SUCCEEDED", 1, 60)


@pytest.mark.parametrize("at_once", [1, 2, 9])
@pytest.mark.parametrize("failing", [False, True])
def test_a_map_ends_with_its_last_item_or_its_first_error(
    played: Callable[..., Execution], at_once: int, failing: bool
) -> None:
    states = {
        "All": {
            "Type": "Map",
            "Items": "{% $states.input.items %}",
            "MaxConcurrency": at_once,
            "ItemSelector": {"item": "{% $states.context.Map.Item.Value %}"},
            "ItemProcessor": {"StartAt": "Each", "States": {"Each": {**task(End=True), "Output": {}}}},
            "Catch": [{"ErrorEquals": ["States.ALL"], "Output": {"failed": True}, "Next": "End"}],
            "Output": {"failed": False},
            "Next": "End",
        }
    }
    results = [{}, TaskFailed("Late") if failing else {}, {}]
    execution = played(states, iter(results), {"items": ["a", "b", "c"]})
    assert execution.history[-1] == ("End", {"failed": failing})


def test_an_execution_ends_in_time() -> None:
    """By the definition's own limit."""
    look = {"Payload": {"outcome": "wait", "wait_seconds": 7}}
    execution = Execution("one", '{"key": "k", "request_id": "r"}', lambda *_: look, Clock())
    execution.start()
    execution.clock.come_to_rest()
    assert (execution.status, execution.clock() - Clock.BEGIN) == ("TIMED_OUT", read_definition()["TimeoutSeconds"])


@pytest.mark.parametrize(
    "expression", ["$states.input.key", "$states.context.Execution.Input", "$states.input.key = 'k'"]
)
def test_a_path_is_what_jsonata_says_it_is(expression: str) -> None:
    """Paths are followed without it."""
    states = {"input": {"key": "k"}, "context": {"Execution": {"Input": {"list": [1, {"a": None}]}}}}
    compiled = jsonata.Jsonata(expression)
    frame = compiled.create_frame()
    frame.bind("states", states)
    assert evaluated("{% " + expression + " %}", states) == compiled.evaluate(None, frame)


def test_a_path_to_nothing_is_an_error() -> None:
    with pytest.raises(KeyError):
        evaluated("{% $states.input.other %}", {"input": {}})
