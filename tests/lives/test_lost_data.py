"""What cannot be read, or is gone from the table, harms its own resource only, and leaves nothing at the server."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from local.openai_standin import Fault, Script
from testkit.in_process.aws import aws
from testkit.in_process.deployed import WIRES
from testkit.in_process.moto import create_table
from testkit.in_process.world import World
from testkit.state_machine import TABLE
from testkit.template import ROOT
from tests.support.pages import page_at
from tests.support.runs import (
    ASSISTANT,
    CHANGED,
    FILE,
    NOTHING,
    PROPERTIES,
    STORE,
    THREAD,
    alive,
    attributes,
    delete_all,
    each_server,
    each_wire,
    failure,
    left_at_openai,
    runs_started,
)
from threadrun.storage.packing import pack, unpack

Change = Callable[[dict[str, Any]], None]


def record_item(world: World, logical_id: str = "Run") -> dict[str, Any]:
    return next(item for item in world.items().values() if item.get("logical_id") == {"S": logical_id})


def put_body(world: World, body: bytes | None, logical_id: str = "Run") -> None:
    """Another one than the application would write, or none."""
    item = record_item(world, logical_id) | {"body": {"B": body}}
    if body is None:
        del item["body"], item["version"]
    aws("dynamodb").put_item(TableName=TABLE, Item=item)


def changed(world: World, change: Change) -> bytes:
    record = json.loads(unpack(bytes(record_item(world)["body"]["B"])))
    change(record)
    return pack(json.dumps(record))


def nest(record: dict[str, Any]) -> None:
    """As earlier versions let it in."""
    [made] = record["made"].values()
    schema: dict[str, Any] = {}
    for _ in range(194):
        schema = {"not": schema}
    made["desired"] = {"tools": [{"type": "function", "function": {"name": "f", "parameters": schema}}]}


def mistype(record: dict[str, Any]) -> None:
    """As a server's number of another type would make it, without a check."""
    [made] = record["made"].values()
    made["observed"]["created_at"] = 1732578201.37


def forget(world: World, *beginnings: str) -> None:
    """Somebody deletes the items with such keys."""
    for key in world.items():
        if key.startswith(beginnings or "RESOURCE#"):
            aws("dynamodb").delete_item(TableName=TABLE, Key={"pk": {"S": key}})


BODIES: dict[str, Callable[[World], bytes | None]] = {
    "no JSON": lambda world: pack("{"),
    "not compressed": lambda world: b"{}",
    "no record at all": lambda world: None,
    "too deep": lambda world: changed(world, nest),
    "another type": lambda world: changed(world, mistype),
}
each_body = pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)


@each_body
def test_a_resource_whose_record_cannot_be_read_is_deleted_by_its_physical_id(
    world: World, body: Callable[[World], bytes | None]
) -> None:
    made = world.create(PROPERTIES)
    put_body(world, body(world))
    delete_all(world, made)
    assert world.public_items() == {}


@each_body
def test_a_resource_whose_record_cannot_be_read_is_updated_by_a_new_run(
    world: World, body: Callable[[World], bytes | None]
) -> None:
    made = world.create(PROPERTIES)
    put_body(world, body(world))
    updated = world.update(made["PhysicalResourceId"], CHANGED)
    attributes(updated)
    assert world.delete(made["PhysicalResourceId"], PROPERTIES)["Status"] == "SUCCESS"
    delete_all(world, updated)


def test_what_only_an_unreadable_record_knew_is_told_once(world: World) -> None:
    """CloudFormation has no id of a Create that it gave up."""
    world.deliver(world.event("Create", PROPERTIES))
    put_body(world, b"")
    made_up = "example-Run-1ABCDEF"
    assert "the record cannot be read, and objects may be left at the server" in failure(world.delete(made_up))
    assert world.delete(made_up)["Status"] == "SUCCESS"


