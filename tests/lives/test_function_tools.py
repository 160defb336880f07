"""Function tools with a handler, on both wires: the run's calls are answered by Lambda functions of the user."""

import json
import random
import string
from collections import Counter
from typing import Any

import pytest

from local.openai_standin import Fault, Script
from testkit.in_process.tool_functions import ARN, submitted_outputs
from testkit.in_process.world import World
from testkit.memory.refusals import Refusal
from tests.support.runs import ASSISTANT, NOTHING, WIRES, attributes, delete_all, failure, left_at_openai
from tests.support.runs import THREAD as SHARED

pytestmark = pytest.mark.parametrize("wire", WIRES, indirect=True)
THROTTLED = Refusal("TooManyRequestsException", status=429)
THREAD = {"messages": [{"role": "user", "content": "May it go?"}]}


def call(name: str, call_id: str, /, **arguments: Any) -> dict[str, Any]:
    return {"type": "function_call", "name": name, "call_id": call_id, "arguments": arguments}


def tool(name: str, handler_arn: str | None = None) -> dict[str, Any]:
    handler = {"handler_arn": handler_arn} if handler_arn else {}
    return {"type": "function", "function": {"name": name, **handler}}


@pytest.fixture
def add_up(world: World) -> str:
    return world.tools.add("tool-add-up", lambda event: sum(event["arguments"]["numbers"]))


def run_with(assistant_id: str, *tools: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"assistant_id": assistant_id, "thread": THREAD, "tools": [*tools], **more}


def outputs_seen(world: World) -> dict[str, str]:
    """What the model got, by call id; a call answered twice fails."""
    found = submitted_outputs(world.openai.requests)
    assert len(found) == len(dict(found)), f"answered twice: {Counter(name for name, _ in found)}"
    return dict(found)


def test_three_rounds_two_tools_five_calls_at_once_one_of_which_is_throttled_and_then_fails_once(
    world: World, assistant_id: str, add_up: str
) -> None:
    """Lambda refuses it ten times, which is more than the state machine repeats a task for."""
    failures = [RuntimeError("not yet"), *[THROTTLED] * 10]

    def look_up(event: dict[str, Any]) -> str:
        if event["call_id"] == "call_3" and failures:
            raise failures.pop()
        return f"found {event['arguments']['name']}"

    tools = [tool("add_up", add_up), tool("look_up", world.tools.add("tool-look-up", look_up))]
    five = [call("look_up", f"call_{number}", name=f"n{number}") for number in range(1, 6)]
    world.openai.script(
        Script(output=[call("add_up", "call_0", numbers=[1])], usage=(10, 1)),
        Script(output=five, usage=(20, 2)),
        Script(output=[call("add_up", "call_6", numbers=[2, 3]), call("look_up", "call_7", name="n7")], usage=(30, 3)),
        Script(output_text="Done.", usage=(40, 4)),
    )
    answer = world.create(run_with(assistant_id, *tools))
    data = attributes(answer)
    assert (data["status"], data["output_text"], data["required_action"]) == ("completed", "Done.", "")
    ids = {"thread_id": data["thread_id"], "run_id": data["id"]}
    assert answer["PhysicalResourceId"] == ":".join(ids.values())
    called = {"name": "add_up", "arguments": {"numbers": [1]}, "call_id": "call_0"}
    assert world.tools.events[0] == called | ids
    wanted = {f"call_{number}": f"found n{number}" for number in (1, 2, 3, 4, 5, 7)} | {"call_0": "1", "call_6": "5"}
    assert outputs_seen(world) == wanted
    times = Counter(event["call_id"] for event in world.tools.events)
    assert times == dict.fromkeys(wanted, 1) | {"call_3": 12}
    tokens = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
    assert json.loads(data["usage"]) == tokens | {"cached_tokens": 0, "reasoning_tokens": 0}
    delete_all(world, answer)


