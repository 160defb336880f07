"""Lets DeleteStack, CancelUpdateStack and a reset end an operation whose custom resources still run, as AWS does."""

import asyncio
from typing import Any

from ministack.services.cloudformation import (
    custom_resource,
    handlers,
    stacks,
)

from local.embedded_cloud.custom_resources import ledger
from local.embedded_cloud.drift_guard import Function, replace, require
from local.embedded_cloud.stack_operation import RUNNING

_POLL_SECONDS = 0.02


def _delete_stack(stock: Function) -> Function:
    async def delete_stack(stack_name: str, stack_id: str, retain_resources: Any = (), force: bool = False) -> None:
        operation = RUNNING.get(stack_id)
        if operation is not None:
            operation.stack["StackStatus"] = "DELETE_IN_PROGRESS"
            operation.deleted = True
            operation.stop()
            while stack_id in RUNNING:
                await asyncio.sleep(_POLL_SECONDS)
        await stock(stack_name, stack_id, retain_resources, force)

    return delete_stack


def _cancel_update(stock: Function) -> Function:
    def cancel_update(params: Any) -> Any:
        response = stock(params)
        if response[0] == 200:
            stack = handlers._resolve_stack(handlers._p(params, "StackName"))
            operation = RUNNING.get(stack["StackId"])
            if operation is not None:
                operation.user_cancelled = True
                operation.stop()
        return response

    return cancel_update


def _reset() -> None:
    for operation in list(RUNNING.values()):
        operation.deleted = True
        operation.stop()
    ledger.clear()


def install() -> None:
    """Wrap the calls that end an operation early; DriftError when ministack changed."""
    replace(stacks, "_delete_stack_async", "stack_name stack_id retain_resources force", _delete_stack, (handlers,))
    replace(handlers, "_cancel_update_stack", "params", _cancel_update)
    handlers._ACTION_HANDLERS["CancelUpdateStack"] = handlers._cancel_update_stack
    replace(custom_resource, "reset", "", lambda _: _reset)
    require(handlers, "_resolve_stack", "stack_name")
