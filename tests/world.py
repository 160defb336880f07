"""The application in one process: its handlers, its state machine's real definition, DynamoDB and secrets by moto.

Time is virtual: a Wait of the state machine moves the clock that the handlers and the stand-in share.
CloudFormation is played by the test; its presigned URL is a real HTTP server.
"""

from __future__ import annotations

import functools
import json
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import jsonata
import urllib3.util.retry
import yaml
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service_dynamodb
from moto.stepfunctions.parser.asl.component.state.wait.wait_function import wait_function
from moto.stepfunctions.parser.asl.jsonata import jsonata as moto_jsonata

from functions.custom_resource import app as custom_resource
from functions.reconcile import app as reconcile
from functions.signal import app as signal
from local.openai_standin import OpenAIStandIn
from threadrun.application import Application
from threadrun.settings import Settings
from threadrun.store import Store

DEFINITION = Path(__file__).parents[1] / "statemachine/thread_run.asl.yaml"
TABLE = "threadrun-table"
STACK_ID = "arn:aws:cloudformation:us-east-1:123456789012:stack/example/6f3c1f00-0000-0000-0000-000000000000"


@functools.cache
def aws(service: str) -> Any:
    """A client, made once for all tests: making one takes longer than most tests."""
    return boto3.client(service, region_name="us-east-1")


