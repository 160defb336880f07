"""The application in one process: its handlers, its state machine's real definition, DynamoDB and secrets by moto.

Time is virtual: a Wait of the state machine moves the clock that the handlers and the stand-in share.
CloudFormation is played by the test; its presigned URL is a real HTTP server.
"""

from __future__ import annotations

import json
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import urllib3.util.retry
import yaml

from functions.call_tool import app as call_tool
from functions.custom_resource import app as custom_resource
from functions.reconcile import app as reconcile
from functions.responder import app as responder
from functions.signal import app as signal
from local.openai_standin import Fault, OpenAIStandIn
from testkit.in_process.answer_url import AnswerUrl
from testkit.in_process.moto_shims import Clock, aws, executions, shim_moto
from testkit.in_process.tool_functions import ARN, ToolFunctions
from testkit.template import ROOT, template, timeout_seconds
from threadrun.app.application import Application
from threadrun.app.settings import Settings
from threadrun.storage.records import Records

DEFINITION = ROOT / "statemachine/thread_run.asl.yaml"
TABLE, BUCKET = "threadrun-table", "threadrun-outputs"
FUNCTIONS = {
    "custom_resource": custom_resource,
    "reconcile": reconcile,
    "call_tool": call_tool,
    "signal": signal,
    "responder": responder,
}
RETRIES_AFTER_SECONDS = (60, 120)
"""When Lambda repeats an asynchronous invocation that failed."""
STACK_ID = "arn:aws:cloudformation:us-east-1:123456789012:stack/example/6f3c1f00-0000-0000-0000-000000000000"


ENDED_BADLY = ("FAILED", "TIMED_OUT", "ABORTED")


QUEUE = template()["Resources"]["UnansweredQueue"]["Properties"]
VISIBILITY_SECONDS, QUEUE_RETENTION_SECONDS = QUEUE["VisibilityTimeout"], QUEUE["MessageRetentionPeriod"]


@dataclass(frozen=True)
class Message:
    """A message of the queue."""

    body: str
    expires_epoch_s: float


@dataclass
class Gate:
    """Holds the invocations of a function."""

    opened: threading.Event = field(default_factory=threading.Event)
    arrived: threading.Event = field(default_factory=threading.Event)


class ProcessEnded(BaseException):
    """A function's process is gone in the middle of its work; no handler of exceptions sees it."""


LAMBDA_EXIT_ERROR = type("Runtime.ExitError", (Exception,), {})
"""How Lambda reports that."""


