"""What only a server that speaks Assistants v2 has; what it has in common with the other API runs on each wire."""

import contextlib
import json
from typing import Any

import httpx2
import openai
import pytest

from local.openai_standin import Fault, Script
from testkit.in_process.deployed import ASSISTANTS
from testkit.in_process.world import World
from testkit.memory.backend import wanted_run
from tests.support.runs import ASSISTANT, NOTHING, THREAD, alive, attributes, delete_all, failure, left_at_openai
from tests.support.seed import filled
from threadrun.errors import LostReply, NotFound, TerminalError, ThreadBusy, TransientError
from threadrun.providers.assistants_v2.backend import AssistantsBackend
from threadrun.providers.assistants_v2.client import AssistantsServer
from threadrun.providers.assistants_v2.shapes import MESSAGES_PER_NEW_THREAD, changed_assistant_fields
from threadrun.providers.server import MARK
from threadrun.reconcile.dispatch import reconcile
from threadrun.reconcile.outcome import Actor
from threadrun.schema.arguments import DesiredAssistant, DesiredThread
from threadrun.schema.messages import Message
from threadrun.state.observations import RunPlan

MODEL = "gpt-5.4-mini"
LOOK = {"name": "look", "description": "Look.", "parameters": {"type": "object", "properties": {}}}
FUNCTION = {"type": "function", "function": LOOK}
SEARCH = {"type": "retrieval"}
PAIRS = {f"key{number}": "value" for number in range(16)}
MESSAGES = [{"role": "user", "content": f"Message {number}.", "metadata": {"n": str(number)}} for number in range(45)]
HELLO = {"messages": [{"role": "user", "content": "Hello."}]}
ANSWER = 'This is the stand-in\'s answer to: "Hello."'


@pytest.fixture
def wire() -> str:
    return ASSISTANTS


def assistant(world: World, logical_id: str = "Assistant", **settings: Any) -> str:
    made = world.create({"model": MODEL} | settings, **ASSISTANT | {"logical_id": logical_id})
    return attributes(made)["id"]


def run(world: World, assistant_id: str, thread: dict[str, Any] = HELLO, **more: Any) -> dict[str, Any]:
    return world.create({"assistant_id": assistant_id, "thread": thread, **more})


def run_on(world: World, thread_id: str, assistant_id: str, **more: Any) -> dict[str, Any]:
    return world.create({"assistant_id": assistant_id, "existing_thread_id": thread_id, **more})


def plan_on(thread_id: str, assistant_id: str) -> RunPlan:
    return wanted_run(model=None, assistant_id=assistant_id, thread=None, existing_thread_id=thread_id).plan()


def bare_thread(world: World) -> str:
    return world.app.backend.threads.create_bare(DesiredThread())


def reading(*file_ids: str) -> dict[str, Any]:
    attachments = [{"file_id": each} for each in file_ids]
    return {"messages": [{"role": "user", "content": "Read.", "attachments": attachments}]}


def at_server(world: World, path: str, method: str = "GET") -> dict[str, Any]:
    """What the server shows, without the SDK."""
    headers = {"authorization": f"Bearer {world.openai.api_key}", "openai-beta": "assistants=v2"}
    body = None if method == "GET" else {}
    return dict(httpx2.request(method, f"{world.openai.base_url}{path}", headers=headers, json=body).json())


def store(world: World) -> str:
    """A vector store of the user."""
    return str(at_server(world, "/vector_stores", "POST")["id"])


def searching(*store_ids: str) -> dict[str, Any]:
    return SEARCH | {"vector_store_ids": [*store_ids]}


def messages_of(world: World, thread_id: str) -> list[tuple[str, dict[str, str]]]:
    """Text and metadata of what is on a thread, oldest first."""
    there = at_server(world, f"/threads/{thread_id}/messages?order=asc&limit=100")["data"]
    return [(each["content"][0]["text"]["value"], each["metadata"]) for each in there]


# --- runs on new threads


def test_a_run_sends_only_what_the_user_wrote(world: World) -> None:
    """The server takes the rest from the assistant; what is repeated would override its next version."""
    assistant_id = assistant(world, instructions="Be brief.", temperature="0.5", tools=[FUNCTION])
    data = attributes(run(world, assistant_id))
    assert world.posted("/runs") == [{"assistant_id": assistant_id}]
    assert (data["status"], data["model"], data["output_text"]) == ("completed", MODEL, ANSWER)


