"""The vector store of a run's attached files: this API has the client create it before the run starts."""

from __future__ import annotations

from threadrun.providers.vector_stores import FileStores, nothing_to_search
from threadrun.state.observations import Indexing, RunPlan


class RunStores:
    """Implements `threadrun.reconcile.backend.VectorStores`."""

    def __init__(self, stores: FileStores) -> None:
        self._stores = stores

    def make(self, plan: RunPlan, thread_id: str, token: str) -> str | None:
        tools = [tool for tool in plan.effective.tools or () if tool.is_retrieval]
        if not tools:
            return None
        self._stores.require_served()
        if plan.effective.attached_file_ids:
            return self._stores.create(plan.effective.attached_file_ids, token)
        if all(tool.vector_store_ids for tool in tools):
            return None
        raise nothing_to_search()

    def observe_indexing(self, vector_store_id: str) -> Indexing:
        return self._stores.observe_indexing(vector_store_id)

    def delete(self, vector_store_id: str) -> None:
        self._stores.delete(vector_store_id)
