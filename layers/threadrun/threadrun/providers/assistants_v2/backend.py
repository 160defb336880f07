"""Servers that speak Assistants v2: threads, runs and assistants are the server's own."""

from __future__ import annotations

from collections.abc import Callable

from openai import OpenAI

from threadrun.providers.assistants_v2.assistants import ServerAssistants
from threadrun.providers.assistants_v2.client import notice_ignored
from threadrun.providers.assistants_v2.runs import ServerRuns
from threadrun.providers.assistants_v2.threads import ServerThreads
from threadrun.providers.assistants_v2.vector_stores import ThreadStores
from threadrun.providers.server import Server
from threadrun.providers.vector_stores import FileStores


class AssistantsBackend:
    """Implements `threadrun.reconcile.backend.Backend`."""

    def __init__(self, connect: Callable[[], OpenAI]) -> None:
        """`connect` gives a client without retries (`Server`)."""
        server = Server(connect, around=notice_ignored)
        stores = FileStores(server)
        self.threads = ServerThreads(server, stores)
        self.runs = ServerRuns(server)
        self.vector_stores = ThreadStores(server, self.threads, stores)
        self.assistants = ServerAssistants(server)
