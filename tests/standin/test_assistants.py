"""Assistants, threads and messages are served as OpenAI served Assistants v2, through its SDK."""

import functools
from typing import Any

import httpx2
import openai
import pytest
from openai import OpenAI
from openai.types.beta import Assistant, AssistantDeleted, Thread, ThreadDeleted
from openai.types.beta.threads import Message, MessageDeleted

from local.openai_standin import OpenAIStandIn
from tests.standin.support import HELLO, NESTED, PLAIN, START, Clock, attachment, client_of, refusal, valid

# The SDK says of each call that this API is closed; that is why the stand-in serves it.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def stand_in(clock: Clock) -> OpenAIStandIn:
    return OpenAIStandIn(api="assistants", now=clock, sleep=clock.sleep, indexing_s=5)


def test_server_that_speaks_only_assistants_has_no_responses(client: OpenAI) -> None:
    """A deployment on the wrong wire must notice at once."""
    for call in (lambda: client.responses.create(model=PLAIN, input="hi"), client.conversations.create):
        assert "Invalid URL" in refusal(call, openai.NotFoundError).message


def test_both_wires_can_be_served_at_once(clock: Clock) -> None:
    """They share files, vector stores and counters; an unknown wire is a typo."""
    stand_in = OpenAIStandIn(api="both", now=clock)
    client = client_of(stand_in)
    client.responses.create(model=PLAIN, input="hi")
    assistant = client.beta.assistants.create(model=PLAIN)
    client.beta.threads.create_and_run(assistant_id=assistant.id)
    assert stand_in.counters()["runs_started"] == 2
    with pytest.raises(ValueError, match="api must be one of"):
        OpenAIStandIn(api="azure")


def test_beta_header_is_required(stand_in: OpenAIStandIn) -> None:
    """The SDK sends it; a client of its own making may forget it, or send that of v1."""
    with httpx2.Client(transport=stand_in.transport()) as http:
        for beta in ({}, {"openai-beta": "assistants=v1"}):
            headers = {"authorization": "Bearer sk-standin", **beta}
            reply = http.post("http://standin/v1/threads", json={}, headers=headers)
            assert (reply.status_code, reply.json()["error"]["code"]) == (400, "invalid_beta")
            assert "You must provide the 'OpenAI-Beta' header" in reply.json()["error"]["message"]
    assert stand_in.counters()["threads"] == 0


def test_assistant_lives_through_create_update_delete(client: OpenAI, stand_in: OpenAIStandIn) -> None:
    """An update replaces what it names; the id stays."""
    stand_in.add_file(id="file-1")
    store = client.vector_stores.create()
    created = client.beta.assistants.with_raw_response.create(
        model=PLAIN,
        name="n",
        description="d",
        instructions="i",
        tools=[NESTED, {"type": "file_search"}, {"type": "code_interpreter"}],  # type: ignore[list-item]
        tool_resources={
            "file_search": {"vector_store_ids": [store.id]},
            "code_interpreter": {"file_ids": ["file-1"]},
        },
        metadata={"a": "b"},
        temperature=0.5,
        top_p=0.9,
    )
    assistant = valid(Assistant, created)
    assert assistant.id.startswith("asst_")
    assert (assistant.created_at, assistant.response_format) == (int(START), "auto")
    assert assistant.tool_resources.file_search.vector_store_ids == [store.id]
    changed = client.beta.assistants.update(assistant.id, name=None, instructions="new", metadata={"c": "d"})
    assert (changed.name, changed.instructions, changed.metadata) == (None, "new", {"c": "d"})
    assert (changed.temperature, len(changed.tools)) == (0.5, 3)
    other = client.beta.assistants.create(model=PLAIN)
    assert [each.id for each in client.beta.assistants.list(limit=1)] == [other.id, assistant.id]
    deleted = client.beta.assistants.with_raw_response.delete(assistant.id)
    assert valid(AssistantDeleted, deleted).deleted
    error = refusal(lambda: client.beta.assistants.retrieve(assistant.id), openai.NotFoundError)
    assert error.message.endswith(f"No assistant found with id '{assistant.id}'.")
    assert stand_in.counters()["assistants"] == 1


def test_thread_lives_through_create_update_delete(client: OpenAI, stand_in: OpenAIStandIn) -> None:
    """Once deleted, it and all below it answer 404."""
    created = client.beta.threads.with_raw_response.create(messages=[HELLO], metadata={"a": "b"})
    thread = valid(Thread, created)
    assert (thread.created_at, thread.metadata) == (int(START), {"a": "b"})
    assert client.beta.threads.update(thread.id, metadata={"c": "d"}).metadata == {"c": "d"}
    assert client.beta.threads.retrieve(thread.id).metadata == {"c": "d"}
    assert valid(ThreadDeleted, client.beta.threads.with_raw_response.delete(thread.id)).deleted
    threads = client.beta.threads
    for gone in (threads.retrieve, threads.delete, threads.messages.list, threads.runs.list):
        error = refusal(functools.partial(gone, thread.id), openai.NotFoundError)
        assert error.message.endswith(f"No thread found with id '{thread.id}'.")
    assert refusal(lambda: client.beta.threads.retrieve("conv_1")).code == "invalid_id_prefix"
    assert stand_in.counters()["threads"] == 0


