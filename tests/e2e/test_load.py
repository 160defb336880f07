"""Many stacks and runs at once on the embedded cloud: none fails, none is made twice, no record is lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from local.deployment import Application
from local.embedded_cloud import EmbeddedCloud
from local.openai_standin import Fault, OpenAIStandIn, Script
from tests.e2e.stacks import Stacks
from tests.support.runs import NOTHING, PROPERTIES
from tests.support.stacks import left

LOAD = PROPERTIES | {"ServiceTimeout": 900}
STARTS = ("POST", "/v1/responses")


class Load:
    """Groups of stacks; OpenAI's side is empty at the start, and the stacks are gone at the end."""

    def __init__(self, cloud: EmbeddedCloud, application: Application) -> None:
        self._cloud, self._application = cloud, application
        self.groups: list[Stacks] = []

    def stacks(self, count: int) -> Stacks:
        self.groups.append(Stacks(self._cloud, self._application, count))
        return self.groups[-1]


@pytest.fixture
def load(deployed: tuple[EmbeddedCloud, Application], openai_api: OpenAIStandIn) -> Iterator[Load]:
    openai_api.reset()
    load = Load(*deployed)
    yield load
    for stacks in load.groups:
        if set(stacks.statuses().values()) != {"DELETE_COMPLETE"}:
            stacks.delete()


def assert_made(stacks: Stacks, openai_api: OpenAIStandIn, count: int) -> None:
    """So many runs were made, each once, and each is known to its stack and to the table."""
    made = [run.physical_id for record in stacks.records() for run in record.made.values()]
    assert len(set(made)) == len(made) == count
    assert set(made) <= stacks.public_items()
    counters = openai_api.counters()
    assert counters["runs_started"] == counters["responses"] == counters["conversations"] == count
    assert counters["max_concurrent_per_conversation"] == 1


def assert_gone(stacks: Stacks, openai_api: OpenAIStandIn, count: int) -> None:
    """Nothing is left on any side, and each request had its one answer."""
    assert left(openai_api) == NOTHING
    records = stacks.records()
    assert len(records) == count
    assert [record.key for record in records if record.made or record.undelivered] == []
    mine = {request["PhysicalResourceId"] for request in stacks.requests() if request["RequestType"] == "Delete"}
    assert len(mine) == count
    assert not mine & stacks.public_items()
    asked = Counter(request["RequestId"] for request in stacks.requests())
    assert len(asked) == 2 * count
    assert Counter(answer["request_id"] for answer in stacks.answers()) == asked, "each is answered once"
    assert all(answer["counted"] and answer["status"] == 200 for answer in stacks.answers())


def test_a_hundred_stacks_at_once(load: Load, openai_api: OpenAIStandIn) -> None:
    stacks = load.stacks(100)
    assert stacks.create(LOAD) == {"CREATE_COMPLETE": 100}
    assert_made(stacks, openai_api, 100)
    assert stacks.delete() == {"DELETE_COMPLETE": 100}
    assert_gone(stacks, openai_api, 100)


def test_fifty_runs_in_one_stack(load: Load, openai_api: OpenAIStandIn) -> None:
    """They are created at once, as AWS does; the emulator deletes them one after the other, unlike AWS."""
    openai_api.script(Script(duration_s=20, times=None))
    stacks = load.stacks(1)
    assert stacks.create(LOAD, runs=50) == {"CREATE_COMPLETE": 1}
    assert_made(stacks, openai_api, 50)
    assert stacks.delete() == {"DELETE_COMPLETE": 1}
    assert_gone(stacks, openai_api, 50)


def test_a_storm_of_rate_limits_fails_nobody(load: Load, openai_api: OpenAIStandIn) -> None:
    """Half of the starts are refused, one of them for so long that the others end meanwhile, and then deletions."""
    hot_seconds, short_seconds = 45, 2
    openai_api.fault(
        Fault(*STARTS, "status", status=429, retry_after=hot_seconds),
        Fault(*STARTS, "status", status=429, retry_after=short_seconds, times=7),
    )
    stacks = load.stacks(16)
    assert stacks.create(LOAD) == {"CREATE_COMPLETE": 16}
    assert_made(stacks, openai_api, 16)

    tries = starts_by_stack(openai_api)
    assert sorted(len(times) for times in tries.values()) == [1] * 8 + [2] * 8
    pauses = {name: times[1] - times[0] for name, times in tries.items() if len(times) == 2}
    hot = max(pauses, key=lambda name: pauses[name])
    assert pauses.pop(hot) >= hot_seconds
    assert min(pauses.values()) >= short_seconds
    assert {stack for stack, ended in ends(stacks).items() if ended > tries[hot][1]} == {hot}

    openai_api.fault(Fault("DELETE", "/v1/.*", "status", status=429, retry_after=short_seconds, times=8))
    assert stacks.delete() == {"DELETE_COMPLETE": 16}
    assert_gone(stacks, openai_api, 16)


def starts_by_stack(openai_api: OpenAIStandIn) -> dict[str, list[float]]:
    """When each stack's run was tried to be started."""
    tries: dict[str, list[float]] = {}
    for request in openai_api.requests:
        if (request.method, request.path) == STARTS:
            tries.setdefault(request.body["metadata"]["stack"], []).append(request.time)
    return tries


def ends(stacks: Stacks) -> dict[str, float]:
    """When each stack's run was answered."""
    names = {request["RequestId"]: request["StackId"].split("/")[1] for request in stacks.requests()}
    return {names[answer["request_id"]]: answer["time_epoch_s"] for answer in stacks.answers()}