class World:
    """One deployed application, and the CloudFormation requests that are made of it."""

    def __init__(
        self, standin: OpenAIStandIn, clock: Clock, wire: str, monkeypatch: Any, calls_in_turn: bool = False
    ) -> None:
        """With `calls_in_turn`, functions of one round are called in their order, so that each run is the same."""
        self._calls_in_turn = calls_in_turn
        self.openai, self.clock, self.wire = standin, clock, wire
        self.url = AnswerUrl()
        self.stack_id = STACK_ID
        self.secrets = aws("secretsmanager")
        self.tools = ToolFunctions(monkeypatch)
        self.fail_next: dict[str, list[Exception]] = {name: [] for name in FUNCTIONS}
        self.queue: list[Message] = []
        self._reported: set[str] = set()
        self._local = threading.local()
        self._gates: dict[str, Gate] = {}
        self._machines: list[str] = []
        self._deploy(monkeypatch)

    def _deploy(self, monkeypatch: Any) -> None:
        table = template()["Resources"]["Table"]["Properties"]
        asked = ("KeySchema", "AttributeDefinitions", "GlobalSecondaryIndexes", "BillingMode")
        aws("dynamodb").create_table(TableName=TABLE, **{name: table[name] for name in asked})
        aws("s3").create_bucket(Bucket=BUCKET)
        secret = aws("secretsmanager").create_secret(Name="key", SecretString=self.openai.api_key)
        machine_arn = self.add_machine("threadrun", DEFINITION)
        wire: Any = self.wire
        settings = Settings(
            table_name=TABLE,
            outputs_bucket=BUCKET,
            state_machine_arn=machine_arn,
            openai_api=wire,
            openai_base_url=self.openai.base_url,
            openai_api_key_secret_arn=secret["ARN"],
            tool_function_arns=(ARN.format("tool-*"),),
            allow_loopback_response_url=True,
        )
        self.app = Application(settings, self.clock, self.clock.advance, lambda: 0.5)
        self.app._dynamodb, self.app._s3 = aws("dynamodb"), aws("s3")
        self.app.step_functions, self.app.event_bus = aws("stepfunctions"), aws("events")
        for module in FUNCTIONS.values():
            monkeypatch.setattr(module, "application", lambda: self.app)
        shim_moto(monkeypatch, self.invoke, self.clock)
        monkeypatch.setattr(urllib3.util.retry, "time", SimpleNamespace(sleep=self.clock.advance, time=self.clock))

    def add_machine(self, name: str, definition: Path) -> str:
        """Deploy a state machine of this definition; returns its ARN."""
        text = json.dumps(yaml.safe_load(definition.read_text()))
        if self._calls_in_turn:
            text = re.sub(r'"MaxConcurrency": \d+', '"MaxConcurrency": 1', text)
        for placeholder, value in {
            "ReconcileFunctionArn": "reconcile",
            "CallToolFunctionArn": "call_tool",
            "SignalFunctionArn": "signal",
            "TableName": TABLE,
        }.items():
            text = text.replace("${" + placeholder + "}", value)
        machine = aws("stepfunctions").create_state_machine(
            name=name, definition=text, roleArn="arn:aws:iam::123456789012:role/states"
        )
        self._machines.append(machine["stateMachineArn"])
        return self._machines[-1]

    def invoke(self, function: str, event: dict[str, Any]) -> Any:
        """Run a handler as Lambda would: a fresh copy of the event in, JSON out."""
        if function in self._gates and threading.current_thread() is not threading.main_thread():
            self._gates[function].arrived.set()
            assert self._gates[function].opened.wait(20)
        self.running.append(function)
        try:
            return self._invoke_now(function, event)
        except ProcessEnded:
            raise LAMBDA_EXIT_ERROR("the process ended") from None
        finally:
            self.running.pop()

    @property
    def running(self) -> list[str]:
        """The functions that this thread is in, the innermost last."""
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
        self.queue.append(Message(json.dumps(report), self.clock() + QUEUE_RETENTION_SECONDS))

    def abort_execution(self, held: str) -> Any:
        """Somebody stops the one execution in the console, while a function is held; returns it."""
        [execution] = executions(self.app.settings.state_machine_arn)
        assert self._gates[held].arrived.wait(20)
        aws("stepfunctions").stop_execution(executionArn=execution.execution_arn)
        return execution

    def subscribe(self, pattern: dict[str, Any]) -> None:
        """Have a rule on the default bus bring what matches to a queue."""
        queue = aws("sqs").create_queue(QueueName="events")["QueueUrl"]
        arn = aws("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        aws("events").put_rule(Name="events", EventPattern=json.dumps(pattern))
        aws("events").put_targets(Rule="events", Targets=[{"Id": "queue", "Arn": arn}])

    def received_events(self) -> list[dict[str, Any]]:
        """What the rule has brought since the last look."""
        queue, found = aws("sqs").get_queue_url(QueueName="events")["QueueUrl"], []
        while messages := aws("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                found.append(json.loads(message["Body"]))
                aws("sqs").delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return found

    def sweep(self) -> int:
        """What the schedule does each minute; returns how many overdue requests there were."""
        return int(self.invoke("responder", {"source": "aws.events", "detail-type": "Scheduled Event"})["overdue"])

    @contextmanager
    def held(self, function: str) -> Iterator[None]:
        """Keep a function from being invoked by the state machine until the block ends."""
        gate = self._gates[function] = Gate()
        try:
            yield
        finally:
            gate.opened.set()
            del self._gates[function]

    def after_request(self, method: str, path: str, action: Callable[[], object]) -> None:
        """Do something once, right after OpenAI has served a request and before its caller sees the reply."""
        application: Any = self.openai._application
        handle = application.handle

        def intercepted(got_method: str, got_path: str, *rest: Any) -> Any:
            reply = handle(got_method, got_path, *rest)
            if (got_method, got_path) == (method, path):
                application.handle = handle
                action()
            return reply

        application.handle = intercepted

    def during(self, begin: float, end: float, *faults: Fault) -> None:
        """Plan faults that OpenAI has from one virtual moment to another, whenever it is asked then."""
        application: Any = self.openai._application
        handle = application.handle
        planned = self.openai._world.faults

        def intercepted(*request: Any) -> Any:
            planned.clear()
            if begin <= self.clock() < end:
                self.openai.fault(*faults)
            return handle(*request)

        application.handle = intercepted

    def event(
        self,
        kind: str,
        properties: dict[str, Any],
        *,
        physical_id: str | None = None,
        logical_id: str = "Run",
        **more: Any,
    ) -> dict[str, Any]:
        """A request as CloudFormation sends it."""
        event = {
            "RequestType": kind,
            "RequestId": str(uuid.uuid4()),
            "ResponseURL": self.url.new(self.clock()),
            "StackId": self.stack_id,
            "LogicalResourceId": logical_id,
            "ResourceType": "Custom::OpenAIThreadRun",
            "ResourceProperties": {"ServiceToken": "arn:aws:lambda:…", "ServiceTimeout": "600", **properties},
        }
        if physical_id is not None:
            event["PhysicalResourceId"] = physical_id
        return event | more

    def send(self, event: dict[str, Any]) -> dict[str, Any]:
        """Deliver a request and wait for its end; returns the one new answer."""
        before = len(self.url.answers)
        self.deliver(event)
        self.settle()
        answers = self.url.answers[before:]
        assert len(answers) == 1, f"{len(answers)} answers instead of one"
        return answers[0]

    def create(self, properties: dict[str, Any], **more: Any) -> dict[str, Any]:
        return self.send(self.event("Create", properties, **more))

    def update(self, physical_id: str, properties: dict[str, Any], **more: Any) -> dict[str, Any]:
        return self.send(self.event("Update", properties, physical_id=physical_id, **more))

    def delete(self, physical_id: str, properties: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        return self.send(self.event("Delete", properties or {}, physical_id=physical_id, **more))

    def start_over(self) -> None:
        """Nothing has happened yet, on no side."""
        self.openai.reset()
        self.tools.forget()
        for key in self.items():
            aws("dynamodb").delete_item(TableName=TABLE, Key={"pk": {"S": key}})
        self.url.answers.clear()
        self.url.bodies.clear()
        vars(self.app).pop("backend", None)  # It remembers what the server lacks.
        self.clock.reset()

    def forget_requests(self) -> None:
        """Count OpenAI's requests, and the clock, from here."""
        self.openai._world.requests.clear()
        self.clock.reset()

    def settle(self, patience_seconds: float = 20) -> None:
        """Wait until no execution runs and the queue is empty, as EventBridge and SQS go on meanwhile."""
        patience = time.monotonic() + patience_seconds
        while self._work_left():
            assert time.monotonic() < patience, "an execution does not end"
            time.sleep(0.002)

    def _work_left(self) -> bool:
        is_running = False
        for execution in [each for arn in self._machines for each in executions(arn)]:
            is_running |= execution.status == "RUNNING"
            if execution.status in ENDED_BADLY and execution.execution_arn not in self._reported:
                self._reported.add(execution.execution_arn)
                self._report_execution(execution)
        if self.queue:
            self._receive(self.queue.pop(0))
            return True
        return is_running

    def _report_execution(self, execution: Any) -> None:
        """What EventBridge's rule puts on the queue."""
        detail = {
            "executionArn": execution.execution_arn,
            "stateMachineArn": self.app.settings.state_machine_arn,
            "name": execution.name,
            "status": execution.status,
            "input": execution.execution_input,
        }
        report = {"source": "aws.states", "detail-type": "Step Functions Execution Status Change", "detail": detail}
        self.queue.append(Message(json.dumps(report), self.clock() + QUEUE_RETENTION_SECONDS))

    def _receive(self, message: Message) -> None:
        """A message that its function did not take comes again when it is visible, until it is too old."""
        try:
            self.invoke("responder", {"Records": [{"eventSource": "aws:sqs", "body": message.body}]})
        except Exception:
            self.clock.advance(VISIBILITY_SECONDS)
            if self.clock() < message.expires_epoch_s:
                self.queue.append(message)

    def histories(self) -> str:
        """All that the executions' histories hold."""
        client = aws("stepfunctions")
        executions = client.list_executions(stateMachineArn=self.app.settings.state_machine_arn)["executions"]
        return "".join(
            json.dumps(client.get_execution_history(executionArn=each["executionArn"])["events"], default=str)
            + json.dumps(client.describe_execution(executionArn=each["executionArn"]), default=str)
            for each in executions
        )

    def items(self) -> dict[str, dict[str, Any]]:
        """The table's items, in DynamoDB's typed form, by key."""
        found = aws("dynamodb").scan(TableName=TABLE)["Items"]
        return {item["pk"]["S"]: item for item in found}

    def public_items(self) -> dict[str, dict[str, Any]]:
        return {key: item for key, item in self.items().items() if key.startswith("RUN#")}

    @property
    def records(self) -> Records:
        return self.app.records

    def close(self) -> None:
        self.url.close()
