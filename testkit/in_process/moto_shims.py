"""AWS in this process: moto's clients, and what its Step Functions lacks to run the real definition."""

from __future__ import annotations

import functools
import json
import sys
import threading
from types import SimpleNamespace
from typing import Any

import boto3
import jsonata
from moto.dynamodb.responses import DynamoHandler
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service_dynamodb
from moto.stepfunctions.parser.asl.component.state.wait.wait_function import wait_function
from moto.stepfunctions.parser.asl.jsonata import jsonata as moto_jsonata
from moto.stepfunctions.parser.models import stepfunctions_parser_backends


@functools.cache
def aws(service: str) -> Any:
    """A client, made once for all tests: making one takes longer than most tests."""
    client: Any = boto3.client
    return client(service, region_name="us-east-1")


def executions(state_machine_arn: str) -> list[Any]:
    """All executions as moto holds them: asking by its API takes longer than most executions."""
    region, account = state_machine_arn.split(":")[3:5]
    backend = stepfunctions_parser_backends[account][region]
    return list(backend.describe_state_machine(state_machine_arn).executions)


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
    write_one_at_a_time(monkeypatch)


def write_one_at_a_time(monkeypatch: Any) -> None:
    """A condition and its write are one, as in DynamoDB: between moto's two another thread's write can get lost."""
    call_action, lock = DynamoHandler.call_action, threading.RLock()

    def locked(self: DynamoHandler) -> Any:
        with lock:
            return call_action(self)

    monkeypatch.setattr(DynamoHandler, "call_action", locked)
