"""The Assistants backend against the stand-in's wire: its own calls, and whole lives through the decision function.

What it has in common with the other API is told by the tests that run on each wire.
"""

from __future__ import annotations

import json
from typing import Any

import httpx2
import openai
import pytest

from local.openai_standin import Fault, OpenAIStandIn, Script
from testkit.memory.backend import wanted_run
from tests.support.seed import filled
from threadrun.errors import LostReply, NotFound, TerminalError, ThreadBusy, TransientError
from threadrun.providers.assistants_v2.backend import AssistantsBackend
from threadrun.providers.assistants_v2.shapes import MESSAGES_PER_NEW_THREAD
from threadrun.providers.errors import translated
from threadrun.reconcile.dispatch import reconcile
from threadrun.reconcile.outcome import Actor, Done, InProgress, RequeueAfter
from threadrun.reconcile.polling import DEFAULT_POLLING
from threadrun.schema.arguments import DesiredAssistant, DesiredThread
from threadrun.schema.messages import Message
from threadrun.state.base import Window
from threadrun.state.observations import ObservedRun
from threadrun.state.resource import AnyRecord
from threadrun.state.run import RunRecord
from threadrun.state.shared import AssistantRecord, ThreadRecord

MODEL = "gpt-5.4-mini"
LOOK = {"name": "look", "description": "Look.", "parameters": {"type": "object", "properties": {}}}
FUNCTION = {"type": "function", "function": LOOK}
CALL = {"type": "function_call", "call_id": "call_1", "name": "look", "arguments": "{}"}
PAIRS = {f"key{number}": "value" for number in range(16)}
ANSWER = 'This is the stand-in\'s answer to: "Hello."'
MESSAGES = [{"role": "user", "content": f"Message {number}.", "metadata": {"n": str(number)}} for number in range(45)]


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
        self.http, self.client, self.backend = http, client, AssistantsBackend(lambda: client)

    def wait(self, seconds: float) -> None:
        self.time += seconds

    def live(self, record: AnyRecord) -> Done:
        """Reconcile until it is done, as other processes would after each wait."""
        for _ in range(200):
            try:
                outcome = reconcile(record, Actor(self.backend, self.time, f"step at {self.time}"))
            except TransientError as error:
                outcome = RequeueAfter(2, error.reason)
            if isinstance(outcome, Done):
                return outcome
            if isinstance(outcome, InProgress):
                self.wait(DEFAULT_POLLING.look_seconds(self.time - record.window.since_epoch_s))
            if isinstance(outcome, RequeueAfter):
                self.wait(outcome.seconds)
            again = type(record).model_validate_json(record.model_dump_json())
            for name in type(record).model_fields:
                setattr(record, name, getattr(again, name))
        raise AssertionError(f"it never ends: {outcome}")

    def observed(self, record: RunRecord) -> ObservedRun:
        outcome = self.live(record)
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

    def thread(self) -> str:
        return self.backend.threads.create_bare(DesiredThread())

    def store(self) -> str:
        """A vector store of the user."""
        return self.client.vector_stores.create().id

    def tools(self, search: str = "retrieval") -> list[dict[str, Any]]:
        """One of each kind, with a store and a file of the user."""
        return [
            {"type": search, "vector_store_ids": [self.store()]},
            {"type": "code_interpreter", "file_ids": [self.server.add_file()]},
            FUNCTION,
        ]

    def bodies(self, method: str, path: str) -> list[Any]:
        """What was sent to paths that end so, oldest first."""
        return [each.body for each in self.server.requests if each.method == method and each.path.endswith(path)]

    def get(self, path: str) -> dict[str, Any]:
        """What the server shows, without the SDK."""
        headers = {"authorization": "Bearer sk-standin", "openai-beta": "assistants=v2"}
        return dict(self.http.get(f"http://standin/v1{path}", headers=headers).json())

    def messages(self, thread_id: str | None) -> list[tuple[str, dict[str, str]]]:
        """Text and metadata of what is on a thread, oldest first."""
        there = self.get(f"/threads/{thread_id}/messages?order=asc&limit=100")["data"]
        return [(each["content"][0]["text"]["value"], each["metadata"]) for each in there]

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


def attached(file_id: str) -> dict[str, Any]:
    return {"content": "Read.", "attachments": [{"file_id": file_id}]}


# --- runs on new threads


