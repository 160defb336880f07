"""The Assistants backend against the stand-in's wire: its own calls, and whole lives through the decision function."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import openai
import pytest

from local.openai_standin import Fault, OpenAIStandIn, Script
from testkit.memory.backend import wanted_run
from threadrun.errors import LostReply, NotFound, TerminalError, ThreadBusy, TransientError
from threadrun.providers.assistants_v2.backend import AssistantsBackend
from threadrun.providers.assistants_v2.client import AssistantsServer
from threadrun.providers.assistants_v2.shapes import MESSAGES_PER_NEW_THREAD
from threadrun.providers.errors import translated
from threadrun.reconcile.dispatch import reconcile
from threadrun.reconcile.outcome import Actor, Done, InProgress, RequeueAfter
from threadrun.schema.arguments import DesiredAssistant, DesiredThread
from threadrun.schema.messages import Message
from threadrun.state.base import Window
from threadrun.state.observations import ObservedRun, RunPlan
from threadrun.state.resource import AnyRecord
from threadrun.state.run import RunRecord
from threadrun.state.shared import AssistantRecord, ThreadRecord
from threadrun.workflow.waiting import Waiting

MODEL = "gpt-5.4-mini"
LOOK = {"name": "look", "description": "Look.", "parameters": {"type": "object", "properties": {}}}
FUNCTION = {"type": "function", "function": LOOK}
CALL = {"type": "function_call", "call_id": "call_1", "name": "look", "arguments": "{}"}
PAIRS = {f"key{number}": "value" for number in range(16)}


class World:
    """A server, a clock that is moved by waiting only, and the backend between them."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.server = OpenAIStandIn(
            api="assistants",
            now=lambda: self.time,
            sleep=self.wait,
            duration_s=10,
            queued_s=2,
            cancel_delay_s=2,
            indexing_s=5,
        )
        http = httpx2.Client(transport=self.server.transport())
        client = openai.OpenAI(api_key="sk-standin", base_url="http://standin/v1", http_client=http, max_retries=0)
        self.http, self.client, self.backend = http, client, AssistantsBackend(AssistantsServer(lambda: client))

    def wait(self, seconds: float) -> None:
        self.time += seconds

    def live(self, record: AnyRecord) -> tuple[Done, list[str]]:
        """Reconcile until it is done, as other processes would; tells what was waited for as well."""
        waits: list[str] = []
        for _ in range(200):
            try:
                outcome = reconcile(record, Actor(self.backend, self.time, f"step {len(waits)}"))
            except TransientError as error:
                outcome = RequeueAfter(2, error.reason)
            if isinstance(outcome, Done):
                return outcome, waits
            if isinstance(outcome, InProgress):
                pause = Waiting().look_seconds(self.time - record.window.since_epoch_s)
                outcome = RequeueAfter(pause, f"the run is {outcome.status}")
            if isinstance(outcome, RequeueAfter):
                waits.append(outcome.reason)
                again = type(record).model_validate_json(record.model_dump_json())
                for name in type(record).model_fields:
                    setattr(record, name, getattr(again, name))
                self.wait(outcome.seconds)
        raise AssertionError(f"it never ends: {waits}")

    def observed(self, record: RunRecord) -> ObservedRun:
        outcome, _ = self.live(record)
        assert outcome.observed is not None
        return outcome.observed

    def end(self, record: AnyRecord) -> None:
        """Delete, and let what was cancelled come to its end."""
        record.mark_for_deletion(self.time + 1000)
        self.live(record)
        self.wait(60)

    def assistant(self, **settings: Any) -> str:
        wanted = DesiredAssistant.model_validate({"model": MODEL} | settings)
        made = self.backend.assistants.put(None, wanted, "assistant")
        return self.backend.assistants.put(made.assistant_id, wanted, "assistant").assistant_id

    def bodies(self, method: str, path: str) -> list[Any]:
        """What was sent to paths that end so, oldest first."""
        return [each.body for each in self.server.requests if each.method == method and each.path.endswith(path)]

    def get(self, path: str) -> dict[str, Any]:
        """What the server shows, without the SDK."""
        headers = {"authorization": "Bearer sk-standin", "openai-beta": "assistants=v2"}
        return dict(self.http.get(f"http://standin/v1{path}", headers=headers).json())

    def left(self) -> dict[str, int]:
        counted = self.server.counters()
        return {name: counted[name] for name in ("assistants", "threads", "runs_in_flight", "vector_stores")}


