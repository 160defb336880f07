"""Each field of each reply absent, null, or of another type: CloudFormation gets one response, and nothing is left.

Only an odd status fails a run, or an assistant whose settings cannot be read. ODD_REPLIES=all plays every row.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from local.openai_standin import Fault
from local.openai_standin.application import Application
from local.openai_standin.faults import ABSENT
from testkit.clock import Clock
from testkit.in_process.deployed import ASSISTANTS, RESPONSES, deployed, standin
from testkit.in_process.world import World
from tests.support.runs import ASSISTANT, alive

Place = tuple[str | int, ...]
ATTACHED = {"messages": [{"role": "user", "content": "Read.", "attachments": [{"file_id": ""}]}]}
OPERATIONS = {
    RESPONSES: (
        "POST /v1/conversations",
        "POST /v1/vector_stores",
        "GET /v1/vector_stores/<id>",
        "POST /v1/responses",
        "GET /v1/responses/<id>",
        "DELETE /v1/responses/<id>",
        "GET /v1/conversations/<id>/items",
        "DELETE /v1/conversations/<id>",
    ),
    ASSISTANTS: (
        "POST /v1/assistants",
        "GET /v1/assistants/<id>",
        "POST /v1/threads",
        "GET /v1/threads/<id>",
        "GET /v1/vector_stores/<id>",
        "POST /v1/threads/<id>/runs",
        "GET /v1/threads/<id>/runs/<id>",
        "GET /v1/threads/<id>/messages",
        "DELETE /v1/threads/<id>",
    ),
}
NAMES_A_THING = frozenset({"id", "data", "tool_resources"})
"""What has no id that can be read, or is in no list that can, cannot be deleted by it."""
_ID = r"[a-z]+[_-][0-9a-f]+"


@pytest.mark.parametrize(
    ("wire", "operation"), [(wire, operation) for wire, known in OPERATIONS.items() for operation in known]
)
def test_an_odd_reply_is_survived(wire: str, operation: str) -> None:
    usual = replies_of_a_life(wire)[operation]
    known = [(place, value) for place, value in places(usual) if NAMES_A_THING.isdisjoint(place)]
    rows = [(place, odd) for place, value in known for odd in (ABSENT, None, another(value))]
    if "ODD_REPLIES" not in os.environ:  # One of the three at each place; all of them take minutes.
        rows = rows[::4] or rows
    assert rows
    wrong = {f"{place} = {odd!r}": told for place, odd in rows if (told := life(wire, operation, place, odd))}
    assert wrong == {}


def places(reply: Any, way: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Each field of a reply; of a list the first member only."""
    members = reply.items() if isinstance(reply, dict) else [*enumerate(reply)][:1] if isinstance(reply, list) else ()
    for name, value in members:
        yield (*way, name), value
        yield from places(value, (*way, name))


def another(value: Any) -> Any:
    """A value of another type, one that servers have been seen to send where there is one."""
    match value:
        case bool() | str() | None:
            return {"odd": ["\ud83d"]}
        case int():
            return "1732578201.37"
        case _:
            return "text"


@contextmanager
def world_of(wire: str) -> Iterator[World]:
    clock = Clock()
    with standin(wire, clock, indexing_s=0.1) as openai_api, deployed(openai_api, clock, wire) as world:
        yield world


def properties(world: World) -> dict[str, Any]:
    """Of a run that touches as much as one run can: its file is searched."""
    file_id = world.openai.add_file(name="facts.md")
    message = {"role": "user", "content": "Read.", "attachments": [{"file_id": file_id}]}
    return {"model": "gpt-5.4-mini", "thread": {"messages": [message]}, "tools": [{"type": "file_search"}]}


def replies_of_a_life(wire: str) -> dict[str, Any]:
    """The last reply to each operation in a life in which nothing is odd."""
    answer, found = Application.answer, dict[str, Any]()

    def watched(self: Application, request: Any, content: bytes) -> Any:
        reply = answer(self, request, content)
        found[f"{request.method} {re.sub(_ID, '<id>', request.path)}"] = reply
        return reply

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(Application, "answer", watched)
        assert life(wire) == ""
    return found


def life(wire: str, operation: str = "GET none", place: Place = (), odd: Any = ABSENT) -> str:
    """What is wrong with a life in which each reply to the operation is odd."""
    method, path = operation.split()
    with world_of(wire) as world:
        fault = Fault(method, path.replace("<id>", _ID), "odd", place=place, odd_value=odd, times=None)
        world.openai.fault(fault)
        assistants = []
        more: dict[str, Any] = {}
        if wire == ASSISTANTS:
            assistants.append(world.create({"model": "gpt-5.4-mini"}, **ASSISTANT))
            more = {"assistant_id": assistants[0]["PhysicalResourceId"]}
        made = [*assistants, *([world.create(properties(world) | more)] if is_success(assistants) else [])]
        may_fail = "status" in place or operation == "GET /v1/assistants/<id>"
        if not (is_success(made) or may_fail):
            return f"failed: {made[-1]['Reason']}"
        for response in reversed(made):
            deleted = world.delete(response["PhysicalResourceId"], logical_id=response["LogicalResourceId"])
            if deleted["Status"] != "SUCCESS":
                return f"not deleted: {deleted['Reason']}"
        left = {name: count for name, count in alive(world).items() if count}
        return f"{left} left" if left else ""


def is_success(responses: list[dict[str, Any]]) -> bool:
    return all(each["Status"] == "SUCCESS" for each in responses)