def test_the_answer_is_not_asked_for_before_the_run_has_ended(world: World) -> None:
    """A look at a running run is one request."""
    world.openai.script(Script(duration_s=60))
    attributes(run(world, assistant(world)))
    looks = [each.path.rpartition("/")[2] for each in world.openai.requests if each.method == "GET"]
    assert len(looks) > 10
    assert looks.index("messages") == len(looks) - 1


def test_the_answer_has_all_messages_of_this_run_and_no_others(world: World) -> None:
    said = [{"type": "message", "role": "assistant", "content": word} for word in ("One, ", "two.")]
    world.openai.script(Script(output_text="Before."), Script(output=said))
    assistant_id, thread_id = assistant(world), attributes(world.create(HELLO, **THREAD))["id"]
    answers = [attributes(run_on(world, thread_id, assistant_id))["output_text"] for _ in range(2)]
    assert answers == ["Before.", "One, two."]


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        (Script(incomplete_reason="max_output_tokens"), "incomplete because of max_completion_tokens"),
        (Script(duration_s=700), "it did not end within the time that the server gives a run"),
    ],
)
def test_a_run_that_ends_otherwise_says_why(world: World, script: Script, problem: str) -> None:
    world.openai.script(script)
    assert problem in failure(run(world, assistant(world), ServiceTimeout="900"))


def test_a_function_of_the_assistant_without_a_handler_is_left_to_the_user(world: World) -> None:
    world.openai.script(Script(output=[{"type": "function_call", "call_id": "1", "name": "look", "arguments": "{}"}]))
    assert attributes(run(world, assistant(world, tools=[FUNCTION])))["status"] == "requires_action"


def test_a_new_thread_takes_more_messages_than_its_first_call(world: World) -> None:
    """Servers refuse more than 32 at once; a lost reply must not double one, nor change the order."""
    world.openai.fault(Fault("POST", r"/v1/threads/thread_\w+/messages", "lost_reply", after=3))
    data = attributes(run(world, assistant(world), {"messages": MESSAGES}))
    assert len(world.posted("/threads")[0]["messages"]) == MESSAGES_PER_NEW_THREAD == 32
    *asked, (answer, _) = messages_of(world, data["thread_id"])
    assert [text for text, _ in asked] == [each["content"] for each in MESSAGES]
    assert answer == data["output_text"]


EXISTING = {"thread": None, "existing_thread_id": "THREAD"}
NOBODY = {"assistant_id": None, "model": MODEL}
NOTHING_TO_SEARCH = "the retrieval tool has nothing to search: attach files to a message, or set vector_store_ids"
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no assistant": (NOBODY, "assistant_id is required on this API"),
    "no assistant on an existing thread": (NOBODY | EXISTING, "assistant_id is required on this API"),
    "too few tokens": ({"max_completion_tokens": "255"}, "must be at least 256"),
    "nothing to search": ({"tools": [SEARCH]}, NOTHING_TO_SEARCH),
    "nothing to search for the assistant": ({"assistant_id": "SEARCHER"}, NOTHING_TO_SEARCH),
    "nothing to search on an existing thread": ({"tools": [SEARCH], **EXISTING}, NOTHING_TO_SEARCH),
    "files and stores on a thread that others use too": (
        {"tools": [searching("STORE"), {"type": "code_interpreter", "file_ids": ["FILE"]}], **EXISTING},
        "of that thread and its assistant, not STORE, FILE",
    ),
    "files for a store of the user, where they would stay": (
        {"thread": reading("FILE"), "tools": [searching("STORE")]},
        "attached files would be added to STORE",
    ),
    "two stores": (
        {"tools": [searching("STORE", "OTHER")]},
        "a thread has at most one on this API, not STORE, OTHER",
    ),
}


