"""Exists so that every refusal has OpenAI's own shape, `{"error": {message, type, param, code}}`.

Wordings and codes are those that OpenAI's API answers with; the shape is what the SDK's `_exceptions.py`
reads.
"""

from collections.abc import Iterable, Mapping
from typing import Any


class ApiError(Exception):
    """A refusal, with its HTTP status and the four fields that the SDK reads."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        kind: str = "invalid_request_error",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = dict(headers or {})
        self.body: dict[str, Any] = {"error": {"message": message, "type": kind, "param": param, "code": code}}


def refused(message: str, param: str | None = None, code: str | None = None) -> ApiError:
    """Say that the request itself is wrong (400)."""
    return ApiError(400, message, param=param, code=code)


def missing(param: str) -> ApiError:
    """Say that a required parameter was left out (400)."""
    return refused(f"Missing required parameter: '{param}'.", param, "missing_required_parameter")


def unknown(param: str) -> ApiError:
    """Say that OpenAI knows no such parameter (400)."""
    return refused(f"Unknown parameter: '{param}'.", param, "unknown_parameter")


def unsupported(param: str) -> ApiError:
    """Say that the chosen model does not take this parameter (400)."""
    message = f"Unsupported parameter: '{param}' is not supported with this model."
    return refused(message, param, "unsupported_parameter")


def exclusive(param: str, names: Iterable[str]) -> ApiError:
    """Say that only one of several parameters may be there (400)."""
    quoted = " or ".join(f"'{name}'" for name in names)
    message = f"Mutually exclusive parameters: Ensure you are only providing one of: {quoted}."
    return refused(message, param, "mutually_exclusive_parameters")


def not_found(what: str, identifier: str) -> ApiError:
    """Say that a resource does not exist, or no longer does (404)."""
    return ApiError(404, f"{what} with id '{identifier}' not found.")


def none_found(what: str, identifier: str) -> ApiError:
    """Say the same in the words of the older resources: assistants, threads, vector stores (404)."""
    return ApiError(404, f"No {what} found with id '{identifier}'.")


def no_such_file(identifier: str, param: str = "id", status: int = 404) -> ApiError:
    """Say that a file does not exist: 404 in a path, 400 where a body names it."""
    return ApiError(status, f"No such File object: {identifier}", param=param)


def wrong_prefix(param: str, identifier: str, prefix: str) -> ApiError:
    """Say that an id is of another kind of resource (400)."""
    message = f"Invalid '{param}': '{identifier}'. Expected an ID that begins with '{prefix}'."
    return refused(message, param, "invalid_id_prefix")


def conversation_locked(status: int) -> ApiError:
    """Say that another response is in flight on the conversation; OpenAI uses 400, some servers 409."""
    message = "Another process is currently operating on this conversation. Please retry in a few seconds."
    return ApiError(status, message, param="conversation", code="conversation_locked")