def test_a_run_sends_only_what_the_user_wrote(world: World) -> None:
    """The server takes the rest from the assistant; what is repeated would override its next version."""
    assistant_id = world.assistant(instructions="Be brief.", temperature=0.5, tools=[FUNCTION])
    run = world.observed(on_new_thread(assistant_id))
    assert world.bodies("POST", "/runs") == [{"assistant_id": assistant_id}]
    assert (run.status, run.model, run.problem, run.output_text) == ("completed", MODEL, None, ANSWER)


def test_the_answer_is_not_asked_for_before_the_run_has_ended(world: World) -> None:
    """A look at a running run is one request."""
    plan = on_new_thread(world.assistant()).plan()
    thread_id = world.backend.threads.create(plan)
    started = world.backend.runs.start(plan, thread_id)
    assert (started.status, started.started_at) == ("queued", None)
    world.wait(5)
    assert world.backend.runs.observe(thread_id, started.run_id).status == "in_progress"
    assert not world.bodies("GET", "/messages")


def test_the_answer_has_all_messages_of_this_run_and_no_others(world: World) -> None:
    said = [{"type": "message", "role": "assistant", "content": word} for word in ("One, ", "two.")]
    world.server.script(Script(output_text="Before."), Script(output=said))
    assistant_id, thread_id = world.assistant(), world.thread()
    world.backend.threads.add_messages(thread_id, [Message(role="user", content="Count.")])
    answers = [world.observed(on_existing(assistant_id, thread_id)).output_text for _ in range(2)]
    assert answers == ["Before.", "One, two."]


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


def test_a_function_of_the_assistant_that_nobody_answers_is_left_to_the_user(world: World) -> None:
    world.server.script(Script(output=[CALL]))
    record = on_new_thread(world.assistant(tools=[FUNCTION]))
    assert world.observed(record).status == "requires_action"
    assert record.resolution.leaves_calls_to_user


def test_a_new_thread_takes_more_messages_than_its_first_call(world: World) -> None:
    """Servers refuse more than 32 at once; a lost reply must not double one, nor change the order."""
    world.server.fault(Fault("POST", r"/v1/threads/thread_\w+/messages", "lost_reply", after=3))
    record = on_new_thread(world.assistant(), *MESSAGES)
    world.observed(record)
    assert len(world.bodies("POST", "/threads")[0]["messages"]) == MESSAGES_PER_NEW_THREAD == 32
    *asked, (answer, _) = world.messages(record.thread_id)
    assert [text for text, _ in asked] == [each["content"] for each in MESSAGES]
    assert answer.startswith("This is the stand-in's answer")


SEARCH, SEARCHES = {"type": "retrieval"}, {"type": "retrieval", "vector_store_ids": ["STORE"]}
READ = {"messages": [{"role": "user"} | attached("FILE")]}
EXISTING = {"thread": None, "existing_thread_id": "THREAD"}
NOTHING_TO_SEARCH = "a retrieval tool needs files attached to a message, or vector_store_ids"
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no assistant": ({"assistant_id": None, "model": "m"}, "assistant_id is required on this API"),
    "no assistant on an existing thread": (
        {"assistant_id": None, "model": "m", **EXISTING},
        "assistant_id is required on this API",
    ),
    "too few tokens": ({"max_completion_tokens": 255}, "must be at least 256"),
    "nothing to search": ({"tools": [SEARCH]}, NOTHING_TO_SEARCH),
    "nothing to search for the assistant": ({"assistant_id": "SEARCHER"}, NOTHING_TO_SEARCH),
    "nothing to search on an existing thread": ({"tools": [SEARCH], **EXISTING}, NOTHING_TO_SEARCH),
    "files and stores on a thread that others use too": (
        {"tools": [SEARCHES, {"type": "code_interpreter", "file_ids": ["FILE"]}], **EXISTING},
        "of its assistant only, not STORE, FILE",
    ),
    "files for a store of the user, where they would stay": (
        {"thread": READ, "tools": [SEARCHES]},
        "attached files would be put into STORE",
    ),
    "two stores": (
        {"tools": [{"type": "retrieval", "vector_store_ids": ["STORE", "OTHER"]}]},
        "a thread has one at most on this API, not STORE, OTHER",
    ),
}


