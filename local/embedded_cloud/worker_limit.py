"""Limits how many processes a function has at work: a hundred stacks at once would fill the machine.

AWS runs a thousand at once. Here each function has a limit of its own, like reserved concurrency, so that a function
that waits for another one does not block it. A further invocation waits before its clock starts: a deployment sees a
slow AWS and never a refusal, and the duration in REPORT, which AWS bills, does not contain the wait.
"""

import os
import threading
import time
from typing import Any

from ministack.services import lambda_svc

from local.embedded_cloud.drift_guard import Call, around

AT_ONCE = 16
"""Processes of each function. Default, unless FUNCTIONS_AT_ONCE is set.

A process takes 85 MB and 55 MB of disk for the application. A function keeps the processes that it once needed.
"""


def install() -> None:
    """Limit each function; DriftError when ministack changed."""
    at_once = int(os.environ.get("FUNCTIONS_AT_ONCE", AT_ONCE))
    turns: dict[str, threading.BoundedSemaphore] = {}

    def in_turn(call: Call) -> Any:
        with turns.setdefault(call.config["FunctionArn"], threading.BoundedSemaphore(at_once)):
            return call.proceed(started=time.time())

    around(lambda_svc, "_execute_function_dispatch", "func config event request_id started", in_turn)