def test_neither_arguments_nor_outputs_are_in_a_history_or_stay_in_the_record(world: World, assistant_id: str) -> None:
    handler = world.tools.add("tool-tell", lambda event: "private output")
    world.openai.script(Script(output=[call("tell", "call_1", about="private argument")]), Script(output_text="Done."))
    attributes(world.create(run_with(assistant_id, tool("tell", handler))))
    assert "private" not in world.states.histories()
    assert "call_1" in world.states.histories(), "it would be there"
    records = [world.records.load(key) for key in world.items() if key.startswith("RESOURCE#")]
    assert all("private" not in record.model_dump_json() for record in records if record)


RESULTS: list[tuple[Any, str]] = [
    ("as it is", "as it is"),
    ({"a": ["ü", 1]}, '{"a": ["ü", 1]}'),
    (None, "null"),
    (True, "true"),
    ("", ""),
]


def test_a_string_is_handed_in_as_it_is_and_anything_else_as_json(world: World, assistant_id: str) -> None:
    handler = world.tools.add("tool-say", lambda event: RESULTS[event["arguments"]["number"]][0])
    world.openai.script(Script(output=[call("say", f"call_{number}", number=number) for number in range(len(RESULTS))]))
    attributes(world.create(run_with(assistant_id, tool("say", handler))))
    assert outputs_seen(world) == {f"call_{number}": output for number, (_, output) in enumerate(RESULTS)}


def always(error: Exception) -> Any:
    def function(event: dict[str, Any]) -> Any:
        raise error

    return function


FAILURES = {
    "breaks": (always(LookupError("no such order")), 3, "LookupError", "no such order"),
    "tells_no_json": (lambda event: b"<html>", 3, "NoJSON", "The result is not valid JSON."),
    "nests": (lambda event: b"[" * 200_000 + b"]" * 200_000, 3, "NoJSON", "The result is not valid JSON."),
    "is_not_there": (
        always(Refusal("ResourceNotFoundException", status=404)),
        1,
        "ResourceNotFoundException",
        "invoked",
    ),
    "is_forbidden": (always(Refusal("AccessDeniedException", status=403)), 1, "AccessDeniedException", "invoked"),
    "tells_too_much": (lambda event: "".join(map(chr, range(32, 50_000))) * 60, 1, "OutputTooLarge", "bytes"),
}


def test_a_handler_that_fails_three_times_is_reported_to_the_model(world: World, assistant_id: str) -> None:
    tools = [tool(name, world.tools.add(f"tool-{name}", function)) for name, (function, *_) in FAILURES.items()]
    world.openai.script(Script(output=[call(name, name) for name in FAILURES]), Script(output_text="There is none."))
    answer = world.create(run_with(assistant_id, *tools))
    assert attributes(answer)["output_text"] == "There is none."
    outputs = outputs_seen(world)
    for name, (_, times, kind, message) in FAILURES.items():
        error = json.loads(outputs[name])["error"]
        assert (error["type"], message in error["message"]) == (kind, True)
        assert len(world.tools.calls(name)) == times


def test_arguments_that_are_not_a_json_object_are_reported_to_the_model(
    world: World, assistant_id: str, add_up: str
) -> None:
    broken = {"type": "function_call", "name": "add_up", "call_id": "call_1", "arguments": '{"numbers": [1'}
    world.openai.script(
        Script(output=[broken]), Script(output=[call("add_up", "call_2", numbers=[4])]), Script(output_text="4")
    )
    answer = world.create(run_with(assistant_id, tool("add_up", add_up), on_tool_error="fail"))
    assert attributes(answer)["output_text"] == "4"
    assert json.loads(outputs_seen(world)["call_1"])["error"]["type"] == "InvalidArguments"


def test_a_handler_that_the_application_may_not_invoke_is_refused_at_once(world: World, assistant_id: str) -> None:
    before = len(world.openai.requests)
    stranger = ARN.format("other")
    reason = failure(world.create(run_with(assistant_id, tool("order", stranger), temperature=3)))
    assert (
        f"tools[0].function.handler_arn: this application may not invoke {stranger}: "
        f"deploy it with ToolFunctionArns={ARN.format('tool-*')},{stranger}"
    ) in reason
    assert "temperature: must be at most 2" in reason, "all problems at once"
    assert len(world.openai.requests) == before


