"""Each function has the memory that the template gives it, and the largest record that the application accepts.

Lambda ends a process by what is resident, pages of files included. A limit on the address space would count what is
only reserved, threads' stacks and libraries above all, and say nothing of that. So the process is limited in what it
may write to (RLIMIT_DATA), to its memory less the pages of files that it holds; its peak is measured as well.
"""

import base64
import hashlib
import json
import os
import random
import string
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from werkzeug import Request, Response

from local.openai_standin import OpenAIStandIn, Script
from testkit.in_process.answer_url import AnswerUrl
from testkit.in_process.cloudformation import STACK_ID
from testkit.in_process.deployed import ENVIRONMENT
from testkit.in_process.tool_functions import ARN, submitted_outputs
from testkit.in_process.world import World
from testkit.memory.refusals import Refusal
from testkit.memory.table import MemoryTable
from testkit.state_machine import TABLE
from testkit.template import ROOT, memory_mib, timeout_seconds
from tests.support.runs import ASSISTANT, PROPERTIES, attributes, delete_all, failure
from tests.support.serving import serving
from threadrun.state.resource import resource_key
from threadrun.storage.records import ROOM_OF_REQUEST, ROOM_OF_RESULTS

CALL = {"type": "function_call", "name": "look_up", "call_id": "call_1", "arguments": {}}
MIB = 1024 * 1024
FILE_MIB = int(os.environ.get("FILE_MIB", "100"))
"""Of the file that is streamed; with 512, the most that there may be, the stand-in needs 1.7 GB and the test 12 s."""
KEY = {"key": resource_key(STACK_ID, "Run"), "request_id": "request"}
INVOKE = """
import json, resource, sys
from types import SimpleNamespace

sys.path[:0] = sys.argv[3:]
import app

def resident(kind):
    [kib] = (line.split()[1] for line in open("/proc/self/status") if line.startswith(kind + ":"))
    return int(kib)

memory = int(sys.argv[1]) * 1024
data = (memory - resident("RssFile")) * 1024
resource.setrlimit(resource.RLIMIT_DATA, (data, data))
context = SimpleNamespace(function_name="f", memory_limit_in_mb=memory, invoked_function_arn="arn", aws_request_id="1",
                          get_remaining_time_in_millis=lambda: int(sys.argv[2]) * 1000)
result = app.handler(json.load(sys.stdin), context)
print(json.dumps({"result": result, "peak_mib": resident("VmHWM") / 1024}))
"""


def text(size: int, noise: int) -> str:
    """Of so many bytes; so many of them compress by a quarter only. The last letter has Python take four for each."""
    letters = "".join(random.Random(1).choices(string.ascii_letters + string.digits, k=noise))
    return letters + "a" * (size - noise - 4) + "🙂"


