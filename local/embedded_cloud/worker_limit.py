"""Bounds the processes of functions: each one at work has its own, and a hundred stacks at once would fill the machine.

AWS runs a thousand at once. Here the others wait for their turn before their own clock starts, so that what a
deployment sees is a slow AWS, never a refusal. Functions that wait for functions hold a turn each.
"""

import threading
from typing import Any

from ministack.services import lambda_svc

from local.embedded_cloud.drift_guard import Function, replace

AT_ONCE = 8
"""A process takes 85 MB and 55 MB of disk for the application, and a function keeps as many as it once needed."""


def install() -> None:
    """Let no more functions than that be at work; DriftError when ministack changed."""
    turns = threading.BoundedSemaphore(AT_ONCE)

    def in_turn(execute: Function) -> Function:
        def execute_function_warm(func: Any, event: Any, request_id: str) -> Any:
            with turns:
                return execute(func, event, request_id)

        return execute_function_warm

    replace(lambda_svc, "_execute_function_warm", "func event request_id", in_turn)
