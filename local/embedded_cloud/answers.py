"""Decides as CloudFormation does whether a custom resource's answer is valid: pure rules, no ministack.

Source: AWS CloudFormation user guide, "Custom resource response objects". Texts marked with * were seen in
AWS stack events; AWS publishes none for the others.
"""

import json
from dataclasses import dataclass, field
from typing import Any

MAX_BODY_BYTES = 4096
MAX_PHYSICAL_ID_BYTES = 1024

TOO_LONG = "Response object is too long."  # *
NOT_JSON = "Response is not valid JSON"  # *
INVALID = "Invalid {key}"  # * for PhysicalResourceId


class InvalidAnswerError(ValueError):
    """The answer breaks the contract, so CloudFormation fails the resource with this text as the reason."""


@dataclass(frozen=True)
class Answer:
    """A valid answer of a custom resource."""

    succeeded: bool
    physical_id: str
    reason: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    no_echo: bool = False


def read_answer(body: bytes, event: dict[str, Any]) -> Answer:
    """Return the answer in `body` to the request `event`; InvalidAnswerError says which rule it breaks."""
    fields = _parse(body)
    for key in ("StackId", "RequestId", "LogicalResourceId"):
        if fields.get(key) != event[key]:
            raise InvalidAnswerError(INVALID.format(key=key))
    status = fields.get("Status")
    if status not in ("SUCCESS", "FAILED"):
        raise InvalidAnswerError(INVALID.format(key="Status"))
    physical_id = fields.get("PhysicalResourceId")
    if not isinstance(physical_id, str) or not 1 <= len(physical_id.encode()) <= MAX_PHYSICAL_ID_BYTES:
        raise InvalidAnswerError(INVALID.format(key="PhysicalResourceId"))
    return Answer(
        succeeded=status == "SUCCESS",
        physical_id=physical_id,
        reason=_reason(fields, required=status == "FAILED"),
        data=_data(fields),
        no_echo=fields.get("NoEcho") in (True, "true"),
    )


def _parse(body: bytes) -> dict[str, Any]:
    if len(body) > MAX_BODY_BYTES:
        raise InvalidAnswerError(TOO_LONG)
    try:
        fields = json.loads(body.decode("utf-8"))
    except ValueError as error:
        raise InvalidAnswerError(NOT_JSON) from error
    if not isinstance(fields, dict):
        raise InvalidAnswerError(NOT_JSON)
    return fields


def _reason(fields: dict[str, Any], *, required: bool) -> str:
    reason = fields.get("Reason", "")
    if not isinstance(reason, str) or (required and not reason):
        raise InvalidAnswerError(INVALID.format(key="Reason"))
    return reason


def _data(fields: dict[str, Any]) -> dict[str, Any]:
    data = fields.get("Data", {})
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise InvalidAnswerError(INVALID.format(key="Data"))
    return data
