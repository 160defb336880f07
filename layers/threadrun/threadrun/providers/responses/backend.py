"""OpenAI's current API: a thread is a conversation, a run is a background response.

On a server without conversations the thread of a run is a chain of responses (`threadrun.providers.responses.chains`).
"""

from __future__ import annotations

from collections.abc import Iterable

from threadrun.providers.files import ServerFiles
from threadrun.providers.responses.assistant_catalog import AssistantCatalog
from threadrun.providers.responses.runs import ResponseRuns
from threadrun.providers.responses.threads import ConversationThreads
from threadrun.providers.responses.tools import ToolSecrets
from threadrun.providers.server import MARK, Server
from threadrun.providers.vector_stores import FileStores, nothing_to_search
from threadrun.state.observations import RunPlan

EXPIRES_AFTER_DAYS = 7


class ResponsesBackend:
    """Implements `threadrun.reconcile.backend.Backend`."""

    def __init__(self, server: Server, catalog: AssistantCatalog, secrets: ToolSecrets, files: ServerFiles) -> None:
        self.threads = ConversationThreads(server)
        self.runs = ResponseRuns(server, secrets)
        self.vector_stores = RunStores(server)
        self.assistants, self.files = catalog, files


class RunStores(FileStores[Server]):
    """Implements `threadrun.reconcile.backend.VectorStores`: the client creates the store before the run starts."""

    def make(self, plan: RunPlan, thread_id: str, token: str) -> str | None:
        tools = [tool for tool in plan.effective.tools or () if tool.is_retrieval]
        if not tools:
            return None
        if file_ids := plan.effective.attached_file_ids:
            with self._server.needing("vector stores", "a retrieval tool"):
                known = self._find(token)
            return self._create(file_ids, token) if known is None else known
        self._server.require("vector stores", "a retrieval tool")
        if all(tool.vector_store_ids for tool in tools):
            return None
        raise nothing_to_search()

    def _create(self, file_ids: Iterable[str], token: str) -> str:
        fields = {
            "file_ids": list(file_ids),
            "name": "threadrun",
            "metadata": {MARK: token},
            # A store that was never deleted, because its id got lost, costs nothing after that.
            "expires_after": {"anchor": "last_active_at", "days": EXPIRES_AFTER_DAYS},
        }
        create = self._server.api.vector_stores.create
        return self._server.create("make the vector store", create, **fields).text("id")
