"""Runs on threads go as they went at OpenAI (Assistants v2), on a clock moved by hand."""

import functools
import json
from typing import Any, cast

import openai
import pytest
from openai import OpenAI
from openai.types.beta.threads import Message, Run
from openai.types.beta.threads.runs import RunStep

from local.openai_standin import Fault, OpenAIStandIn, Script
from tests.standin.support import CLOSED, DAY_S, HELLO, NESTED, PLAIN, START, Clock, attachment, call, refusal, valid

# The SDK says of each call that this API is closed; that is why the stand-in serves it.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def stand_in(clock: Clock) -> OpenAIStandIn:
    return OpenAIStandIn(
        api="assistants", now=clock, sleep=clock.sleep, duration_s=10, queued_s=2, cancel_delay_s=1, indexing_s=5
    )


def start(client: OpenAI, *, assistant: dict[str, Any] | None = None, **changes: Any) -> Run:
    """Create an assistant, a thread with one message, and a run."""
    assistant_id = client.beta.assistants.create(**{"model": PLAIN, **(assistant or {})}).id
    request = {"assistant_id": assistant_id, "thread": {"messages": [HELLO]}, **changes}
    return cast(Run, client.beta.threads.create_and_run(**request))


def now(client: OpenAI, run: Run) -> Run:
    """Read a run again, strictly."""
    return cast(Run, valid(Run, client.beta.threads.runs.with_raw_response.retrieve(run.id, thread_id=run.thread_id)))


def texts(client: OpenAI, run: Run, **paging: Any) -> list[str]:
    found = messages(client, run, **paging)
    return [part.text.value for message in found for part in message.content if part.type == "text"]


def ended(client: OpenAI, clock: Clock, **changes: Any) -> Run:
    run = start(client, **changes)
    clock.time += 12
    return now(client, run)


def messages(client: OpenAI, run: Run, **paging: Any) -> list[Message]:
    return list(client.beta.threads.messages.list(run.thread_id, order="asc", **paging))


def steps(client: OpenAI, run: Run) -> list[Any]:
    reply = client.beta.threads.runs.steps.with_raw_response.list(run.id, thread_id=run.thread_id, order="asc")
    return [RunStep.model_validate(each) for each in reply.http_response.json()["data"]]


def test_run_follows_the_clock_and_answers_on_its_thread(client: OpenAI, clock: Clock) -> None:
    """Queued, in progress, completed: each at its time, and the answer is a message of the run."""
    run, seen = start(client, metadata={"a": "b"}), []
    for elapsed in (0, 2, 12):
        clock.time = START + elapsed
        run = now(client, run)
        seen.append((run.status, run.started_at, run.completed_at, run.usage is not None))
    began = int(START) + 2
    assert seen[:2] == [("queued", None, None, False), ("in_progress", began, None, False)]
    assert seen[2] == ("completed", began, int(START) + 12, True)
    assert (run.created_at, run.metadata, run.expires_at) == (int(START), {"a": "b"}, None)
    assert run.usage is not None
    assert run.usage.to_dict() == {"prompt_tokens": 2, "completion_tokens": 8, "total_tokens": 10}
    (message,) = messages(client, run, run_id=run.id)
    Message.model_validate_json(message.model_dump_json())
    assert (message.role, message.run_id, message.assistant_id) == ("assistant", run.id, run.assistant_id)
    assert texts(client, run) == ["Say hello", 'This is the stand-in\'s answer to: "Say hello"']


