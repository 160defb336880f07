"""Many runs at once on one account: the time that its server asks for is given, and none fails for another's sake."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from typing import Any

from local.openai_standin import Fault
from testkit.in_process.world import World
from tests.support.answers import delete_all, failure
from tests.support.runs import PROPERTIES, runs_started

RUNS = 20
STARTS = ("POST", "/v1/responses")


def starts(world: World) -> dict[str, list[float]]:
    """When each run was tried to be started, in seconds since the beginning."""
    found: dict[str, list[float]] = {}
    for request in world.openai.requests:
        if (request.method, request.path) == STARTS:
            found.setdefault(request.body["metadata"]["run"], []).append(request.time - world.clock.BEGIN)
    return found


def test_an_account_with_few_starts_a_minute_starts_all_in_the_end(world: World) -> None:
    """5 runs can start in each 10 seconds: whoever is refused is told to wait for the rest of them."""
    told = limit_starts(world, count=5, seconds=10)
    world.app.jitter = random.Random(11).random
    for number in range(RUNS):
        properties = PROPERTIES | {"metadata": {"run": str(number)}}
        world.deliver(world.event("Create", properties, logical_id=str(number)))
    world.settle()
    assert [answer["Status"] for answer in world.url.answers] == ["SUCCESS"] * RUNS
    assert runs_started(world) == RUNS
    for run, tries in starts(world).items():
        for refused, again in itertools.pairwise(tries):
            assert again >= told[run, refused]
    assert world.openai.counters()["max_concurrent_per_conversation"] == 1


def limit_starts(world: World, count: int, seconds: int) -> dict[tuple[str, float], float]:
    """Refuse what is more than `count` starts in as many seconds; returns until when which refused run was to wait."""
    application, handle = world.openai._application, world.openai._application.handle
    used: Counter[int] = Counter()
    told: dict[tuple[str, float], float] = {}

    def limited(method: str, path: str, query: str, headers: Any, body: bytes) -> Any:
        if (method, path) != STARTS:
            return handle(method, path, query, headers, body)
        with world.openai._world.lock:
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

    application.handle = limited  # type: ignore[method-assign]
    return told


def test_a_wait_beyond_the_deadline_fails_by_the_deadline_and_says_what_it_waited_for(world: World) -> None:
    world.openai.fault(Fault(*STARTS, "status", status=429, retry_after=300, times=None))
    began = world.clock()
    answer = world.create(PROPERTIES | {"ServiceTimeout": "120"})
    assert world.clock() - began <= 120
    for part in ("could not be started within", "Rate limit reached for requests", "HTTP 429"):
        assert part in failure(answer)
    delete_all(world, answer)
