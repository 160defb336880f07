"""Function tools with a handler, on both wires: the run's calls are answered by Lambda functions of the user."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from local.openai_standin import Fault, Script
from testkit.in_process.tool_functions import ARN, submitted_outputs
from testkit.in_process.world import World
from testkit.memory.refusals import Refusal
from tests.support.runs import ASSISTANT, NOTHING, WIRES, left_at_openai
from tests.support.runs import THREAD as SHARED

pytestmark = pytest.mark.parametrize("wire", WIRES, indirect=True)
THREAD = {"messages": [{"role": "user", "content": "May it go?"}]}


def call(name: str, call_id: str, /, **arguments: Any) -> dict[str, Any]:
    return {"type": "function_call", "name": name, "call_id": call_id, "arguments": arguments}


def calling(*calls: dict[str, Any], **more: Any) -> Script:
    return Script(output=calls, **more)


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


def test_a_call_is_answered_by_its_handler_and_the_run_goes_on(world: World, assistant_id: str, add_up: str) -> None:
    world.openai.script(calling(call("add_up", "call_1", numbers=[1, 2])), Script(output_text="It is 3."))
    properties = run_with(assistant_id, tool("add_up", add_up))
    answer = world.create(properties)
    assert answer["Status"] == "SUCCESS", answer
    assert answer["Data"]["output_text"] == "It is 3."
    thread_id, run_id = answer["PhysicalResourceId"].split(":")
    assert world.tools.events == [
        {
            "name": "add_up",
            "arguments": {"numbers": [1, 2]},
            "call_id": "call_1",
            "thread_id": thread_id,
            "run_id": run_id,
        }
    ]
    assert outputs_seen(world) == {"call_1": "3"}
    assert (answer["Data"]["id"], answer["Data"]["required_action"]) == (run_id, "")
    assert world.delete(answer["PhysicalResourceId"], properties)["Status"] == "SUCCESS"
    assert left_at_openai(world) == NOTHING


def test_three_rounds_two_tools_five_calls_at_once_one_of_which_fails_once(
    world: World, assistant_id: str, add_up: str
) -> None:
    failures = [RuntimeError("not yet")]

    def look_up(event: dict[str, Any]) -> str:
        if event["call_id"] == "call_3" and failures:
            raise failures.pop()
        return f"found {event['arguments']['name']}"

    tools = [tool("add_up", add_up), tool("look_up", world.tools.add("tool-look-up", look_up))]
    five = [call("look_up", f"call_{number}", name=f"n{number}") for number in range(1, 6)]
    world.openai.script(
        calling(call("add_up", "call_0", numbers=[1]), usage=(10, 1)),
        calling(*five, usage=(20, 2)),
        calling(call("add_up", "call_6", numbers=[2, 3]), call("look_up", "call_7", name="n7"), usage=(30, 3)),
        Script(output_text="Done.", usage=(40, 4)),
    )
    answer = world.create(run_with(assistant_id, *tools))
    assert answer["Status"] == "SUCCESS", answer
    assert answer["Data"]["status"] == "completed"
    wanted = {f"call_{number}": f"found n{number}" for number in (1, 2, 3, 4, 5, 7)} | {"call_0": "1", "call_6": "5"}
    assert outputs_seen(world) == wanted
    times = Counter(event["call_id"] for event in world.tools.events)
    assert times == dict.fromkeys(wanted, 1) | {"call_3": 2}
    usage = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
    assert json.loads(answer["Data"]["usage"]) == usage
    assert world.delete(answer["PhysicalResourceId"])["Status"] == "SUCCESS"
    assert left_at_openai(world) == NOTHING


def test_neither_arguments_nor_outputs_are_in_a_history_or_stay_in_the_record(world: World, assistant_id: str) -> None:
    handler = world.tools.add("tool-tell", lambda event: "secret output")
    world.openai.script(calling(call("tell", "call_1", about="secret argument")), Script(output_text="Done."))
    answer = world.create(run_with(assistant_id, tool("tell", handler)))
    assert answer["Status"] == "SUCCESS"
    assert "secret" not in world.states.histories()
    assert "call_1" in world.states.histories(), "it would be there"
    records = [world.records.load(key) for key in world.items() if key.startswith("RESOURCE#")]
    assert all("secret" not in record.model_dump_json() for record in records if record)


@pytest.mark.parametrize(
    ("result", "output"),
    [("as it is", "as it is"), ({"a": ["ü", 1]}, '{"a": ["ü", 1]}'), (None, "null"), (True, "true"), ("", "")],
)
def test_a_string_is_handed_in_as_it_is_and_anything_else_as_json(
    world: World, assistant_id: str, result: Any, output: str
) -> None:
    handler = world.tools.add("tool-say", lambda event: result)
    world.openai.script(calling(call("say", "call_1")))
    assert world.create(run_with(assistant_id, tool("say", handler)))["Status"] == "SUCCESS"
    assert outputs_seen(world) == {"call_1": output}


def always(error: Exception) -> Any:
    def function(event: dict[str, Any]) -> Any:
        raise error

    return function


FAILURES = {
    "an error of its own": (always(LookupError("no such order")), 3, "LookupError", "no such order"),
    "no JSON": (lambda event: b"<html>", 3, "NoJSON", "The result is no JSON."),
    "not there": (always(Refusal("ResourceNotFoundException", status=404)), 1, "ResourceNotFoundException", "invoked"),
    "forbidden": (always(Refusal("AccessDeniedException", status=403)), 1, "AccessDeniedException", "invoked"),
    "much too large": (lambda event: "".join(map(chr, range(32, 50_000))) * 60, 1, "OutputTooLarge", "bytes"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_handler_that_fails_for_good_is_reported_to_the_model(world: World, assistant_id: str, name: str) -> None:
    function, times, kind, message = FAILURES[name]
    handler = world.tools.add("tool-order", function)
    world.openai.script(calling(call("order", "call_1")), Script(output_text="There is none."))
    answer = world.create(run_with(assistant_id, tool("order", handler)))
    assert (answer["Status"], answer["Data"]["output_text"]) == ("SUCCESS", "There is none."), answer
    error = json.loads(outputs_seen(world)["call_1"])["error"]
    assert (error["type"], message in error["message"]) == (kind, True)
    assert len(world.tools.events) == times


def test_a_throttled_handler_is_invoked_again_until_it_answers(world: World, assistant_id: str) -> None:
    """Lambda refuses it ten times, which is more than the state machine repeats a task for."""
    refusals = [Refusal("TooManyRequestsException", status=429)] * 10

    def order(event: dict[str, Any]) -> str:
        if refusals:
            raise refusals.pop()
        return "done"

    world.openai.script(calling(call("order", "call_1")))
    answer = world.create(run_with(assistant_id, tool("order", world.tools.add("tool-order", order))))
    assert answer["Status"] == "SUCCESS"
    assert outputs_seen(world) == {"call_1": "done"}


def test_a_handler_that_stays_throttled_costs_the_time_that_the_run_has(world: World, assistant_id: str) -> None:
    handler = world.tools.add("tool-order", always(Refusal("TooManyRequestsException", status=429)))
    world.openai.script(calling(call("order", "call_1")))
    answer = world.create(run_with(assistant_id, tool("order", handler), timeout_seconds=60))
    assert answer["Status"] == "FAILED"
    assert "did not end within 60 s" in answer["Reason"]
    assert world.delete(answer["PhysicalResourceId"])["Status"] == "SUCCESS"
    assert left_at_openai(world) == NOTHING


def test_arguments_that_are_no_json_object_are_told_to_the_model(world: World, assistant_id: str, add_up: str) -> None:
    broken = {"type": "function_call", "name": "add_up", "call_id": "call_1", "arguments": '{"numbers": [1'}
    world.openai.script(calling(broken), calling(call("add_up", "call_2", numbers=[4])), Script(output_text="4"))
    answer = world.create(run_with(assistant_id, tool("add_up", add_up), on_tool_error="fail"))
    assert (answer["Status"], answer["Data"]["output_text"]) == ("SUCCESS", "4"), answer
    assert json.loads(outputs_seen(world)["call_1"])["error"]["type"] == "InvalidArguments"


def test_a_failed_handler_ends_the_run_where_that_is_asked_for(world: World, assistant_id: str) -> None:
    handler = world.tools.add("tool-order", always(LookupError("secret text")))
    world.openai.script(calling(call("order", "call_1")))
    properties = run_with(assistant_id, tool("order", handler), on_tool_error="fail")
    answer = world.create(properties)
    assert answer["Status"] == "FAILED"
    assert "the handler of function order failed (LookupError): its log group tells more" in answer["Reason"]
    assert "secret text" not in answer["Reason"]
    assert outputs_seen(world) == {}
    assert world.delete(answer["PhysicalResourceId"], properties)["Status"] == "SUCCESS"
    assert left_at_openai(world) == NOTHING


def test_rounds_are_bounded(world: World, assistant_id: str, add_up: str) -> None:
    world.openai.script(
        Script(output=[{"type": "function_call", "name": "add_up", "arguments": '{"numbers":[]}'}], times=None)
    )
    answer = world.create(run_with(assistant_id, tool("add_up", add_up), max_tool_rounds="2"))
    assert answer["Status"] == "FAILED"
    assert "called functions in more than 2 rounds (max_tool_rounds)" in answer["Reason"]
    assert len(world.tools.events) == 2
    assert world.delete(answer["PhysicalResourceId"])["Status"] == "SUCCESS"
    assert left_at_openai(world) == NOTHING


def test_without_a_handler_the_call_is_an_attribute(world: World, assistant_id: str, add_up: str) -> None:
    """Nor is the one that has a handler called: the model wants all outputs of a round together."""
    world.openai.script(calling(call("add_up", "call_1", numbers=[1]), call("sign", "call_2", who="me")))
    answer = world.create(run_with(assistant_id, tool("add_up", add_up), tool("sign")))
    assert (answer["Status"], answer["Data"]["status"]) == ("SUCCESS", "requires_action"), answer
    calls = [
        {"call_id": "call_1", "name": "add_up", "arguments": '{"numbers": [1]}'},
        {"call_id": "call_2", "name": "sign", "arguments": '{"who": "me"}'},
    ]
    assert json.loads(answer["Data"]["required_action"]) == calls
    assert world.tools.events == []
    [item] = world.public_items().values()
    assert [each["M"]["name"]["S"] for each in item["required_action"]["L"]] == ["add_up", "sign"]
    assert world.delete(answer["PhysicalResourceId"])["Status"] == "SUCCESS"
    assert left_at_openai(world) == NOTHING


def test_a_handler_that_the_application_may_not_invoke_is_refused_at_once(world: World, assistant_id: str) -> None:
    before = len(world.openai.requests)
    stranger = ARN.format("other")
    answer = world.create(run_with(assistant_id, tool("order", stranger), temperature=3))
    assert answer["Status"] == "FAILED"
    assert (
        f"tools[0].function.handler_arn: this application may not invoke {stranger}: "
        f"deploy it with ToolFunctionArns={ARN.format('tool-*')},{stranger}"
    ) in answer["Reason"]
    assert "temperature: must be at most 2" in answer["Reason"], "all problems at once"
    assert len(world.openai.requests) == before
    no_arn = world.create(run_with(assistant_id, tool("order", "order-function")), logical_id="Other")
    assert "tools[0].function.handler_arn: must match" in no_arn["Reason"]


def test_an_assistant_can_bring_the_handlers(world: World, add_up: str) -> None:
    tools = {"model": "gpt-5.4-mini", "tools": [tool("add_up", add_up)]}
    made = world.create(tools, **ASSISTANT)
    if world.wire == "assistants":
        assert "handler_arn: the server keeps no handlers on this API" in made["Reason"]
        return
    world.openai.script(calling(call("add_up", "call_1", numbers=[1, 2])), Script(output_text="3"))
    answer = world.create({"assistant_id": made["PhysicalResourceId"], "thread": THREAD})
    assert (answer["Status"], outputs_seen(world)) == ("SUCCESS", {"call_1": "3"}), answer


# On a thread that others use


@pytest.fixture
def shared(world: World) -> str:
    made = world.create(THREAD, **SHARED)
    return str(made["PhysicalResourceId"])


def on(thread_id: str, assistant_id: str, *tools: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"assistant_id": assistant_id, "existing_thread_id": thread_id, "tools": [*tools], **more}


@pytest.mark.parametrize("ending", ["fail", "rounds", "deadline", "delete", "incomplete"])
def test_no_call_is_left_unanswered_on_a_thread_that_others_use(
    world: World, assistant_id: str, shared: str, ending: str
) -> None:
    """Whatever ends the run: another one can use the thread at once, before the stack has deleted this one."""
    errors = {"fail": LookupError(), "deadline": Refusal("TooManyRequestsException", status=429)}
    function = always(errors[ending]) if ending in errors else lambda event: "output"
    more = {"fail": {"on_tool_error": "fail"}, "rounds": {"max_tool_rounds": 1}, "deadline": {"timeout_seconds": 60}}
    handlers = [tool("order", world.tools.add("tool-order", function) if ending != "delete" else None)]
    rounds = 2 if ending == "rounds" else 1
    status = "incomplete" if ending == "incomplete" else "completed"
    world.openai.script(*(calling(call("order", f"call_{number}"), status=status) for number in range(rounds)))
    answer = world.create(on(shared, assistant_id, *handlers, **more.get(ending, {})))
    is_answered = ending == "incomplete" and world.wire == "assistants"  # There a run that asks is not over.
    assert (answer["Status"] == "FAILED") == (ending != "delete" and not is_answered), answer
    if ending == "delete":
        assert world.delete(answer["PhysicalResourceId"])["Status"] == "SUCCESS"
    next_one = world.create(on(shared, assistant_id), logical_id="Next")
    assert next_one["Status"] == "SUCCESS", next_one
    assert world.delete(answer["PhysicalResourceId"])["Status"] == "SUCCESS"


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

    world.openai.script(calling(call("order", "call_1")))
    world.deliver(world.event("Create", on(shared, assistant_id, tool("order", world.tools.add("tool-order", order)))))
    world.settle()
    assert [answer["Status"] for answer in world.url.answers[-2:]] == ["SUCCESS", "SUCCESS"], world.url.answers


# What gets lost


SUBMISSIONS = {"responses": r"/v1/responses", "assistants": r"/v1/threads/[^/]+/runs/[^/]+/submit_tool_outputs"}


@pytest.mark.parametrize("kind", ["lost_reply", "reset", "garbage", "status"])
def test_a_submission_without_a_reply_is_made_once(world: World, assistant_id: str, add_up: str, kind: str) -> None:
    """On Responses the first request of the path is the start."""
    path = SUBMISSIONS[world.wire]
    world.openai.fault(Fault("POST", path, kind, after=1 if world.wire == "responses" else 0))
    world.openai.script(calling(call("add_up", "call_1", numbers=[1, 2])), Script(output_text="It is 3."))
    properties = run_with(assistant_id, tool("add_up", add_up))
    answer = world.create(properties)
    assert (answer["Status"], answer["Data"]["output_text"]) == ("SUCCESS", "It is 3."), answer
    assert len(world.tools.events) == 1
    assert world.openai.counters()["runs_started"] == (2 if world.wire == "responses" else 1)
    assert world.delete(answer["PhysicalResourceId"], properties)["Status"] == "SUCCESS"
    lost = {"responses": 1} if world.wire == "responses" and kind in ("lost_reply", "garbage") else {}
    assert left_at_openai(world) == Counter(lost), "a response whose only reply was lost is known to nobody"


def test_a_lost_submission_that_calls_functions_again_goes_on(world: World, assistant_id: str, add_up: str) -> None:
    after = 1 if world.wire == "responses" else 0
    world.openai.fault(Fault("POST", SUBMISSIONS[world.wire], "lost_reply", after=after))
    world.openai.script(
        calling(call("add_up", "call_1", numbers=[1])),
        calling(call("add_up", "call_2", numbers=[2]), call("add_up", "call_3", numbers=[3])),
        Script(output_text="All added."),
    )
    answer = world.create(run_with(assistant_id, tool("add_up", add_up)))
    assert (answer["Status"], answer["Data"]["output_text"]) == ("SUCCESS", "All added."), answer
    assert outputs_seen(world) == {"call_1": "1", "call_2": "2", "call_3": "3"}


def test_a_lost_start_that_calls_functions_goes_on(world: World, assistant_id: str, add_up: str) -> None:
    path = {"responses": r"/v1/responses", "assistants": r"/v1/threads/[^/]+/runs"}[world.wire]
    world.openai.fault(Fault("POST", path, "lost_reply"))
    world.openai.script(calling(call("add_up", "call_1", numbers=[1])), Script(output_text="Added."))
    answer = world.create(run_with(assistant_id, tool("add_up", add_up)))
    assert (answer["Status"], answer["Data"]["output_text"]) == ("SUCCESS", "Added."), answer
    assert len(world.tools.events) == 1


def test_a_run_that_called_functions_can_be_adopted(world: World, assistant_id: str, add_up: str) -> None:
    world.openai.script(calling(call("add_up", "call_1", numbers=[1])), Script(output_text="Added."))
    properties = run_with(assistant_id, tool("add_up", add_up), deletion_policy="retain")
    made = world.create(properties)["PhysicalResourceId"]
    world.delete(made, properties)
    answer = world.create({"import_id": made}, logical_id="Adopted")
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("SUCCESS", made), answer
    assert answer["Data"]["output_text"] == "Added."
    again = world.update(made, {"import_id": made, "timeout_seconds": "30"}, logical_id="Adopted")
    assert (again["Status"], again["PhysicalResourceId"]) == ("SUCCESS", made), again


def test_a_rollback_to_a_run_that_called_functions_reuses_it(world: World, assistant_id: str, add_up: str) -> None:
    world.openai.script(calling(call("add_up", "call_1", numbers=[1])), Script(output_text="Added."))
    old = run_with(assistant_id, tool("add_up", add_up))
    made = world.create(old)["PhysicalResourceId"]
    new = world.update(made, {"assistant_id": assistant_id, "thread": THREAD})["PhysicalResourceId"]
    back = world.update(new, old)
    assert (back["Status"], back["PhysicalResourceId"]) == ("SUCCESS", made), back
    assert back["Data"]["output_text"] == "Added."
    assert len(world.tools.events) == 1


def test_a_delete_while_a_function_is_called_stops_the_run(world: World, assistant_id: str) -> None:
    properties: dict[str, Any] = {}

    def order(event: dict[str, Any]) -> str:
        made_up = "example-Run-1ABCDEF"
        world.deliver(world.event("Delete", properties, physical_id=made_up))
        return "too late"

    world.openai.script(calling(call("order", "call_1")))
    properties |= run_with(assistant_id, tool("order", world.tools.add("tool-order", order)))
    world.deliver(world.event("Create", properties))
    world.settle()
    assert [answer["Status"] for answer in world.url.answers] == ["SUCCESS"]
    assert outputs_seen(world) == {}
    assert left_at_openai(world) == NOTHING
