"""The user's own Lambda functions, in this process: what the client asks of Lambda is answered by Python functions."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable
from typing import Any

from testkit.in_process.cloud import Cloud
from testkit.memory.refusals import Refusal

ARN = "arn:aws:lambda:us-east-1:123456789012:function:{}"


def submitted_outputs(requests: Iterable[Any]) -> list[tuple[str, str]]:
    """What the stand-in was handed in for calls, on either wire: call id and output, in order, repetitions too."""
    found: list[tuple[str, str]] = []
    for request in requests:
        body = request.body or {}
        if request.method == "POST" and request.path.endswith("/submit_tool_outputs"):
            found += [(each["tool_call_id"], each["output"]) for each in body["tool_outputs"]]
        if request.method == "POST" and request.path == "/v1/responses":
            items = [each for each in body.get("input", ()) if each["type"] == "function_call_output"]
            found += [(each["call_id"], each["output"]) for each in items]
    return found


class ToolFunctions:
    """Functions by name; `events` are those that they were invoked with, in order."""

    def __init__(self, cloud: Cloud) -> None:
        self.functions: dict[str, Callable[[dict[str, Any]], Any]] = {}
        self.events: list[dict[str, Any]] = []
        self.unreserved_executions: int | None = 1000
        """Of the account's concurrent executions; None where Lambda does not tell."""
        cloud.operations |= {"lambda.Invoke": self._invoke, "lambda.GetAccountSettings": self._tell_limits}

    def forget(self) -> None:
        """No function is there, and none was invoked."""
        self.functions.clear()
        self.events.clear()

    def add(self, name: str, function: Callable[[dict[str, Any]], Any]) -> str:
        """Deploy a function; returns its ARN. What it returns as bytes is its payload as it is."""
        self.functions[name] = function
        return ARN.format(name)

    def calls(self, name: str) -> list[dict[str, Any]]:
        """The events whose function the model called by this name."""
        return [event for event in self.events if event["name"] == name]

    def _tell_limits(self) -> dict[str, Any]:
        unreserved = self.unreserved_executions
        if unreserved is None:
            raise Refusal("AccessDeniedException", status=403)
        limits = {"ConcurrentExecutions": unreserved + 100, "UnreservedConcurrentExecutions": unreserved}
        return {"AccountLimit": limits}

    def _invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:
        event = json.loads(Payload)
        self.events.append(event)
        function, failure = self.functions.get(FunctionName.rpartition(":")[2]), {}
        if function is None:
            raise Refusal("ResourceNotFoundException", status=404)
        try:
            result = function(event)
        except Refusal:
            raise
        except Exception as error:
            result = {"errorType": type(error).__name__, "errorMessage": str(error)}
            failure = {"FunctionError": "Unhandled"}
        return {"Payload": io.BytesIO(result if isinstance(result, bytes) else json.dumps(result).encode()), **failure}
