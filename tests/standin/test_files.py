"""Files and vector stores behave as OpenAI's do, through its own SDK."""

import functools
import io
from typing import Any

import httpx2
import openai
import pytest
from openai import OpenAI
from openai.types import FileDeleted, FileObject, VectorStore, VectorStoreDeleted
from openai.types.vector_stores import VectorStoreFile, VectorStoreFileDeleted

from local.openai_standin import OpenAIStandIn
from tests.standin.support import DAY_S, PLAIN, START, Clock, refusal, valid


@pytest.fixture
def stand_in(clock: Clock) -> OpenAIStandIn:
    return OpenAIStandIn(now=clock, sleep=clock.sleep, indexing_s=5)


def test_file_lives_through_upload_list_delete(client: OpenAI, stand_in: OpenAIStandIn) -> None:
    """Only name and size are kept: a content has no place in a log of requests."""
    upload = ("notes.txt", io.BytesIO(b"secret\r\nwords\x00\xff"))
    file = valid(FileObject, client.files.with_raw_response.create(file=upload, purpose="assistants"))
    assert file.id.startswith("file-")
    assert (file.filename, file.bytes, file.created_at, file.status) == ("notes.txt", 15, int(START), "processed")
    other = client.files.create(file=b"x", purpose="user_data")
    assert [each.id for each in client.files.list()] == [other.id, file.id]
    assert [each.id for each in client.files.list(purpose="assistants", order="asc", limit=1)] == [file.id]
    valid(FileObject, client.files.with_raw_response.retrieve(file.id))
    assert valid(FileDeleted, client.files.with_raw_response.delete(file.id)).deleted
    assert stand_in.counters()["files"] == 1
    assert "secret" not in repr(stand_in.requests)


def test_upload_works_over_a_socket(clock: Clock) -> None:
    """The demo uploads to another process."""
    with (
        OpenAIStandIn(now=clock) as stand_in,
        OpenAI(api_key=stand_in.api_key, base_url=stand_in.base_url, max_retries=0) as client,
    ):
        assert client.files.create(file=b"x" * 100_000, purpose="assistants").bytes == 100_000


def test_unknown_file_is_not_found(client: OpenAI) -> None:
    """A file deleted elsewhere answers 404 in OpenAI's own words."""
    for gone in (client.files.retrieve, client.files.delete):
        error = refusal(functools.partial(gone, "file-gone"), openai.NotFoundError)
        assert error.message.endswith("No such File object: file-gone")
        assert error.param == "id"


def test_wrong_upload_is_refused(client: OpenAI, stand_in: OpenAIStandIn) -> None:
    """A path in place of a file, or an unknown purpose, must not leave a file behind."""
    wrong: Any = "everything"
    assert refusal(lambda: client.files.create(file=b"x", purpose=wrong)).code == "invalid_value"
    missing = refusal(lambda: client.post("/files", body={"purpose": "assistants"}, cast_to=object))
    assert (missing.code, missing.param) == ("missing_required_parameter", "file")
    as_json = {"purpose": "assistants", "file": {"filename": "x", "bytes": 1}}
    assert refusal(lambda: client.post("/files", body=as_json, cast_to=object)).code == "invalid_type"
    assert stand_in.counters()["files"] == 0


def test_file_expires_when_it_was_told_to(client: OpenAI, clock: Clock, stand_in: OpenAIStandIn) -> None:
    """What cleans up after itself is not left behind."""
    upload: Any = {"file": b"x", "purpose": "assistants"}
    refusal(lambda: client.files.create(**upload, expires_after={"anchor": "created_at", "seconds": 60}))
    file = client.files.create(**upload, expires_after={"anchor": "created_at", "seconds": 3600})
    assert file.expires_at == int(START) + 3600
    clock.time += 3600
    refusal(lambda: client.files.retrieve(file.id), openai.NotFoundError)
    assert stand_in.counters()["files"] == 0


def test_vector_store_is_indexed_by_the_clock_and_hides_failures(
    client: OpenAI, clock: Clock, stand_in: OpenAIStandIn
) -> None:
    """The store says completed even when no file could be read: only the counts and the files tell."""
    good = stand_in.add_file(name="good.txt", size=7)
    bad = stand_in.add_file(name="bad.bin", fails_indexing=True, indexing_s=2)
    empty = stand_in.add_file(name="empty.txt", size=0, indexing_s=2)
    store = valid(VectorStore, client.vector_stores.with_raw_response.create(name="n", file_ids=[good, bad, empty]))
    assert (store.status, store.file_counts.in_progress, store.file_counts.total) == ("in_progress", 3, 3)
    clock.time += 2
    store = client.vector_stores.retrieve(store.id)
    assert (store.status, store.file_counts.in_progress, store.file_counts.failed) == ("in_progress", 1, 2)
    clock.time += 3
    store = client.vector_stores.retrieve(store.id)
    assert (store.status, store.file_counts.completed, store.usage_bytes) == ("completed", 1, 7)
    failed = {each.id: each for each in client.vector_stores.files.list(store.id, filter="failed")}
    assert set(failed) == {bad, empty}
    errors = [failed[each].last_error for each in (bad, empty)]
    assert [error.code for error in errors if error] == ["unsupported_file", "invalid_file"]
    (completed,) = client.vector_stores.files.list(store.id, filter="completed")
    assert (completed.id, completed.last_error, completed.usage_bytes) == (good, None, 7)


