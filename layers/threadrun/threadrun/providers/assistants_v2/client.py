"""What all subjects of this wire need: the SDK's notice ignored, and an assistant or a thread read."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from openai.types.beta import Assistant, Thread

from threadrun.providers.server import Server

PER_PAGE = 100
_CALLERS = rf"{re.escape(__name__.rpartition('.')[0])}\.|openai\._utils\._utils"
"""The modules that the notice is addressed to: this package's, and the SDK's own wrapper of some methods."""


@contextmanager
def notice_ignored() -> Iterator[None]:
    """Ignore the SDK's notice, at each request, that OpenAI closed this API: other servers still have it."""
    with warnings.catch_warnings():
        notice = r"deprecated$|The Assistants API is deprecated"
        warnings.filterwarnings("ignore", notice, DeprecationWarning, module=_CALLERS)
        yield


def read_assistant(server: Server, assistant_id: str) -> Assistant:
    """Raises `NotFound`."""
    action = f"read assistant {assistant_id}"
    return server.request(action, Assistant, lambda: server.client.beta.assistants.retrieve(assistant_id))


def read_thread(server: Server, thread_id: str) -> Thread:
    """Raises `NotFound`."""
    action = f"read thread {thread_id}"
    return server.request(action, Thread, lambda: server.client.beta.threads.retrieve(thread_id))
