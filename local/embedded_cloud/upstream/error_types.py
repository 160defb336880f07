"""A Python function that fails reports the class of its exception.

AWS: the error has the exception's class, message and stack trace; the runtime has error types of its own for a
module or a handler that it cannot load. Retry and Catch of a state machine compare these names.
https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html
ministack: every exception is a Runtime.HandlerError without a stack trace; a module that cannot be imported, or a
process that died, is one as well.
Fix: the worker process describes the exception; its description becomes the result of the invocation.
"""

import json
import threading
from contextlib import suppress
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from local.embedded_cloud.drift_guard import Call, around, replace_text

_INIT_FAILED = "Worker init failed: "
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
_IN_THE_WORKER = {
    'json.dumps({"status": "error", "error": str(e)})': (
        'json.dumps({"status": "error", "error": json.dumps(_describe_init_error(e, module_name, handler_name))})'
    ),
    '"error": str(e), "trace": traceback.format_exc()': (
        '"error": str(e), "details": _describe_error(e, context.aws_request_id), "trace": traceback.format_exc()'
    ),
}


def _remember_details(call: Call) -> Any:
    _details.value = None
    response = call.proceed()
    _details.value = response.get("details")
    return response


def _with_aws_error(call: Call) -> Any:
    _details.value = None
    result = call.proceed()
    if result.get("error") and isinstance(result.get("body"), dict):
        result["body"] = _aws_error(result["body"], _details.value, call.request_id)
    return result


def _aws_error(body: dict[str, Any], details: dict[str, Any] | None, request_id: str) -> dict[str, Any]:
    message = str(body.get("errorMessage", ""))
    if message.startswith(_INIT_FAILED):
        with suppress(ValueError):  # It died before it could say anything.
            described: dict[str, Any] = json.loads(message.removeprefix(_INIT_FAILED))
            return described
    elif body.get("errorType") != "Runtime.HandlerError":
        return body
    elif details is not None:
        return details
    # Nothing was described: the process died, before or after it got its event.
    text = f"RequestId: {request_id} Error: Runtime exited without providing a reason"
    return {"errorType": "Runtime.ExitError", "errorMessage": text}


def install() -> None:
    """Patch the worker's script and the invocation's result; DriftError when ministack changed."""
    script = "_PYTHON_WORKER_SCRIPT"
    for old, new in _IN_THE_WORKER.items():
        replace_text(lambda_runtime, script, old, new)
    setattr(lambda_runtime, script, _DESCRIBE_ERROR + getattr(lambda_runtime, script))
    parameters = "self event request_id trace_id depth durable invoked_function_arn"
    around(lambda_runtime.Worker, "invoke", parameters, _remember_details)
    around(lambda_svc, "_execute_function_warm", "func event request_id", _with_aws_error)
