"""Many runs at once on one account: the time that its server asks for is given, and none fails for another's sake."""

from __future__ import annotations

import email.utils
import itertools
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from local.openai_standin import Fault
from testkit.in_process.world import World
from tests.support.runs import PROPERTIES, runs_started

RUNS = 20
STARTS = ("POST", "/v1/responses")


def create_at_once(world: World, count: int, **more: Any) -> list[dict[str, Any]]:
    """Create so many runs at the same moment; returns their answers, in the order in which they came."""
    world.app.jitter = random.Random(11).random
    for number in range(count):
        properties = PROPERTIES | {"metadata": {"run": str(number)}} | more
        world.deliver(world.event("Create", properties, logical_id=f"Run{number}"))
    world.settle()
    return world.url.answers


def starts(world: World) -> dict[str, list[float]]:
    """When each run was tried to be started, in seconds since the beginning."""
    found: dict[str, list[float]] = {}
    for request in world.openai.requests:
        if (request.method, request.path) == STARTS:
            found.setdefault(request.body["metadata"]["run"], []).append(request.time - world.clock.BEGIN)
    return found


def in_five_minutes(world: World) -> dict[str, str]:
    return {"retry-after": email.utils.formatdate(world.clock() + 300, usegmt=True)}


ASKED: dict[str, tuple[Callable[[World], dict[str, str]], float]] = {
    "2 seconds": (lambda _: {"retry-after": "2"}, 2),
    "300 seconds": (lambda _: {"retry-after": "300"}, 300),
    "a date": (in_five_minutes, 300),
    "milliseconds": (lambda _: {"retry-after-ms": "7500", "retry-after": "8"}, 7.5),
}


@pytest.mark.parametrize("jitter", [0, 1])
@pytest.mark.parametrize("asked", ASKED)
def test_a_server_gets_the_time_that_it_asks_for(world: World, asked: str, jitter: float) -> None:
    headers, seconds = ASKED[asked]
    world.app.jitter = lambda: jitter
    world.openai.fault(Fault(*STARTS, "status", status=429, headers=headers(world)))
    assert world.create(PROPERTIES | {"metadata": {"run": "0"}})["Status"] == "SUCCESS"
    first, second = starts(world)["0"]
    assert seconds <= second - first <= seconds + max(5, seconds / 5) + 1
    assert runs_started(world) == 1


def test_runs_that_are_refused_together_do_not_come_back_together(world: World) -> None:
    """They would be refused together again."""
    world.openai.fault(Fault(*STARTS, "status", status=429, retry_after=2, times=RUNS))
    answers = create_at_once(world, RUNS)
    assert [answer["Status"] for answer in answers] == ["SUCCESS"] * RUNS
    tries = starts(world)
    assert {tuple(each[:1]) for each in tries.values()} == {(0,)}, "all were refused at the same moment"
    returns = Counter(second for _, second in tries.values())
    assert min(returns) >= 2
    assert max(returns.values()) < RUNS / 2
    assert len(returns) >= 5
    assert runs_started(world) == RUNS


def test_an_account_with_few_starts_a_minute_starts_all_in_the_end(world: World) -> None:
    """5 runs can start in each 10 seconds: whoever is refused is told to wait for the rest of them."""
    told = limit_starts(world, count=5, seconds=10)
    answers = create_at_once(world, 20)
    assert [answer["Status"] for answer in answers] == ["SUCCESS"] * 20
    assert runs_started(world) == 20
    for run, tries in starts(world).items():
        for refused, again in itertools.pairwise(tries):
            assert again >= told[run, refused]
    assert world.openai.counters()["max_concurrent_per_conversation"] == 1


def limit_starts(world: World, count: int, seconds: int) -> dict[tuple[str, float], float]:
    """Refuse what is more than `count` starts in as many seconds; returns until when which refused run was to wait."""
    handle = world.openai.handle
    used: Counter[int] = Counter()
    told: dict[tuple[str, float], float] = {}

    def limited(method: str, path: str, query: str, headers: Any, body: bytes) -> Any:
        if (method, path) != STARTS:
            return handle(method, path, query, headers, body)
        with world.openai.world.lock:
            now = world.clock() - world.clock.BEGIN
            window = int(now // seconds)
            used[window] += 1
            if used[window] > count:
                rest = (window + 1) * seconds - now
                world.openai.fault(Fault(*STARTS, "status", status=429, retry_after=rest))
            reply = handle(method, path, query, headers, body)
            if used[window] > count:
                told[world.openai.requests[-1].body["metadata"]["run"], now] = now + rest
            return reply

    world.openai.handle = limited
    return told


def test_a_hot_run_does_not_fail_the_others_of_its_account(world: World) -> None:
    world.openai.fault(Fault(*STARTS, "status", status=429, retry_after=300))
    answers = create_at_once(world, 10)
    assert [answer["Status"] for answer in answers] == ["SUCCESS"] * 10
    assert answers[-1]["LogicalResourceId"] == "Run0", "nine are answered while it waits"
    tries = starts(world)
    assert tries["0"][1] >= 300
    assert max(tries[str(number)][-1] for number in range(1, 10)) == 0


def test_a_wait_beyond_the_deadline_fails_by_the_deadline_and_says_what_it_waited_for(world: World) -> None:
    world.openai.fault(Fault(*STARTS, "status", status=429, retry_after=300, times=None))
    began = world.clock()
    answer = world.create(PROPERTIES | {"ServiceTimeout": "120"})
    assert answer["Status"] == "FAILED"
    assert world.clock() - began <= 120
    assert "could not be started within" in answer["Reason"]
    assert "Rate limit reached for requests" in answer["Reason"]
    assert "HTTP 429" in answer["Reason"]
    world.delete(answer["PhysicalResourceId"])
    assert world.openai.counters()["conversations"] == 0
