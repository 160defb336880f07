"""The time-out of a request as a whole: those of the HTTP client are between bytes, which can be sent one by one."""
# docs/decisions.md: "A request's time-out is that of the whole request"

from __future__ import annotations

import threading
import time
from typing import Any

import httpx2

MOST_SECONDS = 600
"""Of a request that has no time-out of its own."""


class TimeLimit(threading.local):
    """When the request that this thread sends must have ended, by the monotonic clock."""

    _until = float("inf")

    def apply_to(self, transport: httpx2.BaseTransport | None) -> None:
        """Give each connection that the transport will make this limit."""
        if isinstance(transport, httpx2.HTTPTransport):
            # The package has no public way to a transport's network that keeps its proxies and certificates.
            pool: Any = transport._pool
            pool._network_backend = _Network(pool._network_backend, self)

    def begin(self, request: httpx2.Request) -> None:
        """From now on counts the time of this request: its time-out for reads is that of all that it takes."""
        self._until = time.monotonic() + (request.extensions.get("timeout", {}).get("read") or MOST_SECONDS)

    def left_seconds(self) -> float:
        """Raises `ReadTimeout` where nothing is left."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise httpx2.ReadTimeout("the request took too long as a whole")
        return left


class _Limited:
    """Something of the network, of which only what can wait has a limit."""

    def __init__(self, unlimited: Any, limit: TimeLimit) -> None:
        self._unlimited, self._limit = unlimited, limit

    def __getattr__(self, name: str) -> Any:
        return getattr(self._unlimited, name)


class _Network(_Limited):
    def connect_tcp(self, **options: Any) -> _Stream:
        stream = self._unlimited.connect_tcp(**options | {"timeout": self._limit.left_seconds()})
        return _Stream(stream, self._limit)


class _Stream(_Limited):
    def read(self, max_bytes: int, timeout: float | None = None) -> Any:
        return self._unlimited.read(max_bytes, self._limit.left_seconds())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._unlimited.write(buffer, self._limit.left_seconds())

    def start_tls(self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None) -> _Stream:
        stream = self._unlimited.start_tls(ssl_context, server_hostname, self._limit.left_seconds())
        return _Stream(stream, self._limit)
