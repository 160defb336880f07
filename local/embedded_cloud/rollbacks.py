"""Rolls back and cleans up as AWS does: a replaced custom resource is updated back, then the new one deleted.

A Delete is tried three times in the clean-up of an update, then the resource is orphaned.

A replacement is on record twice while it is rolled back: under its logical id (the Update back) and under a second
key, the leftover, whose Delete follows in the clean-up unless the Update back kept the new physical id.
"""

from typing import Any

from ministack.core.responses import now_iso
from ministack.services import cloudformation
from ministack.services.cloudformation import handlers, stacks

from local.embedded_cloud.custom_resources import OUTPUT_PARAMETERS, is_custom
from local.embedded_cloud.drift_guard import Call, around
from local.embedded_cloud.stack_operation import CURRENT, StackOperation

CLEANUP_TRIES = 3
_UPDATE_CLEANUP = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
_LEFTOVER_MARK = "#replaced"  # never part of a logical id, which is alphanumeric
_reverted: dict[tuple[str, str], dict[str, Any]] = {}


def real_logical_id(logical_id: str) -> str:
    """Return the logical id that a record's key stands for."""
    return logical_id.removesuffix(_LEFTOVER_MARK)


def is_kept(stack_id: str, logical_id: str, physical_id: str) -> bool:
    """Whether the Update back kept this leftover, so that CloudFormation does not delete it."""
    record = _reverted.get((stack_id, logical_id))
    return record is not None and record.get("PhysicalResourceId") == physical_id


def revert_replacements(stack: dict[str, Any], operation: dict[str, Any]) -> None:
    """Make the rollback send replaced custom resources back, from their new physical id, before it deletes that."""
    previous = (operation.get("previous_stack") or {}).get("_resources", {}) if operation.get("is_update") else {}
    for logical_id in list(operation["created"]):
        record, before = stack["_resources"].get(logical_id, {}), previous.get(logical_id)
        if before is None or not is_custom(record["ResourceType"]):
            continue
        if before["PhysicalResourceId"] != record["PhysicalResourceId"]:
            _add_leftover(stack, operation, logical_id, dict(record), before)
    failed, failed_id = operation.get("failed_update"), operation.get("failed_physical_id")
    if failed and failed_id and is_custom(failed[1]) and failed_id != failed[2]:
        logical_id, resource_type, _, applied, *rest = failed
        operation["failed_update"] = (logical_id, resource_type, failed_id, applied, *rest)
        record = {"PhysicalResourceId": failed_id, "ResourceType": resource_type, "Properties": applied}
        _add_leftover(stack, operation, logical_id, record, previous[logical_id])


def _add_leftover(
    stack: dict[str, Any], operation: dict[str, Any], logical_id: str, record: dict[str, Any], before: dict[str, Any]
) -> None:
    leftover = logical_id + _LEFTOVER_MARK
    stack["_resources"][leftover] = record
    operation["created"].append(leftover)
    operation["replaced_ids"] = [i for i in operation.get("replaced_ids", []) if i != logical_id]
    before["PhysicalResourceId"] = record["PhysicalResourceId"]
    _reverted[stack["StackId"], leftover] = before


def failure_text(operation: StackOperation) -> str:
    """Return AWS's sentence that names the resources that failed, empty when none did."""
    failed = {verb: [i for i in operation.failed_ids if operation.verb(i) == verb] for verb in ("CREATE", "UPDATE")}
    sentence = "The following resource(s) failed to {}: [{}]. "
    return "".join(sentence.format(verb.lower(), ", ".join(ids)) for verb, ids in failed.items() if ids)


def stack_reason(operation: StackOperation, status: str, reason: str) -> str:
    """Return the reason of a stack event, and keep it as the stack's own when the operation failed."""
    if status in ("CREATE_FAILED", "UPDATE_FAILED") and operation.failed_ids:
        reason = operation.stack["StackStatusReason"] = failure_text(operation)
    if status == "UPDATE_COMPLETE" and operation.orphaned:
        reason = "Update successful. One or more resources could not be deleted."
    return reason


def _rollback_reason(operation: StackOperation) -> str:
    if operation.user_cancelled:
        return "User Initiated"
    text = failure_text(operation)
    return f"{text}Rollback requested by user." if text and not operation.is_update else text


async def _roll_back(call: Call) -> None:
    operation, reason = CURRENT.get(), call.reason_override
    revert_replacements(call.stack, call.operation)
    if operation is not None and not reason:
        reason = _rollback_reason(operation)
    await call.proceed(reason_override=reason)
    if not call.operation.get("is_update"):
        # What a create's rollback could not delete stays in the stack, for DeleteStack to try again.
        for logical_id, record in call.stack.get("_rollback_failed", {}).items():
            failed = {"LogicalResourceId": logical_id, "ResourceStatus": "DELETE_FAILED", "Timestamp": now_iso()}
            call.stack["_resources"][logical_id] = {"Attributes": {}, **record, **failed}
    for key in [k for k in _reverted if k[0] == call.stack_id]:
        del _reverted[key]


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
    elif not is_kept(stack["StackId"], call.logical_id, call.physical_id):
        _try_to_delete(call, stack, real_logical_id(call.logical_id))


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
    """Patch the rollback of creates and updates, and how resources are deleted; DriftError when ministack changed."""
    parameters = "stack_name stack_id stack operation reason_override"
    around(stacks, "_roll_back_operation", parameters, _roll_back, (handlers,))
    around(stacks, "_delete_resource", "resource_type physical_id props stack_name logical_id", _delete)
    around(stacks, "_resolve_stack_outputs", OUTPUT_PARAMETERS, _announce_cleanup)
