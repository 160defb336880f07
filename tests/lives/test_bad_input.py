"""Whatever fails a resource is told by what and where: bad input at once, without a call to OpenAI."""

import random
import re
import string
from typing import Any

import pytest

from local.openai_standin import Fault, Script
from testkit.in_process.tool_functions import ARN
from testkit.in_process.world import World
from tests.support.failure_table import README, rows, told
from tests.support.runs import ASSISTANT, PROPERTIES, delete_all, each_wire, failure, runs_started
from tests.support.seed import filled

MESSAGE = {"role": "user", "content": "Hello."}
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "unknown property": ({"temprature": "1"}, "temprature: unknown property, the nearest known one is temperature"),
    "unknown nested property": (
        {"thread": {"messages": [MESSAGE | {"contents": "x"}]}},
        "thread.messages[0].contents: unknown property, the nearest known one is content",
    ),
    "missing role": ({"thread": {"messages": [{"content": "Hello."}]}}, "thread.messages[0].role: is required"),
    "role other than user": (
        {"thread": {"messages": [MESSAGE, {"role": "assistant", "content": "Hello."}]}},
        "thread.messages[1].role: must be 'user' (it is 'assistant')",
    ),
    "both threads": (
        {"existing_thread_id": "conv_1"},
        "thread: conflicts with existing_thread_id: give one of the two",
    ),
    "no thread": ({"thread": None}, "thread: a thread with messages or an existing_thread_id is required"),
    "a thread without messages": (
        {"thread": {"messages": []}},
        "thread: a thread with messages or an existing_thread_id is required",
    ),
    "a field that the application sets": (
        {"extra_body": {"Stream": "true"}},
        "extra_body: stream is set by this application: leave it out",
    ),
    "a field that has an argument": (
        {"extra_body": '{"reasoning": {"effort": "high"}}'},
        "extra_body: reasoning.effort has an argument of its own: write it as reasoning_effort",
    ),
    "a number in a map": (
        {"extra_body": {"reasoning": {"summary": "auto"}, "logit_bias": [{"1": "5"}]}},
        "extra_body: logit_bias.0.1 may be text or a number: write the whole of extra_body as JSON text",
    ),
    "a boolean in a map": (
        {"extra_body": {"logprobs": "true"}},
        "extra_body: logprobs may be text or a boolean: write the whole of extra_body as JSON text",
    ),
    "a body that is no object": (
        {"extra_body": "[1]"},
        "extra_body: must be a JSON object",
    ),
    "more messages without a thread": (
        {"additional_messages": [{"role": "user", "content": "And in winter?"}]},
        "additional_messages: is for a run on an existing thread: write the messages of a new one under "
        "thread.messages",
    ),
    "a tool that it does not have": (
        {"tool_choice": "look_up", "tools": [{"type": "code_interpreter"}]},
        "tool_choice: names no tool of the run: give none, auto, required, a function's name or the type of another "
        "tool",
    ),
    "temperature 3": ({"temperature": "3"}, "temperature: must be at most 2 (it is '3')"),
    "yes for a boolean": ({"stream": "yes"}, "stream: must be true or false (it is 'yes')"),
    "17 pairs of metadata": (
        {"metadata": {f"k{index}": "v" for index in range(17)}},
        "metadata: has 17 pairs, at most 16 are possible",
    ),
    "a value of 513 characters": (
        {"metadata": {"note": "x" * 513}},
        "metadata: value of 'note' has 513 characters, at most 512 are possible",
    ),
    "129 tools": (
        {"tools": [{"type": "code_interpreter"}] * 129},
        "tools: has 129 entries, at most 128 are possible",
    ),
    "51 files for code_interpreter": (
        {
            "thread": {"messages": [MESSAGE | {"attachments": [{"file_id": "file-a"}]}]},
            "tools": [{"type": "code_interpreter", "file_ids": [f"file-{number}" for number in range(50)]}],
        },
        "tools: has 51 files for code_interpreter, attached ones included, at most 50 are possible",
    ),
    "501 files to search": (
        {
            "thread": {"messages": [MESSAGE | {"attachments": [{"file_id": f"file-{each}"} for each in range(501)]}]},
            "tools": [{"type": "retrieval"}],
        },
        "thread: has 501 attached files to search, at most 500 are possible",
    ),
    "too few tokens": ({"max_completion_tokens": "5"}, "max_completion_tokens: must be at least 16 (it is '5')"),
    "mixed key styles": (
        {"TopP": "0.5"},
        "TopP: is in PascalCase and most other keys are in snake_case: write it as top_p",
    ),
    "no time to clean up": ({"ServiceTimeout": "59"}, "ServiceTimeout: must be at least 60 (it is '59')"),
    "more time than CloudFormation has": (
        {"ServiceTimeout": "3601"},
        "ServiceTimeout: must be at most 3600 (it is '3601')",
    ),
    "a time that is no number": (
        {"ServiceTimeout": "10m"},
        "ServiceTimeout: must be a whole number (it is '10m')",
    ),
    "malformed import_id": ({"import_id": "resp_1"}, "import_id: must look like thread_id:run_id"),
    "neither model nor anything to take it from": (
        {"model": None},
        "model: is required where there is no assistant_id to take it from",
    ),
}


