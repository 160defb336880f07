"""The user's own Lambda functions, in this process: what botocore sends to Lambda is answered by Python functions."""

from __future__ import annotations

import io
import json
import threading
import urllib.parse
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.compat import HTTPHeaders

from threadrun.workflow import lambda_invoke

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


class Refused(Exception):
    """Lambda does not invoke the function, for this reason."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


class _Raw(io.BytesIO):
    def stream(self, **_: Any) -> Any:
        yield self.read()


class ToolFunctions:
    """Functions by name; `events` are those that they were invoked with, in order."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.functions: dict[str, Callable[[dict[str, Any]], Any]] = {}
        self.events: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        make_client = lambda_invoke._client

        def client(timeout_seconds: float) -> Any:
            made = make_client(timeout_seconds)
            made.meta.events.register_first("before-send.lambda.Invoke", self._answer)
            return made

        monkeypatch.setattr(lambda_invoke, "_client", client)

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

    def _answer(self, request: AWSRequest, **_: Any) -> Any:
        url = str(request.url)
        arn = urllib.parse.unquote(url.split("/functions/")[1].removesuffix("/invocations"))
        event = json.loads(request.body or b"null")
        with self._lock:
            self.events.append(event)
        try:
            function = self.functions.get(arn.rpartition(":")[2])
            if function is None:
                raise Refused(404, "ResourceNotFoundException")
            result, headers = function(event), HTTPHeaders()
        except Refused as error:
            headers = HTTPHeaders.from_dict({"x-amzn-errortype": error.code})
            return AWSResponse(url, error.status, headers, _Raw(b"{}"))
        except Exception as error:
            result = {"errorType": type(error).__name__, "errorMessage": str(error)}
            headers = HTTPHeaders.from_dict({"x-amz-function-error": "Unhandled"})
        body = result if isinstance(result, bytes) else json.dumps(result).encode()
        return AWSResponse(url, 200, headers, _Raw(body))
