"""Vector stores that runs share, from CloudFormation's requests to what the server has; on both wires."""

import json
from typing import Any

import openai
import pytest

from local.openai_standin import Fault
from testkit.in_process.world import World
from tests.support.runs import FILE, NOTHING, STORE, attributes, delete_all, each_wire, failure, left_at_openai


def stored(world: World, *names: str, **more: Any) -> list[str]:
    return [world.openai.add_file(name=name, **more) for name in names]


def files_in(world: World, answer: dict[str, Any]) -> set[str]:
    with openai.OpenAI(api_key=world.openai.api_key, base_url=world.openai.base_url) as client:
        return {each.id for each in client.vector_stores.files.list(answer["PhysicalResourceId"])}


def delete(world: World, answer: dict[str, Any]) -> None:
    assert world.delete(answer["PhysicalResourceId"], **STORE)["Status"] == "SUCCESS"
    assert left_at_openai(world) == NOTHING


@each_wire
def test_a_store_is_there_when_its_files_are_indexed_and_its_files_outlive_it(world: World) -> None:
    one, two = stored(world, "a.md", "b.md", indexing_s=30)
    given = {
        "name": "policies",
        "file_ids": [one, two],
        "chunking_strategy": {
            "type": "static",
            "static": {"max_chunk_size_tokens": "400", "chunk_overlap_tokens": "40"},
        },
        "expires_after_days": "30",
        "metadata": {"team": "docs"},
    }
    event = world.event("Create", given, **STORE)
    began = world.clock()
    created = world.send(event)
    assert 30 <= world.clock() - began <= 40
    assert world.send(event) == created, "a repeated request makes no other one"
    data = attributes(created)
    assert (data["id"], data["name"], data["status"]) == (created["PhysicalResourceId"], "policies", "completed")
    assert json.loads(data["file_counts"]) == {
        "in_progress": 0,
        "completed": 2,
        "failed": 0,
        "cancelled": 0,
        "total": 2,
    }
    assert (data["usage_bytes"], data["created_at"]) == ("2000", "1800000000")
    first, changed = world.posted("/v1/vector_stores", f"/v1/vector_stores/{data['id']}")
    assert first["file_ids"] == [one, two]
    assert first["chunking_strategy"]["static"] == {"max_chunk_size_tokens": 400, "chunk_overlap_tokens": 40}
    assert changed == {
        "name": "policies",
        "expires_after": {"anchor": "last_active_at", "days": 30},
        "metadata": {"team": "docs"},
    }
    delete(world, created)
    assert world.openai.counters()["files"] == 2


@each_wire
def test_files_are_added_and_removed_in_place_and_those_of_others_stay(world: World) -> None:
    one, two, foreign, *many = stored(world, *(f"{number}.md" for number in range(48)))
    created = world.create({"name": "a", "file_ids": [one, two]}, **STORE)
    store_id = created["PhysicalResourceId"]
    with openai.OpenAI(api_key=world.openai.api_key, base_url=world.openai.base_url) as client:
        client.vector_stores.files.create(store_id, file_id=foreign)
    for wanted in ([two], [two, *many], [one]):
        updated = world.update(store_id, {"name": "b", "file_ids": wanted}, **STORE)
        assert (updated["PhysicalResourceId"], attributes(updated)["name"]) == (store_id, "b")
        assert files_in(world, updated) == {*wanted, foreign}
    assert files_in(world, world.update(store_id, {}, **STORE)) == {foreign}
    replaced = world.update(store_id, {"chunking_strategy": {"type": "auto"}}, **STORE)
    assert replaced["PhysicalResourceId"] != store_id
    assert world.update(replaced["PhysicalResourceId"], {}, **STORE)["PhysicalResourceId"] == store_id, "rolled back"
    world.delete(replaced["PhysicalResourceId"], **STORE)
    delete(world, created)


@each_wire
def test_a_file_that_cannot_be_indexed_fails_the_store_by_its_name(world: World) -> None:
    [good], [bad] = stored(world, "good.md"), stored(world, "scan.bin", fails_indexing=True)
    answer = world.create({"file_ids": [good, bad]}, **STORE)
    assert failure(answer) == (
        f"cannot index the files of vector store {answer['PhysicalResourceId']}: scan.bin ({bad}): "
        "The file type is not supported. (unsupported_file)"
    )
    delete(world, answer)


def test_an_update_that_fails_is_rolled_back_in_place(world: World) -> None:
    [good], [bad] = stored(world, "good.md"), stored(world, "scan.bin", fails_indexing=True)
    created = world.create({"file_ids": [good]}, **STORE)
    assert "scan.bin" in failure(world.update(created["PhysicalResourceId"], {"file_ids": [good, bad]}, **STORE))
    back = world.update(created["PhysicalResourceId"], {"file_ids": [good]}, **STORE)
    attributes(back)
    assert files_in(world, back) == {good}
    delete(world, back)


@each_wire
@pytest.mark.parametrize("kind", ["lost_reply", "reset", "garbage"])
def test_a_lost_reply_leaves_one_store(world: World, kind: Any) -> None:
    world.openai.fault(Fault("POST", "/v1/vector_stores", kind))
    created = world.create({"file_ids": stored(world, "a.md"), "metadata": {"a": "1"}}, **STORE)
    attributes(created)
    assert left_at_openai(world) == {"vector_stores": 1}
    delete(world, created)


def test_a_delete_finds_the_store_of_a_create_without_reply(world: World) -> None:
    world.openai.fault(Fault("POST", "/v1/vector_stores", "lost_reply"))
    world.deliver(world.event("Create", {}, **STORE))
    assert world.delete("example-Store-1ABCDEF", **STORE)["Status"] == "SUCCESS"
    assert left_at_openai(world) == NOTHING


