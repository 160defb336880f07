"""Every call broken on a server without conversations, where nothing shows a run whose start got no reply.

Such a run is given up with a sentence that says so; it is never made twice, and nothing is left that could be known of.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import pytest

from tests.crashes.conftest import PARTS
from tests.crashes.points import application, broken_life, calls_of, ways_to_break
from tests.crashes.test_every_step import SHARES
from tests.crashes.test_interruptions import MADE_UP, Scene, interrupted

LACKS = ("conversations", "vector_stores")


@pytest.mark.parametrize("share", range(SHARES))
@pytest.mark.parametrize("life", ["run", "run that calls functions"])
def test_a_life_with_one_call_broken_ends_well_or_says_that_it_cannot_tell(life: str, share: int) -> None:
    with application("responses", LACKS) as world:
        names = calls_of(world, life)
        assert len(names) > 10
        results = [
            broken_life(world, life, number, names[number], way)
            for number in range(share, len(names), SHARES)
            for way in ways_to_break(names, number, life)
        ]
    PARTS.mkdir(parents=True, exist_ok=True)
    (PARTS / f"chained-{life}-{share}.json").write_text(json.dumps([asdict(result) for result in results]))
    assert [" | ".join(result.cells()) for result in results if result.problems] == []


def test_a_delete_at_any_point_of_a_create_cleans_up() -> None:
    deletes: list[dict[str, Any]] = []

    def delete(scene: Scene, _: dict[str, Any]) -> None:
        deletes.append(scene.run.event("Delete", {}, MADE_UP))
        scene.world.deliver(deletes[-1])

    with application("responses", LACKS) as world:
        for where, scene, event in interrupted(world, lambda it: it.run.event("Create", it.properties), delete):
            scene.run.outcome(deletes[-1])
            [answer] = scene.answers(deletes[-1])
            assert (answer["Status"], answer["PhysicalResourceId"]) == ("SUCCESS", MADE_UP), where
            assert len(scene.answers(event)) <= 1, where
            assert scene.left() == {}, where
            assert world.openai.counters()["runs_started"] <= 1, where


def test_the_same_request_again_at_any_point_starts_no_second_run() -> None:
    """Where the first one rests for half a minute between its intent and its call, it has been given up by then."""
    with application("responses", LACKS) as world:
        for where, scene, event in interrupted(
            world, lambda it: it.run.event("Create", it.properties), lambda it, event: it.world.deliver(event)
        ):
            [answer] = scene.answers(event)
            assert answer["Status"] == "SUCCESS" or "cannot tell whether" in answer["Reason"], where
            assert world.openai.counters()["runs_started"] <= 1, where
            scene.run.delete(answer["PhysicalResourceId"])
            assert scene.left() == {}, where