def test_bad_input_fails_at_once_without_a_call(world: World) -> None:
    for name, (change, sentence) in BAD.items():
        answer = world.create(PROPERTIES | change, logical_id=name)
        assert sentence in failure(answer), name
        assert answer["PhysicalResourceId"]
        delete_all(world, answer)
    assert world.openai.requests == []


def test_all_problems_are_reported_together(world: World) -> None:
    answer = world.create({"temperature": "3", "top_p": "-1", "stream": "yes", "colour": "red", "ServiceTimeout": "1"})
    for part in ("7 problems", "ServiceTimeout", "temperature", "top_p", "stream", "colour", "thread", "model"):
        assert part in answer["Reason"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"model": "no-such-model"},
            "The requested model 'no-such-model' does not exist. (HTTP 400, code model_not_found",
        ),
        ({"model": "gpt-5.5"}, "'temperature' is not supported with this model. (HTTP 400, code unsupported_parameter"),
    ],
)
def test_a_refusal_of_openai_is_reported_with_its_message_and_request_id(
    world: World, change: dict[str, Any], message: str
) -> None:
    answer = world.create(PROPERTIES | change)
    assert f"cannot start the run: {message}" in failure(answer).replace("Unsupported parameter: ", "")
    assert "request id req_" in answer["Reason"]
    assert answer["PhysicalResourceId"].startswith("conv_"), "a thread was made: the id of the answer finds it"
    delete_all(world, answer)


def test_a_wrong_key_is_reported_without_showing_it(world: World) -> None:
    secret = world.app.settings.openai_api_key_secret_arn
    world.secrets.put_secret_value(SecretId=secret, SecretString='{"api_key": "sk-wrong-key-with-many-letters"}')
    reason = failure(world.create(PROPERTIES))
    assert "Incorrect API key provided" in reason
    assert f"; the key was read again from {secret}" in reason
    assert "sk-wrong-key-with-many-letters" not in reason


def rotate(world: World, key: str) -> None:
    """The server takes this key from now on, and no other; the secret has it."""
    world.openai.api_key = key
    world.secrets.put_secret_value(SecretId=world.app.settings.openai_api_key_secret_arn, SecretString=key)


@pytest.mark.parametrize("key", ["sk-first\nsk-second", "\u201csk-first\u201d", '{"api_key": "sk-first\u00e9"}'])
def test_a_key_that_no_header_can_hold_is_refused_at_once_by_the_name_of_its_secret(world: World, key: str) -> None:
    rotate(world, key)
    began, arn = world.clock(), world.app.settings.openai_api_key_secret_arn
    reason = failure(world.create(PROPERTIES))
    assert reason.startswith(f"the API key in secret {arn} has a character that no HTTP header can hold")
    assert "sk-first" not in reason
    assert world.clock() - began < 5


