"""What CloudFormation was answered, and that nothing is left of it."""

from __future__ import annotations

from typing import Any

from testkit.in_process.world import World
from tests.support.runs import NOTHING, left_at_openai


def attributes(answer: dict[str, Any]) -> dict[str, str]:
    """Those of a SUCCESS."""
    assert answer["Status"] == "SUCCESS", answer
    return dict(answer["Data"])


def failure(answer: dict[str, Any]) -> str:
    """Why it FAILED."""
    assert answer["Status"] == "FAILED", answer
    return str(answer["Reason"])


def delete_all(world: World, answer: dict[str, Any]) -> None:
    """Delete what a request made, a failed one too: nothing is left at the server."""
    deleted = world.delete(answer["PhysicalResourceId"], logical_id=answer["LogicalResourceId"])
    assert deleted["Status"] == "SUCCESS"
    assert left_at_openai(world) == NOTHING
