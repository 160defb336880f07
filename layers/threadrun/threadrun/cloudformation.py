"""CloudFormation's side of a custom resource: reading its requests and delivering answers.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal
from urllib.parse import urlsplit

import urllib3
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from threadrun.errors import AnswerUndelivered, InvalidEvent

DEFAULT_SERVICE_TIMEOUT_SECONDS = 3600
_RESPONSE_HOSTS = re.compile(
    r"cloudformation-custom-resource-response-[a-z0-9-]+\.s3[a-z0-9.-]*\.amazonaws\.com(\.cn)?"
)
_LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})
_PUT_TRIES = 5


class Event(BaseModel):
    """One request as the Lambda receives it; scalars in the properties are strings."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    request_type: Literal["Create", "Update", "Delete"] = Field(alias="RequestType")
    request_id: str = Field(alias="RequestId", min_length=1)
    response_url: str = Field(alias="ResponseURL", min_length=1, repr=False)
    stack_id: str = Field(alias="StackId", min_length=1)
    logical_id: str = Field(alias="LogicalResourceId", min_length=1)
    resource_type: str = Field(alias="ResourceType", default="")
    physical_id: str | None = Field(alias="PhysicalResourceId", default=None)
    properties: dict[str, Any] = Field(alias="ResourceProperties", default={}, repr=False)

    @property
    def service_timeout_seconds(self) -> int:
        """CloudFormation's own patience; 3,600 s where the template sets none."""
        text = str(self.properties.get("ServiceTimeout", ""))
        return int(text) if text.isdecimal() and int(text) > 0 else DEFAULT_SERVICE_TIMEOUT_SECONDS

    @property
    def issued_epoch_s(self) -> float | None:
        """When CloudFormation sent the request, by the date that its presigned URL is signed with."""
        found = re.search(r"[?&]X-Amz-Date=(\d{8}T\d{6}Z)", self.response_url)
        return datetime.strptime(found[1], "%Y%m%dT%H%M%S%z").timestamp() if found else None

    def work_seconds(self, timeout_seconds: int | None) -> float:
        """Time for the work itself: what the user allows, ended early enough for the answer to arrive."""
        patience = self.service_timeout_seconds
        margin = min(max(0.2 * patience, 3), 30)
        return min(timeout_seconds or patience, max(patience - margin, 1))


def parse_event(raw: Mapping[str, Any], *, allow_loopback: bool = False) -> Event:
    """Read a request; raises `InvalidEvent`, naming fields but no values, where it can't be answered."""
    try:
        event = Event.model_validate(raw)
    except ValidationError as error:
        fields = sorted({str(detail["loc"][0]) for detail in error.errors() if detail["loc"]})
        raise InvalidEvent(f"not a CloudFormation request: check {', '.join(fields)}") from None
    if not is_response_url(event.response_url, allow_loopback=allow_loopback):
        raise InvalidEvent("ResponseURL is not https on a bucket of CloudFormation: no answer is sent to it")
    return event


def is_response_url(url: str, *, allow_loopback: bool) -> bool:
    """Whether answers may go there: https on CloudFormation's buckets, or loopback where it is opened."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        on_default_port = parts.port in (None, 443)
    except ValueError:
        return False
    if parts.scheme == "https" and on_default_port and _RESPONSE_HOSTS.fullmatch(host):
        return True
    return allow_loopback and parts.scheme in ("http", "https") and host in _LOOPBACK_HOSTS


def deliver(url: str, body: bytes, *, backoff_seconds: float = 0.5) -> None:
    """PUT the answer, up to five times; raises `AnswerUndelivered` when none was taken.

    A presigned URL is signed without a content type, and follows no redirect; any status ≥ 400 is a failure.
    """
    # Its warnings about retries would print the presigned URL.
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    retries = urllib3.Retry(
        total=_PUT_TRIES - 1,
        redirect=0,
        raise_on_redirect=True,
        allowed_methods={"PUT"},
        status_forcelist=set(range(300, 600)),
        backoff_factor=backoff_seconds,
        respect_retry_after_header=False,
    )
    try:
        with urllib3.PoolManager(timeout=urllib3.Timeout(connect=5, read=10)) as pool:
            pool.request("PUT", url, body=body, headers={"Content-Type": ""}, retries=retries, redirect=False)
    except urllib3.exceptions.HTTPError as error:
        # Not chained: urllib3's texts repeat the URL.
        raise AnswerUndelivered(f"CloudFormation's URL did not take the answer ({type(error).__name__})") from None