def test_the_sweep_goes_on_past_a_record_that_it_cannot_read_and_counts_it(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    for logical_id in ("Bad", "Good"):
        world.deliver(world.event("Create", PROPERTIES, logical_id=logical_id))
    for execution in world.states.executions:
        world._is_lost = True
        execution.end("ABORTED")
    put_body(world, b"", "Bad")
    world.clock.advance(700)
    assert world.sweep() == 2
    [answer] = world.url.answers
    assert answer["LogicalResourceId"] == "Good"
    [line] = [line for line in caplog.records if line.message == "an overdue request gets no response"]
    assert vars(line)["key"] == record_item(world, "Bad")["pk"]["S"]
    assert world.sweep() == 1, "until somebody repairs it"


def test_an_assistant_that_cannot_be_read_is_told_and_saved_anew_when_it_changes(world: World) -> None:
    settings = {"model": "gpt-5.4-mini"}
    made = world.create(settings, **ASSISTANT)["PhysicalResourceId"]
    item = world.items()[f"ASSISTANT#{made}"] | {"settings": {"B": b"{}"}}
    aws("dynamodb").put_item(TableName=TABLE, Item=item)
    asked = PROPERTIES | {"assistant_id": made}
    assert f"cannot use assistant {made}: its settings cannot be read" in failure(world.create(asked))
    assert world.update(made, settings | {"top_p": "1"}, **ASSISTANT)["Status"] == "SUCCESS"
    attributes(world.create(asked, logical_id="Another"))


def test_half_a_character_that_json_text_spells_out_is_none(world: World) -> None:
    parameters = {"type": "object", "description": "cut \ud83d"}
    tool = {"type": "function", "function": {"name": "f", "parameters": json.dumps(parameters)}}
    attributes(world.create(PROPERTIES | {"tools": [tool]}))
    [sent] = world.posted()
    assert sent["tools"][0]["parameters"] == parameters | {"description": "cut ?"}


# --- what is gone


@each_server
def test_a_run_whose_record_is_gone_is_deleted_by_its_physical_id(world: World, properties: dict[str, Any]) -> None:
    made = world.create(properties)
    forget(world, "RESOURCE#")
    delete_all(world, made)
    assert world.public_items() == {}


def test_a_thread_without_its_run_is_deleted_though_its_record_is_gone(world: World) -> None:
    made = world.create(PROPERTIES | {"model": "no-such-model"})
    failure(made)
    forget(world)
    delete_all(world, made)


def test_a_large_output_of_a_run_whose_record_is_gone_is_deleted(world: World) -> None:
    world.openai.script(Script(output_text="long" * 50_000))
    made = world.create(PROPERTIES)
    assert aws("s3").list_objects_v2(Bucket="threadrun-outputs")["KeyCount"] == 1
    forget(world)
    delete_all(world, made)
    assert aws("s3").list_objects_v2(Bucket="threadrun-outputs")["KeyCount"] == 0


def test_what_is_not_to_be_deleted_stays_though_no_record_says_so(world: World) -> None:
    """The properties come with the Delete."""
    thread = world.create({}, **THREAD)["PhysicalResourceId"]
    on_it = PROPERTIES | {"thread": None, "existing_thread_id": thread}
    first, kept = world.create(on_it), world.create(on_it | {"deletion_policy": "retain"}, logical_id="Kept")
    adoption = {"import_id": kept["PhysicalResourceId"]}
    world.create(adoption, logical_id="Adopted")
    forget(world)
    for made, properties in ((first, on_it), (kept, on_it | {"deletion_policy": "retain"}), (kept, adoption)):
        assert world.delete(made["PhysicalResourceId"], properties)["Status"] == "SUCCESS"
    assert left_at_openai(world) == {"conversations": 1, "responses": 1}
    assert world.delete(thread, **THREAD)["Status"] == "SUCCESS"
    assert left_at_openai(world) == {"responses": 1}


@pytest.mark.parametrize(("accepted", "left"), [("incomplete", 0), ("completed", 1)])
def test_only_a_run_whose_adoption_succeeded_is_deleted_though_its_record_is_gone(
    world: World, accepted: str, left: int
) -> None:
    """CloudFormation gets no run's id with the failure of an adoption, so that the Delete after it names none."""
    world.openai.script(Script(incomplete_reason="max_output_tokens"))
    kept = PROPERTIES | {"deletion_policy": "retain", "accept_statuses": ["incomplete"]}
    made = world.create(kept, logical_id="Made")["PhysicalResourceId"]
    adoption = {"import_id": made, "deletion_policy": "delete", "accept_statuses": [accepted]}
    adopted = world.create(adoption, logical_id="Adopted")["PhysicalResourceId"]
    forget(world)
    assert world.delete(adopted, adoption, logical_id="Adopted")["Status"] == "SUCCESS"
    assert (adopted != made, left_at_openai(world)["responses"]) == (bool(left), left)


@each_wire
@pytest.mark.parametrize("kind", [THREAD, ASSISTANT], ids=["thread", "assistant"])
def test_a_thread_or_an_assistant_whose_record_is_gone_is_deleted_by_its_id(world: World, kind: dict[str, Any]) -> None:
    before = alive(world)
    made = world.create({"model": "gpt-5.4-mini"} if kind is ASSISTANT else {}, **kind)["PhysicalResourceId"]
    forget(world)
    assert world.delete(made, **kind)["Status"] == "SUCCESS"
    assert (alive(world), {key[:9] for key in world.items()}) == (before, {"RESOURCE#"})


def test_a_delete_that_cannot_clean_up_says_why_and_the_next_one_does(world: World) -> None:
    made = world.create(PROPERTIES)
    forget(world)
    world.openai.fault(Fault("DELETE", "/v1/responses/.*", "status", status=403))
    assert "(HTTP 403" in failure(world.delete(made["PhysicalResourceId"], PROPERTIES))
    delete_all(world, made)


def test_a_delete_that_comes_again_asks_the_server_nothing(world: World) -> None:
    made = world.create(PROPERTIES)
    delete_all(world, made)
    world.openai.forget_requests()
    assert world.delete(made["PhysicalResourceId"], PROPERTIES)["Status"] == "SUCCESS"
    assert world.openai.requests == []


@each_wire
def test_attributes_that_are_gone_are_made_again_from_a_look(world: World, properties: dict[str, Any]) -> None:
    """A change of bookkeeping alone starts no run, and GetAtt has to find something."""
    made = world.create(properties)
    [(key, item)] = world.public_items().items()
    forget(world, "RUN#")
    updated = world.update(made["PhysicalResourceId"], properties | {"timeout_seconds": "60"})
    assert attributes(updated) == attributes(made)
    assert world.public_items() == {key: item}
    assert runs_started(world) == 1


@pytest.mark.parametrize("name", ["citations", "output", "output_text", "required_action", "usage"])
def test_attributes_that_are_lost_in_part_fail_nothing(world: World, name: str) -> None:
    """An older version wrote the item, or people changed it."""
    made = world.create(PROPERTIES)
    [(key, item)] = world.public_items().items()
    aws("dynamodb").put_item(
        TableName=TABLE, Item={"pk": {"S": key}} | {given: value for given, value in item.items() if given != name}
    )
    updated = world.update(made["PhysicalResourceId"], PROPERTIES | {"timeout_seconds": "60"})
    assert attributes(updated).keys() == attributes(made).keys()
    assert attributes(updated)["output_text"] == attributes(made)["output_text"]
    assert runs_started(world) == 1


def test_a_record_in_the_place_of_another_one_is_replaced(world: World) -> None:
    made = world.create(PROPERTIES)
    world.create(PROPERTIES, logical_id="Other")
    put_body(world, bytes(record_item(world, "Other")["body"]["B"]))
    deleted = world.delete(made["PhysicalResourceId"], PROPERTIES)
    assert deleted["Status"] == "SUCCESS"
    assert left_at_openai(world) == {"conversations": 1, "responses": 1}, "those of the other one"


def test_an_item_that_another_record_uses_stays(world: World) -> None:
    """Of two that are about one run, whoever is deleted last takes the item along."""
    kept = PROPERTIES | {"deletion_policy": "retain"}
    made = world.create(kept)["PhysicalResourceId"]
    adoption = {"import_id": made}
    world.create(adoption, logical_id="Adopted")
    [(key, item)] = world.public_items().items()
    world.delete(made, kept)
    assert world.public_items().keys() == {key}
    assert (
        attributes(world.update(made, adoption | {"timeout_seconds": "60"}, logical_id="Adopted"))["id"]
        == item["id"]["S"]
    )
    world.delete(made, adoption, logical_id="Adopted")
    assert world.public_items() == {}


@pytest.mark.on_moto
def test_items_of_a_restored_table_are_put_back_as_the_documentation_says(world: World) -> None:
    made = world.create(PROPERTIES)
    create_table("restored")
    for item in world.items().values():
        aws("dynamodb").put_item(TableName="restored", Item=item)
    changed = world.update(made["PhysicalResourceId"], PROPERTIES | {"timeout_seconds": "60"})
    before = world.items()
    forget(world, "RUN#")
    [block] = [each for each in page_at(ROOT / "docs/operations.md").blocks if each.language == "python"]
    exec(block.text + f"put_back('restored', {TABLE!r})", {})
    assert world.items() == before, "the record is the newer one"
    delete_all(world, changed)


def test_a_table_of_an_earlier_moment_leaves_nothing_behind(world: World) -> None:
    """A run has been replaced since then, another one made, and a third one deleted."""
    old = world.create(PROPERTIES)["PhysicalResourceId"]
    gone = world.create(PROPERTIES, logical_id="Gone")["PhysicalResourceId"]
    earlier = world.items()
    new = world.update(old, CHANGED)["PhysicalResourceId"]
    world.delete(old, PROPERTIES)
    world.delete(gone, PROPERTIES, logical_id="Gone")
    later = world.create(PROPERTIES, logical_id="Later")
    forget(world, "")
    for item in earlier.values():
        aws("dynamodb").put_item(TableName=TABLE, Item=item)
    updated = world.update(new, CHANGED | {"timeout_seconds": "60"})
    attributes(updated)
    world.delete(new, CHANGED)
    world.delete(later["PhysicalResourceId"], PROPERTIES, logical_id="Later")
    world.delete(gone, PROPERTIES, logical_id="Gone")
    delete_all(world, updated)
    assert left_at_openai(world) == NOTHING


MESSAGE = {"role": "user", "content": "Hi."}
GIVEN: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
    "files": (FILE, {"filename": "a.md", "content": "A."}),
    "vector_stores": (STORE, {"name": "a"}),
    "threads": (THREAD, {"messages": [MESSAGE]}),
    "assistants": (ASSISTANT, {"model": "gpt-5.4-mini"}),
}
BY_HAND: list[tuple[str, str, dict[str, Any]]] = [
    *((wire, "files", {"timeout_seconds": "60"}) for wire in WIRES),
    *((wire, "vector_stores", {"timeout_seconds": "60"}) for wire in WIRES),
    *((wire, "vector_stores", {"name": "b"}) for wire in WIRES),
    *((wire, "threads", {"metadata": {"a": "b"}}) for wire in WIRES),
    # On the Responses API it is an item of the table.
    ("assistants", "assistants", {"instructions": "Be brief."}),
]