def test_what_this_api_cannot_do_is_refused_before_anything_is_made(world: World) -> None:
    names = {"STORE": store(world), "OTHER": store(world), "FILE": world.openai.add_file()}
    names |= {"ASSISTANT": assistant(world), "SEARCHER": assistant(world, "Searcher", tools=[SEARCH])}
    names["THREAD"] = bare_thread(world)
    before = alive(world)
    for name, (change, sentence) in REFUSED.items():
        properties = {"assistant_id": "ASSISTANT", "thread": HELLO} | change
        for placeholder, value in names.items():
            sentence = sentence.replace(placeholder, value)
        assert sentence in failure(world.create(filled(properties, names), logical_id=name)), name
        assert alive(world) == before, name
    assert at_server(world, f"/vector_stores/{names['STORE']}")["file_counts"]["total"] == 0
    assert world.posted("/runs") == []


# --- files


@pytest.mark.parametrize(
    ("tools", "readers"),
    [
        ([SEARCH], ["file_search"]),
        ([{"type": "code_interpreter"}], ["code_interpreter"]),
        ([{"type": "code_interpreter"}, {"type": "file_search"}], ["file_search", "code_interpreter"]),
        ([FUNCTION], ["file_search"]),
        ([], ["file_search"]),
    ],
)
def test_the_runs_tools_tell_who_reads_an_attached_file(world: World, tools: Any, readers: list[str]) -> None:
    """The interface names no tool per attachment, this API requires one; what is searched is indexed before."""
    assistant_id, file_id, began = assistant(world), world.openai.add_file(indexing_s=5), world.clock()
    answer = run(world, assistant_id, reading(file_id), **({"tools": tools} if tools else {}))
    (attachment,) = world.posted("/threads")[0]["messages"][0]["attachments"]
    assert attachment["tools"] == [{"type": each} for each in readers]
    is_searched = "file_search" in readers
    assert left_at_openai(world)["vector_stores"] == is_searched
    assert (int(attributes(answer)["created_at"]) >= began + 5) == is_searched
    delete_all(world, answer)


def test_code_interpreter_gets_its_own_files_and_the_attached_ones(world: World) -> None:
    own, added = world.openai.add_file(), world.openai.add_file()
    tools = [{"type": "code_interpreter", "file_ids": [own]}]
    data = attributes(run(world, assistant(world), reading(added), tools=tools))
    assert world.posted("/threads")[0]["tool_resources"] == {"code_interpreter": {"file_ids": [own]}}
    assert world.posted("/runs")[0]["tools"] == [{"type": "code_interpreter"}]
    assert json.loads(data["file_ids"]) == [added, own]


def test_the_assistants_store_and_one_of_the_run_are_searched_together(world: World) -> None:
    """The assistant has its store anyway, so the thread's one place is free for the other, or for attached files."""
    first, second = store(world), store(world)
    assistant_id = assistant(world, tools=[searching(first)])
    attributes(run(world, assistant_id, tools=[searching(first, second)]))
    assert world.posted("/threads")[0]["tool_resources"] == {"file_search": {"vector_store_ids": [second]}}
    attributes(run(world, assistant_id, tools=[SEARCH]))
    attributes(run(world, assistant_id, reading(world.openai.add_file()), tools=[searching(first)]))
    assert left_at_openai(world)["vector_stores"] == 3


def test_a_run_on_an_existing_thread_has_the_files_and_stores_of_its_assistant(world: World) -> None:
    tools = [searching(store(world)), {"type": "code_interpreter", "file_ids": [world.openai.add_file()]}]
    attributes(run_on(world, bare_thread(world), assistant(world, tools=tools)))


def test_a_thread_deleted_before_its_store_was_known_takes_the_store_with_it(world: World) -> None:
    thread = reading(world.openai.add_file())
    record = wanted_run(model=None, assistant_id=assistant(world), thread=thread, tools=[SEARCH])
    while record.thread_id is None:
        reconcile(record, Actor(world.app.backend, 1000, "step"))
    assert (record.files.vector_store_id, left_at_openai(world)["vector_stores"]) == (None, 1)
    record.mark_for_deletion(2000)
    reconcile(record, Actor(world.app.backend, 1000, "step"))
    assert left_at_openai(world) == NOTHING


