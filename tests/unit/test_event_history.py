"""The history of an execution, which ends it at 25,000 events, has room for all that a run may do."""

import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest

from testkit.clock import Clock
from testkit.state_machine import (
    EVENTS_BY_TYPE,
    EVENTS_OF_AN_ATTEMPT,
    EVENTS_OF_AN_ITEM,
    INVOKE,
    MAX_EVENTS,
    Execution,
    TaskFailed,
    read_definition,
)
from threadrun.schema.arguments import MAX_TOOL_CALLS, MAX_TOOL_ROUNDS
from threadrun.workflow.waiting import Waiting

DEFINITION = read_definition()
STATES, TOOLS = DEFINITION["States"], DEFINITION["States"]["Call tools"]
RETRIES_OF_A_CALL = 5
"""On average: a handler fails twice, and is throttled for a while."""


def events(*names: str) -> int:
    """Of states that are gone through without a retry."""
    found = [STATES[name]["Type"] for name in names]
    return sum(EVENTS_BY_TYPE[each] + EVENTS_OF_AN_ATTEMPT * (each == "Task") for each in found)


def events_of_patience(state: dict[str, Any], at_once: int = 1) -> int:
    """Of retries for as long as the execution may last; with jitter a pause is half of the longest one."""
    [retry] = [each for each in state["Retry"] if "Lambda.TooManyRequestsException" in each["ErrorEquals"]]
    retries = DEFINITION["TimeoutSeconds"] / (retry["MaxDelaySeconds"] / 2)
    return int(retries * EVENTS_OF_AN_ATTEMPT * at_once)


def looks() -> int:
    """So many, if the state machine waits for each of them."""
    waiting, waited, count = Waiting(inline_seconds=0), 0.0, 0
    while waited < DEFINITION["TimeoutSeconds"]:
        waited += waiting.pause_seconds(waited)
        count += 1
    return count


def events_of_calls(rounds: int, calls: int) -> int:
    """Of so many rounds and so many calls in all of them."""
    [call] = TOOLS["ItemProcessor"]["States"].values()
    of_a_call = EVENTS_BY_TYPE[call["Type"]] + EVENTS_OF_AN_ATTEMPT * (1 + RETRIES_OF_A_CALL) + EVENTS_OF_AN_ITEM
    return rounds * events("Call tools", "Reconcile", "What next?") + calls * of_a_call


def events_at_most(rounds: int, calls: int) -> int:
    """If the run takes all its time, and what serves it is out of reach for most of it."""
    [call] = TOOLS["ItemProcessor"]["States"].values()
    return (
        2
        + events("Reconcile", "What next?", "Record attributes", "Signal")
        + looks() * events("Wait", "Reconcile", "What next?")
        + events_of_calls(rounds, calls)
        + events_of_patience(STATES["Reconcile"])
        + events_of_patience(call, TOOLS["MaxConcurrency"])
    )


def test_the_most_rounds_and_calls_that_a_run_may_make_fit_into_its_execution() -> None:
    assert events_at_most(MAX_TOOL_ROUNDS, MAX_TOOL_CALLS) < MAX_EVENTS
    assert events_of_calls(100, 100 * 35) > MAX_EVENTS, "the bound is needed"


def calling(rounds: int, calls_of_a_round: int) -> Callable[[str, dict[str, Any]], Any]:
    """What the tasks of an execution call: a run of so many rounds, each of whose calls is refused several times."""
    steps, tries = itertools.count(), itertools.count(1)
    call_ids = [str(number) for number in range(calls_of_a_round)]

    def call(resource: str, arguments: dict[str, Any]) -> Any:
        assert resource == INVOKE
        if arguments["FunctionName"] == "call_tool":
            if next(tries) % (RETRIES_OF_A_CALL + 1):
                raise TaskFailed("Lambda.TooManyRequestsException")
            return {"Payload": {}}
        is_over = next(steps) >= rounds
        return {"Payload": {"outcome": "respond"} if is_over else {"outcome": "call_tools", "call_ids": call_ids}}

    return call


@pytest.mark.parametrize(
    ("calls_of_a_round", "status"), [(MAX_TOOL_CALLS // MAX_TOOL_ROUNDS, "SUCCEEDED"), (35, "FAILED")]
)
def test_an_execution_ends_with_its_history(calls_of_a_round: int, status: str) -> None:
    call = calling(MAX_TOOL_ROUNDS, calls_of_a_round)
    execution = Execution("one", json.dumps({"key": "k", "request_id": "r"}), call, Clock())
    execution.jitter = lambda: 0
    execution.start()
    execution.clock.come_to_rest()
    assert execution.status == status
    assert (execution.events < MAX_EVENTS) == (status == "SUCCEEDED")
