"""Files and vector stores behave as OpenAI's do, through its own SDK."""

import io
from typing import Any

import openai
import pytest
from openai import OpenAI

from local.openai_standin import OpenAIStandIn
from tests.standin.support import DAY_S, PLAIN, START, Clock, refusal


def test_file_lives_through_upload_list_delete(client: OpenAI, stand_in: OpenAIStandIn) -> None:
    """Only name and size are kept: a content has no place in a log of requests."""
    upload = ("notes.txt", io.BytesIO(b"secret\r\nwords\x00\xff"))
    file = client.files.create(file=upload, purpose="assistants")
    assert file.id.startswith("file-")
    assert (file.filename, file.bytes, file.created_at, file.status) == ("notes.txt", 15, int(START), "processed")
    other = client.files.create(file=b"x", purpose="user_data")
    assert [each.id for each in client.files.list()] == [other.id, file.id]
    assert [each.id for each in client.files.list(purpose="assistants", order="asc", limit=1)] == [file.id]
    assert client.files.retrieve(file.id) == file
    assert client.files.delete(file.id).deleted
    for gone in (client.files.retrieve, client.files.delete):
        error = refusal(gone, openai.NotFoundError, file.id)
        assert (error.message.endswith(f"No such File object: {file.id}"), error.param) == (True, "id")
    assert stand_in.counters()["files"] == 1
    assert "secret" not in repr(stand_in.requests)


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
    store = client.vector_stores.create(name="n", file_ids=[good, bad, empty])
    assert (store.status, store.file_counts.in_progress, store.file_counts.total) == ("in_progress", 3, 3)
    clock.time += 2
    store = client.vector_stores.retrieve(store.id)
    assert (store.status, store.file_counts.in_progress, store.file_counts.failed) == ("in_progress", 1, 2)
    clock.time += 3
    store = client.vector_stores.retrieve(store.id)
    assert (store.status, store.file_counts.completed, store.usage_bytes) == ("completed", 1, 7)
    failed = {each.id: each.last_error for each in client.vector_stores.files.list(store.id, filter="failed")}
    assert {name: error and error.code for name, error in failed.items()} == {
        bad: "unsupported_file",
        empty: "invalid_file",
    }
    (completed,) = client.vector_stores.files.list(store.id, filter="completed")
    assert (completed.id, completed.last_error, completed.usage_bytes) == (good, None, 7)


def test_files_join_and_leave_a_vector_store(client: OpenAI, stand_in: OpenAIStandIn) -> None:
    """Deleting a file takes it out of every store; deleting a store leaves its files."""
    store = client.vector_stores.create()
    assert (store.status, store.name) == ("completed", "")
    ids = [stand_in.add_file() for _ in range(3)]
    for file_id in ids:
        added = client.vector_stores.files.create(store.id, file_id=file_id)
        assert (added.status, added.vector_store_id) == ("in_progress", store.id)
    client.vector_stores.files.delete(ids[0], vector_store_id=store.id)
    client.files.delete(ids[1])
    assert client.vector_stores.retrieve(store.id).file_counts.total == 1
    client.vector_stores.delete(store.id)
    counters = stand_in.counters()
    assert (counters["vector_stores"], counters["files"]) == (0, 2)


def test_vector_store_expires_when_it_is_not_used(client: OpenAI, clock: Clock, stand_in: OpenAIStandIn) -> None:
    """Each use puts the end off; an expired store is still shown, and no longer counted or searched."""
    store = client.vector_stores.create(expires_after={"anchor": "last_active_at", "days": 3})
    changed = client.vector_stores.update(store.id, expires_after={"anchor": "last_active_at", "days": 2})
    assert (store.expires_at, changed.expires_at) == (int(START) + 3 * DAY_S, int(START) + 2 * DAY_S)
    search: Any = [{"type": "file_search", "vector_store_ids": [store.id]}]
    clock.time += DAY_S
    client.responses.create(model=PLAIN, input="hi", tools=search)
    store = client.vector_stores.retrieve(store.id)
    assert (store.last_active_at, store.expires_at) == (int(START) + DAY_S, int(START) + 3 * DAY_S)
    clock.time += 2 * DAY_S
    assert client.vector_stores.retrieve(store.id).status == "expired"
    assert stand_in.counters()["vector_stores"] == 0
    assert "is expired" in refusal(lambda: client.responses.create(model=PLAIN, input="hi", tools=search)).message
    more = refusal(lambda: client.vector_stores.files.create(store.id, file_id=stand_in.add_file()))
    assert ("is expired" in more.message, more.param) == (True, "vector_store_id")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_is_asked_over_an_unknown_vector_store_is_not_found(client: OpenAI, stand_in: OpenAIStandIn) -> None:
    """OpenAI answers 404 here: it means the store, not the conversation, or the thread."""
    search: Any = [{"type": "file_search", "vector_store_ids": ["vs_gone"]}]
    resources: Any = {"file_search": {"vector_store_ids": ["vs_gone"]}}
    for ask in (
        lambda: client.responses.create(model=PLAIN, input="hi", tools=search),
        lambda: client.beta.threads.create(tool_resources=resources),
    ):
        assert "Vector store with id ['vs_gone'] not found." in refusal(ask, openai.NotFoundError).message
    assert stand_in.counters()["runs_started"] == stand_in.counters()["threads"] == 0