def test_a_lost_reply_to_a_new_thread_with_files_leaves_no_vector_store(world: World) -> None:
    """Threads cannot be listed; the stores that come with them can, and are marked."""
    own = store(world)
    world.openai.fault(Fault("POST", "/v1/threads", "lost_reply"))
    answer = run(world, assistant(world), reading(world.openai.add_file()), tools=[SEARCH])
    assert attributes(answer)["status"] == "completed"
    assert left_at_openai(world)["vector_stores"] == 2, "the user's, and that of the second thread"
    world.delete(answer["PhysicalResourceId"])
    assert at_server(world, f"/vector_stores/{own}")["id"] == own


def test_a_lost_reply_to_a_new_thread_that_is_given_up_leaves_no_vector_store(world: World) -> None:
    thread, own = reading(world.openai.add_file()), store(world)
    record = wanted_run(model=None, assistant_id=assistant(world), thread=thread, tools=[SEARCH])
    world.openai.fault(Fault("POST", "/v1/threads", "lost_reply"))
    with pytest.raises(LostReply):
        reconcile(record, Actor(world.app.backend, 1000, "step"))
    assert left_at_openai(world)["vector_stores"] == 2
    record.mark_for_deletion(2000)
    reconcile(record, Actor(world.app.backend, 1100, "another step"))
    assert left_at_openai(world)["vector_stores"] == 1
    assert at_server(world, f"/vector_stores/{own}")["id"] == own


# --- existing threads, locks and lost replies


def test_a_lost_start_on_a_shared_thread_is_found_by_its_mark(world: World) -> None:
    """Another run on the thread, which is newer too, is not taken for it."""
    thread_id, assistant_id = bare_thread(world), assistant(world)
    world.openai.fault(Fault("POST", f"/v1/threads/{thread_id}/runs", "lost_reply"))
    answer = run_on(world, thread_id, assistant_id, metadata={"mine": "1"})
    assert attributes(answer)["status"] == "completed"
    assert world.openai.counters()["runs_started"] == 1
    [started] = world.posted("/runs")
    assert started["metadata"].keys() == {"mine", MARK}


def test_a_lost_start_on_a_shared_thread_is_found_when_it_is_given_up(world: World) -> None:
    thread_id = bare_thread(world)
    record = wanted_run(model=None, assistant_id=assistant(world), thread=None, existing_thread_id=thread_id)
    world.openai.fault(Fault("POST", f"/v1/threads/{thread_id}/runs", "lost_reply"))
    with contextlib.suppress(LostReply):
        while True:
            reconcile(record, Actor(world.app.backend, 1000, "step"))
    record.mark_for_deletion(2000)
    reconcile(record, Actor(world.app.backend, 1100, "another step"))
    assert record.run_id is not None


def test_only_runs_newer_than_the_marker_may_be_a_lost_one(world: World) -> None:
    backend, assistant_id, thread_id = world.app.backend, assistant(world), bare_thread(world)
    assert backend.threads.last_item_id(thread_id) is None
    assert backend.runs.find_lost(thread_id, None) is None
    runs = (attributes(run_on(world, thread_id, assistant_id)) for _ in range(4))
    older, marker, newer, newest = (each["id"] for each in runs)
    assert backend.threads.last_item_id(thread_id) == newest
    assert backend.runs.find_lost(thread_id, newest) is None
    found = [backend.runs.find_lost(thread_id, after) for after in (marker, None)]
    assert [each.run_id for each in found if each] == [newer, older]
    assert found[0]
    assert found[0].output_text.startswith("This is the stand-in's answer")


def test_runs_of_the_same_second_count_as_newer(world: World) -> None:
    """Their order is open, and a start must not be repeated."""
    world.openai.script(*[Script(duration_s=0, queued_s=0)] * 2)
    thread_id = bare_thread(world)
    plan = plan_on(thread_id, assistant(world))
    first, second = (world.app.backend.runs.start(plan, thread_id).run_id for _ in range(2))
    found = world.app.backend.runs.find_lost(thread_id, second)
    assert found
    assert found.run_id == first


def test_a_run_that_is_over_at_once_is_looked_at_for_its_answer(world: World) -> None:
    """Reading the answer may fail, which must not look as if the start had failed."""
    world.openai.script(Script(duration_s=0, queued_s=0))
    world.openai.fault(Fault("GET", r"/v1/threads/thread_\w+/messages", "status", 503))
    assert attributes(run(world, assistant(world)))["output_text"] == ANSWER
    assert len(world.posted("/runs")) == 1


