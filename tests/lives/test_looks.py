"""A server that refuses a look, fails it, or shows less than it did: nothing that was paid for is lost to that."""

from typing import Any

import pytest

from local.openai_standin import Fault, Script
from testkit.in_process.world import World
from tests.support.runs import (
    ASSISTANT,
    STORE,
    THREAD,
    attributes,
    delete_all,
    each_server,
    each_wire,
    failure,
    runs_started,
)

RUN = r"/v1/(responses|threads/[^/]+/runs)/[^/]+"
ITEMS = r"/v1/conversations/[^/]+/items"
STARTS = r"/v1/(responses|threads/[^/]+/runs)"
CALL = {"type": "function_call", "name": "tell", "arguments": {}}
responses = pytest.mark.parametrize("wire", ["responses"], indirect=True)
assistants = pytest.mark.parametrize("wire", ["assistants"], indirect=True)


def look(kind: str, **more: Any) -> Fault:
    """What becomes of each look at a run from now on."""
    return Fault("GET", RUN, kind, times=None, **more)


def returned_to(world: World, properties: dict[str, Any], fault: Fault) -> dict[str, Any]:
    """The run that an update replaced and its rollback wants again, when looks at it are as `fault` says."""
    first = world.create(properties)
    second = world.update(first["PhysicalResourceId"], properties | {"instructions": "Other."})
    world.openai.fault(fault)
    back = world.update(second["PhysicalResourceId"], properties)
    assert attributes(back) == attributes(first)
    assert back["PhysicalResourceId"] == first["PhysicalResourceId"]
    assert runs_started(world) == 2
    return back


@each_server
@pytest.mark.parametrize("status", [400, 403, 405, 410])
def test_a_rollback_needs_no_leave_of_the_server(world: World, properties: dict[str, Any], status: int) -> None:
    returned_to(world, properties, look("status", status=status))


@each_server
def test_a_rollback_ends_in_time_though_each_look_fails(world: World, properties: dict[str, Any]) -> None:
    returned_to(world, properties | {"timeout_seconds": "30"}, look("status", status=500))


@each_server
@pytest.mark.parametrize("status", [None, "queued", "in_progress", "cancelled"])
def test_a_rollback_keeps_an_end_that_the_server_shows_no_more(
    world: World, properties: dict[str, Any], status: str | None
) -> None:
    returned_to(world, properties, look("odd", place=("status",), odd_value=status))
    assert not [each for each in world.openai.requests if each.path.endswith("/cancel")]


@responses
def test_a_rollback_keeps_an_answer_that_the_server_shows_no_more(world: World, properties: dict[str, Any]) -> None:
    returned_to(world, properties, look("odd", place=("output",), odd_value=[]))


@each_wire
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/vector_stores/[^/]+"),
        ("GET", "/v1/threads/[^/]+"),
        ("GET", "/v1/threads/[^/]+/messages"),
        ("POST", STARTS),
        ("GET", RUN),
    ],
)
def test_one_404_about_what_a_run_has_just_made_is_no_end(
    world: World, properties: dict[str, Any], method: str, path: str
) -> None:
    file_id = world.openai.add_file(name="facts.md")
    message = {"role": "user", "content": "Read.", "attachments": [{"file_id": file_id}]}
    world.openai.fault(Fault(method, path, "status", status=404))
    given = properties | {"thread": {"messages": [message]}, "tools": [{"type": "file_search"}]}
    attributes(world.create(given))
    assert runs_started(world) == 1


@each_wire
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_one_404_about_a_new_thread_is_no_end(world: World, method: str) -> None:
    world.openai.fault(Fault(method, ".*/(items|messages)", "status", status=404))
    attributes(world.create({"messages": [{"role": "user", "content": "Hi."}]}, **THREAD))


@assistants
def test_one_404_about_a_new_assistant_is_no_end(world: World) -> None:
    world.openai.fault(Fault("POST", "/v1/assistants/[^/]+", "status", status=404))
    attributes(world.create({"model": "gpt-5.4-mini"}, **ASSISTANT))


@responses
@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("POST", ""), ("GET", "/files")])
def test_one_404_about_a_new_vector_store_is_no_end(world: World, method: str, path: str) -> None:
    world.openai.fault(Fault(method, f"/v1/vector_stores/[^/]+{path}", "status", status=404))
    attributes(world.create({"name": "s", "file_ids": [world.openai.add_file(name="facts.md")]}, **STORE))


@responses
@pytest.mark.parametrize("item", ["store", "file"])
def test_what_is_listed_without_an_id_breaks_nothing(world: World, item: str) -> None:
    """Nobody can ask for it: a store is made again, and a file is told without its name."""
    if item == "store":
        world.openai.fault(Fault("POST", "/v1/vector_stores", "lost_reply"))
        world.openai.fault(
            Fault("GET", "/v1/vector_stores", "odd", place=("data", 0, "id"), odd_value=None, times=None)
        )
    else:
        odd: dict[str, Any] = {"place": ("file_counts",), "odd_value": {"in_progress": 0, "failed": 1}, "times": None}
        world.openai.fault(Fault("GET", "/v1/vector_stores/[^/]+", "odd", **odd))
        bad = [{"last_error": {"message": "Bad."}}]
        files: dict[str, Any] = {"place": ("data",), "odd_value": bad, "times": None, "after": 1}
        world.openai.fault(Fault("GET", "/v1/vector_stores/[^/]+/files", "odd", **files))
    answer = world.create({"name": "s", "file_ids": [world.openai.add_file(name="facts.md")]}, **STORE)
    if item == "store":
        attributes(answer)
    else:
        assert "a file without an id: Bad." in failure(answer)


