"""All resources are alike: created, shown, listed in pages, changed and deleted; what files and vector stores add."""

import io
from typing import Any, NamedTuple

import openai
import pytest
from openai import OpenAI

from local.openai_standin import OpenAIStandIn
from tests.standin.support import DAY_S, HELLO, PLAIN, START, Clock, client_of, refusal, sent

ENDPOINT = {"event_types": ["response.completed"], "name": "one", "url": "https://example.com/1"}


class Kind(NamedTuple):
    """What makes a resource, what changes it (None: nothing can), and how it is refused when it is gone."""

    path: str
    made: dict[str, Any]
    change: dict[str, Any] | None
    gone: str
    is_listed: bool = True


A, B = {"metadata": {"a": "1"}}, {"metadata": {"b": "2"}}
KINDS = [
    Kind("conversations", A, B, "Conversation with id '{}' not found.", False),
    Kind("responses", {"model": PLAIN, "input": "hi"}, None, "Response with id '{}' not found.", False),
    Kind("vector_stores", {"name": "n", **A}, {"name": "m"}, "No vector store found with id '{}'."),
    Kind("vector_stores/vs_1/files", {"file_id": "file-1"}, None, "No file found with id '{}' in vector store 'vs_1'."),
    Kind("webhook_endpoints", ENDPOINT, {"name": "two"}, "Webhook endpoint with id '{}' not found."),
    Kind("assistants", {"model": PLAIN, "name": "n"}, {"name": None, "top_p": 0.5}, "No assistant found with id '{}'."),
    Kind("threads", A, B, "No thread found with id '{}'.", False),
    Kind("threads/thread_1/messages", HELLO, B, "No message found with id '{}'."),
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.path)
def test_a_resource_lives_through_create_update_delete(numbered: OpenAIStandIn, kind: Kind) -> None:
    """An update replaces what it names; once deleted, it and all below it answer 404."""
    before = numbered.counters()
    status, made = sent(numbered, "POST", kind.path, kind.made)
    made.pop("signing_secret", None)
    one = f"{kind.path}/{made['id']}"
    assert (status, sent(numbered, "GET", one)) == (200, (200, made))
    if kind.change is not None:
        changed = sent(numbered, "POST", one, kind.change)[1]
        assert changed == {**made, **kind.change, **{name: changed[name] for name in changed if name.endswith("_at")}}
        assert sent(numbered, "GET", one) == (200, changed)
    assert sent(numbered, "GET", kind.path)[0] == (200 if kind.is_listed else 405)
    status, deleted = sent(numbered, "DELETE", one)
    assert (status, deleted["id"], deleted["deleted"]) == (200, made["id"], True)
    assert deleted["object"].removesuffix(".deleted") == made["object"]
    below = {"conversations": ["items"], "responses": ["input_items"], "threads": ["messages", "runs"]}
    for method, path in [
        ("GET", one),
        ("DELETE", one),
        *(("GET", f"{one}/{each}") for each in below.get(kind.path, [])),
    ]:
        status, refused = sent(numbered, method, path)
        assert (status, refused["error"]["message"]) == (404, kind.gone.format(made["id"]))
    assert numbered.counters() | {"runs_started": 0} == before | {"runs_started": 0}


@pytest.mark.parametrize(
    "path", ["conversations/thread_1", "responses/run_1", "vector_stores/file-1", "threads/conv_1"]
)
def test_an_id_of_another_kind_is_refused(numbered: OpenAIStandIn, path: str) -> None:
    status, reply = sent(numbered, "GET", path)
    assert (status, reply["error"]["code"]) == (400, "invalid_id_prefix")


def test_items_are_added_shown_and_deleted(client: OpenAI, stand_in: OpenAIStandIn) -> None:
    """Deleting the items first is the only way to leave nothing behind."""
    conversation, other = client.conversations.create(items=[HELLO, HELLO]), client.conversations.create()
    items = client.conversations.items
    added = items.create(other.id, items=[{"role": "user", "content": "hi"}])
    item: Any = items.retrieve(str(added.data[0].id), conversation_id=other.id)
    assert (item.type, item.content[0].to_dict()) == ("message", {"type": "input_text", "text": "hi"})
    assert items.delete(item.id, conversation_id=other.id).id == other.id
    for gone in (items.retrieve, items.delete):
        assert refusal(gone, Exception, item.id, conversation_id=other.id).status_code == 404
    for each in (conversation, other):
        client.conversations.delete(each.id)
    assert stand_in.counters()["orphan_items"] == 2


def test_lists_are_paged_in_both_orders(client: OpenAI) -> None:
    """A long conversation comes in pages; the default is newest first."""
    conversation = client.conversations.create(items=[{"role": "user", "content": str(number)} for number in range(20)])
    client.conversations.items.create(conversation.id, items=[{"role": "user", "content": "20"}])
    first = client.conversations.items.list(conversation.id)
    assert (len(first.data), first.has_more, first.last_id) == (20, True, first.data[-1].id)
    for paging, order in (({}, -1), ({"order": "asc"}, 1)):
        listed = client.conversations.items.list(conversation.id, limit=7, **paging)  # type: ignore[arg-type]
        texts = [each.to_dict()["content"][0]["text"] for each in listed]  # type: ignore[index]
        assert texts == [str(number) for number in range(21)][::order]


def test_a_page_may_end_before_a_resource(client: OpenAI, stand_in: OpenAIStandIn) -> None:
    ids = [stand_in.add_file() for _ in range(25)]
    store = client.vector_stores.create(file_ids=ids)
    before = client.vector_stores.files.list(store.id, order="asc", limit=2, before=ids[5])
    assert [each.id for each in before.data] == ids[3:5]
    assert len(client.files.list().data) == 25, "of files a page is longer"


def test_secret_of_an_endpoint_is_shown_once(clock: Clock) -> None:
    """Whoever only lists must not learn it; an update that changes nothing is none."""
    stand_in = OpenAIStandIn(now=clock)
    made = sent(stand_in, "POST", "webhook_endpoints", ENDPOINT)[1]
    one, secret = f"webhook_endpoints/{made['id']}", made["signing_secret"]
    clock.sleep(10)
    assert sent(stand_in, "POST", one, {"name": "one"})[1]["updated_at"] == made["updated_at"]
    assert sent(stand_in, "POST", one, {"name": "two"})[1]["updated_at"] == made["updated_at"] + 10
    shown = [sent(stand_in, "GET", path)[1] for path in (one, "webhook_endpoints")]
    assert secret not in str(shown)
    assert shown[0]["signing_secret_hint"] == f"whsec_...{secret[-4:]}"
    with client_of(stand_in) as client:
        assert [each.id for each in client.webhooks.list()] == [made["id"]]


# --- files and vector stores


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


def test_file_expires_when_it_is_asked_to(client: OpenAI, clock: Clock, stand_in: OpenAIStandIn) -> None:
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
