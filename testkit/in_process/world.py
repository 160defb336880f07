"""The application in one process: its handlers, its state machine's real definition, AWS in memory or by moto.

Time is virtual, and shared by handlers, state machine and stand-in: what is started continues while `settle` runs.
CloudFormation is played by the test; its presigned URL is in memory too, or a server where AWS is moto's.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import urllib3.util.retry

from functions.call_tool import app as call_tool
from functions.custom_resource import app as custom_resource
from functions.reconcile import app as reconcile
from functions.responder import app as responder
from functions.signal import app as signal
from local.openai_standin import OpenAIStandIn
from testkit.clock import Clock
from testkit.in_process.aws import aws
from testkit.in_process.cloud import BUCKET, TOOL_SECRET_ARN
from testkit.in_process.cloudformation import CloudFormation
from testkit.in_process.outside import Outside
from testkit.in_process.s3_objects import READABLE, S3Objects
from testkit.in_process.sleepers import Sleepers
from testkit.in_process.tool_functions import ARN, ToolFunctions
from testkit.queue import Queue
from testkit.state_machine import INVOKE, TABLE, Execution, TaskFailed, update_item
from testkit.step_functions import STATE_MACHINE_ARN, StepFunctions
from testkit.template import timeout_seconds
from threadrun.app.application import Application
from threadrun.app.settings import Settings
from threadrun.storage.records import Records

FUNCTIONS = {
    "custom_resource": custom_resource,
    "reconcile": reconcile,
    "call_tool": call_tool,
    "signal": signal,
    "responder": responder,
}
RETRIES_AFTER_SECONDS = (60, 120)
"""When Lambda repeats an asynchronous invocation that failed."""

STATE_MACHINE = "state machine"
"""Who calls where no function does."""


class ProcessEnded(BaseException):
    """A function's process is gone in the middle of its work; no handler of exceptions sees it."""


LAMBDA_EXIT_ERROR = type("Runtime.ExitError", (Exception,), {})
"""How Lambda reports that."""


@dataclass(frozen=True)
class Beginning:
    """What there is before anything happens whose effect counts."""

    of_openai: dict[str, Any]
    items: dict[str, dict[str, Any]]
    epoch_s: float


