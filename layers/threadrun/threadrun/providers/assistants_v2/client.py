"""A server that speaks Assistants v2: the SDK's notice ignored, and what several subjects read of it."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from threadrun.providers.replies import Reply
from threadrun.providers.server import Server

PER_PAGE = 100
_CALLERS = rf"{re.escape(__name__.rsplit('.', 2)[0])}\.|openai\._legacy_response|openai\._utils\._utils"
"""The modules that the notice is addressed to: those of `providers`, and the SDK's own wrapper of some methods."""


class AssistantsServer(Server):
    """A server whose SDK has a notice, at each request, that OpenAI closed this API: other servers still have it."""

    @contextmanager
    def translated(self, action: str, *, creates: bool = False) -> Iterator[None]:
        with warnings.catch_warnings(), super().translated(action, creates=creates):
            notice = r"deprecated$|The Assistants API is deprecated"
            warnings.filterwarnings("ignore", notice, DeprecationWarning, module=_CALLERS)
            yield

    def assistant(self, assistant_id: str) -> Reply:
        """Raises `NotFound`."""
        return self.read(f"read assistant {assistant_id}", self.api.beta.assistants.retrieve, assistant_id)

    def thread(self, thread_id: str) -> Reply:
        """Raises `NotFound`."""
        return self.read(f"read thread {thread_id}", self.api.beta.threads.retrieve, thread_id)