def test_messages_are_added_listed_and_deleted(client: OpenAI) -> None:
    """Texts come back nested under `value`, newest first unless asked otherwise."""
    thread = client.beta.threads.create()
    of_thread = client.beta.threads.messages
    added = [of_thread.create(thread.id, role="user", content=str(number)) for number in range(3)]
    image: Any = [
        {"type": "text", "text": "see"},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
    ]
    reply = of_thread.with_raw_response.create(thread.id, role="assistant", content=image, metadata={"a": "b"})
    last = valid(Message, reply)
    assert [part.type for part in last.content] == ["text", "image_url"]
    assert (last.status, last.run_id, last.assistant_id) == ("completed", None, None)
    ids = [*[each.id for each in added], last.id]
    assert [each.id for each in of_thread.list(thread.id, limit=2)] == ids[::-1]
    assert [each.id for each in of_thread.list(thread.id, order="asc", after=ids[1])] == ids[2:]
    assert of_thread.list(thread.id, run_id="run_1").data == []
    assert of_thread.update(last.id, thread_id=thread.id, metadata={"c": "d"}).metadata == {"c": "d"}
    assert valid(MessageDeleted, of_thread.with_raw_response.delete(ids[0], thread_id=thread.id)).deleted
    refusal(lambda: of_thread.retrieve(ids[0], thread_id=thread.id), openai.NotFoundError)
    first = of_thread.retrieve(ids[1], thread_id=thread.id).to_dict()
    assert first["content"] == [{"type": "text", "text": {"value": "1", "annotations": []}}]


def test_attached_files_go_to_the_vector_store_of_the_thread(
    client: OpenAI, clock: Clock, stand_in: OpenAIStandIn
) -> None:
    """OpenAI makes one store for a thread, which outlives it by up to 7 days: whoever cares deletes it."""
    for file_id in ("file-1", "file-2", "file-3"):
        stand_in.add_file(id=file_id, fails_indexing=file_id == "file-2")
    first: Any = {**HELLO, "attachments": [attachment("file-1", "file_search", "code_interpreter")]}
    thread = client.beta.threads.create(messages=[first])
    more = [attachment("file-2", "file_search"), attachment("file-3", "code_interpreter")]
    message = client.beta.threads.messages.create(thread.id, role="user", content="hi", attachments=more)
    assert message.to_dict()["attachments"] == more
    resources = client.beta.threads.retrieve(thread.id).to_dict()["tool_resources"]
    assert resources["code_interpreter"] == {"file_ids": ["file-1", "file-3"]}  # type: ignore[index]
    (store_id,) = resources["file_search"]["vector_store_ids"]  # type: ignore[index]
    clock.time += 5
    store = client.vector_stores.retrieve(store_id)
    assert (store.file_counts.completed, store.file_counts.failed, store.status) == (1, 1, "completed")
    assert store.expires_after is not None
    assert store.expires_after.days == 7
    client.beta.threads.delete(thread.id)
    assert stand_in.counters()["vector_stores"] == 1
    client.vector_stores.delete(store_id)
    assert stand_in.counters()["vector_stores"] == 0


def test_thread_without_its_vector_store_gets_another(client: OpenAI, clock: Clock, stand_in: OpenAIStandIn) -> None:
    """Whoever attaches a file to an old thread finds it in a new store, alone."""
    stand_in.add_file(id="file-1")
    message: Any = {**HELLO, "attachments": [attachment("file-1", "file_search")]}
    thread = client.beta.threads.create(messages=[message])
    clock.time += 8 * 86_400
    assert stand_in.counters()["vector_stores"] == 0
    client.beta.threads.messages.create(thread.id, **message)
    (store,) = [each for each in client.vector_stores.list() if each.status != "expired"]
    resources = client.beta.threads.retrieve(thread.id).to_dict()["tool_resources"]
    assert resources == {"file_search": {"vector_store_ids": [store.id]}}


def test_vector_store_of_a_helper_belongs_to_the_thread(client: OpenAI, stand_in: OpenAIStandIn) -> None:
    """A thread has one store, whether given, made by the helper, or both by attachments."""
    stand_in.add_file(id="file-1")
    message: Any = {**HELLO, "attachments": [attachment("file-1", "file_search")]}
    made = client.beta.threads.create(
        tool_resources={"file_search": {"vector_stores": [{"file_ids": ["file-1"]}]}},
        messages=[message],
    )
    assert made.tool_resources is not None
    assert made.tool_resources.file_search is not None
    (store_id,) = made.tool_resources.file_search.vector_store_ids or []
    assert client.vector_stores.retrieve(store_id).file_counts.total == 1
    lost: Any = {"file_search": {"vector_store_ids": ["vs_gone"]}}
    refusal(lambda: client.beta.threads.create(tool_resources=lost), openai.NotFoundError)
    assert stand_in.counters()["vector_stores"] == 1