def test_an_assistant_can_bring_the_handlers(world: World, add_up: str) -> None:
    tools = {"model": "gpt-5.4-mini", "tools": [tool("add_up", add_up)]}
    made = world.create(tools, **ASSISTANT)
    if world.wire == "assistants":
        assert "handler_arn: an assistant cannot have handlers on this API" in made["Reason"]
        return
    world.openai.script(Script(output=[call("add_up", "call_1", numbers=[1, 2])]), Script(output_text="3"))
    answer = world.create({"assistant_id": made["PhysicalResourceId"], "thread": THREAD})
    assert (attributes(answer)["output_text"], outputs_seen(world)) == ("3", {"call_1": "3"})


# On a thread that others use


@pytest.fixture
def shared(world: World) -> str:
    made = world.create(THREAD, **SHARED)
    return str(made["PhysicalResourceId"])


def on(thread_id: str, assistant_id: str, *tools: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"assistant_id": assistant_id, "existing_thread_id": thread_id, "tools": [*tools], **more}


ENDINGS: dict[str, tuple[Any, dict[str, Any], str]] = {
    "the handler's failure": (
        always(LookupError("secret text")),
        {"on_tool_error": "fail"},
        "the handler of function order failed (LookupError): see its log group",
    ),
    "the last round": (
        lambda event: "output",
        {"max_tool_rounds": 2},
        "called functions in more than 2 rounds (max_tool_rounds)",
    ),
    "the deadline": (always(THROTTLED), {"timeout_seconds": 60}, "did not end within 60 s"),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_no_call_of_a_run_that_fails_is_left_unanswered_on_a_thread_that_others_use(
    world: World, assistant_id: str, shared: str, ending: str
) -> None:
    """Whatever ends the run: another one can use the thread at once, before the stack has deleted this one."""
    function, more, reason = ENDINGS[ending]
    handler = tool("order", world.tools.add("tool-order", function))
    answered = more.get("max_tool_rounds", 0)
    world.openai.script(*(Script(output=[call("order", f"call_{number}")]) for number in range(answered + 1)))
    answer = world.create(on(shared, assistant_id, handler, **more))
    assert reason in failure(answer)
    assert "secret text" not in answer["Reason"]
    assert len({event["call_id"] for event in world.tools.events}) == (answered or 1)
    attributes(world.create(on(shared, assistant_id), logical_id="Next"))
    assert world.delete(answer["PhysicalResourceId"])["Status"] == "SUCCESS"


def test_without_a_handler_the_call_is_an_attribute_until_its_run_is_deleted(
    world: World, assistant_id: str, shared: str, add_up: str
) -> None:
    """Nor is the one that has a handler called: the model wants all outputs of a round together."""
    world.openai.script(Script(output=[call("add_up", "call_1", numbers=[1]), call("sign", "call_2", who="me")]))
    answer = world.create(on(shared, assistant_id, tool("add_up", add_up), tool("sign")))
    data = attributes(answer)
    assert data["status"] == "requires_action"
    assert json.loads(data["required_action"]) == [
        {"call_id": "call_1", "name": "add_up", "arguments": '{"numbers": [1]}'},
        {"call_id": "call_2", "name": "sign", "arguments": '{"who": "me"}'},
    ]
    assert world.tools.events == []
    [item] = world.public_items().values()
    assert [each["M"]["name"]["S"] for each in item["required_action"]["L"]] == ["add_up", "sign"]
    assert world.delete(answer["PhysicalResourceId"])["Status"] == "SUCCESS"
    attributes(world.create(on(shared, assistant_id), logical_id="Next"))


NOISE = "".join(random.Random(7).choices(string.ascii_letters, k=700_000))


def test_arguments_that_nobody_answers_may_be_of_any_length(world: World, assistant_id: str) -> None:
    world.openai.script(Script(output=[call("sign", "call_1", who=NOISE)]))
    answer = world.create(run_with(assistant_id, tool("sign")))
    data = attributes(answer)
    assert (data["status"], data["output_truncated"]) == ("requires_action", "true")
    delete_all(world, answer)


def test_arguments_without_room_fail_the_run_and_are_named(world: World, assistant_id: str, add_up: str) -> None:
    world.openai.script(Script(output=[call("add_up", "call_1", numbers=NOISE)]))
    answer = world.create(run_with(assistant_id, tool("add_up", add_up)))
    assert "the model called functions with arguments that are too large" in failure(answer)
    delete_all(world, answer)


def test_no_call_of_an_incomplete_run_is_left_unanswered_on_a_thread_that_others_use(
    world: World, assistant_id: str, shared: str
) -> None:
    handler = tool("order", world.tools.add("tool-order", lambda event: "output"))
    world.openai.script(Script(output=[call("order", "call_1")], status="incomplete"))
    answer = world.create(on(shared, assistant_id, handler))
    is_over = world.wire == "responses"  # On Assistants v2 a run that asks is not.
    assert (answer["Status"] == "FAILED") == is_over, answer
    attributes(world.create(on(shared, assistant_id), logical_id="Next"))


def test_a_run_waits_while_the_functions_of_another_one_on_its_thread_are_called(
    world: World, assistant_id: str, shared: str
) -> None:
    answers: list[dict[str, Any]] = []

    def order(event: dict[str, Any]) -> str:
        if not answers:
            other = world.event("Create", on(shared, assistant_id), logical_id="Other")
            world.deliver(other)
            answers.append(other)
        return "done"

    world.openai.script(Script(output=[call("order", "call_1")]))
    world.deliver(world.event("Create", on(shared, assistant_id, tool("order", world.tools.add("tool-order", order)))))
    world.settle()
    assert [answer["Status"] for answer in world.url.answers[-2:]] == ["SUCCESS", "SUCCESS"], world.url.answers


# What gets lost

STARTS = {"responses": r"/v1/responses", "assistants": r"/v1/threads/[^/]+/runs"}
SUBMISSIONS = {"responses": r"/v1/responses", "assistants": r"/v1/threads/[^/]+/runs/[^/]+/submit_tool_outputs"}


@pytest.mark.parametrize("kind", ["lost_reply", "reset", "garbage", "status", "late_status"])
def test_a_submission_without_a_reply_is_made_once(world: World, assistant_id: str, add_up: str, kind: str) -> None:
    has_responses = world.wire == "responses"  # There the first request of the path is the start.
    refusal = {"status": 408, "code": "Timeout"} if kind == "late_status" else {}
    world.openai.fault(Fault("POST", SUBMISSIONS[world.wire], kind, after=int(has_responses), **refusal))
    world.openai.script(Script(output=[call("add_up", "call_1", numbers=[1, 2])]), Script(output_text="It is 3."))
    answer = world.create(run_with(assistant_id, tool("add_up", add_up)))
    assert attributes(answer)["output_text"] == "It is 3."
    assert len(world.tools.events) == 1
    assert world.openai.counters()["runs_started"] == 1 + has_responses
    assert world.delete(answer["PhysicalResourceId"])["Status"] == "SUCCESS"
    lost = {"responses": 1} if has_responses and kind in ("lost_reply", "garbage", "late_status") else {}
    assert left_at_openai(world) == Counter(lost), "a response whose only reply was lost is known to nobody"


@pytest.mark.parametrize("lost", ["start", "submission"])
def test_a_lost_reply_after_which_functions_are_called_is_no_end(
    world: World, assistant_id: str, add_up: str, lost: str
) -> None:
    path, after = (STARTS[world.wire], 0) if lost == "start" else (SUBMISSIONS[world.wire], world.wire == "responses")
    world.openai.fault(Fault("POST", path, "lost_reply", after=int(after)))
    world.openai.script(
        Script(output=[call("add_up", "call_1", numbers=[1])]),
        Script(output=[call("add_up", "call_2", numbers=[2]), call("add_up", "call_3", numbers=[3])]),
        Script(output_text="All added."),
    )
    answer = world.create(run_with(assistant_id, tool("add_up", add_up)))
    assert attributes(answer)["output_text"] == "All added."
    assert outputs_seen(world) == {"call_1": "1", "call_2": "2", "call_3": "3"}
    assert len(world.tools.events) == 3


CUT = Script(incomplete_reason="max_output_tokens", output_text="It is")


def test_half_an_answer_whose_submission_got_no_reply_is_no_success(
    world: World, assistant_id: str, add_up: str
) -> None:
    world.openai.fault(Fault("POST", SUBMISSIONS[world.wire], "lost_reply", after=int(world.wire == "responses")))
    world.openai.script(Script(output=[call("add_up", "call_1", numbers=[1])]), CUT)
    said = failure(world.create(run_with(assistant_id, tool("add_up", add_up))))
    assert "ended as `incomplete`; only `completed` is accepted: incomplete " in said


def test_half_an_answer_after_calls_is_adopted_as_such(world: World, assistant_id: str, add_up: str) -> None:
    world.openai.script(Script(output=[call("add_up", "call_1", numbers=[1])]), CUT)
    given = run_with(assistant_id, tool("add_up", add_up), deletion_policy="retain", accept_statuses=["incomplete"])
    made = world.create(given)["PhysicalResourceId"]
    adopted = world.create({"import_id": made, "accept_statuses": ["incomplete"]}, logical_id="Adopted")
    assert (attributes(adopted)["status"], attributes(adopted)["output_text"]) == ("incomplete", "It is")


def test_a_run_that_called_functions_can_be_returned_to_and_adopted(
    world: World, assistant_id: str, add_up: str
) -> None:
    world.openai.script(Script(output=[call("add_up", "call_1", numbers=[1])]), Script(output_text="Added."))
    old = run_with(assistant_id, tool("add_up", add_up), deletion_policy="retain")
    made = world.create(old)["PhysicalResourceId"]
    new = world.update(made, {"assistant_id": assistant_id, "thread": THREAD})["PhysicalResourceId"]
    back = world.update(new, old)
    assert (attributes(back)["output_text"], back["PhysicalResourceId"]) == ("Added.", made)
    world.delete(made, old)
    adoption = {"import_id": made}
    adopted = world.create(adoption, logical_id="Adopted")
    assert (attributes(adopted)["output_text"], adopted["PhysicalResourceId"]) == ("Added.", made)
    again = world.update(made, adoption | {"timeout_seconds": "30"}, logical_id="Adopted")
    assert (again["Status"], again["PhysicalResourceId"]) == ("SUCCESS", made), again
    assert len(world.tools.events) == 1


def test_a_delete_while_a_function_is_called_stops_the_run(world: World, assistant_id: str) -> None:
    properties: dict[str, Any] = {}

    def order(event: dict[str, Any]) -> str:
        made_up = "example-Run-1ABCDEF"
        world.deliver(world.event("Delete", properties, physical_id=made_up))
        return "too late"

    world.openai.script(Script(output=[call("order", "call_1")]))
    properties |= run_with(assistant_id, tool("order", world.tools.add("tool-order", order)))
    world.deliver(world.event("Create", properties))
    world.settle()
    assert [answer["Status"] for answer in world.url.answers] == ["SUCCESS"]
    assert outputs_seen(world) == {}
    assert left_at_openai(world) == NOTHING


def test_a_choice_of_a_tool_counts_for_the_first_round_only(world: World, assistant_id: str, add_up: str) -> None:
    """A model that has to call a function in each round would never end."""
    rounds = [Script(output=[call("add_up", "call_0", numbers=[1])]), Script(output_text="Done.")]
    world.openai.script(*rounds)
    data = attributes(world.create(run_with(assistant_id, tool("add_up", add_up), tool_choice="required")))
    assert data["output_text"] == "Done."
    made = [body for body in world.posted("/responses", "/runs") if "tools" in body]
    assert [body.get("tool_choice") for body in made] == ["required", None][: len(made)]
    assert len(made) == {"responses": 2, "assistants": 1}[world.wire], "which has one request for all rounds"
