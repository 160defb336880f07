"""What the parts of the Assistants v2 backend share: the client, errors, and reading an assistant or a thread."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from openai import OpenAI
from openai.types.beta import Assistant, Thread

from threadrun.providers.errors import require_readable, translated

PER_PAGE = 100
_CALLERS = r"threadrun\.(openai_assistants|assistants_v2_\w+)|openai\._utils\._utils"
"""The SDK says it of one method twice, the second time to its own wrapper of it."""


class AssistantsClient:
    """A server that speaks Assistants v2."""

    def __init__(self, connect: Callable[[], OpenAI]) -> None:
        """`connect` gives a client without retries: a retried POST could start a second, billed run."""
        self._connect = connect

    @property
    def _client(self) -> OpenAI:
        return self._connect()

    @contextmanager
    def _translated(self, action: str, *, creates: bool = False) -> Iterator[None]:
        """`openai_errors.translated` without the SDK's notice, at each call, that OpenAI closed this API."""
        with warnings.catch_warnings(), translated(action, creates=creates, secret=self._client.api_key):
            notice = r"deprecated$|The Assistants API is deprecated"
            warnings.filterwarnings("ignore", notice, DeprecationWarning, module=_CALLERS)
            yield

    def _read_assistant(self, assistant_id: str) -> Assistant:
        action = f"read assistant {assistant_id}"
        with self._translated(action):
            assistant = self._client.beta.assistants.retrieve(assistant_id)
        require_readable(assistant, Assistant, action)
        return assistant

    def _read_thread(self, thread_id: str) -> Thread:
        action = f"read thread {thread_id}"
        with self._translated(action):
            thread = self._client.beta.threads.retrieve(thread_id)
        require_readable(thread, Thread, action)
        return thread
