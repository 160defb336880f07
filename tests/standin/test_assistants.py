"""What Assistants v2 has of its own goes as it went at OpenAI: runs on threads, assistants and messages."""

import json
from typing import Any, cast

import openai
import pytest
from openai import OpenAI
from openai.types.beta.threads import Run

from local.openai_standin import OpenAIStandIn, Script
from tests.standin.support import CLOSED, DAY_S, HELLO, NESTED, PLAIN, START, Clock, attachment, call, refusal, sent

# The SDK says of each call that this API is closed; that is why the stand-in serves it.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
SEARCH = {"tools": [{"type": "file_search"}]}


def start(client: OpenAI, *, assistant: dict[str, Any] | None = None, **changes: Any) -> Run:
    """Create an assistant, a thread with one message, and a run."""
    assistant_id = client.beta.assistants.create(**{"model": PLAIN, **(assistant or {})}).id
    request = {"assistant_id": assistant_id, "thread": {"messages": [HELLO]}, **changes}
    return cast(Run, client.beta.threads.create_and_run(**request))


def now(client: OpenAI, run: Run) -> Run:
    return client.beta.threads.runs.retrieve(run.id, thread_id=run.thread_id)


def texts(client: OpenAI, run: Run, **paging: Any) -> list[str]:
    messages: list[Any] = list(client.beta.threads.messages.list(run.thread_id, order="asc", **paging))
    return [part.text.value for message in messages for part in message.content]


def steps(client: OpenAI, run: Run) -> list[Any]:
    return list(client.beta.threads.runs.steps.list(run.id, thread_id=run.thread_id, order="asc"))


def submit(client: OpenAI, run: Run, **outputs: str) -> Run:
    answers: Any = [{"tool_call_id": name, "output": output} for name, output in outputs.items()]
    return client.beta.threads.runs.submit_tool_outputs(run.id, thread_id=run.thread_id, tool_outputs=answers)


def test_run_takes_over_what_its_assistant_says_and_may_override_it(client: OpenAI, clock: Clock) -> None:
    """What arrived is echoed, so a wrong precedence shows; a format is nested here: `json_schema.schema`."""
    settings = {"instructions": "Be brief.", "tools": [NESTED], "temperature": 0.5, "top_p": 0.9}
    plain = start(client, assistant=settings)
    assert (plain.instructions, plain.temperature, plain.top_p) == ("Be brief.", 0.5, 0.9)
    assert ([each.type for each in plain.tools], plain.tool_choice) == (["function"], "auto")
    assert plain.expires_at == int(START) + 600
    echoed = {"max_completion_tokens": 256, "max_prompt_tokens": 300, "parallel_tool_calls": False, "temperature": 0}
    echoed |= {"instructions": "Be long.", "tools": [NESTED, {"type": "code_interpreter"}], "metadata": {"a": "b"}}
    echoed |= {"tool_choice": {"type": "function", "function": {"name": "look"}}}
    echoed |= {"truncation_strategy": {"type": "last_messages", "last_messages": 3}}
    run = start(client, assistant=settings, **echoed).to_dict()
    assert {name: run[name] for name in echoed} == echoed
    assert run["top_p"] == 0.9
    wanted = {"type": "json_schema", "json_schema": {"name": "a", "schema": CLOSED, "strict": True}}
    answered = start(client, response_format=wanted)
    clock.time += 12
    assert json.loads(texts(client, answered, run_id=answered.id)[0]) == {"a": "stand-in"}


def test_run_on_a_thread_reads_all_of_it(client: OpenAI, clock: Clock, stand_in: OpenAIStandIn) -> None:
    """A second run sees the first answer; scripts match on what no run has answered yet."""
    stand_in.script(Script(output_text="one", match="first"), Script(output_text="two", match="second"))
    first = start(client, thread={"messages": [{"role": "user", "content": "first"}]})
    clock.time += 12
    runs = client.beta.threads.runs
    second = runs.create(
        first.thread_id,
        assistant_id=first.assistant_id,
        additional_instructions="Now.",
        additional_messages=[{"role": "user", "content": "second question"}],
    )
    clock.time += 12
    assert texts(client, first) == ["first", "one", "second question", "two"]
    assert texts(client, first, run_id=second.id) == ["two"]
    usage = now(client, second).usage
    assert usage is not None
    assert usage.prompt_tokens == len(["first", "one", "second", "question", "Now."])
    assert [each.id for each in runs.list(first.thread_id)] == [second.id, first.id]
    assert runs.update(first.id, thread_id=first.thread_id, metadata={"x": "y"}).metadata == {"x": "y"}


