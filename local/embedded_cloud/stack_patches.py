"""Patches ministack's stack engine: custom resources run in parallel, and a failed one is part of the rollback."""

from typing import Any

from ministack.services import cloudformation
from ministack.services.cloudformation import changesets, engine, handlers, stacks

from local.embedded_cloud import rollbacks
from local.embedded_cloud.custom_resources import is_custom
from local.embedded_cloud.drift_guard import Call, Function, around, require
from local.embedded_cloud.stack_operation import CURRENT, RUNNING, Result, StackOperation

_stock: dict[str, Function] = {}


class _AbandonedError(RuntimeError):
    """DeleteStack took the stack over: the create or update ends here, without a rollback of its own."""


def _operation_before_rollback() -> StackOperation | None:
    operation = CURRENT.get()
    return operation if operation is not None and not operation.in_rollback else None


async def _deploy(call: Call) -> None:
    stack_id, stack_name = call.stack_id, call.stack_name
    operation = StackOperation(
        stack=cloudformation._stacks[stack_name],
        template=call.template,
        parameters=call.param_values,
        previous_resources=(call.previous_stack or {}).get("_resources", {}) if call.is_update else {},
        record_event=lambda *event: _stock["_add_event"](stack_id, stack_name, *event),
        provision=_provision_custom,
        is_update=call.is_update,
    )
    token = CURRENT.set(operation)
    RUNNING[stack_id] = operation
    try:
        await call.proceed()
    except _AbandonedError:
        return
    finally:
        RUNNING.pop(stack_id, None)
        CURRENT.reset(token)


def _provision_custom(
    stack_name: str, resource_type: str, logical_id: str, props: dict[str, Any], previous: dict[str, Any] | None
) -> Result:
    result: Result
    if previous is None:
        result = _stock["_provision_resource"](resource_type, logical_id, props, stack_name)
    else:
        physical_id, old_props = previous["PhysicalResourceId"], previous["Properties"]
        result = _stock["_update_resource"](
            resource_type, physical_id, old_props, props, stack_name, logical_id, previous["Attributes"]
        )
    return result


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
    records = operation.uncollected_records({*call.created, *(call.failed_update or ())[:1]})
    operation.stack["_resources"].update(records)
    operation.in_rollback = True
    if operation.deleted:
        raise _AbandonedError
    result = call.proceed(created=[*call.created, *records])
    if call.failed_update is not None:
        result["failed_physical_id"] = operation.failed_physical_id(call.failed_update[0])
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


_PARAMETERS = {
    "_add_event": "stack_id stack_name logical_id resource_type status reason physical_id detailed_status",
    "_provision_resource": "resource_type logical_id props stack_name",
    "_update_resource": "resource_type physical_id old_props new_props stack_name logical_id old_attrs",
    "_deploy_stack_async": "stack_name stack_id template param_values disable_rollback tags is_update "
    "previous_stack retain_except_on_create imports",
    "_failed_operation": "is_update previous_stack created failed_update failed_logical_id replaced_ids cancelled "
    "template param_values retain_except_on_create stack_tags previous_tags imports",
    "_topological_sort": "resources conditions",
}


def install() -> None:
    """Patch the engine; DriftError when a patched function changed."""
    for name, advice, also_in in (
        ("_add_event", _add_event, (handlers, changesets)),
        ("_provision_resource", _provision, ()),
        ("_update_resource", _update, ()),
        ("_deploy_stack_async", _deploy, (handlers, changesets)),
        ("_failed_operation", _failed_operation, ()),
        ("_topological_sort", _custom_last, ()),
    ):
        _stock[name] = around(stacks, name, _PARAMETERS[name], advice, also_in)
    require(engine, "_extract_deps", "resource_def all_resource_names")
    require(engine, "_evaluate_conditions", "template params")
    require(engine, "_resolve_refs", "value resources params conditions mappings stack_name stack_id")
    require(engine, "_resolve_dynamic_references", "value previous reuse_ssm reuse_secrets")
