"""Runs LocalEmu with two parts of another make, in LocalEmu's own environment: nothing of the project is imported here.

Its JSONata is not there ("Java/JPype support has been removed"): npm's `jsonata` evaluates instead. Its functions need
Docker: a process evaluates each of them instead. Environment: FUNCTION_PYTHON, FUNCTION_WORKER, JSONATA_SERVER.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from typing import Any

from localemu.runtime.main import main
from localemu.services.lambda_ import provider
from localemu.services.lambda_.invocation import execution_environment, runtime_executor, version_manager
from localemu.services.lambda_.invocation.lambda_models import InvocationResult
from localemu.services.lambda_.invocation.layer_mounter import prepare_merged_opt
from localemu.services.stepfunctions.asl.component.common.string import string_expression
from localemu.services.stepfunctions.asl.jsonata import jsonata, validations

HOST = "127.0.0.1"


class LineProcess:
    """A program that answers each line with a line."""

    def __init__(self, command: list[str], **options: Any) -> None:
        self._lock = threading.Lock()
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **options)

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        """Return its answer; none where the program has ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._lock:
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
            answer: dict[str, Any] = json.loads(self._process.stdout.readline() or "{}")
            return answer

    def end(self) -> None:
        self._process.kill()
        self._process.wait()


def evaluate(expression: str) -> Any:
    """Return the value of an expression that declares its own variables; None where it has none."""
    answer = _jsonata.ask({"expression": expression})
    if "error" in answer:
        raise jsonata.JSONataException(answer["error"], answer["details"])
    return answer.get("value")


class ProcessExecutor(runtime_executor.RuntimeExecutor):  # type: ignore[misc]
    """An environment of a function, as a process of this machine."""

    def start(self, env_vars: dict[str, Any]) -> None:
        layer = prepare_merged_opt(self.function_version)
        code = self.function_version.config.code.get_unzipped_code_location()
        path = os.pathsep.join([str(code), *([f"{layer}/python"] if layer else [])])
        given = {name: str(value) for name, value in env_vars.items()}
        environment = {"PATH": os.environ["PATH"], **given, "PYTHONPATH": path}
        command = [os.environ["FUNCTION_PYTHON"], os.environ["FUNCTION_WORKER"]]
        self._process = LineProcess(command, env=environment, cwd=str(code))

    def stop(self) -> None:
        self._process.end()

    def invoke(self, payload: dict[str, str], function_timeout: int | None = None) -> InvocationResult:
        request_id = payload["invoke-id"]
        limit = threading.Timer(function_timeout or 900, self._process.end)
        limit.start()
        try:
            question = {"id": request_id, "arn": payload["invoked-function-arn"], "payload": payload["payload"]}
            answer = self._process.ask(question)
        finally:
            limit.cancel()
        if "payload" in answer:
            return InvocationResult(request_id, answer["payload"].encode(), is_error=False, logs="")
        gone = json.dumps({"errorType": "Runtime.ExitError", "errorMessage": "the process ended"})
        return InvocationResult(request_id, answer.get("error", gone).encode(), is_error=True, logs="")

    def get_address(self) -> str:
        return HOST

    def get_endpoint_from_executor(self) -> str:
        return HOST

    def get_runtime_endpoint(self) -> str:
        return f"http://{HOST}"

    def get_logs(self) -> str:
        return ""

    @classmethod
    def prepare_version(cls, function_version: Any) -> None:
        function_version.config.code.prepare_for_execution()

    @classmethod
    def cleanup_version(cls, function_version: Any) -> None:
        pass


if __name__ == "__main__":
    _jsonata = LineProcess(["node", os.environ["JSONATA_SERVER"]])
    for module in (string_expression, validations, jsonata):
        module.eval_jsonata_expression = evaluate
    for module in (execution_environment, version_manager, provider, runtime_executor):
        module.get_runtime_executor = lambda: ProcessExecutor
    sys.exit(main())