WINDOW = Window(since_epoch_s=1000, deadline_epoch_s=2000)


@pytest.fixture
def world() -> World:
    return World()


def on_new_thread(assistant_id: str, *messages: dict[str, Any], **more: Any) -> RunRecord:
    thread = {"messages": [{"role": "user"} | each for each in messages or [{"content": "Hello."}]]}
    return wanted_run(model=None, assistant_id=assistant_id, thread=thread, **more)


def on_existing(assistant_id: str, thread_id: str, **more: Any) -> RunRecord:
    return wanted_run(model=None, assistant_id=assistant_id, thread=None, existing_thread_id=thread_id, **more)


def attached(*file_ids: str, **more: Any) -> dict[str, Any]:
    return {"content": "Read.", "attachments": [{"file_id": each} for each in file_ids]} | more


def plan_of(record: RunRecord) -> RunPlan:
    plan = record.plan()
    assert plan is not None
    return plan


def thread_of(world: World, **more: Any) -> str:
    return world.backend.threads.create_bare(DesiredThread.model_validate(more))


def text(content: str) -> Message:
    return Message(role="user", content=content)


# --- runs on new threads


def test_a_run_sends_only_what_the_user_wrote(world: World) -> None:
    """The server takes the rest from the assistant; what is repeated would override its next version."""
    assistant_id = world.assistant(instructions="Be brief.", temperature=0.5, tools=[FUNCTION])
    run = world.observed(on_new_thread(assistant_id))
    assert world.bodies("POST", "/runs") == [{"assistant_id": assistant_id}]
    assert run.output_text == 'This is the stand-in\'s answer to: "Hello."'
    assert (run.status, run.model, run.problem) == ("completed", MODEL, None)


def test_the_answer_is_not_asked_for_before_the_run_has_ended(world: World) -> None:
    """A look at a running run is one request."""
    backend, plan = world.backend, plan_of(on_new_thread(world.assistant()))
    thread_id = backend.threads.create(plan)
    started = backend.runs.start(plan, thread_id)
    assert (started.status, started.started_at) == ("queued", None)
    world.wait(5)
    assert backend.runs.observe(thread_id, started.run_id).status == "in_progress"
    assert not world.bodies("GET", "/messages")


def test_the_answer_has_all_messages_of_this_run_and_no_others(world: World) -> None:
    said = [{"type": "message", "role": "assistant", "content": word} for word in ("One, ", "two.")]
    world.server.script(Script(output_text="Before."), Script(output=said))
    assistant_id, thread_id = world.assistant(), thread_of(world)
    world.backend.threads.add_messages(thread_id, [text("Count.")])
    assert world.observed(on_existing(assistant_id, thread_id)).output_text == "Before."
    assert world.observed(on_existing(assistant_id, thread_id)).output_text == "One, two."


@pytest.mark.parametrize(
    ("script", "status", "problem"),
    [
        (Script(error=("rate_limit_exceeded", "Too much.")), "failed", "Too much. (rate_limit_exceeded)"),
        (Script(incomplete_reason="max_output_tokens"), "incomplete", "incomplete because of max_completion_tokens"),
        (Script(duration_s=700), "expired", "it did not end within the time that the server gives a run"),
    ],
)
def test_a_run_that_ends_otherwise_says_why(world: World, script: Script, status: str, problem: str) -> None:
    world.server.script(script)
    run = world.observed(on_new_thread(world.assistant()))
    assert (run.status, run.problem) == (status, problem)


