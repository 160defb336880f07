"""What an earlier version left behind goes on under this one: executions, records, and the events in its shapes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from testkit.in_process.world import World
from testkit.state_machine import DEFINITION as DEFINITION_OF_NOW
from tests.upgrade.kept import DEFINITION, VERSIONS, Kept, go_on, outcome_of
from tests.upgrade.situations import MADE_UP_ID
from tests.wires.test_both_wires import alive


def situations(is_meant: Callable[[dict[str, Any]], object] = lambda kept: True) -> pytest.MarkDecorator:
    """Every situation of every version and wire API that is meant."""
    paths = [path for path in sorted(VERSIONS.glob("*/*/*.json")) if is_meant(json.loads(path.read_text()))]
    rows = [pytest.param(path, path.parent.name, id=str(path.relative_to(VERSIONS).with_suffix(""))) for path in paths]
    return pytest.mark.parametrize(("path", "wire"), rows, indirect=["wire"])


def is_under_way(kept: dict[str, Any]) -> bool:
    return bool(kept["executions"])


def is_alive(kept: dict[str, Any]) -> bool:
    """Whether it ends, or ended, well, so that an Update may follow."""
    return bool(kept["updates"])


def says_everything(kept: dict[str, Any]) -> bool:
    return not {"triggers", "Triggers"}.isdisjoint(kept["events"][-1]["ResourceProperties"])


def is_being_created(kept: dict[str, Any]) -> bool:
    """Whether its Create waits for what comes of it; an answer that is decided goes out all the same."""
    is_waiting = is_under_way(kept) and kept["executions"][-1]["outcome"] != "answer"
    return is_waiting and kept["events"][-1]["RequestType"] == "Create"


def machine_of_now(world: World, path: Path) -> Path:
    return DEFINITION_OF_NOW


def machine_of_then(world: World, path: Path) -> Path:
    """Deployed beside the other one: an execution keeps the definition that it started with."""
    return path.parents[1] / DEFINITION


def has_all(now: dict[str, Any], then: dict[str, Any]) -> bool:
    """Whether each value of then is there now; times depend on how often one looks."""
    return all(
        name in now and (now[name] == value or (name.endswith(("_at", "At")) and bool(now[name]) == bool(value)))
        for name, value in then.items()
    )


def send(world: World, event: dict[str, Any], **change: Any) -> dict[str, Any]:
    """Deliver a kept event, as if it were sent now."""
    return world.send(event | {"ResponseURL": world.url.new(world.clock())} | change)


def left(world: World) -> dict[str, int]:
    """What is left at OpenAI, and in the table of what is public or OpenAI's."""
    table = [key for key in world.items() if not key.startswith("RESOURCE#")]
    counts = {**alive(world), "items": len(table)}
    return {name: count for name, count in counts.items() if count}


def left_on_purpose(path: Path, *, is_taken_back: bool = False) -> dict[str, int]:
    wire, situation = path.parent.name, path.stem
    if situation == "retained":
        return {"responses": {"conversations": 1, "responses": 1}, "assistants": {"threads": 1}}[wire]
    if wire == "responses" and situation in ("start_lost", "start_lost_for_long"):
        # OpenAI does not tell the id of a response whose start got no reply: nobody can delete it, or cancel it.
        is_running = is_taken_back and situation == "start_lost_for_long"
        return {"responses": 1} | ({"responses_in_flight": 1} if is_running else {})
    return {}


@pytest.mark.parametrize("machine", [machine_of_then, machine_of_now])
@situations(is_under_way)
def test_point_12_an_execution_ends_as_it_would_have_ended(
    world: World, old: Kept, path: Path, machine: Callable[[World, Path], Path]
) -> None:
    then, now = old.outcome, outcome_of(world, old.executions, machine(world, path))
    answers = {answer["RequestId"]: answer for answer in now["answers"]}
    assert len(answers) == len(now["answers"]), "a request is answered once"
    assert set(answers) == {answer["RequestId"] for answer in then["answers"]}
    for answer in then["answers"]:
        assert_same_answer(answers[answer["RequestId"]], answer, is_decided=old.executions[-1]["outcome"] == "answer")
    assert set(now["public_items"]) == set(then["public_items"])
    for key, item in then["public_items"].items():
        assert has_all(now["public_items"][key], item)
    assert has_all(now["alive"], then["alive"])
    assert (now["runs_started"], now["messages"]) == (then["runs_started"], then["messages"])


def assert_same_answer(now: dict[str, Any], then: dict[str, Any], *, is_decided: bool) -> None:
    """Reasons may be worded anew, but for those of an answer that was decided before."""
    assert (now["Status"], now["PhysicalResourceId"]) == (then["Status"], then["PhysicalResourceId"]), now
    assert has_all(now.get("Data", {}), then.get("Data", {}))
    assert now.get("Reason") == then.get("Reason") or not is_decided


@situations()
def test_point_12_everything_is_deleted_cleanly(world: World, old: Kept, path: Path) -> None:
    go_on(world, old.executions, DEFINITION_OF_NOW)
    for each in old.deletes:
        answer = send(world, each["event"])
        assert (answer["Status"], answer["PhysicalResourceId"]) == ("SUCCESS", each["event"]["PhysicalResourceId"])
        assert has_all(alive(world), each["left"]), "what is another resource's stays"
    assert left(world) == left_on_purpose(path)


@situations(is_being_created)
def test_what_is_being_created_can_be_taken_back(world: World, old: Kept, path: Path) -> None:
    """CloudFormation has heard of no id yet; the execution that creates it goes by the old definition."""
    create = old.events[-1]
    more = {"RequestType": "Delete", "RequestId": "taken-back", "PhysicalResourceId": MADE_UP_ID}
    assert send(world, create, **more)["Status"] == "SUCCESS"
    go_on(world, old.executions, machine_of_then(world, path))
    assert [answer["RequestId"] for answer in world.url.answers] == ["taken-back"]
    for each in old.deletes:
        if each["event"]["LogicalResourceId"] != create["LogicalResourceId"]:
            send(world, each["event"])
    assert left(world) == left_on_purpose(path, is_taken_back=True)


@situations(is_alive)
def test_point_12_an_update_goes_on_from_what_is_there(world: World, old: Kept) -> None:
    """What OpenAI does not see starts no run: what makes a resource another one is told as it was."""
    go_on(world, old.executions, DEFINITION_OF_NOW)
    for update in old.updates:
        before, physical_id = world.openai.counters()["runs_started"], update["event"]["PhysicalResourceId"]
        answer = send(world, update["event"])
        assert answer["Status"] == "SUCCESS", answer
        assert (answer["PhysicalResourceId"] != physical_id) == update["is_replacement"]
        assert world.openai.counters()["runs_started"] - before == update["is_replacement"]


@situations(says_everything)
def test_point_12_its_events_are_taken_as_they_were(world: World, kept: Kept) -> None:
    """Nothing is there but what was there before the first one."""
    kept.prepare_openai(world)
    answers = [send(world, event) for event in kept.events]
    assert [answer["Status"] for answer in answers] == ["SUCCESS"] * len(answers), answers
