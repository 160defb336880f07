"""Hooks ministack's stack engine so that custom resources run in parallel and a failed one is part of the rollback."""

from typing import Any

from ministack.services import cloudformation
from ministack.services.cloudformation import (
    changesets,
    engine,
    handlers,
    stacks,
)

from local.embedded_cloud import rollbacks
from local.embedded_cloud.custom_resources import is_custom
from local.embedded_cloud.drift_guard import Function, replace, require
from local.embedded_cloud.stack_operation import CURRENT, RUNNING, Result, StackOperation

_stock: dict[str, Function] = {}


class _AbandonedError(RuntimeError):
    """DeleteStack took the stack over: the create or update ends here, without a rollback of its own."""


def _looping() -> StackOperation | None:
    operation = CURRENT.get()
    return operation if operation is not None and not operation.in_rollback else None


def _deploy(stock: Function) -> Function:
    async def deploy(
        stack_name: str,
        stack_id: str,
        template: Any,
        param_values: Any,
        disable_rollback: bool,
        tags: Any,
        is_update: bool = False,
        previous_stack: Any = None,
        retain_except_on_create: bool = False,
        imports: Any = None,
    ) -> None:
        operation = StackOperation(
            stack=cloudformation._stacks[stack_name],
            template=template,
            parameters=param_values,
            previous_resources=(previous_stack or {}).get("_resources", {}) if is_update else {},
            record_event=lambda *event: _stock["_add_event"](stack_id, stack_name, *event),
            provision=_provision_custom,
            is_update=is_update,
        )
        token = CURRENT.set(operation)
        RUNNING[stack_id] = operation
        try:
            await stock(
                stack_name,
                stack_id,
                template,
                param_values,
                disable_rollback,
                tags,
                is_update,
                previous_stack,
                retain_except_on_create,
                imports,
            )
        except _AbandonedError:
            return
        finally:
            RUNNING.pop(stack_id, None)
            CURRENT.reset(token)

    return deploy


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


def _provision(stock: Function) -> Function:
    def provision(resource_type: str, logical_id: str, props: Any, stack_name: str) -> Any:
        operation = _looping()
        if operation is not None:
            if is_custom(resource_type):
                return operation.result_of(logical_id, resource_type, props)
            operation.raise_if_stopped(logical_id)
            operation.start_ready()
        return stock(resource_type, logical_id, props, stack_name)

    return provision


def _update(stock: Function) -> Function:
    def update(
        resource_type: str,
        physical_id: str,
        old_props: Any,
        new_props: Any,
        stack_name: str,
        logical_id: str | None = None,
        old_attrs: Any = None,
    ) -> Any:
        operation = _looping()
        if operation is not None and logical_id and is_custom(resource_type) and old_props != new_props:
            return operation.result_of(logical_id, resource_type, new_props)
        return stock(resource_type, physical_id, old_props, new_props, stack_name, logical_id, old_attrs)

    return update


def _add_event(stock: Function) -> Function:
    def add_event(
        stack_id: str,
        stack_name: str,
        logical_id: str,
        resource_type: str,
        status: str,
        reason: str = "",
        physical_id: str = "",
        detailed_status: str = "",
    ) -> None:
        operation = CURRENT.get()
        if operation is not None and operation.stack_id == stack_id:
            if logical_id == stack_name:
                reason = rollbacks.stack_reason(operation, status, reason)
            elif operation.is_step(status):
                operation.announce(logical_id, resource_type, status, reason, physical_id)
                return
        if not rollbacks.is_kept(stack_id, logical_id, physical_id):
            shown_id = rollbacks.real_logical_id(logical_id)
            stock(stack_id, stack_name, shown_id, resource_type, status, reason, physical_id, detailed_status)

    return add_event


def _failed_operation(stock: Function) -> Function:
    """Every failed create or update passes here: hand the failed and cancelled custom resources to the rollback."""

    def failed_operation(
        is_update: Any, previous_stack: Any, created: Any, failed_update: Any, failed_logical_id: Any, *rest: Any
    ) -> Any:
        operation = _looping()
        if operation is None:
            return stock(is_update, previous_stack, created, failed_update, failed_logical_id, *rest)
        operation.stop()
        records = operation.uncollected_records({*created, *(failed_update or ())[:1]})
        operation.stack["_resources"].update(records)
        operation.in_rollback = True
        if operation.deleted:
            raise _AbandonedError
        created = [*created, *records]
        result = stock(is_update, previous_stack, created, failed_update, failed_logical_id, *rest)
        if failed_update is not None:
            result["failed_physical_id"] = operation.failed_physical_id(failed_update[0])
        return result

    return failed_operation


def _custom_last(stock: Function) -> Function:
    """Order resources so that nothing that AWS would make in parallel waits behind a custom resource."""

    def sort(resources: Any, conditions: Any) -> list[str]:
        remaining: list[str] = stock(resources, conditions)
        active, ordered = set(remaining), list[str]()
        while remaining:
            ready = [r for r in remaining if engine._extract_deps(resources[r], active) - {r} <= set(ordered)]
            chosen = min(ready, key=lambda r: is_custom(resources[r].get("Type", "")))
            ordered.append(chosen)
            remaining.remove(chosen)
        return ordered

    return sort


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
    """Put the hooks in place; DriftError when a hooked function changed."""

    def hook(name: str, wrap: Any, *also_in: Any) -> None:
        _stock[name] = replace(stacks, name, _PARAMETERS[name], wrap, also_in)

    hook("_add_event", _add_event, handlers, changesets)
    hook("_provision_resource", _provision)
    hook("_update_resource", _update)
    hook("_deploy_stack_async", _deploy, handlers, changesets)
    hook("_failed_operation", _failed_operation)
    hook("_topological_sort", _custom_last)
    require(engine, "_extract_deps", "resource_def all_resource_names")
    require(engine, "_evaluate_conditions", "template params")
    require(engine, "_resolve_refs", "value resources params conditions mappings stack_name stack_id")
    require(engine, "_resolve_dynamic_references", "value previous reuse_ssm reuse_secrets")
