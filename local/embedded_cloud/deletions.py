"""Deletes custom resources as AWS does: three tries in an update's clean-up, then the resource is orphaned."""

from typing import Any

from ministack.services import cloudformation
from ministack.services.cloudformation import stacks

from local.embedded_cloud import rollbacks
from local.embedded_cloud.custom_resources import is_custom
from local.embedded_cloud.drift_guard import Function, replace
from local.embedded_cloud.stack_operation import CURRENT

CLEANUP_TRIES = 3
_UPDATE_CLEANUP = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
_ROLLBACK_CLEANUP = "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"


def _announce_cleanup(stock: Function) -> Function:
    """An update's outputs are resolved when its resources are done: that is where AWS begins to clean up."""

    def resolve_outputs(
        outputs_defs: Any,
        conditions: Any,
        resources: Any,
        param_values: Any,
        mappings: Any,
        stack_name: str,
        stack_id: str,
    ) -> Any:
        result = stock(outputs_defs, conditions, resources, param_values, mappings, stack_name, stack_id)
        operation = CURRENT.get()
        if operation is not None and operation.is_update and operation.stack_id == stack_id:
            operation.stack["StackStatus"] = _UPDATE_CLEANUP
            stacks._add_event(
                stack_id, stack_name, stack_name, "AWS::CloudFormation::Stack", _UPDATE_CLEANUP, "", stack_id
            )
        return result

    return resolve_outputs


def _delete(stock: Function) -> Function:
    def delete(
        resource_type: str, physical_id: str, props: Any, stack_name: str | None = None, logical_id: str | None = None
    ) -> None:
        stack = cloudformation._stacks.get(stack_name) or {}
        if not is_custom(resource_type) or logical_id is None or not stack:
            stock(resource_type, physical_id, props, stack_name, logical_id)
        elif not rollbacks.is_kept(stack["StackId"], logical_id, physical_id):
            real_id = rollbacks.real_logical_id(logical_id)
            _Deletion(stock, stack, resource_type, physical_id, props, real_id).run()

    return delete


class _Deletion:
    """One Delete of a custom resource, with the tries and events of the phase that its stack is in."""

    def __init__(
        self, stock: Function, stack: dict[str, Any], resource_type: str, physical_id: str, props: Any, logical_id: str
    ) -> None:
        self._stock, self._stack, self._props = stock, stack, props
        self._type, self._physical_id, self._logical_id = resource_type, physical_id, logical_id

    def run(self) -> None:
        """Send the Delete; raises what made it fail, except in an update's clean-up, which goes on without it."""
        status = self._stack["StackStatus"]
        if status == _UPDATE_CLEANUP:
            self._clean_up_after_update()
        elif status == _ROLLBACK_CLEANUP:
            self._clean_up_after_rollback()
        else:
            self._send()

    def _clean_up_after_update(self) -> None:
        for _ in range(CLEANUP_TRIES):
            self._record("DELETE_IN_PROGRESS")
            try:
                self._send()
            except Exception as error:
                self._record("DELETE_FAILED", str(error))
            else:
                self._record("DELETE_COMPLETE")
                return
        operation = CURRENT.get()
        if operation is not None:
            operation.orphaned = True

    def _clean_up_after_rollback(self) -> None:
        # ministack itself records the first DELETE_IN_PROGRESS and the end.
        for _ in range(CLEANUP_TRIES - 1):
            try:
                self._send()
            except Exception as error:
                self._record("DELETE_FAILED", str(error))
                self._record("DELETE_IN_PROGRESS")
            else:
                return
        self._send()

    def _send(self) -> None:
        self._stock(self._type, self._physical_id, self._props, self._stack["StackName"], self._logical_id)

    def _record(self, status: str, reason: str = "") -> None:
        name, stack_id = self._stack["StackName"], self._stack["StackId"]
        stacks._add_event(stack_id, name, self._logical_id, self._type, status, reason, self._physical_id)


def install() -> None:
    """Wrap how resources of a stack are deleted; DriftError when ministack changed."""
    replace(stacks, "_delete_resource", "resource_type physical_id props stack_name logical_id", _delete)
    replace(
        stacks,
        "_resolve_stack_outputs",
        "outputs_defs conditions resources param_values mappings stack_name stack_id",
        _announce_cleanup,
    )
