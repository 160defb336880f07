"""Permission to send a task token is granted on the state machine that the token belongs to.

AWS: SendTaskSuccess, SendTaskFailure and SendTaskHeartbeat have the state machine as their resource.
https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsstepfunctions.html
ministack: asks IAM about the resource "*", so a policy that names the state machine refuses its callbacks.
Fix: note the state machine of each token, and ask IAM about that one.
"""

import json
import threading
from typing import Any

from ministack.core import iam_actions
from ministack.services import stepfunctions

from local.embedded_cloud.drift_guard import Call, around

_owners: dict[str, str] = {}
_running = threading.local()


def _note_state_machine(call: Call) -> Any:
    _running.state_machine = call.ctx["StateMachine"]["Id"]
    return call.proceed()


def _note_owner(call: Call) -> Any:
    _owners[call.token] = _running.state_machine
    return call.proceed()


def _state_machine_of_token(call: Call) -> Any:
    found = call.proceed()
    if call.service == "states" and found == "*" and b"taskToken" in call.body:
        return _owners.get(json.loads(call.body)["taskToken"], found)
    return found


def install() -> None:
    """Patch the tasks and the requests; DriftError when ministack changed."""
    around(stepfunctions, "_execute_task", "state_def raw_input execution ctx", _note_state_machine)
    around(stepfunctions, "_invoke_with_callback", "resource input_data token state_def", _note_owner)
    parameters = "service method path headers body query_params region account_id"
    around(iam_actions, "extract_resource_arn", parameters, _state_machine_of_token)