def test_a_function_that_nobody_answers_is_requires_action_and_its_run_is_stopped_on_delete(world: World) -> None:
    """The run holds its thread until it is cancelled, although there is nothing more to wait for."""
    world.server.script(Script(output=[CALL]))
    assistant_id = world.assistant(tools=[FUNCTION])
    record = on_new_thread(assistant_id)
    assert world.observed(record).status == "requires_action"
    assert record.resolution.leaves_calls_to_user, "known from the assistant"
    assert world.left()["runs_in_flight"] == 1
    world.end(record)
    world.backend.assistants.delete(assistant_id)
    assert not any(world.left().values())


def test_functions_are_nested_and_leave_out_what_was_not_given(world: World) -> None:
    world.observed(on_new_thread(world.assistant(), tools=[{"type": "function", "function": {"name": "look"}}]))
    assert world.bodies("POST", "/runs")[0]["tools"] == [{"type": "function", "function": {"name": "look"}}]


def test_a_run_without_an_assistant_is_refused_before_anything_is_made(world: World) -> None:
    with pytest.raises(TerminalError, match="assistant_id is required on this API"):
        world.live(wanted_run())
    thread_id = thread_of(world)
    with pytest.raises(TerminalError, match="assistant_id is required on this API"):
        world.live(wanted_run(thread=None, existing_thread_id=thread_id))
    assert world.left()["threads"] == 1
    assert not world.bodies("POST", "/runs")


def test_too_few_completion_tokens_are_refused_before_anything_is_made(world: World) -> None:
    with pytest.raises(TerminalError, match="must be at least 256"):
        world.live(on_new_thread("asst_1", max_completion_tokens=255))
    assert world.server.requests == []


def test_a_new_thread_takes_more_messages_than_its_first_call(world: World) -> None:
    """Servers refuse more than 32 at once; a lost reply must not double one, nor change the order."""
    messages = [{"content": f"Message {number}."} for number in range(45)]
    world.server.fault(Fault("POST", r"/v1/threads/thread_\w+/messages", "lost_reply", after=3))
    record = on_new_thread(world.assistant(), *messages)
    world.observed(record)
    assert len(world.bodies("POST", "/threads")[0]["messages"]) == MESSAGES_PER_NEW_THREAD == 32
    there = world.get(f"/threads/{record.thread_id}/messages?order=asc&limit=100")
    said = [each["content"][0]["text"]["value"] for each in there["data"]]
    assert said[:45] == [each["content"] for each in messages]
    assert len(said) == 46, "the answer follows"


# --- files


def test_attached_files_are_indexed_before_the_run_starts_and_deleted_with_it(world: World) -> None:
    file_id, assistant_id = world.server.add_file(), world.assistant()
    record = on_new_thread(assistant_id, attached(file_id), tools=[{"type": "retrieval"}])
    outcome, waits = world.live(record)
    assert waits.count("files are being indexed") == 5
    assert record.observed.created_at == 1005
    assert record.files.vector_store_id
    assert world.bodies("POST", "/threads")[0]["messages"][0]["attachments"] == [
        {"file_id": file_id, "tools": [{"type": "file_search"}]}
    ]
    assert world.bodies("POST", "/runs")[0]["tools"] == [{"type": "file_search"}]
    assert outcome.observed
    world.end(record)
    world.backend.assistants.delete(assistant_id)
    assert not any(world.left().values())


@pytest.mark.parametrize(
    ("tools", "readers"),
    [
        ([{"type": "retrieval"}], ["file_search"]),
        ([{"type": "code_interpreter"}], ["code_interpreter"]),
        ([{"type": "code_interpreter"}, {"type": "file_search"}], ["file_search", "code_interpreter"]),
        ([FUNCTION], ["file_search"]),
        (None, ["file_search"]),
    ],
)
def test_the_runs_tools_tell_who_reads_an_attached_file(world: World, tools: Any, readers: list[str]) -> None:
    """The interface names no tool per attachment, this API requires one."""
    record = on_new_thread(world.assistant(), attached(world.server.add_file()), tools=tools)
    world.live(record)
    (attachment,) = world.bodies("POST", "/threads")[0]["messages"][0]["attachments"]
    assert attachment["tools"] == [{"type": each} for each in readers]
    assert (record.files.vector_store_id is not None) == ("file_search" in readers)
    world.end(record)
    assert world.left()["vector_stores"] == 0


