"""Lets DeleteStack, CancelUpdateStack and a reset end an operation whose custom resources still run, as AWS does."""

import asyncio
from typing import Any

from ministack.services.cloudformation import custom_resource, handlers, stacks

from local.embedded_cloud.custom_resources import ledger
from local.embedded_cloud.drift_guard import Call, around, require
from local.embedded_cloud.stack_operation import RUNNING

_POLL_SECONDS = 0.02


async def _delete_stack(call: Call) -> None:
    operation = RUNNING.get(call.stack_id)
    if operation is not None:
        operation.stack["StackStatus"] = "DELETE_IN_PROGRESS"
        operation.deleted = True
        operation.stop()
        while call.stack_id in RUNNING:
            await asyncio.sleep(_POLL_SECONDS)
    await call.proceed()


def _cancel_update(call: Call) -> Any:
    response = call.proceed()
    if response[0] == 200:
        stack = handlers._resolve_stack(handlers._p(call.params, "StackName"))
        operation = RUNNING.get(stack["StackId"])
        if operation is not None:
            operation.user_cancelled = True
            operation.stop()
    return response


def _reset(_: Call) -> None:
    for operation in list(RUNNING.values()):
        operation.deleted = True
        operation.stop()
    ledger.clear()


def install() -> None:
    """Patch the requests that end an operation early; DriftError when ministack changed."""
    around(stacks, "_delete_stack_async", "stack_name stack_id retain_resources force", _delete_stack, (handlers,))
    around(handlers, "_cancel_update_stack", "params", _cancel_update)
    handlers._ACTION_HANDLERS["CancelUpdateStack"] = handlers._cancel_update_stack
    around(custom_resource, "reset", "", _reset)
    require(handlers, "_resolve_stack", "stack_name")