def test_a_finished_run_is_not_asked_to_stop_on_delete(world: World) -> None:
    delete_all(world, run(world, assistant(world)))
    assert not world.posted("/cancel")


def test_a_delete_that_cannot_look_cancels_and_is_tried_again_where_it_cannot(world: World) -> None:
    """A run that was taken for gone would go on and be billed."""
    data = attributes(run(world, assistant(world)))
    world.openai.fault(Fault("GET", r"/v1/threads/.*", "status", 503))
    world.openai.fault(Fault("POST", r"/v1/threads/.*/cancel", "status", 503))
    with pytest.raises(TransientError):
        world.app.backend.runs.delete(data["thread_id"], data["id"])


def answering(body: dict[str, Any]) -> AssistantsBackend:
    """A backend whose server gives this one answer."""
    http = httpx2.Client(transport=httpx2.MockTransport(lambda _: httpx2.Response(200, content=json.dumps(body))))
    client = openai.OpenAI(api_key="sk-test", base_url="http://api/v1", http_client=http, max_retries=0)
    return AssistantsBackend(AssistantsServer(lambda: client), files=None)  # type: ignore[arg-type]


def test_a_server_that_ignores_the_thread_in_the_path_is_not_believed() -> None:
    body = {"id": "run_1", "object": "thread.run", "created_at": 5, "thread_id": "thread_2", "status": "queued"}
    with pytest.raises(NotFound, match="it does not belong to thread thread_1"):
        answering(body).runs.adopt("thread_1", "run_1")
    assert answering(body).runs.adopt("thread_2", "run_1").status == "queued"


def test_a_server_that_shows_the_messages_of_all_runs_is_not_believed() -> None:
    said = [("user", "run_1"), ("assistant", "run_0"), ("assistant", "run_1"), ("assistant", None)]
    messages = [
        {"id": f"msg_{number}", "role": role, "run_id": run_id, "content": f"Message {number}."}
        for number, (role, run_id) in enumerate(said)
    ]
    body = {"id": "run_1", "status": "completed", "object": "list", "data": messages, "has_more": False}
    assert answering(body).runs.observe("thread_1", "run_1").output_text == "Message 2."


def test_a_store_that_the_user_named_is_not_taken_for_the_runs_own() -> None:
    """It would be deleted with the run."""
    there = {"tool_resources": {"file_search": {"vector_store_ids": ["vs_users", "vs_own"]}}}
    server = answering(there | {"id": "thread_1", "object": "list", "data": [], "has_more": False})
    plan = wanted_run(thread=reading("file-1"), tools=[searching("vs_users")]).plan()
    assert server.vector_stores.make(plan, "thread_1", "token") == "vs_own"


# --- assistants


def test_an_assistant_is_created_changed_in_place_and_deleted(world: World) -> None:
    def shown(answer: dict[str, Any]) -> dict[str, Any]:
        assert answer["PhysicalResourceId"] == created["PhysicalResourceId"]
        return at_server(world, f"/assistants/{attributes(answer)['id']}")

    store_id, file_id = store(world), world.openai.add_file()
    tools = [searching(store_id), {"type": "code_interpreter", "file_ids": [file_id]}, FUNCTION]
    texts = {"name": "Reader", "description": "Reads.", "instructions": "Read."}
    settings = texts | {"temperature": 0.5, "top_p": 0.9, "metadata": PAIRS, "tools": tools}
    created = world.create({"model": MODEL} | settings, **ASSISTANT)
    there = shown(created)
    nested = [{"type": "file_search"}, {"type": "code_interpreter"}, FUNCTION]
    assert {name: there[name] for name in settings} == settings | {"tools": nested}
    assert there["tool_resources"] == {
        "file_search": {"vector_store_ids": [store_id]},
        "code_interpreter": {"file_ids": [file_id]},
    }
    as_text = {"model": MODEL, "response_format": {"type": "text"}}
    updated = world.update(there["id"], as_text, **ASSISTANT)
    there = shown(updated)
    assert [created["Data"]["version"], updated["Data"]["version"]] == ["1", "2"]
    assert (there["name"], there["instructions"], there["tools"], there["metadata"]) == (None, None, [], {})
    assert there["response_format"] == {"type": "text"}
    assert not any(ids for part in there["tool_resources"].values() for ids in part.values())
    assert shown(world.update(there["id"], {"model": MODEL}, **ASSISTANT))["response_format"] == "auto"
    world.delete(there["id"], **ASSISTANT)
    assert alive(world)["assistants"] == 0