def test_code_interpreter_gets_its_own_files_and_the_attached_ones(world: World) -> None:
    own, added = world.server.add_file(), world.server.add_file()
    tools = [{"type": "code_interpreter", "file_ids": [own]}]
    record = on_new_thread(world.assistant(), attached(added), tools=tools)
    world.observed(record)
    assert world.bodies("POST", "/threads")[0]["tool_resources"] == {"code_interpreter": {"file_ids": [own]}}
    assert world.bodies("POST", "/runs")[0]["tools"] == [{"type": "code_interpreter"}]
    assert record.resolution.file_ids == (added, own)


def test_a_retrieval_tool_with_nothing_to_search_is_refused_before_anything_is_made(world: World) -> None:
    record = on_new_thread(world.assistant(), tools=[{"type": "retrieval"}])
    with pytest.raises(TerminalError, match="needs files attached to a message, or vector_store_ids"):
        world.live(record)
    record = on_new_thread(world.assistant(tools=[{"type": "retrieval"}]))
    with pytest.raises(TerminalError, match="needs files attached to a message, or vector_store_ids"):
        world.live(record)
    assert world.left()["threads"] == 0


def test_a_store_that_the_user_gave_is_searched_and_never_deleted(world: World) -> None:
    store_id = world.client.vector_stores.create().id
    tools = [{"type": "retrieval", "vector_store_ids": [store_id]}]
    record = on_new_thread(world.assistant(), tools=tools)
    world.observed(record)
    assert world.bodies("POST", "/threads")[0]["tool_resources"] == {"file_search": {"vector_store_ids": [store_id]}}
    assert record.files.vector_store_id is None
    world.end(record)
    assert (world.left()["threads"], world.left()["vector_stores"]) == (0, 1)


def test_the_assistants_store_and_one_of_the_run_are_searched_together(world: World) -> None:
    """The assistant has its store anyway, so the thread's one place is free for the other."""
    first, second, third = (world.client.vector_stores.create().id for _ in range(3))
    assistant_id = world.assistant(tools=[{"type": "retrieval", "vector_store_ids": [first]}])
    record = on_new_thread(assistant_id, tools=[{"type": "retrieval", "vector_store_ids": [first, second]}])
    assert world.observed(record).status == "completed"
    assert world.bodies("POST", "/threads")[0]["tool_resources"] == {"file_search": {"vector_store_ids": [second]}}
    with pytest.raises(TerminalError, match=f"a thread has one at most on this API, not {second}, {third}"):
        world.live(on_new_thread(assistant_id, tools=[{"type": "retrieval", "vector_store_ids": [second, third]}]))
    assert world.observed(on_new_thread(assistant_id, tools=[{"type": "retrieval"}])).status == "completed"
    with_file = attached(world.server.add_file())
    record = on_new_thread(assistant_id, with_file, tools=[{"type": "retrieval", "vector_store_ids": [first]}])
    assert world.observed(record).status == "completed"
    assert record.files.vector_store_id not in (first, second, third, None)


def test_attached_files_are_never_put_into_a_users_store(world: World) -> None:
    """The server would add them to the thread's one store, and they would stay there."""
    store_id = world.client.vector_stores.create().id
    tools = [{"type": "retrieval", "vector_store_ids": [store_id]}]
    with pytest.raises(TerminalError, match=f"attached files would be put into {store_id}"):
        world.live(on_new_thread(world.assistant(), attached(world.server.add_file()), tools=tools))
    assert world.client.vector_stores.retrieve(store_id).file_counts.total == 0
    assert world.left()["threads"] == 0


