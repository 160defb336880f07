"""Deletes custom resources as AWS does: three tries in an update's clean-up, then the resource is orphaned."""

from typing import Any

from ministack.services import cloudformation
from ministack.services.cloudformation import stacks

from local.embedded_cloud import rollbacks
from local.embedded_cloud.custom_resources import OUTPUT_PARAMETERS, is_custom
from local.embedded_cloud.drift_guard import Call, around
from local.embedded_cloud.stack_operation import CURRENT

CLEANUP_TRIES = 3
_UPDATE_CLEANUP = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"


def _announce_cleanup(call: Call) -> Any:
    """Note the clean-up after ministack resolved an update's outputs: AWS begins it when its resources are done."""
    result, operation = call.proceed(), CURRENT.get()
    if operation is not None and operation.is_update and operation.stack_id == call.stack_id:
        operation.stack["StackStatus"] = _UPDATE_CLEANUP
        name = call.stack_name
        stacks._add_event(call.stack_id, name, name, "AWS::CloudFormation::Stack", _UPDATE_CLEANUP, "", call.stack_id)
    return result


def _delete(call: Call) -> None:
    stack = cloudformation._stacks.get(call.stack_name) or {}
    if not is_custom(call.resource_type) or call.logical_id is None or not stack:
        call.proceed()
    elif not rollbacks.is_kept(stack["StackId"], call.logical_id, call.physical_id):
        _try_to_delete(call, stack, rollbacks.real_logical_id(call.logical_id))


def _try_to_delete(call: Call, stack: dict[str, Any], logical_id: str) -> None:
    """Send the Delete. Raise what made the last try fail, but in the clean-up of an update, which continues without."""
    is_update = stack["StackStatus"] == _UPDATE_CLEANUP
    is_cleanup = is_update or stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"
    tries = CLEANUP_TRIES if is_cleanup else 1

    def record(status: str, reason: str = "") -> None:
        about = (logical_id, call.resource_type, status, reason, call.physical_id)
        stacks._add_event(stack["StackId"], stack["StackName"], *about)

    for number in range(1, tries + 1):
        # Outside of an update's clean-up ministack itself records the first beginning and the end.
        if is_update or number > 1:
            record("DELETE_IN_PROGRESS")
        try:
            call.proceed(logical_id=logical_id)
        except Exception as error:
            if number == tries and not is_update:
                raise
            record("DELETE_FAILED", str(error))
        else:
            if is_update:
                record("DELETE_COMPLETE")
            return
    if operation := CURRENT.get():
        operation.orphaned = True


def install() -> None:
    """Patch how resources of a stack are deleted; DriftError when ministack changed."""
    around(stacks, "_delete_resource", "resource_type physical_id props stack_name logical_id", _delete)
    around(stacks, "_resolve_stack_outputs", OUTPUT_PARAMETERS, _announce_cleanup)
