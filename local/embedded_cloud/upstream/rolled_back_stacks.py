"""A stack whose creation was rolled back can be deleted, and nothing else.

AWS: in ROLLBACK_COMPLETE only a delete operation can be performed; CreateStack and all updates are refused.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
ministack: CreateStack makes a new stack in its place, and CreateChangeSet takes either kind of change set.
Fix: refuse all three, in the words of AWS.
"""

from typing import Any

from ministack.services.cloudformation import changesets, handlers

from local.embedded_cloud.drift_guard import Call, around


def _guarded(call: Call) -> Any:
    given = {name: handlers._p(call.params, name) for name in ("Action", "StackName", "ChangeSetName", "ChangeSetType")}
    stack = handlers._resolve_stack(given["StackName"])
    if not stack or stack.get("StackStatus") != "ROLLBACK_COMPLETE":
        return call.proceed()
    exists = f"Stack [{stack['StackName']}] already exists"
    if given["Action"] == "CreateStack":
        return handlers._error("AlreadyExistsException", exists)
    if given["ChangeSetType"] == "CREATE":
        again = f"{exists} and cannot be created again with the changeSet [{given['ChangeSetName']}]."
        return handlers._error("AlreadyExistsException", again)
    sentence = f"Stack:{stack['StackId']} is in ROLLBACK_COMPLETE state and can not be updated."
    return handlers._error("ValidationError", sentence)


def install() -> None:
    """Patch the three requests; DriftError when ministack changed."""
    for module, name, action in (
        (handlers, "_create_stack", "CreateStack"),
        (handlers, "_update_stack", "UpdateStack"),
        (changesets, "_create_change_set", "CreateChangeSet"),
    ):
        around(module, name, "params", _guarded)
        handlers._ACTION_HANDLERS[action] = getattr(module, name)