def test_a_run_on_an_existing_thread_cannot_bring_files_or_stores(world: World) -> None:
    """They would have to be put on a thread that others use too."""
    store_id, file_id, thread_id = world.client.vector_stores.create().id, world.server.add_file(), thread_of(world)
    search = {"type": "retrieval", "vector_store_ids": [store_id]}
    code = {"type": "code_interpreter", "file_ids": [file_id]}
    with pytest.raises(TerminalError, match=f"of its assistant only, not {store_id}, {file_id}"):
        world.live(on_existing(world.assistant(), thread_id, tools=[search, code]))
    with pytest.raises(TerminalError, match="a retrieval tool needs files"):
        world.live(on_existing(world.assistant(), thread_id, tools=[{"type": "retrieval"}]))
    assert world.observed(on_existing(world.assistant(tools=[search, code]), thread_id)).status == "completed"


def test_a_thread_deleted_before_its_store_was_known_takes_the_store_with_it(world: World) -> None:
    record = on_new_thread(world.assistant(), attached(world.server.add_file()), tools=[{"type": "retrieval"}])
    while record.thread_id is None:
        reconcile(record, Actor(world.backend, world.time, "step"))
    assert (record.files.vector_store_id, world.left()["vector_stores"]) == (None, 1)
    world.end(record)
    assert (world.left()["threads"], world.left()["vector_stores"]) == (0, 0)


# --- existing threads, locks and lost replies


def test_a_lost_start_on_a_shared_thread_is_neither_doubled_nor_guessed_at(world: World) -> None:
    assistant_id, thread_id = world.assistant(), thread_of(world)
    world.observed(on_existing(assistant_id, thread_id))
    world.server.fault(Fault("POST", r"/v1/threads/thread_\w+/runs", "lost_reply"))
    with pytest.raises(TerminalError, match="cannot tell whether the run was started"):
        world.live(on_existing(assistant_id, thread_id))
    assert world.server.counters()["runs_started"] == 2


def test_only_runs_newer_than_the_marker_may_be_a_lost_one(world: World) -> None:
    backend, assistant_id, thread_id = world.backend, world.assistant(), thread_of(world)
    assert backend.threads.last_item_id(thread_id) is None
    assert backend.runs.find_lost(thread_id, None) is None
    older, marker, newer, newest = on_runs(world, assistant_id, thread_id, 4)
    assert backend.threads.last_item_id(thread_id) == newest
    assert backend.runs.find_lost(thread_id, newest) is None
    found = [backend.runs.find_lost(thread_id, after) for after in (marker, None)]
    assert [each.run_id for each in found if each] == [newer, older]
    assert found[0]
    assert found[0].output_text.startswith("This is the stand-in's answer")


def on_runs(world: World, assistant_id: str, thread_id: str, count: int) -> list[str]:
    """Let runs end one after the other on a thread; gives their ids."""
    records = [on_existing(assistant_id, thread_id) for _ in range(count)]
    return [world.observed(record).run_id for record in records]


def test_runs_of_the_same_second_count_as_newer(world: World) -> None:
    """Their order is open, and a start must not be repeated."""
    world.server.script(*[Script(duration_s=0, queued_s=0)] * 2)
    assistant_id, thread_id = world.assistant(), thread_of(world)
    plan = plan_of(on_existing(assistant_id, thread_id))
    first, second = (world.backend.runs.start(plan, thread_id).run_id for _ in range(2))
    found = world.backend.runs.find_lost(thread_id, second)
    assert found
    assert found.run_id == first


def test_a_run_that_is_over_at_once_is_looked_at_for_its_answer(world: World) -> None:
    """Reading the answer may fail, which must not look as if the start had failed."""
    world.server.script(Script(duration_s=0, queued_s=0))
    world.server.fault(Fault("GET", r"/v1/threads/thread_\w+/messages", "status", 503))
    record = on_new_thread(world.assistant())
    assert world.observed(record).output_text.startswith("This is the stand-in's answer")
    assert world.server.counters()["runs_started"] == 1


