"""Decides as CloudFormation does whether a custom resource's response is valid: pure rules, without ministack.

Source: AWS CloudFormation user guide, "Custom resource response objects". Texts marked with * appear in stack events
of AWS; AWS publishes none for the others.
"""

import json
from dataclasses import dataclass, field
from typing import Any

MAX_BODY_BYTES = 4096
MAX_PHYSICAL_ID_BYTES = 1024

TOO_LONG = "Response object is too long."  # *
NOT_JSON = "Response is not valid JSON"  # *


class InvalidResponseError(ValueError):
    """The response breaks the contract, so CloudFormation fails the resource with this text as the reason."""


@dataclass(frozen=True)
class Response:
    """A valid response of a custom resource."""

    succeeded: bool
    physical_id: str
    reason: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    no_echo: bool = False


def read_response(body: bytes, event: dict[str, Any]) -> Response:
    """Return the response in `body` to the request `event`; InvalidResponseError says which rule it breaks."""
    fields = _parse(body)
    for key in ("StackId", "RequestId", "LogicalResourceId"):
        _check(key, fields.get(key) == event[key])
    status, reason, data = fields.get("Status"), fields.get("Reason", ""), fields.get("Data", {})
    physical_id = fields.get("PhysicalResourceId")
    _check("Status", status in ("SUCCESS", "FAILED"))
    is_id = isinstance(physical_id, str) and 1 <= len(physical_id.encode()) <= MAX_PHYSICAL_ID_BYTES
    _check("PhysicalResourceId", is_id)
    _check("Reason", isinstance(reason, str) and (status == "SUCCESS" or reason != ""))
    _check("Data", data is None or isinstance(data, dict))
    return Response(status == "SUCCESS", str(physical_id), reason, data or {}, fields.get("NoEcho") in (True, "true"))


def _parse(body: bytes) -> dict[str, Any]:
    if len(body) > MAX_BODY_BYTES:
        raise InvalidResponseError(TOO_LONG)
    try:
        fields = json.loads(body.decode("utf-8"))
    except ValueError as error:
        raise InvalidResponseError(NOT_JSON) from error
    if not isinstance(fields, dict):
        raise InvalidResponseError(NOT_JSON)
    return fields


def _check(key: str, is_valid: bool) -> None:
    if not is_valid:
        raise InvalidResponseError(f"Invalid {key}")  # * for PhysicalResourceId