class Account:
    """AWS behind a socket: the application's table, its secret, and whatever else it asks for."""

    def __init__(self, openai_key: str) -> None:
        self.table, self._key = MemoryTable(TABLE), openai_key
        self.result = ""
        """Of the user's function."""
        self.object_bytes = 0
        """Of the one object in S3."""

    def _object(self, request: Request) -> Response:
        body = (b"x" * MIB for _ in range(self.object_bytes // MIB))
        return Response(body, headers={"Content-Length": str(self.object_bytes), "ETag": '"1"'})

    def __call__(self, request: Request) -> Response:
        if request.path.startswith("/documents/"):
            return self._object(request)
        operation = request.headers.get("X-Amz-Target", "").rpartition(".")[2]
        if not operation:
            return Response(json.dumps(self.result))
        given = json.loads(request.data)
        for value in given.get("Item", {}).values():
            if "B" in value:
                value["B"] = base64.b64decode(value["B"])
        answers: dict[str, Callable[..., Any]] = {
            "GetItem": self.table.get_item,
            "PutItem": self.table.put_item,
            "UpdateItem": self.table.update_item,
            "Query": self.table.query,
            "GetSecretValue": lambda **_: {"SecretString": self._key},
            "StartExecution": lambda **_: {"executionArn": "arn", "startDate": 0},
            "PutEvents": lambda **_: {"FailedEntryCount": 0, "Entries": [{}]},
        }
        try:
            reply, status = answers[operation](**given), 200
        except Refusal as refusal:
            reply, status = {"__type": refusal.response["Error"]["Code"]}, refusal.status
        return Response(json.dumps(reply, default=lambda body: base64.b64encode(body).decode()), status)


class Deployment:
    """The application's functions, each invocation in a process of its own."""

    def __init__(self, stack: ExitStack) -> None:
        self.openai = stack.enter_context(OpenAIStandIn(duration_s=0.2, queued_s=0))
        self.account, self.url = Account(self.openai.api_key), AnswerUrl()
        self.url.listen()
        stack.callback(self.url.close)
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            **ENVIRONMENT,
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": stack.enter_context(serving(self.account)),
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_FUNCTION_NAME": "f",
            "TABLE_NAME": TABLE,
            "STATE_MACHINE_ARN": "arn:aws:states:us-east-1:123456789012:stateMachine:s",
            "OUTPUTS_BUCKET": "bucket",
            "OPENAI_BASE_URL": self.openai.base_url,
            "OPENAI_API_KEY_SECRET_ARN": "arn:aws:secretsmanager:us-east-1:123456789012:secret:s",
            "TOOL_FUNCTION_ARNS": "*",
            "FILE_BUCKETS": "documents",
            "ALLOW_LOOPBACK_RESPONSE_URL": "true",
        }
        self.peaks: dict[str, float] = {}

    def invoke(self, function: str, event: dict[str, Any], mib: int | None = None) -> Any:
        """With the memory and the time that the template gives it, unless told otherwise."""
        paths = [str(ROOT / "functions" / function), str(ROOT / "layers/threadrun")]
        limits = [str(mib or memory_mib(function)), str(timeout_seconds(function))]
        command = [sys.executable, "-c", INVOKE, *limits, *paths]
        ended = subprocess.run(command, env=self.environment, input=json.dumps(event), capture_output=True, text=True)
        assert ended.returncode == 0, f"{function}: {ended.stderr[-2000:]}"
        report = json.loads(ended.stdout.splitlines()[-1])
        self.peaks[function] = max(report["peak_mib"], self.peaks.get(function, 0))
        return report["result"]

    def create(self, resource_type: str, properties: dict[str, Any]) -> None:
        event = {
            "RequestType": "Create",
            "RequestId": "request",
            "ResponseURL": self.url.new(0).replace("X-Amz-Date", "Date"),
            "StackId": STACK_ID,
            "LogicalResourceId": "Run",
            "ResourceType": resource_type,
            "ResourceProperties": properties,
        }
        self.invoke("custom_resource", event)


@pytest.fixture
def deployment() -> Iterator[Deployment]:
    with ExitStack() as stack:
        yield Deployment(stack)


def test_each_function_has_memory_for_the_largest_record(deployment: Deployment) -> None:
    deployment.openai.script(Script(output=[CALL]), Script(output_text="Done."))
    tool = {"type": "function", "function": {"name": "look_up", "handler_arn": ARN.format("look-up")}}
    message = {"role": "user", "content": text(ROOM_OF_REQUEST.text_bytes - 5000, 440_000)}
    deployment.create(
        "Custom::OpenAIThreadRun", {"model": "gpt-5.4-mini", "thread": {"messages": [message]}, "tools": [tool]}
    )
    assert deployment.url.answers == [], "it was accepted"
    assert deployment.invoke("reconcile", KEY)["outcome"] == "call_tools"
    deployment.account.result = text(ROOM_OF_RESULTS.text_bytes - ROOM_OF_REQUEST.text_bytes, 30_000)
    assert deployment.invoke("call_tool", KEY | {"call_id": "call_1"}) == {"answered": True}
    assert deployment.invoke("reconcile", KEY)["outcome"] == "record"
    [record] = [item for key, item in deployment.account.table.items.items() if key.startswith("RESOURCE#")]
    due = record | {"due_epoch_s": {"N": "1"}}
    deployment.account.table.put_item(TableName=TABLE, Item=due)
    assert deployment.invoke("responder", {}) == {"overdue": 1}
    deployment.account.table.put_item(TableName=TABLE, Item=record)
    assert deployment.invoke("signal", KEY) == {"responded": True}
    # The first one by the sweep: a run that has ended counts.
    assert [answer["Status"] for answer in deployment.url.answers] == ["SUCCESS", "SUCCESS"]
    print({name: f"{peak:.0f} of {memory_mib(name)} MiB" for name, peak in deployment.peaks.items()})
    assert {name: peak for name, peak in deployment.peaks.items() if peak > memory_mib(name)} == {}


def test_a_hundred_megabytes_from_s3_need_no_memory(deployment: Deployment) -> None:
    """They are streamed: the functions' memory is that for records."""
    deployment.account.object_bytes = FILE_MIB * MIB
    deployment.create("Custom::OpenAIFile", {"filename": "report.pdf", "source": "s3://documents/report.pdf"})
    assert deployment.openai.counters()["files"] == 0, "its time is too short"
    assert deployment.invoke("reconcile", KEY)["outcome"] == "respond"
    assert deployment.invoke("signal", KEY) == {"responded": True}
    [answer] = deployment.url.answers
    assert answer["Data"]["bytes"] == str(FILE_MIB * MIB)
    assert answer["Data"]["sha256"] == hashlib.sha256(b"x" * (FILE_MIB * MIB)).hexdigest()
    print(
        f"{FILE_MIB} MiB:", {name: f"{peak:.0f} of {memory_mib(name)} MiB" for name, peak in deployment.peaks.items()}
    )
    assert {name: peak for name, peak in deployment.peaks.items() if peak > memory_mib(name)} == {}


def test_a_function_without_that_memory_would_be_seen(deployment: Deployment) -> None:
    with pytest.raises(AssertionError, match="signal: "):
        deployment.invoke("signal", KEY, mib=50)


OUT_OF_MEMORY: Any = type("Runtime.OutOfMemory", (Exception,), {})
"""How Lambda reports a process that it ended."""


@pytest.mark.parametrize("function", ["reconcile", "call_tool"])
def test_a_function_that_ran_out_of_memory_is_told_as_such_and_not_repeated(world: World, function: str) -> None:
    handler_arn = world.tools.add("tool-look-up", lambda event: "found")
    tool = {"type": "function", "function": {"name": "look_up", "handler_arn": handler_arn}}
    world.openai.script(Script(output=[CALL]), Script(output_text="Done."))
    world.fail_next[function] = [OUT_OF_MEMORY(), OUT_OF_MEMORY()]
    answer = world.create(PROPERTIES | {"tools": [tool]})
    assert "ran out of memory: shorten the" in failure(answer)
    assert world.fail_next[function].pop()
    assert world.fail_next[function] == []
    delete_all(world, answer)


def test_properties_that_compress_well_are_refused_by_their_size(world: World) -> None:
    thread = {"messages": [{"role": "user", "content": "long" * 300_000}]}
    assert "bytes, 1100000 are possible: shorten them" in failure(world.create(PROPERTIES | {"thread": thread}))
    assert world.openai.requests == []


def test_what_a_run_and_its_assistant_have_together_is_bounded_too(world: World) -> None:
    long = "long" * 260_000
    made = world.create({"model": "gpt-5.4-mini", "instructions": long}, **ASSISTANT)
    asked = {"assistant_id": made["PhysicalResourceId"], "thread": {"messages": [{"role": "user", "content": long}]}}
    answer = world.create(asked)
    assert "bytes, 2000000 are possible: shorten them" in failure(answer)
    delete_all(world, answer)


def test_results_of_functions_share_the_room_that_is_left(world: World) -> None:
    """The model goes on with those that have room, and is told of the others."""
    handler_arn = world.tools.add("tool-look-up", lambda event: "long" * 200_000)
    tool = {"type": "function", "function": {"name": "look_up", "handler_arn": handler_arn}}
    world.openai.script(Script(output=[CALL | {"call_id": f"call_{each}"} for each in range(8)]), Script())
    attributes(world.create(PROPERTIES | {"tools": [tool]}))
    outputs = [output for _, output in submitted_outputs(world.openai.requests)]
    assert [len(output) > 500_000 or json.loads(output)["error"]["type"] for output in outputs] == [
        *[True] * 2,
        *["OutputTooLarge"] * 6,
    ]
    message = "It has 800000 bytes, which is too much beside the other results of this round."
    assert json.loads(outputs[-1])["error"]["message"] == message


def test_a_result_with_half_a_character_is_kept(world: World) -> None:
    handler_arn = world.tools.add("tool-look-up", lambda event: "cut \ud83d")
    tool = {"type": "function", "function": {"name": "look_up", "handler_arn": handler_arn}}
    world.openai.script(Script(output=[CALL]), Script())
    attributes(world.create(PROPERTIES | {"tools": [tool]}))
    assert submitted_outputs(world.openai.requests) == [("call_1", "cut ?")]
