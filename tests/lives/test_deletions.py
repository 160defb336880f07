"""Deletes that the server makes hard: what refuses for long is left behind, what it does not show for a moment is not.

Step by step: tests/unit/test_reconcile.py.
"""

import math
from typing import Any

import pytest

from local.openai_standin import Fault, Script
from testkit.in_process.world import World
from tests.support.runs import (
    ASSISTANT,
    FILE,
    NOTHING,
    STORE,
    THREAD,
    alive,
    attributes,
    each_server,
    each_wire,
    failure,
    left_at_openai,
)

RUNS = r"/v1/(responses|threads/[^/]+/runs)/[^/]+"
TOOL = {"type": "function", "function": {"name": "tell"}}
CALL = {"type": "function_call", "name": "tell", "arguments": {}}
on_responses = pytest.mark.parametrize("wire", ["responses"], indirect=True)
on_assistants = pytest.mark.parametrize("wire", ["assistants"], indirect=True)


def refuse(
    world: World, method: str, path: str, status: int = 500, times: int | None = None, seconds: float = math.inf
) -> None:
    ends_at = world.clock() + seconds
    world.openai.fault(Fault(method, path, "status", status=status, times=times, ends_at=ends_at))


def delete(world: World, made: dict[str, Any]) -> None:
    """The Delete succeeds."""
    deleted = world.delete(made["PhysicalResourceId"], logical_id=made["LogicalResourceId"])
    assert deleted["Status"] == "SUCCESS", deleted["Reason"]


def never_ending(world: World, properties: dict[str, Any]) -> dict[str, Any]:
    """A request whose run goes on after it was given up."""
    world.openai.script(Script(duration_s=1e7))
    made = world.create(properties | {"timeout_seconds": "30"})
    assert "did not end within" in failure(made)
    return made


@each_server
def test_a_run_that_left_its_calls_is_deleted_though_the_server_fails_all_requests_about_it(
    world: World, properties: dict[str, Any]
) -> None:
    """Gateways in front of chat-only providers do so after the end."""
    world.openai.script(Script(output=[CALL]))
    made = world.create(properties | {"tools": [TOOL]})
    assert attributes(made)["status"] == "requires_action"
    refuse(world, "*", RUNS + "(/cancel)?")
    delete(world, made)


@each_server
def test_a_run_whose_function_failed_is_deleted_though_the_server_fails_all_requests_about_it(
    world: World, properties: dict[str, Any]
) -> None:
    arn = world.tools.add("tool-tell", lambda event: 1 / 0)
    tool = {"type": "function", "function": {"name": "tell", "handler_arn": arn}}
    world.openai.script(Script(output=[CALL]))
    made = world.create(properties | {"tools": [tool], "on_tool_error": "fail"})
    assert "handler of function tell failed" in failure(made)
    refuse(world, "*", RUNS + "(/cancel)?")
    delete(world, made)


@each_server
def test_a_try_that_failed_is_deleted_though_the_server_fails_all_requests_about_it(
    world: World, properties: dict[str, Any]
) -> None:
    world.openai.script(Script(error=("server_error", "The engine broke.")))
    start = "/v1/(responses|threads/[^/]+/runs)"
    world.openai.fault(Fault("POST", start, "status", status=400, message="No credit.", after=1, times=None))
    made = world.create(properties)
    assert "No credit." in failure(made)
    refuse(world, "*", RUNS)
    delete(world, made)


@each_server
@pytest.mark.parametrize("status", [405, 500, 501])
def test_a_run_whose_cancellation_is_refused_for_ever_is_left_behind(
    world: World, properties: dict[str, Any], status: int
) -> None:
    refuse(world, "POST", RUNS + "/cancel", status)
    delete(world, never_ending(world, properties))
    assert alive(world).get("threads", 0) == alive(world).get("conversations", 0) == 0


@on_responses
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_thread_is_deleted_though_its_items_cannot_be(world: World, properties: dict[str, Any], method: str) -> None:
    made = world.create(properties)
    refuse(world, method, "/v1/conversations/[^/]+/items.*")
    delete(world, made)
    assert alive(world).get("conversations", 0) == 0


