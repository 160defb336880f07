"""Bounds the processes of functions: each one at work has its own, and a hundred stacks at once would fill the machine.

AWS runs a thousand at once. Here so many of each function do, as if all of them had reserved concurrency: who waits
for another function does not keep that one from working. The others wait for their turn before their own clock
starts, so that what a deployment sees is a slow AWS, never a refusal; a REPORT's duration, which AWS bills, has none
of that wait in it.
"""

import os
import threading
import time
from typing import Any

from ministack.services import lambda_svc

from local.embedded_cloud.drift_guard import Function, replace

AT_ONCE = 16
"""Of each function, unless FUNCTIONS_AT_ONCE says otherwise.

A process takes 85 MB and 55 MB of disk for the application, and a function keeps as many as it once needed.
"""


def install() -> None:
    """Let no more of a function than that be at work; DriftError when ministack changed."""
    at_once = int(os.environ.get("FUNCTIONS_AT_ONCE", AT_ONCE))
    turns: dict[str, threading.BoundedSemaphore] = {}

    def in_turn(execute: Function) -> Function:
        def execute_function(func: Any, config: Any, event: Any, request_id: str, started: float) -> Any:
            with turns.setdefault(config["FunctionArn"], threading.BoundedSemaphore(at_once)):
                return execute(func, config, event, request_id, time.time())

        return execute_function

    replace(lambda_svc, "_execute_function_dispatch", "func config event request_id started", in_turn)
