"""DynamoDB fails now and then, and functions are killed while they work; what was done is in `failures.log` of the
cloud's folder, a word a line.

How DynamoDB words it: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html.
"""

import itertools
import os
import signal
import threading
from pathlib import Path
from typing import Any

from ministack.core import lambda_runtime
from ministack.core.responses import error_response_json
from ministack.services import dynamodb

from local.embedded_cloud.drift_guard import Call, around

LOG = "failures.log"
FAILING_SHARE = 0.03
"""Of the calls of DynamoDB that read or write items."""
ERRORS = {
    "ThrottlingException": (400, "Rate of requests exceeds the allowed throughput."),
    "InternalServerError": (500, "An error occurred on the server side."),
}
"""In turn; after an InternalServerError the call may have had its effect: here it has."""
KILLED_FUNCTIONS = 20
INVOCATIONS_BETWEEN = 6
MOMENTS_SECONDS = (0.02, 0.1, 0.3, 0.05, 1.0)
"""How long a function works until it is killed, in turn."""
_calls, _invocations, _moments = itertools.count(1), itertools.count(1), itertools.cycle(MOMENTS_SECONDS)
_errors = itertools.cycle(ERRORS)
_lock = threading.Lock()
_killed: list[int] = []


def _note(what: str) -> None:
    with Path.home().joinpath(LOG).open("a") as log:
        log.write(f"{what}\n")


def _use_table(call: Call) -> Any:
    number = next(_calls)
    _note("call")
    if int(number * FAILING_SHARE) == int((number - 1) * FAILING_SHARE):
        return call.proceed()
    name = next(_errors)
    _note(name)
    if name == "InternalServerError":
        call.proceed()
    status, message = ERRORS[name]
    return error_response_json(name, message, status)


def _invoke(call: Call) -> Any:
    """Kill the process of each so many-th invocation, unless it has ended before."""
    if next(_invocations) % INVOCATIONS_BETWEEN or len(_killed) >= KILLED_FUNCTIONS:
        return call.proceed()
    is_over = threading.Event()
    threading.Thread(target=_kill, args=(call.self, next(_moments), is_over), daemon=True).start()
    try:
        return call.proceed()
    finally:
        is_over.set()


def _kill(worker: Any, seconds: float, is_over: threading.Event) -> None:
    if is_over.wait(seconds) or worker._proc is None:
        return
    with _lock:
        if len(_killed) < KILLED_FUNCTIONS:
            os.kill(worker._proc.pid, signal.SIGKILL)
            _killed.append(worker._proc.pid)
            _note(f"killed {worker.func_name}")


def install() -> None:
    """Patch the operations on items, and invocations; DriftError when ministack changed."""
    for name in ("_get_item", "_put_item", "_update_item", "_delete_item", "_query"):
        around(dynamodb, name, "data", _use_table)
    parameters = "self event request_id trace_id depth durable invoked_function_arn"
    around(lambda_runtime.Worker, "invoke", parameters, _invoke)