@pytest.mark.parametrize(
    "message",
    [
        "Thread thread_1 already has an active run run_1.",
        "Can't add messages to thread_1 while a run run_1 is active.",
    ],
)
def test_a_lock_is_known_by_its_words_because_it_has_no_code(message: str) -> None:
    request = httpx2.Request("POST", "http://standin/v1/threads/thread_1/runs")
    refusal = openai.BadRequestError(
        message, response=httpx2.Response(400, request=request), body={"message": message, "code": None}
    )
    with pytest.raises(ThreadBusy), translated("start the run", creates=True):
        raise refusal


# --- the end


def test_a_running_run_is_cancelled_and_nothing_is_left(world: World) -> None:
    assistant_id = world.assistant()
    record = on_new_thread(assistant_id, attached(world.server.add_file()), tools=[{"type": "retrieval"}])
    while record.run_id is None:
        outcome = reconcile(record, Actor(world.backend, world.time, "step"))
        if isinstance(outcome, RequeueAfter):
            world.wait(outcome.seconds)
    record.goal = "absent"
    _, waits = world.live(record)
    assert waits == ["the run is being cancelled"] * 2, "asked again while it is cancelling, which is refused"
    world.backend.assistants.delete(assistant_id)
    assert not any(world.left().values())


def test_deleting_twice_is_no_error(world: World) -> None:
    assistant_id = world.assistant()
    backend, record = world.backend, on_new_thread(assistant_id)
    world.observed(record)
    assert record.started is not None
    thread_id, run_id = record.started
    backend.runs.cancel(thread_id, run_id)
    for _ in range(2):
        backend.runs.delete(thread_id, run_id)
        backend.threads.delete(thread_id)
        backend.assistants.delete(assistant_id)
    assert not any(world.left().values())
    with pytest.raises(NotFound):
        backend.runs.observe(thread_id, run_id)


def test_a_finished_run_is_not_asked_to_stop_on_delete(world: World) -> None:
    record = on_new_thread(world.assistant())
    world.observed(record)
    world.end(record)
    assert not world.bodies("POST", "/cancel")


def test_a_delete_that_cannot_look_is_tried_again(world: World) -> None:
    """A run that was taken for gone would go on and be billed."""
    record = on_new_thread(world.assistant())
    world.observed(record)
    world.server.fault(Fault("GET", r"/v1/threads/.*", "status", 503))
    with pytest.raises(TransientError):
        world.backend.runs.delete(str(record.thread_id), str(record.run_id))


# --- import


def test_a_server_that_ignores_the_thread_in_the_path_is_not_believed() -> None:
    body = {"id": "run_1", "object": "thread.run", "created_at": 5, "thread_id": "thread_2", "status": "queued"}
    with pytest.raises(NotFound, match="it is not a run of thread thread_1"):
        answering(body).runs.adopt("thread_1", "run_1")
    assert answering(body).runs.adopt("thread_2", "run_1").status == "queued"


# --- assistants


def wanted_assistant(**settings: Any) -> AssistantRecord:
    desired = DesiredAssistant.model_validate({"model": MODEL} | settings)
    record = AssistantRecord(key="r-1", identity=desired.identity(), window=WINDOW)
    record.set_desired(desired, "snake_case")
    return record


def shown(world: World, assistant_id: str | None) -> dict[str, Any]:
    return world.get(f"/assistants/{assistant_id}")


def test_an_assistant_is_created_changed_in_place_and_deleted(world: World) -> None:
    store_id, file_id = world.client.vector_stores.create().id, world.server.add_file()
    tools = [
        {"type": "retrieval", "vector_store_ids": [store_id]},
        {"type": "code_interpreter", "file_ids": [file_id]},
        FUNCTION,
    ]
    settings = {
        "name": "Reader",
        "description": "Reads.",
        "instructions": "Read.",
        "temperature": 0.5,
        "top_p": 0.9,
        "metadata": PAIRS,
        "tools": tools,
    }
    record = wanted_assistant(**settings)
    world.live(record)
    there = shown(world, record.assistant_id)
    nested = [{"type": "file_search"}, {"type": "code_interpreter"}, FUNCTION]
    assert {name: there[name] for name in settings} == settings | {"tools": nested}
    assert there["tool_resources"] == {
        "file_search": {"vector_store_ids": [store_id]},
        "code_interpreter": {"file_ids": [file_id]},
    }
    assert (record.version, record.created_at) == (1, 1000)
    first_id = record.assistant_id
    record.set_desired(DesiredAssistant(model=MODEL, response_format={"type": "text"}), "snake_case")  # type: ignore[arg-type]
    world.live(record)
    there = shown(world, first_id)
    assert (record.assistant_id, record.version) == (first_id, 2)
    assert (there["name"], there["instructions"], there["tools"], there["metadata"]) == (None, None, [], {})
    assert there["response_format"] == {"type": "text"}
    assert not any(ids for part in there["tool_resources"].values() for ids in part.values())
    record.set_desired(DesiredAssistant(model=MODEL), "snake_case")
    world.live(record)
    assert shown(world, first_id)["response_format"] == "auto"
    world.end(record)
    assert world.left()["assistants"] == 0