@each_wire
@pytest.mark.parametrize("status", [401, 403, 500])
def test_a_store_that_was_refused_is_rolled_back_though_all_else_is_refused_too(world: World, status: int) -> None:
    """A restricted key without the right for vector stores; a gateway that has none, as LiteLLM without settings."""
    world.openai.fault(Fault("*", "/v1/vector_stores.*", "status", status=status, times=None))
    created = world.create({"name": "s"}, **STORE)
    assert f"HTTP {status}" in failure(created)
    delete(world, created)


@pytest.mark.parametrize("wire", ["chains"], indirect=True)
def test_a_store_that_the_server_cannot_have_is_rolled_back_at_once(world: World) -> None:
    created = world.create({"name": "s"}, **STORE)
    assert "needs vector stores" in failure(created)
    delete(world, created)
    assert not world.states.executions, "nothing had to be waited for"


def test_a_store_without_reply_is_deleted_though_the_server_does_not_show_it_for_a_moment(world: World) -> None:
    world.openai.fault(Fault("POST", "/v1/vector_stores", "lost_reply"))
    world.deliver(world.event("Create", {}, **STORE))
    world.openai.fault(Fault("GET", "/v1/vector_stores", "status", status=403, times=2))
    assert world.delete("example-Store-1ABCDEF", **STORE)["Status"] == "SUCCESS"
    assert left_at_openai(world) == NOTHING


DAY = 86_400


@each_wire
@pytest.mark.parametrize("changed", [{"timeout_seconds": "60"}, {"name": "b"}, {"expires_after_days": "2"}])
def test_a_store_that_has_expired_is_made_again_by_the_next_update(world: World, changed: dict[str, str]) -> None:
    """With its files, as OpenAI's documentation says: an expired store takes none, and is searched by no run."""
    [one] = stored(world, "a.md")
    given = {"name": "a", "file_ids": [one], "expires_after_days": "1"}
    created = world.create(given, **STORE)
    world.clock.advance(DAY + 1)
    again = world.update(created["PhysicalResourceId"], given | changed, **STORE)
    assert again["PhysicalResourceId"] != created["PhysicalResourceId"]
    assert attributes(again)["status"] == "completed"
    assert files_in(world, again) == {one}
    assert world.delete(created["PhysicalResourceId"], **STORE)["Status"] == "SUCCESS"
    assert left_at_openai(world) == {"vector_stores": 1}
    delete(world, again)
    assert not world.openai.world.vector_stores, "nor is the expired one left"


@each_wire
def test_a_store_that_was_used_since_it_was_last_seen_has_not_expired(world: World) -> None:
    [one, two] = stored(world, "a.md", "b.md")
    given = {"file_ids": [one], "expires_after_days": "1"}
    created = world.create(given, **STORE)
    store_id = created["PhysicalResourceId"]
    world.clock.advance(DAY / 2)
    with openai.OpenAI(api_key=world.openai.api_key, base_url=world.openai.base_url) as client:
        client.vector_stores.files.create(store_id, file_id=two)
    world.clock.advance(DAY / 2 + 60)
    updated = world.update(store_id, given | {"timeout_seconds": "60"}, **STORE)
    assert (updated["PhysicalResourceId"], attributes(updated)["status"]) == (store_id, "completed")
    delete(world, updated)


def test_a_store_that_the_server_deleted_when_it_expired_is_made_again_too(world: World) -> None:
    given = {"expires_after_days": "1"}
    created = world.create(given, **STORE)
    world.clock.advance(DAY + 1)
    world.openai.world.vector_stores.pop(created["PhysicalResourceId"])
    again = world.update(created["PhysicalResourceId"], given | {"timeout_seconds": "60"}, **STORE)
    assert again["PhysicalResourceId"] != created["PhysicalResourceId"]
    attributes(again)
    delete(world, again)


def test_a_policy_in_the_stack_is_what_a_run_searches(world: World) -> None:
    policy = world.create({"filename": "policy.md", "content": "Not on Sunday."}, **FILE)
    store = world.create({"file_ids": [policy["PhysicalResourceId"]]}, **STORE)
    tool = {"type": "file_search", "vector_store_ids": [store["PhysicalResourceId"]]}
    thread = {"messages": [{"role": "user", "content": "When?"}]}
    run = world.create({"model": "gpt-5.4-mini", "thread": thread, "tools": [tool]})
    attributes(run)
    world.delete(run["PhysicalResourceId"])
    for answer, names in ((store, STORE), (policy, FILE)):
        assert world.delete(answer["PhysicalResourceId"], **names)["Status"] == "SUCCESS"
    delete_all(world, run)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"file_ids": ["file-1"] * 501}, "file_ids: must have at most 500 entries"),
        ({"chunking_strategy": {"type": "static"}}, "chunking_strategy: static is required for type static"),
        (
            {
                "chunking_strategy": {
                    "type": "static",
                    "static": {"max_chunk_size_tokens": 100, "chunk_overlap_tokens": 51},
                }
            },
            "chunk_overlap_tokens must be at most half of max_chunk_size_tokens",
        ),
        ({"expires_after_days": "366"}, "expires_after_days: must be at most 365 (it is '366')"),
    ],
)
def test_what_cannot_be_a_store_is_refused_at_the_door(world: World, given: dict[str, Any], problem: str) -> None:
    assert problem in failure(world.create(given, **STORE))
    assert world.openai.requests == []