@each_wire
def test_a_key_that_is_rotated_while_a_run_is_at_work_is_noticed_at_once(
    world: World, properties: dict[str, Any]
) -> None:
    """By the function that looks, and by the one that receives the next request."""
    world.openai.script(Script(duration_s=60))
    world.invoke("custom_resource", world.event("Create", properties))
    rotate(world, "sk-second")
    world.settle()
    answer = world.url.answers[-1]
    assert answer["Status"] == "SUCCESS", answer
    rotate(world, "sk-third")
    delete_all(world, answer)


def test_the_registration_of_the_webhook_endpoint_notices_a_rotated_key_too(world: World) -> None:
    client = world.app.connect()
    rotate(world, "sk-second")
    assert list(client.webhooks.list()) == []


@pytest.mark.parametrize("unknown", ["Custom::OpenAIThreadRunner", "AWS::CloudFormation::CustomResource"])
def test_an_unknown_resource_type_is_refused(world: World, unknown: str) -> None:
    """The second is what the CDK writes unless it is given a `resourceType`."""
    answer = world.create(PROPERTIES, ResourceType=unknown)
    asked_for = "set Type (resourceType in the AWS CDK) to one of Custom::OpenAIThreadRun, "
    assert f"unknown resource type {unknown}: {asked_for}" in answer["Reason"]


def test_a_prompt_that_the_table_cannot_hold_is_refused_with_its_size(world: World) -> None:
    noise = "".join(random.Random(7).choices(string.printable, k=700_000))  # Which does not compress.
    thread = {"messages": [{"role": "user", "content": noise}]}
    reason = failure(world.create(PROPERTIES | {"thread": thread}))
    assert "bytes compressed, 350000 are possible: shorten them" in reason
    assert world.openai.requests == []


def read(*files: str) -> dict[str, Any]:
    return {"messages": [MESSAGE | {"attachments": [{"file_id": file_id} for file_id in files]}]}


UNUSABLE: dict[str, tuple[dict[str, Any], str]] = {
    **{
        f"unknown file for {tool}": ({"thread": read("file-nobody"), "tools": [{"type": tool}]}, "file-nobody")
        for tool in ("retrieval", "code_interpreter")
    },
    "unknown file id": ({"thread": read("file-nobody")}, "file-nobody"),
    "file that fails to index": (
        {"thread": read("FILE", "BAD_FILE"), "tools": [{"type": "retrieval"}]},
        "cannot index the attached files: BAD_FILE: ",
    ),
    "nothing to search": (
        {"tools": [{"type": "retrieval"}]},
        "the retrieval tool has nothing to search: attach files to a message, or set vector_store_ids",
    ),
    "assistant that does not exist": ({"assistant_id": "asst_nobody"}, "asst_nobody"),
}


@each_wire
def test_what_the_server_cannot_use_fails_with_its_reason_and_leaves_nothing(
    world: World, properties: dict[str, Any]
) -> None:
    names = {"BAD_FILE": world.openai.add_file(fails_indexing=True), "FILE": world.openai.add_file()}
    for name, (change, sentence) in UNUSABLE.items():
        answer = world.create(filled(properties | change, names), logical_id=name)
        assert sentence.replace("BAD_FILE", names["BAD_FILE"]) in failure(answer), name
        assert names["FILE"] not in answer["Reason"], name
        delete_all(world, answer)
    assert runs_started(world) == 0