@pytest.mark.parametrize("kind", ["lost_reply", "garbage"])
@pytest.mark.parametrize("path", [r"/v1/assistants", r"/v1/assistants/asst_\w+"])
def test_an_assistant_whose_reply_was_lost_is_found_again(world: World, path: str, kind: str) -> None:
    """Creating takes two calls, and either reply may be lost."""
    world.server.fault(Fault("POST", path, kind))
    record = wanted_assistant(metadata=PAIRS)
    world.live(record)
    assert shown(world, record.assistant_id)["metadata"] == PAIRS
    assert world.left()["assistants"] == 1


def test_an_assistant_with_equal_settings_is_another_one(world: World) -> None:
    """Two resources may want the same: deleting one must not delete the other's."""
    wanted = DesiredAssistant(model=MODEL, name="Twin")
    first = world.backend.assistants.put(None, wanted, "request-1")
    world.server.fault(Fault("POST", r"/v1/assistants", "lost_reply"))
    with pytest.raises(LostReply):
        world.backend.assistants.put(None, wanted, "request-2")
    second = world.backend.assistants.put(None, wanted, "request-2")
    assert first.assistant_id != second.assistant_id
    assert world.left()["assistants"] == 2


@pytest.mark.parametrize("path", [r"/v1/assistants", r"/v1/assistants/asst_\w+"])
def test_of_a_refused_assistant_nothing_is_left_after_its_delete(world: World, path: str) -> None:
    world.server.fault(Fault("POST", path, "status", 400, message="No."))
    record = wanted_assistant()
    with pytest.raises(TerminalError, match=r"No\."):
        world.live(record)
    world.end(record)
    assert world.left()["assistants"] == 0


def test_an_assistant_of_a_reasoning_model_is_changed_without_temperature(world: World) -> None:
    """Such models refuse the parameter, its default included."""
    record = wanted_assistant(model="gpt-5.5")
    world.live(record)
    assert shown(world, record.assistant_id)["model"] == "gpt-5.5"


def test_an_assistant_is_found_with_its_tools_as_they_are_written_here(world: World) -> None:
    store_id, file_id = world.client.vector_stores.create().id, world.server.add_file()
    tools = [
        {"type": "file_search", "vector_store_ids": [store_id]},
        {"type": "code_interpreter", "file_ids": [file_id]},
        FUNCTION,
    ]
    wanted = DesiredAssistant.model_validate(
        {"model": MODEL, "name": "A", "instructions": "B", "tools": tools, "metadata": {"a": "b"}}
    )
    made = world.backend.assistants.put(None, wanted, "request")
    world.backend.assistants.put(made.assistant_id, wanted, "request")
    found = world.backend.assistants.find(made.assistant_id)
    assert found.settings == wanted.model_copy(update={"temperature": 1.0, "top_p": 1.0})
    assert (found.version, found.created_at) == (None, 1000)
    record = on_new_thread(made.assistant_id)
    world.observed(record)
    assert record.resolution.file_ids == (file_id,), "the run has the assistant's files"