def test_a_changed_assistant_is_told_that_it_has_no_files_any_more() -> None:
    """What is left out stays as it was."""
    wanted = DesiredAssistant.model_validate({"model": MODEL})
    assert changed_assistant_fields(wanted)["tool_resources"] == {
        "file_search": {"vector_store_ids": []},
        "code_interpreter": {"file_ids": []},
    }


CREATION = pytest.mark.parametrize("path", [r"/v1/assistants", r"/v1/assistants/asst_\w+"])
"""Creating takes two calls."""


@pytest.mark.parametrize("kind", ["lost_reply", "garbage"])
@CREATION
def test_an_assistant_whose_reply_was_lost_is_found_again(world: World, path: str, kind: str) -> None:
    world.openai.fault(Fault("POST", path, kind))
    assistant_id = assistant(world, metadata=PAIRS)
    assert at_server(world, f"/assistants/{assistant_id}")["metadata"] == PAIRS
    assert alive(world)["assistants"] == 1


def test_a_delete_finds_the_assistant_of_a_create_without_reply(world: World) -> None:
    """The stack is deleted while it is being made."""
    assistant(world, "Other")
    world.openai.fault(Fault("POST", "/v1/assistants", "lost_reply"))
    world.deliver(world.event("Create", {"model": MODEL}, **ASSISTANT))
    assert alive(world)["assistants"] == 2
    assert world.delete("example-Assistant-1ABCDEF", **ASSISTANT)["Status"] == "SUCCESS"
    assert alive(world)["assistants"] == 1


def test_a_delete_in_an_outage_waits_to_find_an_assistant_whose_reply_was_lost(world: World) -> None:
    world.openai.fault(Fault("POST", "/v1/assistants", "lost_reply"))
    outage = {"status": 503, "times": None, "after": 1, "ends_at": world.clock() + 700}
    world.openai.fault(Fault("GET", "/v1/assistants", "status", **outage))
    made = world.create({"model": MODEL}, **ASSISTANT)
    assert "the assistant was not ready in time: cannot list the assistants" in failure(made)
    assert world.delete(made["PhysicalResourceId"], **ASSISTANT)["Status"] == "SUCCESS"
    assert alive(world)["assistants"] == 0


@pytest.mark.parametrize("status", [403, 500])
def test_a_lost_assistant_that_cannot_be_looked_for_holds_no_delete_up(world: World, status: int) -> None:
    world.openai.fault(Fault("POST", "/v1/assistants", "status", 400, message="No."))
    made = world.create({"model": MODEL}, **ASSISTANT)
    assert "No." in failure(made)
    world.openai.fault(Fault("GET", "/v1/assistants", "status", status=status, times=None))
    assert world.delete(made["PhysicalResourceId"], **ASSISTANT)["Status"] == "SUCCESS"


@CREATION
def test_of_a_refused_assistant_nothing_is_left_after_its_delete(world: World, path: str) -> None:
    world.openai.fault(Fault("POST", path, "status", 400, message="No."))
    answer = world.create({"model": MODEL}, **ASSISTANT)
    assert "No." in failure(answer)
    world.delete(answer["PhysicalResourceId"], **ASSISTANT)
    assert alive(world)["assistants"] == 0


def test_an_assistant_with_equal_settings_is_another_one(world: World) -> None:
    """Two resources may want the same: deleting one must not delete the other's."""
    assistants, wanted = world.app.backend.assistants, DesiredAssistant(model=MODEL, name="Twin")
    first = assistants.put(None, wanted, "request-1")
    world.openai.fault(Fault("POST", r"/v1/assistants", "lost_reply"))
    with pytest.raises(LostReply):
        assistants.put(None, wanted, "request-2")
    assert assistants.put(None, wanted, "request-2").assistant_id != first.assistant_id
    assert alive(world)["assistants"] == 2