@each_wire
def test_what_is_too_much_with_the_assistants_settings_is_refused_before_anything_is_made(
    world: World, properties: dict[str, Any]
) -> None:
    tool = {"type": "code_interpreter", "file_ids": [world.openai.add_file() for _ in range(20)]}
    assistant = world.create({"model": "gpt-5.4-mini", "tools": [tool]}, **ASSISTANT)
    before = len(world.openai.requests)
    attached = read(*(f"file-{number}" for number in range(31)))
    run = {"assistant_id": assistant["PhysicalResourceId"], "thread": attached}
    most = {"responses": 50, "assistants": 20}[world.wire]
    reason = failure(world.create(run))
    assert f"tools: has 51 files for code_interpreter, attached ones included, at most {most} are possible" in reason
    assert not [each for each in world.openai.requests[before:] if each.method == "POST"]


@pytest.mark.parametrize("wire", ["assistants"], indirect=True)
def test_assistants_v2_takes_less(world: World, assistant_id: str) -> None:
    beyond: dict[str, dict[str, Any]] = {
        "tools: has 21 entries, at most 20 are possible": {"tools": [{"type": "code_interpreter"}] * 21},
        "instructions: has 256001 characters, at most 256000 are possible": {"instructions": "x" * 256_001},
        "additional_instructions: has 256001 characters, at most": {"additional_instructions": "x" * 256_001},
    }
    for sentence, change in beyond.items():
        run = {"assistant_id": assistant_id, "thread": {"messages": [MESSAGE]}} | change
        assert sentence in failure(world.create(run, logical_id=sentence))
    assert not world.posted("/threads")


# --- what README.md says of the most frequent failures: each is made to happen, and told in the words of its row

SCHEMA = {"type": "object", "properties": {"verdict": {"const": "yes"}}, "required": ["verdict"]}
PROMISE = {"response_format": {"type": "json_schema", "json_schema": {"name": "review", "schema": SCHEMA}}}
TOOL = {"type": "function", "function": {"name": "look_up", "handler_arn": ARN.format("somebody-elses")}}
RATE_LIMIT = Fault("POST", "/v1/responses", "status", status=429, retry_after=30, times=None)
SCENARIOS: dict[str, tuple[object, dict[str, Any]]] = {
    "invalid properties, …: …": (None, {"temperature": "3"}),
    "cannot …: …": (None, {"model": "no-such-model"}),
    "the run could not be started within …: …": (RATE_LIMIT, {"ServiceTimeout": "60"}),
    "run … ended as `…`; only … accepted": (Script(incomplete_reason="max_output_tokens"), {}),
    "run …: the answer does not match json_schema: …": (Script(output_text='{"verdict": "no"}'), PROMISE),
    "this application may not invoke …: deploy it with ToolFunctionArns=…": (None, {"tools": [TOOL]}),
    "cannot read … …: …": ("no secret", {}),
}
"""What happens before a run is asked for, and what is asked for beside the usual, by the message."""


def test_each_row_of_the_readme_has_a_scenario() -> None:
    of_readme = rows(README.read_text().partition("## When it fails")[2].partition("\n## ")[0])
    assert {told(message) for message in of_readme} == set(SCENARIOS)


@pytest.mark.parametrize("message", SCENARIOS)
def test_a_frequent_failure_is_reported_as_the_readme_has_it(world: World, message: str) -> None:
    before, change = SCENARIOS[message]
    match before:
        case Fault():
            world.openai.fault(before)
        case Script():
            world.openai.script(before)
        case "no secret":
            secret = world.app.settings.openai_api_key_secret_arn
            world.secrets.delete_secret(SecretId=secret, ForceDeleteWithoutRecovery=True)
    reason = failure(world.create(PROPERTIES | change))
    assert re.search(re.escape(message).replace("…", ".+"), reason)
    # No other row's words: the general ones fit many sentences.
    special = {each for each in SCENARIOS if each != message and len(re.findall(r"[a-z]{2,}", each)) > 3}
    assert [each for each in special if re.search(re.escape(each).replace("…", ".+"), reason)] == []
