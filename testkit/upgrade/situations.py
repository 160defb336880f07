"""The situations that are kept of each version: one function each, which brings its situation about."""

from collections.abc import Callable
from typing import Any

from pydantic.alias_generators import to_pascal

from local.openai_standin import Fault
from testkit.upgrade.play import FILE, Play, Properties

MADE_UP_ID = "example-Run-1ABCDEF"
"""What CloudFormation deletes where it was never told an id."""
Situation = Callable[[Play], object]
Situations = dict[str, Situation]
QUESTION: Properties = {
    "messages": [{"role": "user", "content": "What is a stack?"}],
    "metadata": {"source": "kept"},
}
POLICY: Properties = {"filename": "policy.md", "content": "Not on Sunday."}
SHELF: Properties = {"name": "policies", "file_ids": [FILE]}
CHANGED: Properties = {"instructions": "Answer in three sentences."}
STARTS = r"/v1/(responses|threads/[^/]+/runs)"
OUTPUT = '{"verdict": "go", "score": 0.75}'

OWN_KEYS = {"metadata", "triggers", "parameters"}
"""Maps whose keys are the user's."""

EVERYTHING: dict[str, Any] = {
    "instructions": "Answer in one sentence.",
    "temperature": 0.2,
    "max_completion_tokens": 256,
    "stream": False,
    "timeout_seconds": 500,
    "deletion_policy": "delete",
    "accept_statuses": ["completed", "incomplete"],
    "response_format": {"type": "text"},
    "metadata": {"own_key": "1"},
    "triggers": {"commit_id": "a", "nested": {"deep_key": [1, True]}},
    "tools": [
        {"type": "retrieval"},
        {
            "type": "function",
            "function": {
                "name": "look_up",
                "description": "Looks a word up.",
                "parameters": {
                    "type": "object",
                    "properties": {"search_word": {"type": "string", "maxLength": 20}},
                    "additionalProperties": False,
                },
            },
        },
    ],
    "thread": {
        "messages": [
            {
                "role": "user",
                "content": "What is a stack?",
                "attachments": [{"file_id": FILE}],
                "metadata": {"own_key": "2"},
            },
            {"role": "user", "content": "Say it in other words: 語 🙂."},
        ],
        "metadata": {"own_key": "3"},
    },
}


def run(play: Play, **more: object) -> Properties:
    return {**play.basics, "instructions": "Answer in one sentence.", "thread": QUESTION, **more}


def created(script: dict[str, Any], **more: object) -> Situation:
    """A run that goes by this script, and has been answered for."""

    def play_it(play: Play) -> None:
        play.script(**script)
        play.send("Create", run(play, **more))

    return play_it


def under_way(script: dict[str, Any], seconds: float = 0, **more: object) -> Situation:
    """A run that goes by this script, so many seconds after its request."""

    def play_it(play: Play) -> None:
        play.script(**script)
        play.leave("Create", run(play, **more))
        play.take_steps(seconds)

    return play_it


def imported(**more: object) -> Situation:
    def play_import(play: Play) -> None:
        play.script(output_text="Made elsewhere.", duration_s=3)
        made = play.send("Create", run(play), "OtherRun")
        play.send("Create", {"import_id": made["PhysicalResourceId"], **more})

    return play_import


def start_lost(script: dict[str, Any], seconds: float = 0) -> Situation:
    """It was started, and nobody knows its id."""

    def play_it(play: Play) -> None:
        play.world.openai.fault(Fault("POST", STARTS, "lost_reply"))
        under_way(script, seconds)(play)

    return play_it


def start_on_existing_thread_lost(play: Play) -> None:
    """It was not started, on a thread that has an answer from before."""
    thread_id = play.send("Create", QUESTION, "Thread")["PhysicalResourceId"]
    play.script(output_text="First.", duration_s=3)
    given = run(play, thread=None, existing_thread_id=thread_id)
    play.send("Create", given, "FirstRun")
    play.script(output_text="Second.", duration_s=3)
    play.world.openai.fault(Fault("POST", STARTS, "reset"))
    play.leave("Create", given)


def answer_not_taken(play: Play) -> None:
    """The answer is decided; CloudFormation's URL was out of order, and the state machine is to try again."""
    play.world.url.refusals += [503] * 5
    play.leave("Create", run(play, model="no-such-model"))


def function_called(play: Play) -> None:
    """Nobody runs the function: its call is the run's result."""
    call = {"type": "function_call", "name": "look_up", "arguments": "{}", "call_id": "call_1"}
    play.script(output=[call], duration_s=60)
    play.leave("Create", run(play, tools=[{"type": "function", "function": {"name": "look_up"}}]))


def update_in_flight(play: Play) -> None:
    play.script(output_text="First.", duration_s=3)
    old = play.send("Create", run(play))
    play.script(output_text="Second.", duration_s=60)
    play.leave("Update", run(play, **CHANGED), "Run", old["PhysicalResourceId"])


def rollback_in_flight(play: Play) -> None:
    """CloudFormation goes back to the first run, and OpenAI does not tell at once whether it is still there."""
    play.script(output_text="First.", duration_s=3)
    play.script(output_text="Second.", duration_s=3)
    old = play.send("Create", run(play))
    new = play.send("Update", run(play, **CHANGED), "Run", old["PhysicalResourceId"])
    play.world.openai.fault(Fault("GET", r".*", "status", status=503))
    play.leave("Update", run(play), "Run", new["PhysicalResourceId"])


