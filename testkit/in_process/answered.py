"""Answers in place of an AWS service, where botocore would send a request: its own errors and retries stay."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.compat import HTTPHeaders


class Refused(Exception):
    """The service refuses the request, for this reason."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


class _Raw(io.BytesIO):
    def stream(self, **_: Any) -> Any:
        yield self.read()


def answer(client: Any, operation: str, answered: Callable[[str, Any], tuple[Any, dict[str, str]]]) -> None:
    """Have a client's operation, as in `lambda.Invoke`, answered by a function, until the next one.

    It gets the URL and the JSON of the body, and returns the reply's body, bytes as they are, and headers.
    """

    def handle(request: AWSRequest, **_: Any) -> Any:
        url = str(request.url)
        try:
            status, (body, headers) = 200, answered(url, json.loads(request.body or b"null"))
        except Refused as refused:
            status, body, headers = refused.status, {"__type": refused.code}, {"x-amzn-errortype": refused.code}
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return AWSResponse(url, status, HTTPHeaders.from_dict(headers), _Raw(raw))

    client.meta.events.unregister(f"before-send.{operation}", unique_id=operation)
    client.meta.events.register_first(f"before-send.{operation}", handle, unique_id=operation)
