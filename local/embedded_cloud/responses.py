"""Decides as CloudFormation does whether a custom resource's response is valid: pure rules, without ministack.

Source: AWS CloudFormation user guide, "Custom resource response objects". Texts marked with * appear in stack events
of AWS; AWS publishes none for the others.
"""

import json
from typing import Any, NamedTuple

MAX_BODY_BYTES = 4096
MAX_PHYSICAL_ID_BYTES = 1024

TOO_LONG = "Response object is too long."  # *
NOT_JSON = "Response is not valid JSON"  # *


class Response(NamedTuple):
    """A valid response of a custom resource."""

    succeeded: bool
    physical_id: str
    reason: str
    data: dict[str, Any]
    no_echo: bool


def read_response(body: bytes, event: dict[str, Any]) -> Response:
    """Return the response to the request `event`; ValueError has the rule that it breaks, the resource's reason."""
    if len(body) > MAX_BODY_BYTES:
        raise ValueError(TOO_LONG)
    try:
        fields = json.loads(body.decode("utf-8"))
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        raise ValueError(NOT_JSON)
    status, reason, data = fields.get("Status"), fields.get("Reason", ""), fields.get("Data")
    physical_id = fields.get("PhysicalResourceId")
    is_valid = {key: fields.get(key) == event[key] for key in ("StackId", "RequestId", "LogicalResourceId")} | {
        "Status": status in ("SUCCESS", "FAILED"),
        # * for this one.
        "PhysicalResourceId": isinstance(physical_id, str) and 1 <= len(physical_id.encode()) <= MAX_PHYSICAL_ID_BYTES,
        "Reason": isinstance(reason, str) and (status == "SUCCESS" or reason != ""),
        "Data": data is None or isinstance(data, dict),
    }
    for key in is_valid:
        if not is_valid[key]:
            raise ValueError(f"Invalid {key}")
    return Response(status == "SUCCESS", str(physical_id), reason, data or {}, fields.get("NoEcho") in (True, "true"))
