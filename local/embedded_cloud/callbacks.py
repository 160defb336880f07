"""Task tokens as on AWS: a timeout may be a JSONata expression, and who sends a token needs its state machine.

ministack takes TimeoutSeconds for a number, and asks IAM about "*" where a token is sent.
"""

import json
import threading
from typing import Any

from ministack.core import iam_actions
from ministack.services import stepfunctions

from local.embedded_cloud.drift_guard import Function, replace, require


def install() -> None:
    """Evaluate the timeout before a task begins, and note whose each token is; DriftError when ministack changed."""
    evaluate = require(stepfunctions, "_jsonata_state_field", "state_def field expected raw_input ctx")
    at_work, owners = threading.local(), dict[str, str]()

    def with_timeout(execute: Function) -> Function:
        def execute_task(state_def: Any, raw_input: Any, execution: Any, ctx: Any) -> Any:
            if isinstance(state_def.get("TimeoutSeconds"), str):
                seconds = evaluate(state_def, "TimeoutSeconds", "number", raw_input, ctx)
                state_def = {**state_def, "TimeoutSeconds": seconds}
            at_work.state_machine = ctx["StateMachine"]["Id"]
            return execute(state_def, raw_input, execution, ctx)

        return execute_task

    def with_owner(invoke: Function) -> Function:
        def invoke_with_callback(resource: Any, input_data: Any, token: str, state_def: Any) -> Any:
            owners[token] = at_work.state_machine
            return invoke(resource, input_data, token, state_def)

        return invoke_with_callback

    def of_token(extract: Function) -> Function:
        def extract_resource_arn(service: str, *request: Any, **more: Any) -> Any:
            found = extract(service, *request, **more)
            body = next((part for part in request if isinstance(part, bytes)), b"")
            if service == "states" and found == "*" and b"taskToken" in body:
                return owners.get(json.loads(body)["taskToken"], found)
            return found

        return extract_resource_arn

    replace(stepfunctions, "_execute_task", "state_def raw_input execution ctx", with_timeout)
    replace(stepfunctions, "_invoke_with_callback", "resource input_data token state_def", with_owner)
    parameters = "service method path headers body query_params region account_id"
    replace(iam_actions, "extract_resource_arn", parameters, of_token)
