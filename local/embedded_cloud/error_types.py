"""Gives a failed Python function the error that AWS reports: the exception's class, its message and its stack trace.

Source: AWS Lambda developer guide, "Python function errors" and the runtime's own error types.
"""

import json
import threading
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from local.embedded_cloud.drift_guard import Function, replace, replace_text

_INIT_FAILED = "Worker init failed: "
_DIED = "Worker process died"
_details = threading.local()

# Runs in the function's own process, before ministack's bootstrap.
_DESCRIBE_ERROR = """
def _describe_error(e, request_id):
    import traceback
    return {"errorMessage": str(e), "errorType": type(e).__name__, "requestId": request_id,
            "stackTrace": traceback.format_tb(e.__traceback__)[1:]}

def _describe_init_error(e, module, handler):
    described = _describe_error(e, "")
    if isinstance(e, ImportError):
        described.update(errorType="Runtime.ImportModuleError",
                         errorMessage=f"Unable to import module '{module}': {e}")
    elif isinstance(e, SyntaxError):
        described.update(errorType="Runtime.UserCodeSyntaxError",
                         errorMessage=f"Syntax error in module '{module}': {e}")
    elif isinstance(e, AttributeError) and getattr(e, "name", "") == handler:
        described.update(errorType="Runtime.HandlerNotFound",
                         errorMessage=f"Handler '{handler}' missing on module '{module}'")
    return described

"""


def _patch_worker_script() -> None:
    script = "_PYTHON_WORKER_SCRIPT"
    replace_text(
        lambda_runtime,
        script,
        'json.dumps({"status": "error", "error": str(e)})',
        'json.dumps({"status": "error", "error": json.dumps(_describe_init_error(e, module_name, handler_name))})',
    )
    replace_text(
        lambda_runtime,
        script,
        '"error": str(e), "trace": traceback.format_exc()',
        '"error": str(e), "details": _describe_error(e, context.aws_request_id), "trace": traceback.format_exc()',
    )
    text = getattr(lambda_runtime, script)
    setattr(lambda_runtime, script, _DESCRIBE_ERROR + text)


def aws_error(body: dict[str, Any], details: dict[str, Any] | None, request_id: str) -> dict[str, Any]:
    """Return AWS's error payload for ministack's `body`, with what the worker said about the exception."""
    message = str(body.get("errorMessage", ""))
    if message.startswith(_INIT_FAILED):
        described: dict[str, Any] = json.loads(message.removeprefix(_INIT_FAILED))
        return described
    if message == _DIED:
        return {
            "errorType": "Runtime.ExitError",
            "errorMessage": f"RequestId: {request_id} Error: Runtime exited without providing a reason",
        }
    if details is not None and body.get("errorType") == "Runtime.HandlerError":
        return details
    return body


def install() -> None:
    """Carry the exception from the worker process to the invocation's result; DriftError when ministack changed."""
    _patch_worker_script()

    def remember_details(invoke: Function) -> Function:
        def invoke_and_remember(self: Any, *args: Any, **kwargs: Any) -> Any:
            _details.value = None
            response = invoke(self, *args, **kwargs)
            _details.value = response.get("details")
            return response

        return invoke_and_remember

    def with_aws_error(execute: Function) -> Function:
        def execute_function_warm(func: Any, event: Any, request_id: str) -> Any:
            _details.value = None
            result = execute(func, event, request_id)
            if result.get("error") and isinstance(result.get("body"), dict):
                result["body"] = aws_error(result["body"], _details.value, request_id)
            return result

        return execute_function_warm

    replace(
        lambda_runtime.Worker,
        "invoke",
        "self event request_id trace_id depth durable invoked_function_arn",
        remember_details,
    )
    replace(lambda_svc, "_execute_function_warm", "func event request_id", with_aws_error)