class Clock:
    """Virtual Unix seconds."""

    BEGIN = 1_800_000_000.0

    def __init__(self) -> None:
        self._now = self.BEGIN
        self._lock = threading.Lock()

    def reset(self) -> None:
        """Back to the beginning, before anything has happened whose time counts."""
        self._now = self.BEGIN

    def __call__(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        with self._lock:
            self._now += seconds


class AnswerUrl:
    """CloudFormation's side of the presigned URL: keeps each body that was PUT; can be told to refuse."""

    def __init__(self) -> None:
        self.answers: list[dict[str, Any]] = []
        self.bodies: list[bytes] = []
        self.refusals: list[int] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = outer.refusals.pop(0) if outer.refusals else 200
                if status == 200:
                    outer.bodies.append(body)
                    outer.answers.append(json.loads(body))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def new(self, issued_epoch_s: float) -> str:
        date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(issued_epoch_s))
        query = f"X-Amz-Date={date}&X-Amz-Signature={uuid.uuid4().hex}"
        return f"http://127.0.0.1:{self._server.server_port}/answer?{query}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class World:
    """One deployed application, and the CloudFormation requests that are made of it."""

    def __init__(self, standin: OpenAIStandIn, clock: Clock, wire: str, monkeypatch: Any) -> None:
        self.openai, self.clock, self.wire = standin, clock, wire
        self.url = AnswerUrl()
        self.stack_id = STACK_ID
        self.secrets = aws("secretsmanager")
        self.fail_next: dict[str, list[Exception]] = {"reconcile": [], "signal": [], "custom_resource": []}
        self._gates: dict[str, threading.Event] = {}
        self._machines: list[str] = []
        self._deploy(monkeypatch)

    def _deploy(self, monkeypatch: Any) -> None:
        aws("dynamodb").create_table(
            TableName=TABLE,
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        secret = aws("secretsmanager").create_secret(Name="key", SecretString=self.openai.api_key)
        machine_arn = self.add_machine("threadrun", DEFINITION)
        settings = Settings(
            table_name=TABLE,
            state_machine_arn=machine_arn,
            openai_api=self.wire,
            openai_base_url=self.openai.base_url,
            openai_api_key_secret_arn=secret["ARN"],
            allow_loopback_response_url=True,
        )
        self.app = Application(settings, self.clock)
        self.app._dynamodb = aws("dynamodb")
        self.app.step_functions = aws("stepfunctions")
        for module in (custom_resource, reconcile, signal):
            monkeypatch.setattr(module, "application", lambda: self.app)
        shim_moto(monkeypatch, self.invoke, self.clock)
        monkeypatch.setattr(urllib3.util.retry, "time", SimpleNamespace(sleep=self.clock.advance, time=self.clock))

    def add_machine(self, name: str, definition: Path) -> str:
        """Deploy a state machine of this definition; returns its ARN."""
        text = json.dumps(yaml.safe_load(definition.read_text()))
        for placeholder, value in {
            "ReconcileFunctionArn": "reconcile",
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
            assert self._gates[function].wait(20)
        if self.fail_next[function]:
            raise self.fail_next[function].pop(0)
        module = {"custom_resource": custom_resource, "reconcile": reconcile, "signal": signal}[function]
        context = SimpleNamespace(
            function_name=function,
            memory_limit_in_mb=512,
            invoked_function_arn=f"arn:aws:lambda:us-east-1:123456789012:function:{function}",
            aws_request_id=str(uuid.uuid4()),
            get_remaining_time_in_millis=lambda: 100_000,
        )
        return json.loads(json.dumps(module.handler(json.loads(json.dumps(event)), context)))

    @contextmanager
    def held(self, function: str) -> Iterator[None]:
        """Keep a function from being invoked by the state machine until the block ends."""
        gate = self._gates[function] = threading.Event()
        try:
            yield
        finally:
            gate.set()

    def after_request(self, method: str, path: str, action: Callable[[], object]) -> None:
        """Do something once, right after OpenAI has served a request and before its caller sees the reply."""
        application = self.openai._application
        handle = application.handle

        def intercepted(got_method: str, got_path: str, *rest: Any) -> Any:
            reply = handle(got_method, got_path, *rest)
            if (got_method, got_path) == (method, path):
                application.handle = handle
                action()
            return reply

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
        self.invoke("custom_resource", event)
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

    def forget_requests(self) -> None:
        """Count OpenAI's requests, and the clock, from here."""
        self.openai._world.requests.clear()
        self.clock.reset()

    def settle(self) -> None:
        """Wait until no execution runs any more."""
        client = aws("stepfunctions")
        patience = time.monotonic() + 20
        for arn in self._machines:
            while client.list_executions(stateMachineArn=arn, statusFilter="RUNNING")["executions"]:
                assert time.monotonic() < patience, "an execution does not end"
                time.sleep(0.02)

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
    def store(self) -> Store:
        return self.app.store

    def close(self) -> None:
        self.url.close()


def shim_moto(monkeypatch: Any, invoke: Any, clock: Clock) -> None:
    """What moto's Step Functions needs: a JSONata engine, functions to invoke, clients, and the virtual clock."""

    def invoke_function(parameters: dict[str, Any], region: str, state_credentials: Any) -> dict[str, Any]:
        try:
            payload = invoke(parameters["FunctionName"], json.loads(parameters["Payload"]))
        except Exception as error:
            failure = {"errorType": type(error).__name__, "errorMessage": str(error)}
            return {"StatusCode": 200, "FunctionError": "Unhandled", "Payload": failure}
        return {"StatusCode": 200, "Payload": payload}

    def declare(bindings: dict[str, Any]) -> str:
        return "".join(f"{name}:={json.dumps(value, default=str)};" for name, value in bindings.items())

    monkeypatch.setattr(moto_jsonata, "_eval_jsonata", lambda text: jsonata.Jsonata(text).evaluate(None))
    for module in list(sys.modules.values()):
        if getattr(module, "encode_jsonata_variable_declarations", None) and "moto" in module.__name__:
            monkeypatch.setattr(module, "encode_jsonata_variable_declarations", declare)
    monkeypatch.setattr(state_task_service_dynamodb, "boto_client_for", lambda service, **_: aws(service))
    monkeypatch.setattr(lambda_eval_utils, "_invoke_lambda_function", invoke_function)
    monkeypatch.setattr(
        wait_function.WaitFunction, "_wait_interval", lambda self, env, wait_seconds: clock.advance(wait_seconds)
    )
    monkeypatch.setattr(retrier_decl, "time", SimpleNamespace(sleep=clock.advance))
