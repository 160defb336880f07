"""Deletes custom resources as AWS does: three tries in an update's clean-up, then the resource is orphaned."""

from functools import partial
from typing import Any

from ministack.services import cloudformation
from ministack.services.cloudformation import stacks

from local.embedded_cloud import rollbacks
from local.embedded_cloud.custom_resources import is_custom
from local.embedded_cloud.drift_guard import Call, Function, around
from local.embedded_cloud.no_echo import OUTPUT_PARAMETERS
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
        return
    if rollbacks.is_kept(stack["StackId"], call.logical_id, call.physical_id):
        return
    name, stack_id, real_id = stack["StackName"], stack["StackId"], rollbacks.real_logical_id(call.logical_id)
    send = partial(call.proceed, logical_id=real_id)

    def record(status: str, reason: str = "") -> None:
        stacks._add_event(stack_id, name, real_id, call.resource_type, status, reason, call.physical_id)

    if stack["StackStatus"] == _UPDATE_CLEANUP:
        _clean_up_after_update(send, record)
    elif stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS":
        _clean_up_after_rollback(send, record)
    else:
        send()


def _clean_up_after_update(send: Function, record: Function) -> None:
    """Send the Delete. The update continues without it when every try fails."""
    for _ in range(CLEANUP_TRIES):
        record("DELETE_IN_PROGRESS")
        try:
            send()
        except Exception as error:
            record("DELETE_FAILED", str(error))
        else:
            record("DELETE_COMPLETE")
            return
    operation = CURRENT.get()
    if operation is not None:
        operation.orphaned = True


def _clean_up_after_rollback(send: Function, record: Function) -> None:
    """Send the Delete; raise what made the last try fail."""
    # ministack itself records the first DELETE_IN_PROGRESS and the end.
    for _ in range(CLEANUP_TRIES - 1):
        try:
            send()
        except Exception as error:
            record("DELETE_FAILED", str(error))
            record("DELETE_IN_PROGRESS")
        else:
            return
    send()


def install() -> None:
    """Patch how resources of a stack are deleted; DriftError when ministack changed."""
    around(stacks, "_delete_resource", "resource_type physical_id props stack_name logical_id", _delete)
    around(stacks, "_resolve_stack_outputs", OUTPUT_PARAMETERS, _announce_cleanup)