def test_run_takes_over_what_its_assistant_says_and_may_override_it(client: OpenAI, clock: Clock) -> None:
    """What arrived is echoed, so a wrong precedence shows; a format is nested here: `json_schema.schema`."""
    settings = {"instructions": "Be brief.", "tools": [NESTED], "temperature": 0.5, "top_p": 0.9}
    plain = start(client, assistant=settings)
    assert (plain.instructions, plain.temperature, plain.top_p) == ("Be brief.", 0.5, 0.9)
    assert ([each.type for each in plain.tools], plain.tool_choice) == (["function"], "auto")
    assert plain.expires_at == int(START) + 600
    echoed = {"max_completion_tokens": 256, "max_prompt_tokens": 300, "parallel_tool_calls": False, "temperature": 0}
    echoed |= {"instructions": "Be long.", "tools": [NESTED, {"type": "code_interpreter"}]}
    echoed |= {"tool_choice": {"type": "function", "function": {"name": "look"}}}
    echoed |= {"truncation_strategy": {"type": "last_messages", "last_messages": 3}}
    run = start(client, assistant=settings, **echoed).to_dict()
    assert {name: run[name] for name in echoed} == echoed
    assert run["top_p"] == 0.9
    wanted = {"type": "json_schema", "json_schema": {"name": "a", "schema": CLOSED, "strict": True}}
    answered = ended(client, clock, response_format=wanted)
    assert json.loads(texts(client, answered, run_id=answered.id)[0]) == {"a": "stand-in"}


def test_run_on_a_thread_reads_all_of_it(client: OpenAI, clock: Clock, stand_in: OpenAIStandIn) -> None:
    """A second run sees the first answer; scripts match on what no run has answered yet."""
    stand_in.script(Script(output_text="one", match="first"), Script(output_text="two", match="second"))
    first = start(client, thread={"messages": [{"role": "user", "content": "first"}]})
    clock.time += 12
    second = client.beta.threads.runs.create(
        first.thread_id,
        assistant_id=first.assistant_id,
        additional_instructions="Now.",
        additional_messages=[{"role": "user", "content": "second question"}],
    )
    clock.time += 12
    assert texts(client, first) == ["first", "one", "second question", "two"]
    assert texts(client, first, run_id=second.id) == ["two"]
    assert now(client, second).usage.prompt_tokens == len(["first", "one", "second", "question", "Now."])  # type: ignore[union-attr]
    listed = client.beta.threads.runs.list(first.thread_id)
    assert [each.id for each in listed] == [second.id, first.id]
    assert client.beta.threads.runs.update(first.id, thread_id=first.thread_id, metadata={"x": "y"}).metadata == {
        "x": "y"
    }


def test_active_run_holds_its_thread(client: OpenAI, clock: Clock, stand_in: OpenAIStandIn) -> None:
    """The lock refuses a repeated create with 400 and no code: only the message tells."""
    run = start(client)

    def again() -> Any:
        return client.beta.threads.runs.create(run.thread_id, assistant_id=run.assistant_id)

    assert refusal(again).message.endswith(f"Thread {run.thread_id} already has an active run {run.id}.")
    assert refusal(again).code is None
    error = refusal(lambda: client.beta.threads.messages.create(run.thread_id, role="user", content="x"))
    assert error.message.endswith(f"Can't add messages to {run.thread_id} while a run {run.id} is active.")
    assert stand_in.counters()["runs_in_flight"] == 1
    clock.time += 12
    assert again().status == "queued"
    assert stand_in.counters()["runs_started"] == 2


def test_lost_reply_is_found_by_listing_the_runs(client: OpenAI, stand_in: OpenAIStandIn) -> None:
    """Unlike responses, runs can be listed; a thread that nobody knows the id of can not."""
    assistant = client.beta.assistants.create(model=PLAIN)
    thread = client.beta.threads.create(messages=[HELLO])
    stand_in.fault(Fault("POST", "/v1/threads/.*/runs", "lost_reply"), Fault("POST", "/v1/threads/runs", "lost_reply"))
    with pytest.raises(openai.APIConnectionError):
        client.beta.threads.runs.create(thread.id, assistant_id=assistant.id)
    with pytest.raises(openai.APIConnectionError):
        client.beta.threads.create_and_run(assistant_id=assistant.id)
    assert len(client.beta.threads.runs.list(thread.id).data) == 1
    assert (stand_in.counters()["threads"], stand_in.counters()["runs_started"]) == (2, 2)