@pytest.mark.parametrize(("wire", "kind", "change"), BY_HAND, indirect=["wire"])
def test_what_was_deleted_by_hand_is_made_again_by_the_next_update(
    world: World, wire: str, kind: str, change: dict[str, Any]
) -> None:
    names, given = GIVEN[kind]
    created = world.create(given, **names)
    kind = "conversations" if (kind, wire) == ("threads", "responses") else kind
    assert there(world, kind) == 1
    headers = {"authorization": f"Bearer {world.openai.api_key}", "openai-beta": "assistants=v2"}
    path = f"/v1/{kind}/{created['PhysicalResourceId']}"
    world.openai.handle("DELETE", path, "", headers, b"")
    assert there(world, kind) == 0
    again = world.update(created["PhysicalResourceId"], given | change, **names)
    attributes(again)
    assert again["PhysicalResourceId"] != created["PhysicalResourceId"]
    assert there(world, kind) == 1
    for answer in (created, again):
        assert world.delete(answer["PhysicalResourceId"], **names)["Status"] == "SUCCESS"
    assert there(world, kind) == 0


def there(world: World, kind: str) -> int:
    return {**alive(world), **world.openai.counters()}[kind]


@pytest.mark.parametrize("kind", ["files", "vector_stores"])
@pytest.mark.parametrize(("status", "times"), [(404, 1), (401, None), (403, None), (405, None), (500, None)])
def test_what_the_server_does_not_show_for_a_moment_stays(
    world: World, kind: str, status: int, times: int | None
) -> None:
    """For a rollback above all: what is on record counts, and a live store is not thrown away for one stray 404."""
    names, given = GIVEN[kind]
    created = world.create(given, **names)
    began = world.clock()
    world.openai.fault(Fault("GET", f"/v1/{kind}/[^/]+", "status", status=status, times=times))
    updated = world.update(created["PhysicalResourceId"], given | {"timeout_seconds": "60"}, **names)
    assert attributes(updated) == attributes(created)
    assert updated["PhysicalResourceId"] == created["PhysicalResourceId"]
    assert world.clock() - began < 60
    assert there(world, kind) == 1


@pytest.mark.parametrize("wire", ["assistants"], indirect=True)
def test_an_assistant_whose_new_model_is_not_there_stays(world: World) -> None:
    """The server's 404 is about the model."""
    created = world.create({"model": "gpt-5.4-mini"}, **ASSISTANT)
    attributes(created)
    world.openai.fault(Fault("POST", "/v1/assistants/.*", "status", status=404, message="no such model", times=None))
    failed = world.update(created["PhysicalResourceId"], {"model": "gpt-none"}, **ASSISTANT)
    assert failed["PhysicalResourceId"] == created["PhysicalResourceId"]
    assert "no such model" in failure(failed)
    assert alive(world)["assistants"] == 1
