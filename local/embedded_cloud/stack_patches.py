"""Patches ministack's stack engine: custom resources run in parallel, and a failed one is part of the rollback.

DeleteStack, CancelUpdateStack and a reset end an operation whose custom resources still run, as on AWS.
"""

import asyncio
from typing import Any

from ministack.services import cloudformation
from ministack.services.cloudformation import changesets, custom_resource, engine, handlers, stacks

from local.embedded_cloud import rollbacks
from local.embedded_cloud.custom_resources import is_custom, ledger
from local.embedded_cloud.drift_guard import Call, Function, around, require
from local.embedded_cloud.stack_operation import CURRENT, RUNNING, StackOperation

_POLL_SECONDS = 0.02
_stock: dict[str, Function] = {}


class _AbandonedError(RuntimeError):
    """DeleteStack took the stack over: the create or update ends here, without a rollback of its own."""


def _operation_before_rollback() -> StackOperation | None:
    operation = CURRENT.get()
    return operation if operation is not None and not operation.in_rollback else None


async def _deploy(call: Call) -> None:
    previous = (call.previous_stack or {}).get("_resources", {}) if call.is_update else {}
    stack, add_event = cloudformation._stacks[call.stack_name], _stock["_add_event"]
    operation = StackOperation(stack, call.template, call.param_values, previous, add_event, call.is_update)
    token = CURRENT.set(operation)
    RUNNING[call.stack_id] = operation
    try:
        await call.proceed()
    except _AbandonedError:
        return
    finally:
        RUNNING.pop(call.stack_id, None)
        CURRENT.reset(token)


def _provision(call: Call) -> Any:
    operation = _operation_before_rollback()
    if operation is not None:
        if is_custom(call.resource_type):
            return operation.result_of(call.logical_id, call.resource_type, call.props)
        operation.raise_if_stopped(call.logical_id)
        operation.start_ready()
    return call.proceed()


def _update(call: Call) -> Any:
    operation = _operation_before_rollback()
    is_changed = call.logical_id and call.old_props != call.new_props
    if operation is not None and is_changed and is_custom(call.resource_type):
        return operation.result_of(call.logical_id, call.resource_type, call.new_props)
    return call.proceed()


def _add_event(call: Call) -> None:
    operation, reason = CURRENT.get(), call.reason
    if operation is not None and operation.stack_id == call.stack_id:
        if call.logical_id == call.stack_name:
            reason = rollbacks.stack_reason(operation, call.status, reason)
        elif operation.is_step(call.status):
            operation.announce(call.logical_id, call.resource_type, call.status, reason, call.physical_id)
            return
    if not rollbacks.is_kept(call.stack_id, call.logical_id, call.physical_id):
        call.proceed(logical_id=rollbacks.real_logical_id(call.logical_id), reason=reason)


def _failed_operation(call: Call) -> Any:
    """Every failed create or update passes here: hand the failed and cancelled custom resources to the rollback."""
    operation = _operation_before_rollback()
    if operation is None:
        return call.proceed()
    operation.stop()
    failed = (call.failed_update or ())[:1]
    taken = {*call.created, *failed}  # what ministack's loop has put in the stack
    records = {each: job.record(operation.verb(each)) for each, job in operation.jobs.items() if each not in taken}
    operation.stack["_resources"].update(records)
    operation.in_rollback = True
    if operation.deleted:
        raise _AbandonedError
    result = call.proceed(created=[*call.created, *records])
    if failed and failed[0] in operation.jobs:
        result["failed_physical_id"] = operation.jobs[failed[0]].physical_id
    return result


def _custom_last(call: Call) -> list[str]:
    """Order resources so that nothing that AWS would make in parallel waits behind a custom resource."""
    remaining: list[str] = call.proceed()
    resources, active, ordered = call.resources, set(remaining), list[str]()
    while remaining:
        ready = [r for r in remaining if engine._extract_deps(resources[r], active) - {r} <= set(ordered)]
        chosen = min(ready, key=lambda r: is_custom(resources[r].get("Type", "")))
        ordered.append(chosen)
        remaining.remove(chosen)
    return ordered


async def _delete_stack(call: Call) -> None:
    if operation := RUNNING.get(call.stack_id):
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
        if operation := RUNNING.get(stack["StackId"]):
            operation.user_cancelled = True
            operation.stop()
    return response


def _reset(_: Call) -> None:
    for operation in list(RUNNING.values()):
        operation.deleted = True
        operation.stop()
    ledger.clear()


_EVENT = "stack_id stack_name logical_id resource_type status reason physical_id detailed_status"
_UPDATE = "resource_type physical_id old_props new_props stack_name logical_id old_attrs"
_DEPLOY = (
    "stack_name stack_id template param_values disable_rollback tags is_update previous_stack retain_except_on_create "
    "imports"
)
_FAILED = (
    "is_update previous_stack created failed_update failed_logical_id replaced_ids cancelled template param_values "
    "retain_except_on_create stack_tags previous_tags imports"
)


def install() -> None:
    """Patch the engine; DriftError when a patched function changed."""
    _stock["_add_event"] = around(stacks, "_add_event", _EVENT, _add_event, (handlers, changesets))
    around(stacks, "_provision_resource", "resource_type logical_id props stack_name", _provision)
    around(stacks, "_update_resource", _UPDATE, _update)
    around(stacks, "_deploy_stack_async", _DEPLOY, _deploy, (handlers, changesets))
    around(stacks, "_failed_operation", _FAILED, _failed_operation)
    around(stacks, "_topological_sort", "resources conditions", _custom_last)
    around(stacks, "_delete_stack_async", "stack_name stack_id retain_resources force", _delete_stack, (handlers,))
    around(handlers, "_cancel_update_stack", "params", _cancel_update)
    handlers._ACTION_HANDLERS["CancelUpdateStack"] = handlers._cancel_update_stack
    around(custom_resource, "reset", "", _reset)
    # Errors of these are left to ministack's loop: what changed in them would not be seen.
    require(engine, "_extract_deps", "resource_def all_resource_names")
    require(engine, "_resolve_refs", "value resources params conditions mappings stack_name stack_id")
    require(engine, "_resolve_dynamic_references", "value previous reuse_ssm reuse_secrets")
