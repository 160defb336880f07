"""Runs go alike on both wires: a response on a conversation, and a run on a thread; the clock is moved by hand."""

from typing import Any, ClassVar

import openai
import pytest
from openai import OpenAI

from local.openai_standin import OpenAIStandIn, Script
from tests.standin.support import FUNCTION, HELLO, NESTED, PLAIN, START, Clock, call, output_of, refusal

# The SDK says of each call to Assistants v2 that this API is closed; that is why the stand-in serves it.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


class Conversation:
    """A conversation on which background responses run."""

    reasons: ClassVar = {"max_output_tokens": "max_output_tokens", "content_filter": "content_filter"}

    def __init__(self, client: OpenAI) -> None:
        self.client = client
        self.id = client.conversations.create().id

    def start(self, given: Any = "Say hello") -> str:
        asked: Any = {"conversation": self.id, "input": given, "tools": [FUNCTION]}
        return str(self.client.responses.create(model=PLAIN, background=True, store=True, **asked).id)

    def add(self) -> object:
        return self.client.conversations.items.create(self.id, items=[HELLO])

    def run(self, run_id: str) -> dict[str, Any]:
        return self.client.responses.retrieve(run_id).to_dict()

    def said(self) -> list[str]:
        items: list[Any] = [each.to_dict() for each in self.client.conversations.items.list(self.id, order="asc")]
        return [part["text"] for item in items if item["type"] == "message" for part in item["content"]]

    def calls(self, run_id: str) -> list[tuple[str, str]]:
        return [(each["call_id"], each["arguments"]) for each in self.run(run_id)["output"]]

    def submit(self, run_id: str, **outputs: str) -> str:
        return self.start([output_of(*each) for each in outputs.items()])

    def tokens(self, *run_ids: str) -> tuple[int, int]:
        used = [self.run(each)["usage"] for each in run_ids]
        return sum(each["input_tokens"] for each in used), sum(each["output_tokens"] for each in used)

    def error(self, run_id: str) -> dict[str, Any]:
        return dict(self.run(run_id)["error"])

    def cancel(self, run_id: str) -> str:
        return str(self.client.responses.cancel(run_id).status)

    def delete(self) -> None:
        self.client.conversations.delete(self.id)


class Thread(Conversation):
    """A thread on which runs of an assistant run."""

    reasons: ClassVar = {"max_output_tokens": "max_completion_tokens"}

    def __init__(self, client: OpenAI) -> None:
        self.client = client
        self.id = client.beta.threads.create().id
        self.assistant_id = client.beta.assistants.create(model=PLAIN, tools=[NESTED]).id

    def start(self, given: Any = "Say hello") -> str:
        more: Any = {"additional_messages": [{"role": "user", "content": given}], "assistant_id": self.assistant_id}
        return self.client.beta.threads.runs.create(self.id, **more).id

    def add(self) -> object:
        return self.client.beta.threads.messages.create(self.id, **HELLO)

    def run(self, run_id: str) -> dict[str, Any]:
        return self.client.beta.threads.runs.retrieve(run_id, thread_id=self.id).to_dict()

    def said(self) -> list[str]:
        messages: list[Any] = [each.to_dict() for each in self.client.beta.threads.messages.list(self.id, order="asc")]
        return [part["text"]["value"] for message in messages for part in message["content"]]

    def calls(self, run_id: str) -> list[tuple[str, str]]:
        calls = self.run(run_id)["required_action"]["submit_tool_outputs"]["tool_calls"]
        return [(each["id"], each["function"]["arguments"]) for each in calls]

    def submit(self, run_id: str, **outputs: str) -> str:
        given: Any = [{"tool_call_id": name, "output": output} for name, output in outputs.items()]
        return self.client.beta.threads.runs.submit_tool_outputs(run_id, thread_id=self.id, tool_outputs=given).id

    def tokens(self, *run_ids: str) -> tuple[int, int]:
        used = self.run(run_ids[-1])["usage"]
        return used["prompt_tokens"], used["completion_tokens"]

    def error(self, run_id: str) -> dict[str, Any]:
        return dict(self.run(run_id)["last_error"])

    def cancel(self, run_id: str) -> str:
        return self.client.beta.threads.runs.cancel(run_id, thread_id=self.id).status

    def delete(self) -> None:
        self.client.beta.threads.delete(self.id)


@pytest.fixture(params=[Conversation, Thread])
def place(request: pytest.FixtureRequest, client: OpenAI) -> Conversation:
    kind: type[Conversation] = request.param
    return kind(client)


def test_a_run_follows_the_clock_and_answers_where_it_was_asked(place: Conversation, clock: Clock) -> None:
    """What proves that a run ended well is what it said; recovery from a lost reply rests on that."""
    run, seen = place.start(), []
    for elapsed in (0, 1.9, 2, 11.9, 12, 100):
        clock.time = START + elapsed
        shown = place.run(run)
        seen.append(shown["status"])
        assert (shown["usage"] is None, shown["completed_at"] is None) == (elapsed < 12, elapsed < 12)
    assert seen == ["queued", "queued", "in_progress", "in_progress", "completed", "completed"]
    assert (int(shown["created_at"]), int(shown["completed_at"])) == (int(START), int(START) + 12)
    assert place.said() == ["Say hello", 'This is the stand-in\'s answer to: "Say hello"']
    assert place.tokens(run) == (2, 8)


