"""Assistants, threads and messages are served as OpenAI served Assistants v2, through its SDK."""

from typing import Any

import pytest
from openai import OpenAI

from local.openai_standin import OpenAIStandIn
from tests.standin.support import DAY_S, HELLO, NESTED, PLAIN, START, Clock, attachment, sent

# The SDK says of each call that this API is closed; that is why the stand-in serves it.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def test_beta_header_is_required(stand_in: OpenAIStandIn) -> None:
    """The SDK sends it; a client of its own making may forget it, or send that of v1."""
    for beta in ("", "assistants=v1"):
        status, reply = sent(stand_in, "POST", "threads", {}, **{"openai-beta": beta})
        assert (status, reply["error"]["code"]) == (400, "invalid_beta")
        assert "You must provide the 'OpenAI-Beta' header" in reply["error"]["message"]
    assert stand_in.counters()["threads"] == 0


def test_assistant_keeps_what_an_update_does_not_name(client: OpenAI, stand_in: OpenAIStandIn) -> None:
    stand_in.add_file(id="file-1")
    store = client.vector_stores.create()
    resources: Any = {
        "file_search": {"vector_store_ids": [store.id]},
        "code_interpreter": {"file_ids": ["file-1"]},
    }
    tools: Any = [NESTED, {"type": "file_search"}, {"type": "code_interpreter"}]
    assistant = client.beta.assistants.create(
        model=PLAIN, name="n", instructions="i", tools=tools, tool_resources=resources, temperature=0.5
    )
    assert (assistant.id[:5], assistant.created_at, assistant.response_format) == ("asst_", int(START), "auto")
    assert assistant.to_dict()["tool_resources"] == resources
    changed = client.beta.assistants.update(assistant.id, name=None, instructions="new")
    assert (changed.name, changed.instructions) == (None, "new")
    assert (changed.temperature, len(changed.tools)) == (0.5, 3)


def test_messages_are_added_and_listed(client: OpenAI) -> None:
    """Texts come back nested under `value`, newest first unless asked otherwise."""
    thread = client.beta.threads.create()
    of_thread = client.beta.threads.messages
    ids = [of_thread.create(thread.id, role="user", content=str(number)).id for number in range(3)]
    picture = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    content: Any = [{"type": "text", "text": "see"}, picture]
    last = of_thread.create(thread.id, role="assistant", content=content, metadata={"a": "b"})
    assert [part.type for part in last.content] == ["text", "image_url"]
    assert (last.status, last.run_id, last.assistant_id) == ("completed", None, None)
    assert [each.id for each in of_thread.list(thread.id, limit=2)] == [*ids, last.id][::-1]
    assert of_thread.list(thread.id, run_id="run_1").data == []
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
    resources: Any = client.beta.threads.retrieve(thread.id).to_dict()["tool_resources"]
    assert resources["code_interpreter"] == {"file_ids": ["file-1", "file-3"]}
    (store_id,) = resources["file_search"]["vector_store_ids"]
    clock.time += 5
    store = client.vector_stores.retrieve(store_id)
    assert (store.file_counts.completed, store.file_counts.failed, store.status) == (1, 1, "completed")
    assert store.expires_after is not None
    assert store.expires_after.days == 7
    client.beta.threads.delete(thread.id)
    assert stand_in.counters()["vector_stores"] == 1


def test_thread_without_its_vector_store_gets_another(client: OpenAI, clock: Clock, stand_in: OpenAIStandIn) -> None:
    """Whoever attaches a file to an old thread finds it in a new store, alone."""
    stand_in.add_file(id="file-1")
    message: Any = {**HELLO, "attachments": [attachment("file-1", "file_search")]}
    thread = client.beta.threads.create(messages=[message])
    clock.time += 8 * DAY_S
    assert stand_in.counters()["vector_stores"] == 0
    client.beta.threads.messages.create(thread.id, **message)
    (store,) = [each for each in client.vector_stores.list() if each.status != "expired"]
    resources = client.beta.threads.retrieve(thread.id).to_dict()["tool_resources"]
    assert resources == {"file_search": {"vector_store_ids": [store.id]}}


def test_vector_store_of_a_helper_belongs_to_the_thread(client: OpenAI, stand_in: OpenAIStandIn) -> None:
    """A thread has one store, whether given, made by the helper, or both by attachments."""
    stand_in.add_file(id="file-1")
    message: Any = {**HELLO, "attachments": [attachment("file-1", "file_search")]}
    helper: Any = {"file_search": {"vector_stores": [{"file_ids": ["file-1"]}]}}
    made: Any = client.beta.threads.create(tool_resources=helper, messages=[message]).to_dict()
    (store_id,) = made["tool_resources"]["file_search"]["vector_store_ids"]
    assert client.vector_stores.retrieve(store_id).file_counts.total == 1
    assert stand_in.counters()["vector_stores"] == 1