def test_deleting_a_thread_hides_its_run_but_does_not_stop_it(
    client: OpenAI, clock: Clock, stand_in: OpenAIStandIn
) -> None:
    """Runs can't be deleted, and a thread's end is no cancel: cancel first."""
    run = start(client)
    client.beta.threads.delete(run.thread_id)
    refusal(lambda: now(client, run), openai.NotFoundError)
    counters = stand_in.counters()
    assert (counters["threads"], counters["runs_in_flight"]) == (0, 1)
    clock.time += 12
    assert stand_in.counters()["runs_in_flight"] == 0


def submit(client: OpenAI, run: Run, **outputs: str) -> Run:
    answers: Any = [{"tool_call_id": name, "output": output} for name, output in outputs.items()]
    return client.beta.threads.runs.submit_tool_outputs(run.id, thread_id=run.thread_id, tool_outputs=answers)


def test_function_calls_wait_for_all_their_outputs(client: OpenAI, clock: Clock, stand_in: OpenAIStandIn) -> None:
    """Two rounds of one run; every pending call must be answered at once, or the run stays where it is."""
    stand_in.script(
        Script(output=[call("call_1", at="a"), call("call_2")], usage=(10, 4)),
        Script(output=[call("call_3")], match="seen a", usage=(20, 5)),
        Script(output_text="All seen.", match="seen c", usage=(30, 2)),
    )
    run = ended(client, clock, assistant={"tools": [NESTED]})
    assert (run.status, run.usage) == ("requires_action", None)
    assert run.required_action is not None
    calls = [(each.id, each.function.arguments) for each in run.required_action.submit_tool_outputs.tool_calls]
    assert calls == [("call_1", '{"at": "a"}'), ("call_2", "{}")]
    assert [each.status for each in steps(client, run)] == ["in_progress"], "a step of calls waits with its run"
    error = refusal(lambda: submit(client, run, call_1="seen a"))
    assert error.message.endswith("Expected tool outputs for call_ids ['call_1', 'call_2'], got ['call_1']")
    refusal(lambda: submit(client, run, call_1="", call_2="", call_3=""))
    assert submit(client, run, call_2="seen b", call_1="seen a").status == "queued"
    clock.time += 12
    assert now(client, run).status == "requires_action"
    submit(client, run, call_3="seen c")
    clock.time += 12
    run = now(client, run)
    assert (run.status, run.required_action, texts(client, run, run_id=run.id)) == ("completed", None, ["All seen."])
    assert run.usage is not None
    assert (run.usage.prompt_tokens, run.usage.completion_tokens) == (60, 11)
    done = steps(client, run)
    assert [(each.type, each.status) for each in done] == [
        *[("tool_calls", "completed")] * 2,
        ("message_creation", "completed"),
    ]
    assert done[0].step_details.tool_calls[0].function.output == "seen a"
    error = refusal(lambda: submit(client, run, call_3="again"))
    assert error.message.endswith('Runs in status "completed" do not accept tool outputs.')
    assert stand_in.counters()["runs_started"] == 1


def test_run_whose_calls_are_not_answered_expires(client: OpenAI, clock: Clock, stand_in: OpenAIStandIn) -> None:
    """Ten minutes after its creation a run is over, whoever it waits for; its thread is free again."""
    stand_in.script(Script(output=[call("call_1")], usage=(10, 4)))
    run = start(client, assistant={"tools": [NESTED]})
    clock.time += 599
    assert now(client, run).status == "requires_action"
    clock.time += 1
    run = now(client, run)
    assert (run.status, run.required_action, run.last_error) == ("expired", None, None)
    refusal(lambda: submit(client, run, call_1="late"))
    assert [each.status for each in steps(client, run)] == ["expired"]
    client.beta.threads.messages.create(run.thread_id, role="user", content="x")


