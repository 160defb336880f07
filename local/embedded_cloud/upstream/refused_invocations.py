"""A function at its limit is refused by name, and an asynchronous event waits for it.

AWS: Lambda refuses a synchronous invocation with TooManyRequestsException, which a state machine knows as
Lambda.TooManyRequestsException. An asynchronous event that is refused comes again, for up to six hours; that is none of
the two retries of a function that fails.
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
ministack: a state machine's task fails with Lambda.Unknown. An event is refused three times, and is lost then.
Fix: name the error of the task; take an event's invocation up again until there is room.
"""

import contextvars
import time
from typing import Any

from ministack.services import lambda_svc, stepfunctions

from local.embedded_cloud.drift_guard import Call, around

_REFUSED = "TooManyRequestsException"
_MAX_AGE_SECONDS = 6 * 3600
_is_asynchronous = contextvars.ContextVar("is_asynchronous", default=False)


def _with_its_name(call: Call) -> Any:
    try:
        return call.proceed()
    except stepfunctions._ExecutionError as error:
        if error.error == "Lambda.Unknown" and f'"__type": "{_REFUSED}"' in error.cause:
            raise stepfunctions._ExecutionError(f"Lambda.{_REFUSED}", error.cause) from None
        raise


def _as_asynchronous(call: Call) -> Any:
    token = _is_asynchronous.set(True)
    try:
        return call.proceed()
    finally:
        _is_asynchronous.reset(token)


def _until_there_is_room(call: Call) -> Any:
    result, pause = call.proceed(), lambda_svc._LAMBDA_ASYNC_RETRY_BASE_SECONDS
    expires_epoch_s = time.time() + _MAX_AGE_SECONDS
    while _is_asynchronous.get() and result.get("throttle") and time.time() < expires_epoch_s:
        time.sleep(pause)
        pause = min(2 * pause, lambda_svc._LAMBDA_ASYNC_RETRY_MAX_SECONDS)
        result = call.proceed()
    return result


def install() -> None:
    """Patch invocations by state machines and by events; DriftError when ministack changed."""
    around(stepfunctions, "_call_lambda", "func_ref event", _with_its_name)
    around(lambda_svc, "invoke_async_with_retry", "func event", _as_asynchronous)
    around(lambda_svc, "_execute_function", "func event", _until_there_is_room)
