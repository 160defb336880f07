"""What an earlier version left behind goes on under this one: executions, records, and the events in its shapes."""

import random
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from local.release import SNAPSHOT_SUFFIX
from testkit.in_process.world import World
from testkit.state_machine import DEFINITION
from testkit.upgrade.situations import AT_REST, BEING_CREATED, MADE_UP_ID, SITUATIONS, UNDER_WAY, WITH_EVERYTHING
from testkit.upgrade.snapshot import MAX_BYTES, NOW, VERSIONS, Kept, go_on, outcome_of, read, snapshot_of, write
from tests.support.runs import WIRES, alive

RELEASED = sorted(path.name.removesuffix(SNAPSHOT_SUFFIX) for path in VERSIONS.glob(f"*{SNAPSHOT_SUFFIX}"))


def situations(meant: Collection[str], *, anew: bool = False) -> pytest.MarkDecorator:
    """Each of them, of every version and wire API; with `anew` those of older versions by today's definition too."""
    names: tuple[str, ...] = ("version", "wire", "situation")
    rows: list[tuple[Any, ...]] = [
        (version, wire, each) for version in (*RELEASED, NOW) for wire in WIRES for each in meant
    ]
    if anew:
        names = (*names, "is_then")
        rows = [(*row, is_then) for row in rows for is_then in (True, False) if is_then or row[0] != NOW]
    return pytest.mark.parametrize(names, rows, indirect=["wire"], ids=["-".join(map(str, row)) for row in rows])


@pytest.fixture
def snapshot(version: str, snapshot_of_now: Path) -> dict[str, Any]:
    return read(snapshot_of_now if version == NOW else snapshot_of(version))


@pytest.fixture
def kept(snapshot: dict[str, Any], wire: str, situation: str) -> Kept:
    return Kept(**snapshot["situations"][wire][situation])


@pytest.fixture
def old(world: World, kept: Kept) -> Kept:
    """The situation, in place again."""
    kept.put_in_place(world)
    return kept


@pytest.fixture
def definition_of_then(snapshot: dict[str, Any], tmp_path: Path) -> Path:
    """Deployed beside the other one: an execution keeps the definition that it started with."""
    path = tmp_path / "thread_run.asl.yaml"
    path.write_text(snapshot["definition"])
    return path


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
    table = [key for key in world.items() if not key.startswith(("RESOURCE#", "FILE#"))]
    files = world.openai.counters()["files"] - 1  # One is the user's.
    counts = {**alive(world), "items": len(table), "files": files}
    return {name: count for name, count in counts.items() if count}


def left_on_purpose(wire: str, situation: str, *, is_taken_back: bool = False) -> dict[str, int]:
    if situation == "retained":
        return {"responses": {"conversations": 1, "responses": 1}, "assistants": {"threads": 1}}[wire]
    if wire == "responses" and situation in ("start_lost", "start_lost_for_long"):
        # OpenAI does not tell the id of a response whose start got no reply: nobody can delete it, or cancel it.
        is_running = is_taken_back and situation == "start_lost_for_long"
        return {"responses": 1} | ({"responses_in_flight": 1} if is_running else {})
    return {}


@situations(UNDER_WAY, anew=True)
def test_point_12_an_execution_ends_as_it_would_have_ended(
    world: World, old: Kept, situation: str, is_then: bool, definition_of_then: Path
) -> None:
    """By the definition of then, as after an upgrade, or of now, where the responder starts it anew."""
    then = old.outcome
    assert old.executions
    now = outcome_of(world, old.executions, definition_of_then if is_then else DEFINITION)
    answers = {answer["RequestId"]: answer for answer in now["answers"]}
    assert len(answers) == len(now["answers"]), "a request is answered once"
    assert set(answers) == {answer["RequestId"] for answer in then["answers"]}
    for answer in then["answers"]:
        assert_same_answer(answers[answer["RequestId"]], answer, is_decided=situation == "answer_not_taken")
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


@situations(SITUATIONS)
def test_point_12_everything_is_deleted_cleanly(world: World, old: Kept, wire: str, situation: str) -> None:
    go_on(world, old.executions, DEFINITION)
    for each in old.deletes:
        answer = send(world, each["event"])
        assert (answer["Status"], answer["PhysicalResourceId"]) == ("SUCCESS", each["event"]["PhysicalResourceId"])
        assert has_all(alive(world), each["left"]), "what is another resource's stays"
    assert left(world) == left_on_purpose(wire, situation)


@situations(BEING_CREATED)
def test_what_is_being_created_can_be_taken_back(
    world: World, old: Kept, wire: str, situation: str, definition_of_then: Path
) -> None:
    """CloudFormation has heard of no id yet; the execution that creates it goes by the old definition."""
    create = old.events[-1]
    more = {"RequestType": "Delete", "RequestId": "taken-back", "PhysicalResourceId": MADE_UP_ID}
    assert send(world, create, **more)["Status"] == "SUCCESS"
    go_on(world, old.executions, definition_of_then)
    assert [answer["RequestId"] for answer in world.url.answers] == ["taken-back"]
    for each in old.deletes:
        if each["event"]["LogicalResourceId"] != create["LogicalResourceId"]:
            send(world, each["event"])
    assert left(world) == left_on_purpose(wire, situation, is_taken_back=True)


@situations([*BEING_CREATED, "update_in_flight", "rollback_in_flight", *AT_REST])
def test_point_12_an_update_goes_on_from_what_is_there(world: World, old: Kept) -> None:
    """What OpenAI does not see starts no run: what makes a resource another one is told as it was."""
    go_on(world, old.executions, DEFINITION)
    assert old.updates
    for update in old.updates:
        before, physical_id = world.openai.counters()["runs_started"], update["event"]["PhysicalResourceId"]
        answer = send(world, update["event"])
        assert answer["Status"] == "SUCCESS", answer
        assert (answer["PhysicalResourceId"] != physical_id) == update["is_replacement"]
        is_another_run = update["is_replacement"] and update["event"]["ResourceType"].endswith("Run")
        assert world.openai.counters()["runs_started"] - before == is_another_run


@situations(WITH_EVERYTHING)
def test_point_12_its_events_are_taken_as_they_were(world: World, kept: Kept) -> None:
    """Nothing is there but what was there before the first one."""
    kept.prepare_openai(world)
    answers = [send(world, event) for event in kept.events]
    assert [answer["Status"] for answer in answers] == ["SUCCESS"] * len(answers), answers


def test_a_snapshot_is_one_small_file(snapshot_of_now: Path) -> None:
    """And has all that it should have."""
    assert snapshot_of_now.stat().st_size <= MAX_BYTES
    snapshot = read(snapshot_of_now)
    assert snapshot["definition"] == DEFINITION.read_text()
    assert {wire: len(each) for wire, each in snapshot["situations"].items()} == dict.fromkeys(WIRES, len(SITUATIONS))


def test_a_snapshot_that_is_too_large_is_not_written(tmp_path: Path) -> None:
    path = snapshot_of("1.0.0", tmp_path)
    with pytest.raises(ValueError, match="more than 150000"):
        write(path, {"large": random.Random(1).randbytes(MAX_BYTES).hex()})
    assert not path.exists()