@on_responses
def test_a_thread_is_deleted_though_its_items_are_unreadable(world: World, properties: dict[str, Any]) -> None:
    made = world.create(properties)
    path = "/v1/conversations/[^/]+/items"
    world.openai.fault(Fault("GET", path, "odd", place=("data",), odd_value=None, times=None))
    delete(world, made)


@on_responses
def test_one_item_that_cannot_be_deleted_keeps_no_other_one(world: World, properties: dict[str, Any]) -> None:
    made = world.create(properties)
    refuse(world, "DELETE", "/v1/conversations/[^/]+/items/.*", times=1)
    delete(world, made)
    assert left_at_openai(world) == NOTHING


@on_responses
def test_an_item_that_can_never_be_deleted_is_the_only_one_left(world: World, properties: dict[str, Any]) -> None:
    """The newest is the first in the list: all others come after it."""
    made = world.create(properties)
    newest = world.app.backend.threads.last_item_id(made["PhysicalResourceId"].partition(":")[0])
    refuse(world, "DELETE", f"/v1/conversations/[^/]+/items/{newest}", 503)
    delete(world, made)
    assert left_at_openai(world) == NOTHING | {"orphan_items": 1}


@on_assistants
@pytest.mark.parametrize("status", [403, 405, 500])
def test_a_thread_that_is_not_shown_is_deleted(world: World, properties: dict[str, Any], status: int) -> None:
    made = world.create(properties)
    refuse(world, "GET", "/v1/threads/[^/]+", status)
    delete(world, made)
    assert left_at_openai(world) == NOTHING


@on_responses
@pytest.mark.parametrize("status", [403, 405, 500])
def test_a_lost_run_that_cannot_be_looked_for_holds_no_delete_up(
    world: World, properties: dict[str, Any], status: int
) -> None:
    world.openai.fault(Fault("POST", "/v1/responses", "lost_reply"))
    refuse(world, "GET", "/v1/conversations/[^/]+/items", status)
    delete(world, world.create(properties | {"timeout_seconds": "60"}))


@each_wire
def test_a_run_at_work_that_is_not_shown_for_a_moment_is_cancelled(world: World, properties: dict[str, Any]) -> None:
    """It would hold a thread that others use."""
    thread = world.create({}, **THREAD)["PhysicalResourceId"]
    given = {name: value for name, value in properties.items() if name != "thread"}
    given |= {"existing_thread_id": thread, "additional_messages": [{"role": "user", "content": "Go."}]}
    refuse(world, "POST", RUNS + "/cancel", times=2)
    made = never_ending(world, given)
    refuse(world, "GET", RUNS, 404, times=1)
    delete(world, made)
    assert world.create(given, logical_id="Next")["Status"] == "SUCCESS"


@on_assistants
def test_a_thread_that_is_not_shown_for_a_moment_takes_its_vector_store_with_it(world: World) -> None:
    file_id = world.openai.add_file(name="facts.md")
    message = {"role": "user", "content": "Hi.", "attachments": [{"file_id": file_id}]}
    made = world.create({"messages": [message]}, **THREAD)
    refuse(world, "GET", "/v1/threads/[^/]+", 404, times=1)
    delete(world, made | {"PhysicalResourceId": attributes(made)["id"]})
    assert left_at_openai(world) == NOTHING


@on_responses
@pytest.mark.parametrize("status", [403, 404])
def test_items_that_are_not_shown_for_a_moment_are_deleted(
    world: World, properties: dict[str, Any], status: int
) -> None:
    made = world.create(properties)
    refuse(world, "GET", "/v1/conversations/[^/]+/items", status, times=1)
    delete(world, made)
    assert left_at_openai(world) == NOTHING


@each_wire
def test_what_was_deleted_by_hand_is_deleted_within_a_quarter_of_a_minute(
    world: World, properties: dict[str, Any]
) -> None:
    made = world.create(properties)
    thread_id, run_id = made["PhysicalResourceId"].split(":")
    world.app.backend.runs.delete(thread_id, run_id)
    world.app.backend.threads.delete(thread_id)
    began = world.clock()
    delete(world, made)
    assert world.clock() - began < 25


