"""Runs on threads go as they went at OpenAI (Assistants v2), on a clock moved by hand."""

import json
from collections.abc import Callable
from typing import Any

import openai
import pytest
from openai import OpenAI
from openai.types.beta.threads import Message, Run
from openai.types.beta.threads.runs import RunStep

from local.openai_standin import Fault, OpenAIStandIn, Script
from tests.standin.support import CLOSED, HELLO, NESTED, PLAIN, START, Clock, attachment, call, refusal, valid

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
    run = client.beta.threads.create_and_run(**request)
    assert isinstance(run, Run)
    return run


def now(client: OpenAI, run: Run) -> Run:
    """Read a run again, strictly."""
    reply = client.beta.threads.runs.with_raw_response.retrieve(run.id, thread_id=run.thread_id)
    found = valid(Run, reply)
    assert isinstance(found, Run)
    return found


def texts(client: OpenAI, run: Run, **paging: Any) -> list[str]:
    listed = client.beta.threads.messages.list(run.thread_id, order="asc", **paging)
    return [part.text.value for message in listed for part in message.content if part.type == "text"]


def test_run_follows_the_clock_and_answers_on_its_thread(client: OpenAI, clock: Clock) -> None:
    """Queued, in progress, completed: each at its time, and the answer is a message of the run."""
    run = start(client, metadata={"a": "b"})
    seen = []
    for elapsed in (0, 2, 12):
        clock.time = START + elapsed
        run = now(client, run)
        seen.append((run.status, run.started_at, run.completed_at, run.usage is not None))
    began = int(START) + 2
    assert seen[0] == ("queued", None, None, False)
    assert seen[1] == ("in_progress", began, None, False)
    assert seen[2] == ("completed", began, int(START) + 12, True)
    assert (run.created_at, run.metadata, run.expires_at) == (int(START), {"a": "b"}, None)
    assert run.usage is not None
    assert run.usage.to_dict() == {"prompt_tokens": 2, "completion_tokens": 8, "total_tokens": 10}
    (message,) = client.beta.threads.messages.list(run.thread_id, run_id=run.id)
    Message.model_validate_json(message.model_dump_json())
    assert (message.role, message.run_id, message.assistant_id) == ("assistant", run.id, run.assistant_id)
    assert texts(client, run) == ["Say hello", 'This is the stand-in\'s answer to: "Say hello"']


def test_run_takes_over_what_its_assistant_says_and_may_override_it(client: OpenAI) -> None:
    """What arrived is echoed, so a wrong precedence shows."""
    settings = {"instructions": "Be brief.", "tools": [NESTED], "temperature": 0.5, "top_p": 0.9}
    plain = start(client, assistant=settings)
    assert (plain.instructions, plain.temperature, plain.top_p) == ("Be brief.", 0.5, 0.9)
    assert ([each.type for each in plain.tools], plain.tool_choice) == (["function"], "auto")
    assert plain.expires_at == int(START) + 600
    run = start(
        client,
        assistant=settings,
        instructions="Be long.",
        tools=[{"type": "code_interpreter"}],
        temperature=0,
        max_completion_tokens=256,
        max_prompt_tokens=300,
        parallel_tool_calls=False,
        truncation_strategy={"type": "last_messages", "last_messages": 3},
        tool_choice={"type": "code_interpreter"},
    )
    assert (run.instructions, run.temperature, run.top_p) == ("Be long.", 0, 0.9)
    assert [each.type for each in run.tools] == ["code_interpreter"]
    assert (run.max_completion_tokens, run.max_prompt_tokens, run.parallel_tool_calls) == (256, 300, False)


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


def test_structured_answer_fits_its_schema(client: OpenAI, clock: Clock) -> None:
    """The format is nested here: `json_schema.schema`, not flat."""
    wanted = {"type": "json_schema", "json_schema": {"name": "a", "schema": CLOSED, "strict": True}}
    run = start(client, response_format=wanted)
    clock.time += 12
    assert json.loads(texts(client, run, run_id=run.id)[0]) == {"a": "stand-in"}


def test_unknown_assistant_is_not_found(client: OpenAI, stand_in: OpenAIStandIn) -> None:
    """Without one there is no run at all; a deleted one is named in the error."""
    error = refusal(lambda: start(client, assistant_id="asst_gone"), openai.NotFoundError)
    assert error.message.endswith("No assistant found with id 'asst_gone'.")
    thread = client.beta.threads.create()
    path = f"/threads/{thread.id}/runs"
    beta: Any = {"headers": {"OpenAI-Beta": "assistants=v2"}}
    error = refusal(lambda: client.post(path, body={}, cast_to=object, options=beta))
    assert (error.code, error.param) == ("missing_required_parameter", "assistant_id")
    assert stand_in.counters()["runs_started"] == 0


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
    calls: list[Callable[[], object]] = [
        lambda: client.beta.threads.runs.create(thread.id, assistant_id=assistant.id),
        lambda: client.beta.threads.create_and_run(assistant_id=assistant.id),
    ]
    for create in calls:
        with pytest.raises(openai.APIConnectionError):
            create()
    assert len(client.beta.threads.runs.list(thread.id).data) == 1
    assert (stand_in.counters()["threads"], stand_in.counters()["runs_started"]) == (2, 2)


