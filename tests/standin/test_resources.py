"""All resources are alike: created, shown, listed in pages, changed and deleted; then they are gone."""

from typing import Any, NamedTuple

import pytest
from openai import OpenAI

from local.openai_standin import OpenAIStandIn
from tests.standin.support import HELLO, PLAIN, Clock, client_of, refusal, sent

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