def test_a_run_holds_its_place_until_it_ends(place: Conversation, clock: Clock, stand_in: OpenAIStandIn) -> None:
    """The lock keeps a repeated create from starting a second billed run."""
    place.start()
    for again in (place.start, place.add):
        error = refusal(again)
        locked = "already has an active run" in error.message or "while a run" in error.message
        assert locked or error.code == "conversation_locked"
    assert stand_in.counters()["runs_started"] == 1
    clock.time += 12
    place.add()
    place.start()
    assert stand_in.counters()["runs_started"] == 2
    assert stand_in.counters()["max_concurrent_per_conversation"] <= 1


def test_a_loop_of_several_rounds_ends_with_an_answer(
    place: Conversation, clock: Clock, stand_in: OpenAIStandIn
) -> None:
    """Two rounds, the first with two calls at once; all must be answered together."""
    stand_in.script(
        Script(output=[call("call_1", at="a"), call("call_2")], match="Look around", usage=(10, 4)),
        Script(output=[call("call_3", at="c")], match="seen b", usage=(20, 5)),
        Script(output_text="All seen.", match="seen c", usage=(30, 2)),
    )
    first = place.start("Look around")
    clock.time += 12
    assert place.calls(first) == [("call_1", '{"at": "a"}'), ("call_2", "{}")]
    for wrong in ({"call_1": "seen a"}, {"call_1": "", "call_2": "", "call_4": ""}):
        refusal(place.submit, openai.BadRequestError, first, **wrong)
    second = place.submit(first, call_2="seen b", call_1="seen a")
    clock.time += 12
    assert place.calls(second) == [("call_3", '{"at": "c"}')]
    third = place.submit(second, call_3="seen c")
    clock.time += 12
    assert place.run(third)["status"] == "completed"
    assert place.said() == ["Look around", "All seen."]
    assert place.tokens(first, second, third) == (60, 11)


def test_failure_is_a_status_not_an_http_error(place: Conversation, clock: Clock, stand_in: OpenAIStandIn) -> None:
    """A failure is HTTP 200; a client that waits for an exception would wait for ever."""
    stand_in.script(Script(error=("rate_limit_exceeded", "too much"), duration_s=1, queued_s=0))
    run = place.start()
    clock.time += 1
    shown, error = place.run(run), place.error(run)
    assert (shown["status"], shown["completed_at"]) == ("failed", None)
    assert (error["code"], error["message"]) == ("rate_limit_exceeded", "too much")
    assert place.said() == ([] if type(place) is Conversation else ["Say hello"])
    place.start()


def test_an_incomplete_run_gives_its_reason(place: Conversation, clock: Clock, stand_in: OpenAIStandIn) -> None:
    """The tokens may be spent before the first word: then there is no text. Its name differs between the wires."""
    said: list[str] = []
    for reason, shown_reason in place.reasons.items():
        for text in ([], ["half a"]):
            stand_in.script(Script(incomplete_reason=reason, output_text="".join(text) or None))
            run = place.start()
            clock.time += 12
            said += ["Say hello", *text]
            shown = place.run(run)
            assert (shown["status"], shown["completed_at"], place.said()) == ("incomplete", None, said)
            assert shown["incomplete_details"] == {"reason": shown_reason}


def test_cancel_takes_a_moment(place: Conversation, clock: Clock, stand_in: OpenAIStandIn) -> None:
    """Only a later look tells whether a cancel took effect; nothing was said, and the place is free again."""
    run = place.start()
    clock.time += 3
    assert place.cancel(run) in ("in_progress", "cancelling")
    refusal(place.start)
    clock.time += 1
    assert place.run(run)["status"] == "cancelled"
    assert place.said() == ([] if type(place) is Conversation else ["Say hello"])
    place.start()


def test_cancel_that_comes_too_late_changes_nothing(place: Conversation, clock: Clock) -> None:
    """A run may complete between the cancel and its effect; the answer is then paid for."""
    run = place.start()
    clock.time += 11.5
    assert place.cancel(run) in ("in_progress", "cancelling")
    clock.time += 1
    assert (place.run(run)["status"], len(place.said())) == ("completed", 2)


def test_deleting_its_place_does_not_stop_a_run(place: Conversation, clock: Clock, stand_in: OpenAIStandIn) -> None:
    """A place's end is no cancel: the run goes on and is billed; cancel first."""
    in_flight = "responses_in_flight" if type(place) is Conversation else "runs_in_flight"
    place.start()
    place.delete()
    assert stand_in.counters()[in_flight] == 1
    clock.time += 12
    assert stand_in.counters()[in_flight] == 0
    assert stand_in.counters()["orphan_items"] == (2 if type(place) is Conversation else 0)
