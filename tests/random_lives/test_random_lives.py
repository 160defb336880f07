"""Random lives of a resource, on services that fail at random calls: nobody thinks of every order of events.

What hypothesis finds, it makes as short as possible. `RANDOM_LIVES` is the number of lives of a longer, random search.
"""

import logging
import os
from collections.abc import Iterator
from itertools import product

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from testkit.memory import stack
from testkit.memory.calls import Fate, Trap
from testkit.memory.world import MemoryWorld
from tests.random_lives.lives import RandomLives
from threadrun.workflow.waiting import FIRST_SECONDS, MAX_NET_SECONDS, MIN_NET_SECONDS


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Thousands of lives log too much."""
    monkeypatch.setenv("POWERTOOLS_METRICS_DISABLED", "true")
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def test_a_random_life_leaves_nothing_doubles_nothing_and_hears_one_answer_to_each_request() -> None:
    lives = int(os.environ.get("RANDOM_LIVES", "0"))
    run_state_machine_as_test(
        RandomLives,
        settings=settings(
            max_examples=lives or 300,
            stateful_step_count=40,
            derandomize=not lives,
            database=None,
            deadline=None,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_what_a_late_step_learns_is_cleaned_up_by_it_where_the_request_at_work_has_finished() -> None:
    """Found by a longer search: a Create saves its run only when the Delete that took it back is at its end."""
    life = RandomLives()
    life.begin(resource_type="Custom::OpenAIThreadRun", events=None)
    save_of_the_run = ("", 8, Fate.FAILS, 0)
    life.deploy(choice=0, fails_later=False, held=0, run=(3, "completed"), traps=[save_of_the_run])
    life.sibling_fails()
    life.teardown()


# --- with webhooks, one thing at a time: every event lost, and every call broken in every way

RUN_SECONDS = 40
"""Longer than the function waits inline where the server sends webhooks."""
PATIENCE_SECONDS = 3600
UNREACHABLE = 10**6
"""More calls than there are."""


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as CloudFormation ever waits."""
    monkeypatch.setattr(stack, "SERVICE_TIMEOUT_SECONDS", PATIENCE_SECONDS)


def seconds_until_answered(world: MemoryWorld) -> float:
    """From CloudFormation's one request to its answer, which is a good one."""
    began = world.now
    until_answered(world)
    [sent] = world.stack.sent.values()
    assert [answer["Status"] for answer in sent.answers] == ["SUCCESS"]
    return world.now - began


def deployed(events: list[float], run_seconds: float, trap: Trap | None = None) -> RandomLives:
    """A life whose first run is under way; `events` are the seconds after its end at which the server tells."""
    life = RandomLives()
    life.begin("Custom::OpenAIThreadRun", events)
    if trap is not None:
        life.world.calls.traps.append(trap)
    life.deploy(choice=0, fails_later=False, held=0, run=(run_seconds, "completed"), traps=[])  # type: ignore[arg-type]
    return life


def until_answered(world: MemoryWorld) -> None:
    while world.stack.waiting is not None and (task := world.next_task()):
        world.run_task(task)


@pytest.mark.usefixtures("patience")
@pytest.mark.parametrize("run_seconds", [1, 5, 9, 12, 30, 120, 599, 605, 620, 1000, 1300, 2500, 3300])
def test_with_every_event_lost_a_run_of_any_length_completes_within_the_bounds_of_polling(run_seconds: int) -> None:
    """Looks are ten minutes apart, and then as far as the time waited, twenty minutes at most."""
    life = deployed([], run_seconds)
    lag = seconds_until_answered(life.world) - run_seconds
    has_waited_inline = run_seconds < FIRST_SECONDS
    net = min(max(run_seconds, MIN_NET_SECONDS), MAX_NET_SECONDS)
    assert 0 <= lag <= (1 if has_waited_inline else net + 1)
    assert has_waited_inline or sum(execution.waits for execution in life.world.states.executions)
    life.teardown()


@pytest.mark.usefixtures("patience")
@pytest.mark.parametrize("late", [0, 1, 200])
def test_an_event_ends_the_wait_when_it_comes(late: int) -> None:
    life = deployed([late], 300)
    assert 0 <= seconds_until_answered(life.world) - 300 - late <= 1
    life.teardown()


@pytest.mark.usefixtures("patience")
@pytest.mark.parametrize("behind", [1, 20, 120])
def test_a_server_whose_look_is_behind_its_own_webhook_is_looked_at_again_within_seconds(behind: int) -> None:
    """The event is kept, and looks are as frequent as they are after a start."""
    life = deployed([-behind], 300)
    assert 0 <= seconds_until_answered(life.world) - 300 <= max(1, behind / 10)
    life.teardown()


def calls_of_a_life() -> int:
    """How many calls the application makes in a life where nothing breaks."""
    counter = Trap("", UNREACHABLE, Fate.FAILS)
    life = deployed([0], RUN_SECONDS, counter)
    until_answered(life.world)
    assert [execution.waits for execution in life.world.states.executions] == [1]
    life.world.calls.traps.clear()
    life.teardown()
    return UNREACHABLE - counter.remaining


def test_each_call_of_a_life_with_webhooks_may_break_in_each_way() -> None:
    """What must hold of every life does: `teardown` sees to it."""
    calls = calls_of_a_life()
    assert calls > 10
    for number, fate in product(range(calls), Fate):
        life = deployed([0, 30], RUN_SECONDS, Trap("", number, fate, choice=2))
        until_answered(life.world)
        life.one_request_starts_one_run()
        life.a_request_has_one_answer()
        assert not life.world.stack.unheard, f"call {number}, {fate.value}: CloudFormation lost its patience"
        life.teardown()