@each_wire
def test_a_start_on_a_thread_that_is_never_shown_fails_soon(world: World, properties: dict[str, Any]) -> None:
    world.openai.fault(Fault("POST", STARTS, "status", status=404, message="No such thread.", times=None))
    began = world.clock()
    answer = world.create(properties)
    assert "No such thread." in failure(answer)
    assert world.clock() < began + 60
    delete_all(world, answer)


@responses
@pytest.mark.parametrize(
    "items",
    [
        Fault("GET", ITEMS, "status", status=404, message="No such thread.", times=None),
        Fault("GET", ITEMS, "odd", place=("data",), odd_value=[{"type": "message", "role": "assistant"}], times=None),
    ],
    ids=["not shown", "without ids"],
)
def test_a_lost_start_that_cannot_be_looked_for_is_not_made_again(
    world: World, properties: dict[str, Any], items: Fault
) -> None:
    world.openai.fault(Fault("POST", "/v1/responses", "lost_reply"))
    world.openai.fault(items)
    reason = failure(world.create(properties))
    assert "cannot tell whether the run was started: the reply was lost, and " in reason
    assert runs_started(world) == 1


@responses
def test_a_lost_start_is_found_though_its_thread_is_not_shown_for_a_moment(
    world: World, properties: dict[str, Any]
) -> None:
    world.openai.fault(Fault("POST", "/v1/responses", "lost_reply"))
    world.openai.fault(Fault("GET", ITEMS, "status", status=404, times=2))
    attributes(world.create(properties))
    assert runs_started(world) == 1


def called_on_a_shared_thread(world: World, properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The answer to a run with a handler, on a thread that others use."""
    thread_id = world.create({}, **THREAD)["PhysicalResourceId"]
    arn = world.tools.add("tool-tell", lambda event: "told")
    tools = [{"type": "function", "function": {"name": "tell", "handler_arn": arn}}]
    given = {name: value for name, value in properties.items() if name != "thread"}
    added = {"existing_thread_id": thread_id, "additional_messages": [{"role": "user", "content": "Go."}]}
    return world.create(given | added | {"tools": tools} | more)


@responses
@pytest.mark.parametrize("status", [403, 500])
def test_a_completed_run_is_not_lost_to_what_is_tidied_up_after_it(
    world: World, properties: dict[str, Any], status: int
) -> None:
    world.openai.script(Script(output=[CALL]), Script(output_text="Done."))
    world.openai.fault(Fault("GET", ITEMS, "status", status=status, times=None, after=1))
    began = world.clock()
    assert attributes(called_on_a_shared_thread(world, properties))["output_text"] == "Done."
    assert world.clock() < began + 15


@responses
def test_calls_that_cannot_be_closed_for_a_moment_are_closed_later(world: World, properties: dict[str, Any]) -> None:
    world.openai.script(Script(output=[CALL]), Script(status="incomplete", output=[CALL]))
    world.openai.fault(Fault("GET", ITEMS, "status", status=500, after=1))
    attributes(called_on_a_shared_thread(world, properties, accept_statuses=["incomplete"]))
    assert [each for each in world.openai.requests if each.method == "POST" and each.path.endswith("/items")]


@responses
@pytest.mark.parametrize("status", [403, 500])
def test_a_run_that_was_cut_short_is_not_held_by_calls_that_cannot_be_closed(
    world: World, properties: dict[str, Any], status: int
) -> None:
    world.openai.script(Script(output=[CALL]), Script(status="incomplete", output=[CALL]))
    world.openai.fault(Fault("GET", ITEMS, "status", status=status, times=None, after=1))
    began = world.clock()
    answer = called_on_a_shared_thread(world, properties, accept_statuses=["incomplete"])
    assert attributes(answer)["status"] == "incomplete"
    assert world.clock() < began + 60


@each_server
@pytest.mark.parametrize("word", ["Completed", "succeeded", "done"])
def test_an_end_in_words_of_the_servers_own_is_one(world: World, properties: dict[str, Any], word: str) -> None:
    world.openai.fault(look("odd", place=("status",), odd_value=word))
    world.openai.script(Script(output_text="Hi.", queued_s=0, duration_s=0))
    assert attributes(world.create(properties))["output_text"] == "Hi."


@each_server
def test_a_status_that_is_not_known_is_named_at_the_deadline(world: World, properties: dict[str, Any]) -> None:
    world.openai.script(Script(duration_s=1e7))
    world.openai.fault(look("odd", place=("status",), odd_value="Dreaming"))
    reason = failure(world.create(properties | {"timeout_seconds": "60"}))
    assert "it did not end within 60 s, while its status was dreaming, and was cancelled" in reason


@each_server
def test_a_run_that_is_not_shown_at_its_deadline_is_cancelled(world: World, properties: dict[str, Any]) -> None:
    world.openai.script(Script(duration_s=1e7))
    world.openai.fault(look("status", status=403, begins_at=world.clock() + 55))
    reason = failure(world.create(properties | {"timeout_seconds": "60"}))
    assert "it did not end within 60 s and was cancelled" in reason
    assert [each for each in world.openai.requests if each.path.endswith("/cancel")]
