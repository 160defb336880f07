"""Handlers of function tools: Lambda functions of the user, invoked and waited for.

Source: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

from threadrun.storage.records import error_code

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

MAX_MESSAGE_CHARACTERS = 4096
_RETRIED_STATUSES = frozenset({409, 429})
"""Beside 5xx: the function is being changed, or throttled."""


class HandlerFailed(Exception):
    """The handler gave no result. `kind` is safe to be told; `message` is the handler's own, for the model only."""

    def __init__(self, kind: str, message: str, *, is_worth_retrying: bool = False) -> None:
        super().__init__(kind)
        self.kind, self.message, self.is_worth_retrying = kind, message, is_worth_retrying


class HandlerUnavailable(Exception):
    """Lambda did not invoke it, and may do so later; its text is the kind of the error."""


def invoke(function_arn: str, event: dict[str, Any], timeout_seconds: float) -> Any:
    """What the function returns for this event, as Python data.

    Raises `HandlerFailed` for its own failure, for none in `timeout_seconds` and for what IAM or Lambda refuses;
    `HandlerUnavailable` for what the service may do later.
    """
    try:
        reply = _client(timeout_seconds).invoke(FunctionName=function_arn, Payload=json.dumps(event).encode())
        payload = reply["Payload"].read()
    except ReadTimeoutError:
        raise HandlerFailed("TimedOut", f"There was no result in {timeout_seconds:.0f} s.") from None
    except ClientError as error:
        code, status = error_code(error), error.response["ResponseMetadata"]["HTTPStatusCode"]
        if status >= 500 or status in _RETRIED_STATUSES:
            raise HandlerUnavailable(code) from None
        raise HandlerFailed(code, "The function cannot be invoked.") from None
    except BotoCoreError as error:
        raise HandlerUnavailable(error_code(error)) from None
    try:
        result = json.loads(payload or b"null")
    except ValueError:
        raise HandlerFailed("NoJSON", "The result is no JSON.", is_worth_retrying=True) from None
    if "FunctionError" in reply:
        raise _failed(result)
    return result


def _client(timeout_seconds: float) -> LambdaClient:
    # Without retries: one after a time-out would invoke a handler twice that still works.
    config = Config(
        connect_timeout=5, read_timeout=timeout_seconds, retries={"total_max_attempts": 1}, tcp_keepalive=True
    )
    return boto3.client("lambda", config=config)


def _failed(report: Any) -> HandlerFailed:
    """The error that Lambda reports of a function; that it was raised tells nothing of the next try."""
    report = report if isinstance(report, dict) else {}
    kind, message = str(report.get("errorType") or "Error"), str(report.get("errorMessage") or "")
    return HandlerFailed(kind[:128], message[:MAX_MESSAGE_CHARACTERS], is_worth_retrying=True)