def test_an_assistant_of_a_reasoning_model_is_changed_without_temperature(world: World) -> None:
    """Such models refuse the parameter, its default included."""
    assert assistant(world, model="gpt-5.5")


def test_an_assistant_is_found_with_its_tools_as_they_are_written_here(world: World) -> None:
    file_id = world.openai.add_file()
    search, code = {"type": "file_search"}, {"type": "code_interpreter", "file_ids": [file_id]}
    tools = [search | {"vector_store_ids": [store(world)]}, code, FUNCTION]
    settings = {"name": "A", "instructions": "B", "tools": tools, "metadata": {"a": "b"}}
    assistant_id = assistant(world, **settings)
    found = world.app.backend.assistants.find(assistant_id)
    wanted = {"model": MODEL, "temperature": 1.0, "top_p": 1.0} | settings
    assert found.settings == DesiredAssistant.model_validate(wanted)
    assert found.version is None
    data = attributes(run(world, assistant_id))
    assert json.loads(data["file_ids"]) == [file_id], "the run has the assistant's files"


def test_settings_that_only_the_server_knows_do_not_stand_in_the_way() -> None:
    """An assistant made elsewhere may have tools and formats that this package has no words for."""
    body = {"id": "asst_1", "object": "assistant", "created_at": 5, "model": "m"}
    body |= {"tools": [{"type": "browser"}, {"type": "file_search"}]}
    body |= {"response_format": {"type": "grammar", "syntax": "lark"}}
    found = answering(body).assistants.find("asst_1").settings
    assert [tool.type for tool in found.tools or ()] == ["file_search"]
    assert found.response_format is None
    with pytest.raises(TerminalError, match="cannot use assistant asst_1: its temperature cannot be read"):
        answering(body | {"temperature": 7}).assistants.find("asst_1")


def test_an_assistant_with_two_stores_is_refused_clearly(world: World) -> None:
    answer = world.create({"model": MODEL, "tools": [searching("vs_1", "vs_2")]}, **ASSISTANT)
    assert "an assistant has at most one on this API, not vs_1, vs_2" in failure(answer)
    assert alive(world)["assistants"] == 0


# --- threads


def test_a_thread_with_45_messages_has_each_once_and_in_order(world: World) -> None:
    """Lost replies in between must not double one."""
    world.openai.fault(Fault("POST", r"/v1/threads/thread_\w+/messages", "lost_reply", after=20, times=2))
    thread_id = attributes(world.create({"messages": MESSAGES, "metadata": {"a": "b"}}, **THREAD))["id"]
    assert messages_of(world, thread_id) == [(each["content"], each["metadata"]) for each in MESSAGES]
    assert world.app.backend.threads.count_messages(thread_id) == 45


def test_a_shared_threads_files_are_there_for_both_tools_and_go_with_it(world: World) -> None:
    """Which runs will use the thread is not known; the store that the server makes belongs to it, and to no run."""
    thread_id = attributes(world.create(reading(world.openai.add_file()), **THREAD))["id"]
    (sent,) = world.posted("/messages")
    assert sent["attachments"][0]["tools"] == [{"type": "file_search"}, {"type": "code_interpreter"}]
    answer = run_on(world, thread_id, assistant(world), tools=[SEARCH])
    attributes(answer)
    world.delete(answer["PhysicalResourceId"])
    assert left_at_openai(world)["vector_stores"] == 1
    world.delete(thread_id, **THREAD)
    assert left_at_openai(world) == NOTHING


def test_messages_wait_for_a_run_that_holds_the_thread(world: World) -> None:
    threads, thread_id = world.app.backend.threads, bare_thread(world)
    world.app.backend.runs.start(plan_on(thread_id, assistant(world)), thread_id)
    one, two = (Message(role="user", content=text) for text in ("One.", "Two."))
    with pytest.raises(ThreadBusy):
        threads.add_messages(thread_id, [one])
    world.clock.advance(12)
    assert threads.add_messages(thread_id, [one, two]) == 1
    assert threads.count_messages(thread_id) == 1, "answers are not counted"