@pytest.mark.parametrize(("change", "sentence"), REFUSED.values(), ids=REFUSED)
def test_what_this_api_cannot_do_is_refused_before_anything_is_made(
    world: World, change: dict[str, Any], sentence: str
) -> None:
    names = {"STORE": world.store(), "OTHER": world.store(), "FILE": world.server.add_file(), "THREAD": world.thread()}
    names |= {"ASSISTANT": world.assistant(), "SEARCHER": world.assistant(tools=[SEARCH])}
    before = world.left()
    for name, value in names.items():
        sentence = sentence.replace(name, value)
    with pytest.raises(TerminalError, match=sentence):
        world.live(wanted_run(**filled({"model": None, "assistant_id": "ASSISTANT", **change}, names)))
    assert world.left() == before
    assert world.client.vector_stores.retrieve(names["STORE"]).file_counts.total == 0
    assert not world.bodies("POST", "/runs")


# --- files


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
    """The interface names no tool per attachment, this API requires one; what is searched is indexed before."""
    record = on_new_thread(world.assistant(), attached(world.server.add_file()), tools=tools)
    world.live(record)
    (attachment,) = world.bodies("POST", "/threads")[0]["messages"][0]["attachments"]
    assert attachment["tools"] == [{"type": each} for each in readers]
    is_searched = "file_search" in readers
    assert (record.files.vector_store_id is not None) == is_searched
    assert record.observed.created_at == (1005 if is_searched else 1000)
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


def test_the_assistants_store_and_one_of_the_run_are_searched_together(world: World) -> None:
    """The assistant has its store anyway, so the thread's one place is free for the other."""
    first, second = world.store(), world.store()
    assistant_id = world.assistant(tools=[{"type": "retrieval", "vector_store_ids": [first]}])
    record = on_new_thread(assistant_id, tools=[{"type": "retrieval", "vector_store_ids": [first, second]}])
    assert world.observed(record).status == "completed"
    assert world.bodies("POST", "/threads")[0]["tool_resources"] == {"file_search": {"vector_store_ids": [second]}}
    assert world.observed(on_new_thread(assistant_id, tools=[SEARCH])).status == "completed"
    with_file = attached(world.server.add_file())
    record = on_new_thread(assistant_id, with_file, tools=[{"type": "retrieval", "vector_store_ids": [first]}])
    assert world.observed(record).status == "completed"
    assert record.files.vector_store_id not in (first, second, None)


def test_a_run_on_an_existing_thread_has_the_files_and_stores_of_its_assistant(world: World) -> None:
    record = on_existing(world.assistant(tools=world.tools()), world.thread())
    assert world.observed(record).status == "completed"


def test_a_thread_deleted_before_its_store_was_known_takes_the_store_with_it(world: World) -> None:
    record = on_new_thread(world.assistant(), attached(world.server.add_file()), tools=[SEARCH])
    while record.thread_id is None:
        reconcile(record, Actor(world.backend, world.time, "step"))
    assert (record.files.vector_store_id, world.left()["vector_stores"]) == (None, 1)
    world.end(record)
    assert (world.left()["threads"], world.left()["vector_stores"]) == (0, 0)


# --- existing threads, locks and lost replies


def test_only_runs_newer_than_the_marker_may_be_a_lost_one(world: World) -> None:
    backend, assistant_id, thread_id = world.backend, world.assistant(), world.thread()
    assert backend.threads.last_item_id(thread_id) is None
    assert backend.runs.find_lost(thread_id, None) is None
    older, marker, newer, newest = (world.observed(on_existing(assistant_id, thread_id)).run_id for _ in range(4))
    assert backend.threads.last_item_id(thread_id) == newest
    assert backend.runs.find_lost(thread_id, newest) is None
    found = [backend.runs.find_lost(thread_id, after) for after in (marker, None)]
    assert [each.run_id for each in found if each] == [newer, older]
    assert found[0]
    assert found[0].output_text.startswith("This is the stand-in's answer")


def test_runs_of_the_same_second_count_as_newer(world: World) -> None:
    """Their order is open, and a start must not be repeated."""
    world.server.script(*[Script(duration_s=0, queued_s=0)] * 2)
    thread_id = world.thread()
    plan = on_existing(world.assistant(), thread_id).plan()
    first, second = (world.backend.runs.start(plan, thread_id).run_id for _ in range(2))
    found = world.backend.runs.find_lost(thread_id, second)
    assert found
    assert found.run_id == first


def test_a_run_that_is_over_at_once_is_looked_at_for_its_answer(world: World) -> None:
    """Reading the answer may fail, which must not look as if the start had failed."""
    world.server.script(Script(duration_s=0, queued_s=0))
    world.server.fault(Fault("GET", r"/v1/threads/thread_\w+/messages", "status", 503))
    assert world.observed(on_new_thread(world.assistant())).output_text == ANSWER
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


