"""The way to CloudFormation: the PUT that takes a response there.

It must import nothing that the Lambda runtime does not bring: a deployment whose own dependencies cannot be
loaded still reports that to CloudFormation. Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html
"""

from __future__ import annotations

import json
import logging
from bisect import bisect_left
from collections.abc import Callable, Mapping
from typing import Any

import urllib3

from threadrun.cloudformation.protocol import NOT_CREATED, is_response_url, readable
from threadrun.errors import ResponseNotDelivered

MAX_BODY_BYTES = 4096
CUT = "..."
"""Ends a text that is cut. CloudFormation shows what is not ASCII as `?`."""
_ECHOED = ("StackId", "RequestId", "LogicalResourceId")
_PUT_TRIES = 5


def deliver(url: str, body: bytes, *, backoff_seconds: float = 0.5) -> None:
    """PUT the response, up to five times; raises `ResponseNotDelivered` when none was taken.

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
        raise ResponseNotDelivered(
            f"CloudFormation's URL did not accept the response ({type(error).__name__})"
        ) from None


def deliver_plain_failure(event: Mapping[str, Any], reason: str, *, allow_loopback: bool) -> bool:
    """Respond FAILED from the event alone, where there is no record; returns whether it could. Raises as `deliver`."""
    echoed = {name: event.get(name) for name in _ECHOED}
    url = event.get("ResponseURL")
    if not all(isinstance(value, str) and value for value in (url, *echoed.values())):
        return False
    if not is_response_url(str(url), allow_loopback=allow_loopback):
        return False
    physical_id = event.get("PhysicalResourceId") or f"{NOT_CREATED}{echoed['RequestId']}"
    deliver(str(url), failure_body({"PhysicalResourceId": physical_id, **echoed}, reason))
    return True


def failure_body(named: Mapping[str, object], reason: str) -> bytes:
    """The response FAILED to the request of these names, as bytes to PUT, 4,096 at most: the reason is shortened."""
    body = {"Status": "FAILED", **{name: readable(str(value)) for name, value in named.items()}}
    text = readable(reason or "no reason is known")
    return encoded({**body, "Reason": fitted(text, lambda part: {**body, "Reason": part})})


def fitted(text: str, body_with: Callable[[str], dict[str, Any]]) -> str:
    """The longest beginning of `text` whose body fits, with `CUT` where it is cut."""
    if fits(body_with(text)):
        return text
    lengths = range(1, len(text) + 1)
    longest = bisect_left(lengths, True, key=lambda length: not fits(body_with(text[:length] + CUT)))
    return text[:longest] + CUT if longest else ""


def fits(body: Mapping[str, Any]) -> bool:
    return len(encoded(body)) <= MAX_BODY_BYTES


def encoded(body: Mapping[str, Any]) -> bytes:
    """All texts are `readable`."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
