"""OpenAI's current API: a thread is a conversation, a run is a background response.

On a server without conversations the thread of a run is a chain of responses (`threadrun.providers.responses.chains`).
"""

from __future__ import annotations

from collections.abc import Callable

from openai import OpenAI

from threadrun.providers.capabilities import Capabilities
from threadrun.providers.responses.assistant_catalog import AssistantCatalog
from threadrun.providers.responses.runs import ResponseRuns
from threadrun.providers.responses.threads import ConversationThreads
from threadrun.providers.responses.vector_stores import RunStores
from threadrun.providers.server import Server
from threadrun.providers.vector_stores import FileStores


class ResponsesBackend:
    """Implements `threadrun.reconcile.backend.Backend`."""

    def __init__(
        self, connect: Callable[[], OpenAI], catalog: AssistantCatalog, capabilities: Capabilities | None = None
    ) -> None:
        """`connect` gives a client without retries (`Server`)."""
        server = Server(connect, capabilities)
        self.threads = ConversationThreads(server)
        self.runs = ResponseRuns(server)
        self.vector_stores = RunStores(FileStores(server))
        self.assistants = catalog
