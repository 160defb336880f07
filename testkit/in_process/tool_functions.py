"""The user's own Lambda functions, in this process: what botocore sends to Lambda is answered by Python functions."""

from __future__ import annotations

import urllib.parse
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from testkit.in_process.answered import Refused, answer
from threadrun.workflow import tool_calls

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

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.functions: dict[str, Callable[[dict[str, Any]], Any]] = {}
        self.events: list[dict[str, Any]] = []
        make_client = tool_calls._client

        def client(timeout_seconds: float) -> Any:
            made = make_client(timeout_seconds)
            answer(made, "lambda.Invoke", self._answer)
            return made

        monkeypatch.setattr(tool_calls, "_client", client)

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

    def _answer(self, url: str, event: dict[str, Any]) -> tuple[Any, dict[str, str]]:
        arn = urllib.parse.unquote(url.split("/functions/")[1].removesuffix("/invocations"))
        self.events.append(event)
        function = self.functions.get(arn.rpartition(":")[2])
        if function is None:
            raise Refused(404, "ResourceNotFoundException")
        try:
            return function(event), {}
        except Refused:
            raise
        except Exception as error:
            failure = {"errorType": type(error).__name__, "errorMessage": str(error)}
            return failure, {"x-amz-function-error": "Unhandled"}