def test_what_is_refused_says_so_without_a_code(client: OpenAI, clock: Clock, stand_in: OpenAIStandIn) -> None:
    """Only the message tells: of a lock, of a cancel that comes twice, of outputs that are not all, or not wanted."""
    stand_in.script(Script(output=[call("call_1"), call("call_2")]))
    run = start(client, assistant={"tools": [NESTED]})
    threads, place = client.beta.threads, run.thread_id

    def message(ask: Any, *given: Any, **named: Any) -> str:
        error = refusal(ask, openai.BadRequestError, *given, **named)
        assert error.code is None
        return str(error.body["message"])

    locked = message(threads.runs.create, place, assistant_id=run.assistant_id)
    assert locked == f"Thread {place} already has an active run {run.id}."
    locked = message(threads.messages.create, place, role="user", content="x")
    assert locked == f"Can't add messages to {place} while a run {run.id} is active."
    clock.time += 12
    few = message(submit, client, run, call_1="seen a")
    assert few == "Expected tool outputs for call_ids ['call_1', 'call_2'], got ['call_1']"
    threads.runs.cancel(run.id, thread_id=place)
    for seconds, status in ((0, "cancelling"), (1, "cancelled")):
        clock.time += seconds
        assert message(threads.runs.cancel, run.id, thread_id=place) == f"Cannot cancel run with status '{status}'."
    late = message(submit, client, run, call_1="", call_2="")
    assert late == 'Runs in status "cancelled" do not accept tool outputs.'


def test_steps_say_what_a_run_did(client: OpenAI, clock: Clock, stand_in: OpenAIStandIn) -> None:
    """A step of calls waits with its run, and ends with it."""
    stand_in.script(Script(output=[call("call_1")]), Script(), Script(output=[call("call_1")]))
    run = start(client, assistant={"tools": [NESTED]})
    clock.time += 12
    assert [each.status for each in steps(client, run)] == ["in_progress"]
    assert submit(client, run, call_1="seen a").status == "queued"
    clock.time += 12
    done = steps(client, run)
    assert [(each.type, each.status) for each in done] == [
        ("tool_calls", "completed"),
        ("message_creation", "completed"),
    ]
    assert done[0].step_details.tool_calls[0].function.output == "seen a"
    run = start(client, assistant={"tools": [NESTED]})
    clock.time += 599
    assert now(client, run).status == "requires_action"
    clock.time += 1
    run = now(client, run)
    assert (run.status, run.required_action, run.last_error) == ("expired", None, None), "ten minutes are its life"
    assert [each.status for each in steps(client, run)] == ["expired"]
    client.beta.threads.messages.create(run.thread_id, role="user", content="x")


def test_run_waits_for_the_vector_store_of_its_thread(client: OpenAI, clock: Clock, stand_in: OpenAIStandIn) -> None:
    """Files attached a moment ago are searched, but a run waits no longer than a minute for them; a week ends them."""
    stand_in.add_file(id="file-1")
    stand_in.add_file(id="file-2", indexing_s=300)
    starts = []
    for file_id in ("file-1", "file-2"):
        message = {**HELLO, "attachments": [attachment(file_id, "file_search")]}
        run = start(client, assistant=SEARCH, thread={"messages": [message]})
        clock.time += 400
        starts.append((now(client, run).started_at or 0) - run.created_at)
    assert starts == [5, 62]
    clock.time += 8 * DAY_S
    again = client.beta.threads.runs.create(run.thread_id, assistant_id=run.assistant_id)
    clock.time += 12
    failed = now(client, again)
    assert failed.last_error is not None
    assert (failed.status, "is expired" in failed.last_error.message) == ("failed", True)


def test_what_a_run_needs_must_be_there(client: OpenAI, stand_in: OpenAIStandIn) -> None:
    """A deleted assistant is named in the error, and an import of a wrong pair is refused."""
    error = refusal(lambda: start(client, assistant_id="asst_gone"), openai.NotFoundError)
    assert error.message.endswith("No assistant found with id 'asst_gone'.")
    assert stand_in.counters()["runs_started"] == 0
    run, other = start(client), start(client)
    error = refusal(client.beta.threads.runs.retrieve, openai.NotFoundError, run.id, thread_id=other.thread_id)
    assert error.message.endswith(f"No run found with id '{run.id}'.")


# --- assistants, threads and messages


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