KINDS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "store": (STORE, {"name": "s"}),
    "file": (FILE, {"filename": "a.md", "content": "A."}),
    "thread": (THREAD, {}),
    "assistant": (ASSISTANT, {"model": "gpt-5.4-mini"}),
}
each_kind = pytest.mark.parametrize("kind", KINDS)


def made_of(world: World, kind: str) -> dict[str, Any]:
    more, given = KINDS[kind]
    made = world.create(given, **more)
    attributes(made)
    return made


def there(world: World) -> int:
    """How many there are of what is not a run's."""
    names = ("vector_stores", "files", "conversations", "threads", "assistants")
    return sum(world.openai.counters()[name] for name in names)


@each_wire
@each_kind
@pytest.mark.parametrize("fault", ["status", "lost_reply"])
def test_what_the_server_does_not_know_for_a_moment_is_deleted_all_the_same(
    world: World, kind: str, fault: Any
) -> None:
    """A gateway that reads its routes again, or a replica; where the reply was lost, it is really gone then."""
    before = there(world)
    made = made_of(world, kind)
    world.openai.fault(Fault("DELETE", "/v1/[^/]+/[^/]+", fault, status=404))
    began = world.clock()
    delete(world, made)
    assert there(world) == before
    assert world.clock() - began < 35


@each_wire
@each_kind
def test_what_was_deleted_by_hand_takes_a_quarter_of_a_minute_longer(world: World, kind: str) -> None:
    made = made_of(world, kind)
    backend, thing = world.app.backend, made["PhysicalResourceId"]
    subjects = {"store": backend.vector_stores, "file": backend.files, "thread": backend.threads}
    subjects.get(kind, backend.assistants).delete(thing)
    began = world.clock()
    delete(world, made)
    assert world.clock() - began < 25


@each_wire
def test_a_thread_and_a_store_of_a_run_that_the_server_does_not_know_for_a_moment_are_deleted(
    world: World, wire: str, properties: dict[str, Any]
) -> None:
    message = {"role": "user", "content": "Hi.", "attachments": [{"file_id": world.openai.add_file(name="facts.md")}]}
    given = properties | {"thread": {"messages": [message]}, "tools": [{"type": "file_search"}]}
    made = world.create(given)
    attributes(made)
    for path in ("conversations", "threads", "vector_stores"):
        refuse(world, "DELETE", f"/v1/{path}/[^/]+", 404, times=1)
    delete(world, made)
    assert left_at_openai(world) == NOTHING


@each_server
def test_what_is_gone_for_good_is_deleted(world: World, properties: dict[str, Any]) -> None:
    """410 says that it was there."""
    made = world.create(properties)
    refuse(world, "*", "/v1/(conversations|threads|responses)/.*", 410)
    delete(world, made)


@each_kind
@pytest.mark.parametrize("status", [405, 410, 501])
@each_wire
def test_what_is_gone_for_good_or_cannot_be_deleted_is_not_waited_for(world: World, kind: str, status: int) -> None:
    made = made_of(world, kind)
    refuse(world, "DELETE", "/v1/.*", status)
    began = world.clock()
    delete(world, made)
    assert world.clock() - began < 10


@on_responses
def test_a_lost_store_without_an_id_holds_no_delete_up(world: World, properties: dict[str, Any]) -> None:
    message = {"role": "user", "content": "Read.", "attachments": [{"file_id": world.openai.add_file(name="facts.md")}]}
    given = properties | {"thread": {"messages": [message]}, "tools": [{"type": "file_search"}]}
    world.openai.fault(Fault("POST", "/v1/vector_stores", "lost_reply"))
    world.openai.fault(Fault("GET", "/v1/vector_stores", "odd", place=("data", 0, "id"), odd_value=None, times=None))
    made = world.create(given | {"timeout_seconds": "60"})
    assert "ValueError" not in str(made)
    delete(world, made)


