"""The SDK's HTTP client: it logs each request with the id that OpenAI's support needs, and notices a rotated key."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx2
from openai import DefaultHttpxClient

from threadrun.providers.errors import KEY_SOURCE, sent_key, without
from threadrun.providers.replies import Reply
from threadrun.providers.time_limit import TimeLimit

logger = logging.getLogger(__name__)
_CODE = re.compile(r"[a-z][a-z0-9_.]{0,63}")
"""A code is a word for programs. Anything else in its place may quote the request, and is not logged."""


@dataclass(frozen=True)
class KeySource:
    """The secret that has the API key. What `read_afresh` raises is raised by the request that was refused."""

    arn: str
    read_afresh: Callable[[], str]


class LoggedClient(DefaultHttpxClient):
    """The SDK's HTTP client. It logs what changes something or fails at INFO, and a GET that succeeds at DEBUG.

    Most requests are such GETs, and their success says nothing.
    """

    def __init__(self, key_source: KeySource | None = None, **options: Any) -> None:
        """With `key_source`, a request that is refused with 401 is sent once more with the key that is there now."""
        super().__init__(**options)
        self._key_source, self._time_limit = key_source, TimeLimit()
        for transport in (self._transport, *self._mounts.values()):
            self._time_limit.apply_to(transport)

    def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        response = self._send_logged(request, **options)
        if response.status_code != 401 or self._key_source is None:
            return response
        key = self._key_source.read_afresh()
        if key != sent_key(request):
            # It was rotated since it was read. What was refused had no effect.
            response.close()
            request.headers["Authorization"] = f"Bearer {key}"
            response = self._send_logged(request, **options)
        response.extensions[KEY_SOURCE] = self._key_source.arn
        return response

    def _send_logged(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        began = time.monotonic()
        self._time_limit.begin(request)
        try:
            response = super().send(request, **options)
        except httpx2.HTTPError as error:
            self._log(logging.INFO, request, began, error=type(error).__name__)
            raise
        level = logging.DEBUG if request.method == "GET" and response.is_success else logging.INFO
        facts = {"http_status": response.status_code, "openai_request_id": response.headers.get("x-request-id", "")}
        self._log(level, request, began, **facts | _code(response))
        return response

    def _log(self, level: int, request: httpx2.Request, began: float, **facts: Any) -> None:
        # Without the query, which could contain content.
        known = {"method": request.method, "path": request.url.path, **facts}
        key = sent_key(request)
        extra = {name: without(key, fact) if isinstance(fact, str) else fact for name, fact in known.items()}
        logger.log(level, "OpenAI request", extra=extra | {"milliseconds": round((time.monotonic() - began) * 1000)})


def _code(response: httpx2.Response) -> dict[str, str]:
    """The error's code, where the body was read and has one."""
    if response.is_success or not response.is_stream_consumed:
        return {}
    code = Reply.of(response).object("error").text("code")
    return {"code": code} if _CODE.fullmatch(code) else {}
