"""Every call that the application makes to the outside is broken once, in every way: nothing is doubled, lost or left.

And at every call of one request another one arrives and runs to its end first: a Delete, a repetition, a rollback. The
calls are found by playing each life, or the request alone, first: a call that is written tomorrow is covered tomorrow.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from testkit.in_process.deployed import CHAINS, SERVERS, forget_secrets
from testkit.in_process.outside_calls import Break, Moment, OutsideCalls
from testkit.in_process.world import World
from tests.crashes.lives import LIVES, LONG_LIVES, MESSAGES, Resource, Shared
from tests.crashes.points import alive, application, broken_life, calls_of, ways_to_break, write_table
from tests.support.runs import WIRES

SECRETS = {"run that asks an mcp server": {"mcp-authorization", "mcp-headers"}}
"""Of tools, by the life that reads them."""
SHARES = 4
"""The calls of a life are dealt to this many tests, so that two processes are busy to the end."""
ON_RESPONSES = {"run that asks an mcp server", "file that expires", "vector store that expires"}
"""Assistants v2 has no MCP servers, and what expires is the same code there."""
PLAYED = [("responses", life) for life in LIVES]
PLAYED += [("assistants", life) for life in LIVES if life not in ON_RESPONSES]
PLAYED += [(CHAINS, life) for life in ("run", "run that calls functions")]


@pytest.mark.parametrize("share", range(SHARES))
@pytest.mark.parametrize(("server", "life"), PLAYED)
def test_a_life_with_one_call_broken_ends_as_if_nothing_had_happened(server: str, life: str, share: int) -> None:
    """Or, where nothing shows what became of a start, by saying that it cannot be told."""
    with application(server) as world:
        calls = calls_of(world, life)
        assert len(calls.names) > 10
        assert {name.rpartition(" ")[2] for name in calls.names if "GetSecretValue mcp-" in name} == SECRETS.get(
            life, set()
        )
        results = [
            broken_life(world, life, number, calls.names[number], way)
            for number in range(share, len(calls.names), SHARES)
            for way in ways_to_break(calls, number, life)
        ]
    write_table(f"{server}-{life}-{share}", results)
    assert [str(result) for result in results if result.problems] == []


@pytest.mark.parametrize("life", ["run", "run that calls functions", "thread", "assistant"])
def test_a_few_lives_of_each_kind_end_so_on_moto_too(life: str) -> None:
    """AWS in memory is this project's own: each life is broken at three of its calls on AWS as moto plays it."""
    with application("responses", on_moto=True) as world:
        calls = calls_of(world, life)
        results = [
            broken_life(world, life, number, calls.names[number], way)
            for number in range(len(calls.names) // 6, len(calls.names), len(calls.names) // 3)
            for way in ways_to_break(calls, number, life)[-1:]
        ]
    write_table(f"moto-{life}", results)
    assert len(results) >= (1 if life in LONG_LIVES else 3)
    assert [str(result) for result in results if result.problems] == []


# --- interrupted by another request

MADE_UP = "example-Run-1ABCDEF"


class Scene:
    """A run's resource in an empty world, with its assistant."""

    def __init__(self, world: World) -> None:
        assistant_id = Shared.found_in(world).assistant_id
        self.world, self.run = world, Resource(world)
        forget_secrets()
        self.before = alive(world)
        self.properties: dict[str, Any] = {"assistant_id": assistant_id, "thread": MESSAGES}
        self.changed = self.properties | {"instructions": "Be brief."}

    def play(self, event: dict[str, Any], broken: Break | None = None) -> list[str]:
        """Deliver the event and wait until everything rests; returns the calls that were made on the way."""
        with pytest.MonkeyPatch.context() as monkeypatch:
            calls = OutsideCalls(self.world, monkeypatch)
            calls.broken = broken
            self.world.deliver(event)
            self.world.settle()
        assert broken is None or broken.is_done
        return calls.names

    def answers(self, event: dict[str, Any]) -> list[dict[str, Any]]:
        """The different answers to a request: one at most, however often it was sent."""
        found: list[dict[str, Any]] = []
        for answer in self.run.answers(event["RequestId"]):
            found += [answer] if answer not in found else []
        return found

    def left(self) -> dict[str, int]:
        now = alive(self.world)
        return {name: now[name] - count for name, count in self.before.items() if now[name] != count}


class FileScene(Scene):
    """A file in place of the run."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.run = Resource(world, "File")
        self.properties = {"filename": "policy.md", "content": "Not on Sunday."}


class StoreScene(Scene):
    """A vector store in place of the run."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.run = Resource(world, "VectorStore")
        self.properties = {"file_ids": [world.openai.add_file()], "name": "policies"}
        self.before["files"] += 1


def interrupted(
    world: World,
    first: Callable[[Scene], dict[str, Any]],
    act: Callable[[Scene, dict[str, Any]], object],
    kind: type[Scene] = Scene,
) -> Iterator[tuple[str, Scene, dict[str, Any]]]:
    """Play the event that `first` makes once for each call, and `act` before that call; and after the last one.

    After a call is before the next one: nothing happens outside in between.
    """
    scene = kind(world)
    names = scene.play(first(scene))
    assert len(names) >= 10
    moments: list[tuple[int, Moment]] = [(number, "before") for number in range(len(names))]
    for number, moment in [*moments, (len(names) - 1, "after")]:
        scene = kind(world)
        event = first(scene)
        scene.play(event, Break(number, moment, lambda _, scene=scene, event=event: act(scene, event)))  # type: ignore[misc]
        yield f"{moment} call {number}, {names[number]}", scene, event


def create(scene: Scene) -> dict[str, Any]:
    return scene.run.event("Create", scene.properties)


@pytest.mark.parametrize("server", SERVERS)
def test_point_01_a_delete_at_any_point_of_a_create_cleans_up(server: str) -> None:
    """CloudFormation sends it with an id that it made up, and hears of that one only."""
    deletes: list[dict[str, Any]] = []

    def delete(scene: Scene, _: dict[str, Any]) -> None:
        deletes.append(scene.run.event("Delete", {}, MADE_UP))
        scene.world.deliver(deletes[-1])

    with application(server) as world:
        for where, scene, event in interrupted(world, create, delete):
            scene.run.outcome(deletes[-1])
            [answer] = scene.answers(deletes[-1])
            assert (answer["Status"], answer["PhysicalResourceId"]) == ("SUCCESS", MADE_UP), where
            assert len(scene.answers(event)) <= 1, where
            assert scene.left() == {}, where
            assert world.openai.counters()["runs_started"] <= 1, where


@pytest.mark.parametrize("server", SERVERS)
def test_point_02_the_same_request_again_at_any_point_changes_nothing(server: str) -> None:
    """Without conversations a first one that rests for half a minute before its call has been given up by then."""
    with application(server) as world:
        for where, scene, event in interrupted(world, create, lambda it, event: it.world.deliver(event)):
            [answer] = scene.answers(event)
            is_given_up = server == CHAINS and "cannot tell whether" in answer.get("Reason", "")
            assert answer["Status"] == "SUCCESS" or is_given_up, where
            assert world.openai.counters()["runs_started"] in ((0, 1) if is_given_up else (1,)), where
            scene.run.delete(answer["PhysicalResourceId"])
            assert scene.left() == {}, where


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("kind", [FileScene, StoreScene])
def test_a_delete_at_any_point_leaves_no_file_and_no_store(wire: str, kind: type[Scene]) -> None:
    deletes: list[dict[str, Any]] = []

    def delete(scene: Scene, _: dict[str, Any]) -> None:
        deletes.append(scene.run.event("Delete", {}, MADE_UP))
        scene.world.deliver(deletes[-1])

    with application(wire) as world:
        for where, scene, event in interrupted(world, create, delete, kind):
            scene.run.outcome(deletes[-1])
            [answer] = scene.answers(deletes[-1])
            assert (answer["Status"], answer["PhysicalResourceId"]) == ("SUCCESS", MADE_UP), where
            assert len(scene.answers(event)) <= 1, where
            assert scene.left() == {}, where


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("kind", [FileScene, StoreScene])
def test_the_same_request_again_at_any_point_makes_no_other_file_or_store(wire: str, kind: type[Scene]) -> None:
    with application(wire) as world:
        for where, scene, event in interrupted(world, create, lambda it, event: it.world.deliver(event), kind):
            [answer] = scene.answers(event)
            assert answer["Status"] == "SUCCESS", where
            assert sum(scene.left().values()) == 2, (where, scene.left())
            scene.run.delete(answer["PhysicalResourceId"])
            assert scene.left() == {}, where


@pytest.mark.parametrize("wire", WIRES)
def test_point_03_a_rollback_at_any_point_of_an_update_supersedes_it(wire: str) -> None:
    """The update is cancelled: CloudFormation waits for the answer to the newer request only."""
    old: list[str] = []
    backs: list[dict[str, Any]] = []

    def update(scene: Scene) -> dict[str, Any]:
        old.append(scene.run.create(scene.properties))
        return scene.run.event("Update", scene.changed, old[-1])

    def roll_back(scene: Scene, _: dict[str, Any]) -> None:
        backs.append(scene.run.event("Update", scene.properties, old[-1]))
        scene.world.deliver(backs[-1])

    with application(wire) as world:
        for where, scene, event in interrupted(world, update, roll_back):
            scene.run.outcome(backs[-1])
            [answer] = scene.answers(backs[-1])
            assert (answer["Status"], answer["PhysicalResourceId"]) == ("SUCCESS", old[-1]), where
            assert len(scene.answers(event)) <= 1, where
            assert world.openai.counters()["runs_started"] <= 2, where
            for replaced in scene.answers(event):
                scene.run.delete(replaced["PhysicalResourceId"])
            scene.run.delete(old[-1])
            assert scene.left() == {}, where


@pytest.mark.parametrize("wire", WIRES)
def test_point_11_an_execution_stopped_at_any_point_is_answered_for(wire: str) -> None:
    """By its own last words, if they were decided already, or by the responder."""

    def stop(scene: Scene, _: dict[str, Any]) -> None:
        for execution in scene.world.states.executions:
            execution.end("ABORTED")

    with application(wire) as world:
        for where, scene, event in interrupted(world, create, stop):
            scene.run.outcome(event)
            [answer] = scene.answers(event)
            assert answer["Status"] == "SUCCESS" or "is aborted" in answer["Reason"], where
            scene.run.delete(answer["PhysicalResourceId"])
            assert scene.left() == {}, where
            assert world.openai.counters()["runs_started"] == 1, where