@on_responses
def test_a_file_without_an_id_that_cannot_be_indexed_is_told_in_a_sentence(world: World) -> None:
    listed = "/v1/vector_stores/[^/]+/files"
    world.openai.fault(Fault("GET", listed, "odd", place=("data", 0, "id"), odd_value=None, times=None))
    file_id = world.openai.add_file(name="scan.bin", fails_indexing=True)
    made = world.create({"name": "s", "file_ids": [file_id]}, **STORE)
    assert "a file without an id" in failure(made)


@on_assistants
def test_a_listed_run_without_an_id_is_not_taken_for_a_lost_one(world: World, properties: dict[str, Any]) -> None:
    world.openai.fault(Fault("POST", "/v1/threads/[^/]+/runs", "lost_reply"))
    listed = "/v1/threads/[^/]+/runs"
    world.openai.fault(Fault("GET", listed, "odd", place=("data", 0, "id"), odd_value=None, times=None))
    made = world.create(properties)
    assert "ValueError" not in str(made)
    delete(world, made)


DAY = 86_400
CHANGED = {"instructions": "Another."}


def left_over(world: World, properties: dict[str, Any]) -> dict[str, Any]:
    """What an Update made in place of a run that its clean-up could not delete: the key was refused meanwhile."""
    first = world.create(properties)
    second = world.update(first["PhysicalResourceId"], properties | CHANGED)
    refuse(world, "DELETE", "/v1/.*", 403, seconds=DAY)
    for _ in range(3):  # As often as CloudFormation tries.
        assert "HTTP 403" in failure(world.delete(first["PhysicalResourceId"]))
    world.clock.advance(DAY)
    return second


@each_server
def test_a_clean_up_that_failed_is_made_up_for_by_a_later_delete(world: World, properties: dict[str, Any]) -> None:
    delete(world, left_over(world, properties))
    assert left_at_openai(world) == NOTHING


@each_server
def test_a_clean_up_that_failed_is_made_up_for_by_a_later_update(world: World, properties: dict[str, Any]) -> None:
    second = left_over(world, properties)
    before = left_at_openai(world)
    attributes(world.update(second["PhysicalResourceId"], properties | CHANGED | {"timeout_seconds": "600"}))
    assert left_at_openai(world) == {name: count / 2 for name, count in before.items()}


@each_server
def test_a_clean_up_that_fails_again_fails_no_later_update(world: World, properties: dict[str, Any]) -> None:
    second = left_over(world, properties)
    refuse(world, "DELETE", "/v1/.*", 403)
    given = properties | CHANGED | {"timeout_seconds": "600"}
    assert world.update(second["PhysicalResourceId"], given)["PhysicalResourceId"] == second["PhysicalResourceId"]
    assert "HTTP 403" in failure(world.delete(second["PhysicalResourceId"]))


@each_server
def test_a_stack_whose_rollback_fell_into_an_outage_is_deleted_weeks_later(
    world: World, properties: dict[str, Any]
) -> None:
    first = world.create(properties)["PhysicalResourceId"]
    path = RUNS + ".*|/v1/(conversations|threads)/[^/]+"
    refuse(world, "*", path, 401, seconds=3600)
    updated = world.update(first, properties | CHANGED)
    back = world.update(first, properties)
    assert back["PhysicalResourceId"] == first
    world.delete(updated["PhysicalResourceId"])
    world.clock.advance(14 * DAY)
    delete(world, back)
    assert left_at_openai(world) == NOTHING


@on_responses
def test_a_delete_that_is_made_again_has_patience_again(world: World, properties: dict[str, Any]) -> None:
    """Within the time that the first one had, too: a refusal may end that early."""
    made, long = world.create(properties), {"ServiceTimeout": "3600"}
    refuse(world, "*", "/v1/.*", 503, seconds=900)
    refuse(world, "DELETE", "/v1/.*", 403, seconds=1200)
    assert "HTTP 403" in failure(world.delete(made["PhysicalResourceId"], long))
    world.clock.advance(1200)
    refuse(world, "GET", "/v1/conversations/[^/]+/items", 429, times=1)
    assert world.delete(made["PhysicalResourceId"], long)["Status"] == "SUCCESS"
    assert left_at_openai(world) == NOTHING