def shown(world: World, record: AssistantRecord) -> dict[str, Any]:
    """What the server has of it when it is as wanted."""
    world.live(record)
    return world.get(f"/assistants/{record.assistant_id}")


def test_an_assistant_is_created_changed_in_place_and_deleted(world: World) -> None:
    texts = {"name": "Reader", "description": "Reads.", "instructions": "Read."}
    settings = texts | {"temperature": 0.5, "top_p": 0.9, "metadata": PAIRS, "tools": world.tools()}
    search, code, _ = settings["tools"]
    record = wanted_assistant(**settings)
    there = shown(world, record)
    nested = [{"type": "file_search"}, {"type": "code_interpreter"}, FUNCTION]
    assert {name: there[name] for name in settings} == settings | {"tools": nested}
    assert there["tool_resources"] == {
        "file_search": {"vector_store_ids": search["vector_store_ids"]},
        "code_interpreter": {"file_ids": code["file_ids"]},
    }
    assert (record.version, record.created_at) == (1, 1000)
    record.set_desired(DesiredAssistant(model=MODEL, response_format={"type": "text"}), "snake_case")  # type: ignore[arg-type]
    changed = shown(world, record)
    assert (changed["id"], record.version) == (there["id"], 2)
    assert (changed["name"], changed["instructions"], changed["tools"], changed["metadata"]) == (None, None, [], {})
    assert changed["response_format"] == {"type": "text"}
    assert not any(ids for part in changed["tool_resources"].values() for ids in part.values())
    record.set_desired(DesiredAssistant(model=MODEL), "snake_case")
    assert shown(world, record)["response_format"] == "auto"
    world.end(record)
    assert world.left()["assistants"] == 0


@pytest.mark.parametrize("kind", ["lost_reply", "garbage"])
@pytest.mark.parametrize("path", [r"/v1/assistants", r"/v1/assistants/asst_\w+"])
def test_an_assistant_whose_reply_was_lost_is_found_again(world: World, path: str, kind: str) -> None:
    """Creating takes two calls, and either reply may be lost."""
    world.server.fault(Fault("POST", path, kind))
    assert shown(world, wanted_assistant(metadata=PAIRS))["metadata"] == PAIRS
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
    assert shown(world, wanted_assistant(model="gpt-5.5"))["model"] == "gpt-5.5"


def test_an_assistant_is_found_with_its_tools_as_they_are_written_here(world: World) -> None:
    settings = {"name": "A", "instructions": "B", "tools": world.tools("file_search"), "metadata": {"a": "b"}}
    assistant_id = world.assistant(**settings)
    found = world.backend.assistants.find(assistant_id)
    wanted = {"model": MODEL, "temperature": 1.0, "top_p": 1.0} | settings
    assert found.settings == DesiredAssistant.model_validate(wanted)
    assert (found.version, found.created_at) == (None, 1000)
    record = on_new_thread(assistant_id)
    world.observed(record)
    assert [*record.resolution.file_ids] == settings["tools"][1]["file_ids"], "the run has the assistant's files"


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
    return AssistantsBackend(lambda: client)


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
    record = wanted_thread(messages=MESSAGES, metadata={"a": "b"})
    world.live(record)
    assert world.messages(record.thread_id) == [(each["content"], each["metadata"]) for each in MESSAGES]
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
    run = on_existing(world.assistant(), str(record.thread_id), tools=[SEARCH])
    assert world.observed(run).status == "completed"
    assert run.files.vector_store_id is None, "it is the thread's, not the run's to delete"
    world.end(run)
    assert world.left()["vector_stores"] == 1
    world.end(record)
    assert (world.left()["threads"], world.left()["vector_stores"]) == (0, 0)


def test_messages_wait_for_a_run_that_holds_the_thread(world: World) -> None:
    threads, thread_id = world.backend.threads, world.thread()
    world.backend.runs.start(on_existing(world.assistant(), thread_id).plan(), thread_id)
    one, two = (Message(role="user", content=text) for text in ("One.", "Two."))
    with pytest.raises(ThreadBusy):
        threads.add_messages(thread_id, [one])
    world.wait(12)
    assert threads.add_messages(thread_id, [one, two]) == 1
    assert threads.count_messages(thread_id) == 1, "answers are not counted"