def test_settings_that_only_the_server_knows_do_not_stand_in_the_way() -> None:
    """An assistant made elsewhere may have tools and formats that this package has no words for."""
    body = {
        "id": "asst_1",
        "object": "assistant",
        "created_at": 5,
        "model": "m",
        "tools": [{"type": "browser"}, {"type": "file_search"}],
        "response_format": {"type": "grammar", "syntax": "lark"},
    }
    found = answering(body).assistants.find("asst_1").settings
    assert [tool.type for tool in found.tools or ()] == ["file_search"]
    assert found.response_format is None
    with pytest.raises(TerminalError, match="cannot use assistant asst_1: its temperature cannot be read"):
        answering(body | {"temperature": 7}).assistants.find("asst_1")


def answering(body: dict[str, Any]) -> AssistantsBackend:
    """A backend whose server gives this one answer."""
    http = httpx2.Client(transport=httpx2.MockTransport(lambda _: httpx2.Response(200, content=json.dumps(body))))
    client = openai.OpenAI(api_key="sk-test", base_url="http://api/v1", http_client=http, max_retries=0)
    return AssistantsBackend(AssistantsServer(lambda: client))


def test_an_assistant_with_two_stores_is_refused_clearly(world: World) -> None:
    with pytest.raises(TerminalError, match="an assistant has one at most on this API, not vs_1, vs_2"):
        world.live(wanted_assistant(tools=[{"type": "retrieval", "vector_store_ids": ["vs_1", "vs_2"]}]))
    assert world.left()["assistants"] == 0


# --- threads


def wanted_thread(**settings: Any) -> ThreadRecord:
    desired = DesiredThread.model_validate(settings)
    record = ThreadRecord(key="r-1", identity=desired.identity(), window=WINDOW)
    record.set_desired(desired, "snake_case")
    return record


def test_a_thread_with_45_messages_has_each_once_and_in_order(world: World) -> None:
    """Lost replies in between must not double one."""
    world.server.fault(Fault("POST", r"/v1/threads/thread_\w+/messages", "lost_reply", after=20, times=2))
    messages = [
        {"role": "user", "content": f"Message {number}.", "metadata": {"n": str(number)}} for number in range(45)
    ]
    record = wanted_thread(messages=messages, metadata={"a": "b"})
    world.live(record)
    path = f"/threads/{record.thread_id}/messages?order=asc&limit=100"
    there = world.get(path)["data"]
    assert [each["content"][0]["text"]["value"] for each in there] == [each["content"] for each in messages]
    assert [each["metadata"] for each in there] == [each["metadata"] for each in messages]
    assert world.backend.threads.count_messages(str(record.thread_id)) == 45
    world.end(record)
    assert world.left()["threads"] == 0


def test_a_shared_threads_files_are_there_for_both_tools_and_go_with_it(world: World) -> None:
    """Which runs will use the thread is not known; the store that the server makes belongs to it."""
    file_id = world.server.add_file()
    record = wanted_thread(messages=[{"role": "user"} | attached(file_id)])
    world.live(record)
    (sent,) = world.bodies("POST", "/messages")
    assert sent["attachments"][0]["tools"] == [{"type": "file_search"}, {"type": "code_interpreter"}]
    run = on_existing(world.assistant(), str(record.thread_id), tools=[{"type": "retrieval"}])
    assert world.observed(run).status == "completed"
    assert run.files.vector_store_id is None, "it is the thread's, not the run's to delete"
    world.end(run)
    assert world.left()["vector_stores"] == 1
    world.end(record)
    assert (world.left()["threads"], world.left()["vector_stores"]) == (0, 0)


def test_messages_wait_for_a_run_that_holds_the_thread(world: World) -> None:
    assistant_id, thread_id = world.assistant(), thread_of(world)
    world.backend.runs.start(plan_of(on_existing(assistant_id, thread_id)), thread_id)
    with pytest.raises(ThreadBusy):
        world.backend.threads.add_messages(thread_id, [text("Too early.")])
    world.wait(12)
    assert world.backend.threads.add_messages(thread_id, [text("One."), text("Two.")]) == 1
    assert world.backend.threads.count_messages(thread_id) == 1, "answers are not counted"