def delete_in_flight(play: Play) -> None:
    """It overtakes the Create, whose execution is still there."""
    play.script(output_text="Nobody wants it.", duration_s=300)
    play.leave("Create", run(play))
    play.leave("Delete", run(play), "Run", MADE_UP_ID)


def file_uploaded_without_reply(play: Play) -> None:
    """The server has it, and does not tell yet what it has."""
    play.world.openai.fault(Fault("POST", "/v1/files", "lost_reply"))
    play.leave("Create", POLICY, "File")


def store_in_flight(play: Play) -> None:
    """Its file is being indexed."""
    play.leave("Create", SHELF, "Store")


def existing_thread(play: Play) -> None:
    thread_id = play.send("Create", QUESTION, "Thread")["PhysicalResourceId"]
    play.script(output_text="On it.", duration_s=3)
    play.send("Create", {**play.basics, "instructions": "Be brief.", "existing_thread_id": thread_id})


def thread_in_flight(play: Play) -> None:
    """It has some of its messages."""
    play.world.openai.fault(Fault("POST", r"/v1/.*/(items|messages)", "status", status=503, after=1))
    messages = [{"role": "user", "content": f"Part {number}."} for number in range(23)]
    play.leave("Create", {"messages": messages}, "Thread")


def with_everything(properties: Properties, seconds: float = 0) -> Situation:
    """A run that says all that can be said, and has the rest from an assistant."""

    def play_it(play: Play) -> None:
        made = play.send("Create", {"model": "gpt-5.4-mini", "top_p": "0.9"}, "NewAssistant")
        play.script(output_text=OUTPUT, duration_s=60, usage=[12, 8])
        name = "AssistantId" if "Thread" in properties else "assistant_id"
        play.leave("Create", {**properties, name: made["PhysicalResourceId"]})
        play.take_steps(seconds)

    return play_it


def as_strings(value: Any) -> Any:
    """As CloudFormation sends it."""
    if isinstance(value, dict):
        return {key: as_strings(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_strings(item) for item in value]
    return str(value).lower() if isinstance(value, bool) else str(value)


def in_pascal_case(value: Any) -> Any:
    if isinstance(value, list):
        return [in_pascal_case(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {to_pascal(key): item if key in OWN_KEYS else in_pascal_case(item) for key, item in value.items()}


def named(*each: Callable[[Play], None]) -> Situations:
    return {situation.__name__: situation for situation in each}


EXPERT = {"model": "gpt-5.4-mini", "name": "expert", "instructions": "You are one."}
INCOMPLETE = {"incomplete_reason": "max_output_tokens", "output_text": "Half an ans", "duration_s": 60}
SHORT = {"output_text": OUTPUT, "duration_s": 3, "usage": [12, 8]}
WITH_EVERYTHING: Situations = {
    "written_in_snake_case": with_everything(EVERYTHING, seconds=10),
    "written_in_pascal_case": with_everything(in_pascal_case(EVERYTHING), seconds=10),
    "written_as_strings": with_everything(as_strings(EVERYTHING)),  # Its files are still being indexed.
}
BEING_CREATED: Situations = {
    "in_progress": under_way(SHORT | {"duration_s": 60, "queued_s": 2}, seconds=10),
    "being_recorded": under_way(SHORT, seconds=60),  # Its attributes lie ready for the state machine.
    "accepted": under_way(INCOMPLETE, accept_statuses=["completed", "incomplete"]),
    "start_lost": start_lost({"output_text": "Found again.", "duration_s": 8}),
    # Its thread is locked.
    "start_lost_for_long": start_lost({"output_text": "Found late.", "duration_s": 200}, seconds=45),
    **named(
        start_on_existing_thread_lost, function_called, thread_in_flight, file_uploaded_without_reply, store_in_flight
    ),
    **WITH_EVERYTHING,
}
"""Their Create waits for what comes of it."""
UNDER_WAY: Situations = BEING_CREATED | named(answer_not_taken, update_in_flight, rollback_in_flight, delete_in_flight)
"""They have executions."""
AT_REST: Situations = {
    "completed": created(SHORT),
    "retained": created({"output_text": "Stay.", "duration_s": 3}, deletion_policy="retain"),
    "existing_thread": existing_thread,
    "imported": imported(),
    "imported_to_be_deleted": imported(deletion_policy="delete"),
    "thread": lambda play: play.send("Create", QUESTION, "Thread"),
    "file": lambda play: play.send("Create", POLICY, "File"),
    "store": lambda play: play.send("Create", SHELF, "Store"),
    "assistant": lambda play: play.send("Create", EXPERT, "NewAssistant"),
}
FAILED: Situations = {
    "failed": created({"error": ["server_error", "A bad day."], "duration_s": 3}),
    # A thread was made, and no run could be started on it.
    "refused": lambda play: play.send("Create", run(play, model="no-such-model")),
}
SITUATIONS: Situations = UNDER_WAY | AT_REST | FAILED