class World(CloudFormation):
    """One deployed application, and the CloudFormation requests that are made of it."""

    def __init__(
        self,
        standin: OpenAIStandIn,
        clock: Clock,
        wire: str,
        outside: Outside,
        monkeypatch: Any,
        calls_in_turn: bool = False,
    ) -> None:
        """With `calls_in_turn`, functions of one round are called in their order, so that each run is the same."""
        super().__init__(outside.url, clock)
        self.openai, self.wire = standin, wire
        self.secrets = aws("secretsmanager")
        self.tools, self.objects = ToolFunctions(outside.cloud), S3Objects(outside.cloud)
        self.fail_next: dict[str, list[Exception]] = {name: [] for name in (*FUNCTIONS, STATE_MACHINE)}
        self._is_lost = False
        self._local = threading.local()
        self.sleepers = Sleepers(clock)
        self._messages = Queue(clock, Exception)
        self.states = StepFunctions(self._call, clock, self._report_execution, self.sleepers.run)
        outside.cloud.operations |= {
            "sfn.StartExecution": self.states.start_execution,
            "sfn.SendTaskSuccess": self.states.send_task_success,
        }
        self.states.max_concurrency = 1 if calls_in_turn else None
        self._beginning: Beginning | None = None
        self._deploy(outside, monkeypatch)

    def _deploy(self, outside: Outside, monkeypatch: Any) -> None:
        wire: Any = self.wire
        settings = Settings(
            table_name=TABLE,
            outputs_bucket=BUCKET,
            state_machine_arn=STATE_MACHINE_ARN,
            openai_api=wire,
            openai_base_url=outside.openai_base_url,
            openai_api_key_secret_arn=outside.secret_arn,
            tool_function_arns=(ARN.format("tool-*"),),
            tool_secret_arns=(TOOL_SECRET_ARN.format("*"),),
            file_buckets=(READABLE,),
            allow_loopback_response_url=True,
        )
        self.app = Application(settings, self.clock, self.sleepers.sleep, lambda: 0.5)
        self.app._dynamodb, self.app._s3 = aws("dynamodb"), aws("s3")
        self.app.step_functions, self.app.event_bus = aws("stepfunctions"), aws("events")
        for module in FUNCTIONS.values():
            monkeypatch.setattr(module, "application", lambda: self.app)
        monkeypatch.setattr(urllib3.util.retry, "time", SimpleNamespace(sleep=self.sleepers.sleep, time=self.clock))

    def _call(self, resource: str, arguments: dict[str, Any]) -> Any:
        """What a task of the state machine calls."""
        if resource == INVOKE:
            try:
                return {"Payload": self.invoke(arguments["FunctionName"], arguments["Payload"])}
            except Exception as error:
                raise TaskFailed(type(error).__name__, str(error)) from None
        self.running.append(STATE_MACHINE)
        try:
            return update_item(self._table_of_the_state_machine(), resource, arguments)
        finally:
            self.running.pop()

    def _table_of_the_state_machine(self) -> Any:
        if not self.fail_next[STATE_MACHINE]:
            return aws("dynamodb")

        def refuse(**arguments: Any) -> None:
            raise self.fail_next[STATE_MACHINE].pop(0)

        return SimpleNamespace(update_item=refuse)

    def invoke(self, function: str, event: dict[str, Any]) -> Any:
        """Run a handler as Lambda would: a fresh copy of the event in, JSON out."""
        self.running.append(function)
        try:
            return self._invoke_now(function, event)
        except ProcessEnded:
            raise LAMBDA_EXIT_ERROR("the process ended") from None
        finally:
            self.running.pop()

    @property
    def running(self) -> list[str]:
        """What this thread is in, the innermost last: functions, or the state machine itself."""
        if not hasattr(self._local, "running"):
            self._local.running = []
        found: list[str] = self._local.running
        return found

    @contextmanager
    def unwatched(self) -> Iterator[None]:
        """What the test itself does in the middle of a function's work."""
        self.running.append("")
        try:
            yield
        finally:
            self.running.pop()

    def _invoke_now(self, function: str, event: dict[str, Any]) -> Any:
        if self.fail_next[function]:
            raise self.fail_next[function].pop(0)
        ends_epoch_s = self.clock() + timeout_seconds(function)
        context = SimpleNamespace(
            function_name=function,
            memory_limit_in_mb=512,
            invoked_function_arn=f"arn:aws:lambda:us-east-1:123456789012:function:{function}",
            aws_request_id=str(uuid.uuid4()),
            get_remaining_time_in_millis=lambda: int((ends_epoch_s - self.clock()) * 1000),
        )
        return json.loads(json.dumps(FUNCTIONS[function].handler(json.loads(json.dumps(event)), context)))

    def deliver(self, event: dict[str, Any]) -> None:
        """Invoke the ServiceToken's function as Lambda does asynchronously: two retries, then its destination."""
        for pause in (*RETRIES_AFTER_SECONDS, None):
            try:
                self.invoke("custom_resource", event)
                return
            except Exception as error:
                if pause is not None:
                    self.clock.advance(pause)
                    continue
                self.report_failure(event, error)

    def report_failure(self, event: dict[str, Any], error: Exception) -> None:
        """What Lambda puts on the queue when an invocation has failed for good."""
        report = {
            "version": "1.0",
            "requestContext": {"condition": "RetriesExhausted", "approximateInvokeCount": 3},
            "requestPayload": event,
            "responseContext": {"statusCode": 200, "functionError": "Unhandled"},
            "responsePayload": {"errorType": type(error).__name__, "errorMessage": str(error)},
        }
        self._queue(json.dumps(report))

    def abort_execution(self, *, is_reported: bool = True) -> Execution:
        """Somebody stops the newest execution in the console; returns it."""
        execution = self.states.executions[-1]
        self._is_lost = not is_reported
        execution.end("ABORTED")
        self._is_lost = False
        return execution

    def sweep(self) -> int:
        """What the schedule does each minute; returns how many overdue requests there were."""
        return int(self.invoke("responder", {"source": "aws.events", "detail-type": "Scheduled Event"})["overdue"])

    def after_request(self, method: str, path: str, action: Callable[[], object]) -> None:
        """Do something once, right after OpenAI has served a request and before its caller sees the reply."""
        handle = self.openai.handle

        def intercepted(got_method: str, got_path: str, *rest: Any) -> Any:
            reply = handle(got_method, got_path, *rest)
            if (got_method, got_path) == (method, path):
                self.openai.handle = handle
                action()
            return reply

        self.openai.handle = intercepted

    def posted(self, *endings: str) -> list[Any]:
        """The bodies that OpenAI got at paths that end so, oldest first; unless told otherwise, of responses."""
        ends = endings or ("/v1/responses",)
        return [each.body for each in self.openai.requests if each.method == "POST" and each.path.endswith(ends)]

    def begin_from_here(self) -> None:
        """Let whoever starts over find on OpenAI's side and in the table what there is now."""
        self._beginning = Beginning(self.openai.world.state(), self.items(), self.clock())

    def start_over(self) -> None:
        """Nothing has happened yet, on no side."""
        self.openai.reset()
        self.tools.forget()
        for key in self.items():
            aws("dynamodb").delete_item(TableName=TABLE, Key={"pk": {"S": key}})
        self.url.answers.clear()
        self.url.bodies.clear()
        for name in ("backend", "stepper"):  # They remember what the server lacks.
            vars(self.app).pop(name, None)
        self.states.executions.clear()
        self.clock.reset()
        if self._beginning is not None:
            self.openai.world.put_back(self._beginning.of_openai)
            for item in self._beginning.items.values():
                aws("dynamodb").put_item(TableName=TABLE, Item=item)
            self.clock.advance(self._beginning.epoch_s - self.clock())

    def forget_requests(self) -> None:
        """Count OpenAI's requests, the answers to CloudFormation, and the clock, from here."""
        self.openai.forget_requests()
        self.url.answers.clear()
        self.url.bodies.clear()
        self.clock.reset()

    def _report_execution(self, execution: Execution) -> None:
        """What EventBridge's rule puts on the queue."""
        if execution.status == "SUCCEEDED" or self._is_lost:
            return
        detail = {
            "executionArn": f"{STATE_MACHINE_ARN}:{execution.name}",
            "stateMachineArn": STATE_MACHINE_ARN,
            "name": execution.name,
            "status": execution.status,
            "input": execution.text,
        }
        report = {"source": "aws.states", "detail-type": "Step Functions Execution Status Change", "detail": detail}
        self._queue(json.dumps(report))

    def _queue(self, body: str) -> None:
        message = {"Records": [{"eventSource": "aws:sqs", "body": body}]}
        self._messages.put(lambda: self.invoke("responder", message))

    def items(self) -> dict[str, dict[str, Any]]:
        """The table's items, in DynamoDB's typed form, by key."""
        found = aws("dynamodb").scan(TableName=TABLE)["Items"]
        return {item["pk"]["S"]: item for item in found}

    def public_items(self) -> dict[str, dict[str, Any]]:
        return {key: item for key, item in self.items().items() if key.startswith("RUN#")}

    @property
    def records(self) -> Records:
        return self.app.records