def test_files_of_a_vector_store_come_in_pages(client: OpenAI, stand_in: OpenAIStandIn) -> None:
    """A failed file may be on the last of many pages."""
    ids = [stand_in.add_file() for _ in range(25)]
    store = client.vector_stores.create(file_ids=ids)
    first = client.vector_stores.files.list(store.id)
    assert (len(first.data), first.has_more) == (20, True)
    assert [each.id for each in client.vector_stores.files.list(store.id, order="asc", limit=7)] == ids
    before = client.vector_stores.files.list(store.id, order="asc", limit=2, before=ids[5])
    assert [each.id for each in before.data] == ids[3:5]
    wrong: Any = "lost"
    assert refusal(lambda: client.vector_stores.files.list(store.id, filter=wrong)).code == "invalid_value"


def test_files_join_and_leave_a_vector_store(client: OpenAI, clock: Clock, stand_in: OpenAIStandIn) -> None:
    """Deleting a file takes it out of every store; deleting a store leaves its files."""
    store = client.vector_stores.create()
    assert (store.status, store.name) == ("completed", "")
    ids = [stand_in.add_file() for _ in range(3)]
    of_store = client.vector_stores.files
    for file_id in ids:
        added = valid(VectorStoreFile, of_store.with_raw_response.create(store.id, file_id=file_id))
        assert (added.status, added.vector_store_id) == ("in_progress", store.id)
    left = of_store.with_raw_response.delete(ids[0], vector_store_id=store.id)
    assert valid(VectorStoreFileDeleted, left).deleted
    refusal(lambda: of_store.retrieve(ids[0], vector_store_id=store.id), openai.NotFoundError)
    client.files.delete(ids[1])
    assert client.vector_stores.retrieve(store.id).file_counts.total == 1
    assert valid(VectorStoreDeleted, client.vector_stores.with_raw_response.delete(store.id)).deleted
    for gone in (client.vector_stores.retrieve, client.vector_stores.delete, of_store.list):
        refusal(functools.partial(gone, store.id), openai.NotFoundError)
    counters = stand_in.counters()
    assert (counters["vector_stores"], counters["files"]) == (0, 2)


def test_vector_store_expires_when_it_is_not_used(client: OpenAI, clock: Clock, stand_in: OpenAIStandIn) -> None:
    """Each use puts the end off; an expired store is still shown, and no longer counted or searched."""
    store = client.vector_stores.create(expires_after={"anchor": "last_active_at", "days": 2}, metadata={"a": "b"})
    assert (store.expires_at, store.metadata) == (int(START) + 2 * DAY_S, {"a": "b"})
    search: Any = [{"type": "file_search", "vector_store_ids": [store.id]}]
    clock.time += DAY_S
    client.responses.create(model=PLAIN, input="hi", tools=search)
    store = client.vector_stores.retrieve(store.id)
    assert (store.last_active_at, store.expires_at) == (int(START) + DAY_S, int(START) + 3 * DAY_S)
    clock.time += 2 * DAY_S
    assert client.vector_stores.retrieve(store.id).status == "expired"
    assert stand_in.counters()["vector_stores"] == 0
    assert "is expired" in refusal(lambda: client.responses.create(model=PLAIN, input="hi", tools=search)).message


def test_vector_store_can_be_renamed_and_found_again(client: OpenAI) -> None:
    """Unlike responses, stores are listed: what was lost can be found by its metadata."""
    older = client.vector_stores.create(name="older")
    newer = client.vector_stores.create(name="newer", metadata={"a": "b"})
    changed = client.vector_stores.update(
        older.id, name="renamed", expires_after={"anchor": "last_active_at", "days": 1}
    )
    assert (changed.name, changed.expires_after and changed.expires_after.days) == ("renamed", 1)
    assert [each.id for each in client.vector_stores.list()] == [newer.id, older.id]


def test_response_over_an_unknown_vector_store_is_not_found(client: OpenAI, stand_in: OpenAIStandIn) -> None:
    """OpenAI answers 404 here: it means the store, not the conversation."""
    search: Any = [{"type": "file_search", "vector_store_ids": ["vs_gone"]}]
    conversation = client.conversations.create()
    error = refusal(
        lambda: client.responses.create(model=PLAIN, input="hi", tools=search, conversation=conversation.id),
        openai.NotFoundError,
    )
    assert "Vector store with id ['vs_gone'] not found." in error.message
    assert stand_in.counters()["runs_started"] == 0


def test_other_processes_register_files_over_http(stand_in: OpenAIStandIn, client: OpenAI) -> None:
    """The demo names files that nobody has uploaded."""
    with httpx2.Client(transport=stand_in.transport(), base_url="http://standin/_standin/") as control:
        given = [{"id": "file-1", "name": "a.txt", "size": 3}, {"fails_indexing": True}]
        registered = control.post("files", json=given).json()["registered"]
        assert registered[0] == "file-1"
        assert client.files.retrieve("file-1").bytes == 3
        for wrong in ({"foo": 1}, {"id": "vs_1"}, [1]):
            assert control.post("files", json=wrong).status_code == 400
        assert control.get("counters").json()["files"] == 2
