"""One server of OpenAI's API as both wires reach it: its client, the parts that it lacks, its errors translated."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TypeVar

from openai import OpenAI

from threadrun.providers.capabilities import Capabilities
from threadrun.providers.errors import require_readable, translated

MARK = "threadrun"
"""Metadata key of what this application made and must find again."""
T = TypeVar("T")


class Server:
    """A server, connected when it gets its first request."""

    def __init__(
        self,
        connect: Callable[[], OpenAI],
        capabilities: Capabilities | None = None,
        around: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        """`connect` gives a client without retries: a retried POST could start a second, billed run.

        `around` gives a context that each request is sent in.
        """
        self._connect, self._around = connect, around
        self.capabilities = capabilities or Capabilities()

    @property
    def client(self) -> OpenAI:
        """The SDK's client. Asked for with each request, because the API key rotates."""
        return self._connect()

    @contextmanager
    def translated(self, action: str, *, creates: bool = False) -> Iterator[None]:
        """`errors.translated` for this server: its API key is cut out of messages."""
        with self._around(), translated(action, creates=creates, secret=self.client.api_key):
            yield

    def request(self, action: str, expected: type[T], send: Callable[[], T], *, creates: bool = False) -> T:
        """Send one request and return its reply, an object of type `expected` with an id."""
        with self.translated(action, creates=creates):
            reply = send()
        require_readable(reply, expected, action, creates=creates)
        return reply