def test_run_of_another_thread_is_not_found(client: OpenAI) -> None:
    """An import of a wrong pair must be refused."""
    run, other = start(client), start(client)
    refusal(
        lambda: client.beta.threads.runs.retrieve(run.id, thread_id=other.thread_id),
        openai.NotFoundError,
    )


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
    reply = client.beta.threads.runs.submit_tool_outputs(run.id, thread_id=run.thread_id, tool_outputs=answers)
    assert isinstance(reply, Run)
    return reply


def test_function_calls_wait_for_all_their_outputs(client: OpenAI, clock: Clock, stand_in: OpenAIStandIn) -> None:
    """Two rounds of one run; every pending call must be answered at once, or the run stays where it is."""
    stand_in.script(
        Script(output=[call("call_1", at="a"), call("call_2")], usage=(10, 4)),
        Script(output=[call("call_3")], match="seen a", usage=(20, 5)),
        Script(output_text="All seen.", match="seen c", usage=(30, 2)),
    )
    run = start(client, assistant={"tools": [NESTED]})
    clock.time += 12
    run = now(client, run)
    assert (run.status, run.usage) == ("requires_action", None)
    assert run.required_action is not None
    calls = run.required_action.submit_tool_outputs.tool_calls
    assert [(each.id, each.function.name, each.function.arguments) for each in calls] == [
        ("call_1", "look", '{"at": "a"}'),
        ("call_2", "look", "{}"),
    ]
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
    error = refusal(lambda: submit(client, run, call_3="again"))
    assert error.message.endswith('Runs in status "completed" do not accept tool outputs.')
    assert stand_in.counters()["runs_started"] == 1


def test_steps_tell_what_a_run_did(client: OpenAI, clock: Clock, stand_in: OpenAIStandIn) -> None:
    """A step of calls waits with its run, and gets their outputs."""
    stand_in.script(Script(output=[call("call_1")]))
    run = start(client, assistant={"tools": [NESTED]})
    clock.time += 12

    def steps() -> list[Any]:
        reply = client.beta.threads.runs.steps.with_raw_response.list(run.id, thread_id=run.thread_id, order="asc")
        raw = reply.http_response.json()["data"]
        return [RunStep.model_validate(each) for each in raw]

    assert [each.status for each in steps()] == ["in_progress"]
    submit(client, run, call_1="seen")
    clock.time += 12
    assert [(each.type, each.status) for each in steps()] == [
        ("tool_calls", "completed"),
        ("message_creation", "completed"),
    ]
    assert steps()[0].step_details.tool_calls[0].function.output == "seen"


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
    (step,) = client.beta.threads.runs.steps.list(run.id, thread_id=run.thread_id)
    assert step.status == "expired"
    client.beta.threads.messages.create(run.thread_id, role="user", content="x")


def test_failed_run_says_why(client: OpenAI, clock: Clock, stand_in: OpenAIStandIn) -> None:
    """A failure is HTTP 200 with a status, and leaves no message."""
    stand_in.script(Script(error=("rate_limit_exceeded", "too much"), duration_s=1, queued_s=0))
    run = start(client)
    clock.time += 1
    run = now(client, run)
    assert (run.status, run.failed_at, run.completed_at) == ("failed", int(START + 1), None)
    assert run.last_error is not None
    assert (run.last_error.code, run.last_error.message) == ("rate_limit_exceeded", "too much")
    assert texts(client, run) == ["Say hello"]


def test_incomplete_run_gives_its_reason(client: OpenAI, clock: Clock, stand_in: OpenAIStandIn) -> None:
    """The reason has another name than on the Responses wire, and what was said is on the thread."""
    stand_in.script(Script(incomplete_reason="max_output_tokens", output_text="half a"))
    run = start(client)
    clock.time += 12
    run = now(client, run)
    assert (run.status, run.completed_at) == ("incomplete", None)
    assert run.incomplete_details is not None
    assert run.incomplete_details.reason == "max_completion_tokens"
    (message,) = client.beta.threads.messages.list(run.thread_id, run_id=run.id)
    Message.model_validate_json(message.model_dump_json())
    assert message.status == "incomplete"


def test_cancel_takes_a_moment_and_works_once(client: OpenAI, clock: Clock) -> None:
    """Cancelling, then cancelled: a second cancel is refused, and the thread stays held until the end."""
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


def test_cancel_that_comes_too_late_changes_nothing(client: OpenAI, clock: Clock) -> None:
    """A run may complete while it is cancelling: believe only what a later look says."""
    run = start(client)
    clock.time += 11.5
    assert client.beta.threads.runs.cancel(run.id, thread_id=run.thread_id).status == "cancelling"
    clock.time += 1
    assert (now(client, run).status, len(texts(client, run))) == ("completed", 2)


def test_run_that_waits_for_functions_can_be_cancelled(client: OpenAI, clock: Clock, stand_in: OpenAIStandIn) -> None:
    """Cleaning up must not wait for outputs that nobody will give."""
    stand_in.script(Script(output=[call("call_1")]))
    run = start(client, assistant={"tools": [NESTED]})
    clock.time += 12
    client.beta.threads.runs.cancel(run.id, thread_id=run.thread_id)
    clock.time += 1
    assert now(client, run).status == "cancelled"
    assert stand_in.counters()["runs_in_flight"] == 0


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
    clock.time += 8 * 86_400
    again = client.beta.threads.runs.create(run.thread_id, assistant_id=run.assistant_id)
    clock.time += 12
    failed = now(client, again)
    assert failed.status == "failed"
    assert failed.last_error is not None
    assert "is expired" in failed.last_error.message