def test_cancel_takes_a_moment_and_works_once(client: OpenAI, clock: Clock, stand_in: OpenAIStandIn) -> None:
    """A second cancel is refused, the thread stays held until the end, and no output is waited for."""
    stand_in.script(Script(), Script(output=[call("call_1")]))
    run = start(client)
    clock.time += 3

    def cancel() -> Run:
        return client.beta.threads.runs.cancel(run.id, thread_id=run.thread_id)

    assert cancel().status == "cancelling"
    assert refusal(cancel).message.endswith("Cannot cancel run with status 'cancelling'.")
    refusal(lambda: client.beta.threads.messages.create(run.thread_id, role="user", content="x"))
    clock.time += 1
    cancelled = now(client, run)
    assert (cancelled.status, cancelled.cancelled_at) == ("cancelled", int(START + 4))
    assert refusal(cancel).message.endswith("Cannot cancel run with status 'cancelled'.")
    assert texts(client, run) == ["Say hello"]
    run = ended(client, clock, assistant={"tools": [NESTED]})
    cancel()
    clock.time += 1
    assert (now(client, run).status, stand_in.counters()["runs_in_flight"]) == ("cancelled", 0)


def test_cancel_that_comes_too_late_changes_nothing(client: OpenAI, clock: Clock) -> None:
    """A run may complete while it is cancelling: believe only what a later look says."""
    run = start(client)
    clock.time += 11.5
    assert client.beta.threads.runs.cancel(run.id, thread_id=run.thread_id).status == "cancelling"
    clock.time += 1
    assert (now(client, run).status, len(texts(client, run))) == ("completed", 2)


def test_run_waits_for_the_vector_store_of_its_thread(client: OpenAI, clock: Clock, stand_in: OpenAIStandIn) -> None:
    """Files attached a moment ago are searched, but a run waits no longer than a minute for them."""
    stand_in.add_file(id="file-1")
    stand_in.add_file(id="file-2", indexing_s=300)
    search = {"tools": [{"type": "file_search"}]}
    starts = []
    for file_id in ("file-1", "file-2"):
        message = {**HELLO, "attachments": [attachment(file_id, "file_search")]}
        run = start(client, assistant=search, thread={"messages": [message]})
        clock.time += 400
        starts.append((now(client, run).started_at or 0) - run.created_at)
    assert starts == [5, 62]


def test_run_over_an_expired_vector_store_fails(client: OpenAI, clock: Clock, stand_in: OpenAIStandIn) -> None:
    """A thread that rested for a week has lost its files; the run says so."""
    stand_in.add_file(id="file-1")
    message = {**HELLO, "attachments": [attachment("file-1", "file_search")]}
    run = start(client, assistant={"tools": [{"type": "file_search"}]}, thread={"messages": [message]})
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
    wrong = functools.partial(client.beta.threads.runs.retrieve, run.id, thread_id=other.thread_id)
    refusal(wrong, openai.NotFoundError)


def test_failed_or_incomplete_run_says_why(client: OpenAI, clock: Clock, stand_in: OpenAIStandIn) -> None:
    """Both are HTTP 200. The reason has another name than on the Responses wire; what was said is on the thread."""
    half = Script(incomplete_reason="max_output_tokens", output_text="half a")
    stand_in.script(Script(error=("rate_limit_exceeded", "too much"), duration_s=1, queued_s=0), half)
    run = ended(client, clock)
    assert (run.status, run.failed_at, run.completed_at) == ("failed", int(START + 1), None)
    assert run.last_error is not None
    assert (run.last_error.code, run.last_error.message) == ("rate_limit_exceeded", "too much")
    assert texts(client, run) == ["Say hello"]
    run = ended(client, clock)
    assert run.incomplete_details is not None
    assert (run.status, run.incomplete_details.reason) == ("incomplete", "max_completion_tokens")
    (message,) = messages(client, run, run_id=run.id)
    Message.model_validate_json(message.model_dump_json())
    assert (message.status, run.completed_at) == ("incomplete", None)
