"""CloudFormation's requests: how they are read, and how much time each leaves."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, Literal

from pydantic import ConfigDict, Field, ValidationError

from threadrun.cloudformation.protocol import URL_LIFE_SECONDS, is_response_url
from threadrun.errors import InvalidEvent
from threadrun.schema.types import Model, encodable

DEFAULT_SERVICE_TIMEOUT_SECONDS = 3600


class Event(Model):
    """One request as the Lambda receives it; scalars in the properties are strings."""

    model_config = ConfigDict(frozen=True)

    request_type: Literal["Create", "Update", "Delete"] = Field(alias="RequestType")
    request_id: str = Field(alias="RequestId", min_length=1)
    response_url: str = Field(alias="ResponseURL", min_length=1, repr=False)
    stack_id: str = Field(alias="StackId", min_length=1)
    logical_id: str = Field(alias="LogicalResourceId", min_length=1)
    resource_type: str = Field(alias="ResourceType", default="")
    physical_id: str | None = Field(alias="PhysicalResourceId", default=None)
    properties: dict[str, Any] = Field(alias="ResourceProperties", default={}, repr=False)
    old_properties: dict[str, Any] = Field(alias="OldResourceProperties", default={}, repr=False)

    @property
    def issued_epoch_s(self) -> float | None:
        """When CloudFormation sent the request, by the date that its presigned URL is signed with."""
        found = re.search(r"[?&]X-Amz-Date=(\d{8}T\d{6}Z)", self.response_url)
        with suppress(ValueError):  # Digits that are no date.
            return datetime.strptime(found[1], "%Y%m%dT%H%M%S%z").timestamp() if found else None
        return None

    @property
    def order_epoch_s(self) -> float | None:
        """The same, to compare requests by. A URL of signature version 2 has its end only, and how long it can be used
        is not certain enough for a deadline.
        """
        found = re.search(r"[?&]Expires=(\d{1,12})(?:&|$)", self.response_url)
        return self.issued_epoch_s or (float(found[1]) - URL_LIFE_SECONDS if found else None)

    def work_seconds(self, timeout_seconds: int | None) -> float:
        """Time for the work itself: what the user allows, ended early enough for the response to arrive."""
        text = str(self.properties.get("ServiceTimeout", ""))
        patience = int(text) if text.isdecimal() and int(text) > 0 else DEFAULT_SERVICE_TIMEOUT_SECONDS
        margin = min(max(0.2 * patience, 3), 30)
        return min(timeout_seconds or patience, max(patience - margin, 1))


def parse_event(raw: Mapping[str, Any], *, allow_loopback: bool = False) -> Event:
    """Read a request; raises `InvalidEvent`, naming fields but no values, where it can get no response."""
    try:
        event = Event.model_validate(encodable(dict(raw)))
    except ValidationError as error:
        fields = sorted({str(detail["loc"][0]) for detail in error.errors() if detail["loc"]})
        raise InvalidEvent(f"not a CloudFormation request: check {', '.join(fields)}") from None
    if not is_response_url(event.response_url, allow_loopback=allow_loopback):
        raise InvalidEvent("ResponseURL must be an https URL of a CloudFormation bucket: no response is sent to it")
    return event
