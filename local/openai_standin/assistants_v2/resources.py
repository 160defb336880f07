"""Exists to turn `tool_resources` and attachments into what a tool reads: files, and at most one vector store."""

from collections.abc import Iterable, Mapping
from typing import Any

from ..storage import Storage, VectorStore
from .state import Thread

Body = dict[str, Any]

# By OpenAI's documentation, a store that a thread's helper made expires after this time without use.
_HELPER_DAYS = 7


def require_resources(storage: Storage, resources: Mapping[str, Any] | None, path: str = "tool_resources") -> None:
    """Refuse resources over missing files (400) or vector stores (404)."""
    given = resources or {}
    code_files = given.get("code_interpreter", {}).get("file_ids", ())
    storage.require_files(code_files, f"{path}.code_interpreter.file_ids")
    search = given.get("file_search", {})
    storage.require_stores(search.get("vector_store_ids", ()), f"{path}.file_search.vector_store_ids")
    for index, store in enumerate(search.get("vector_stores", ())):
        storage.require_files(store.get("file_ids", ()), f"{path}.file_search.vector_stores[{index}].file_ids")


def require_message_files(storage: Storage, messages: Iterable[Body], path: str) -> None:
    """Refuse messages over missing files (400); `path` is that of their list, empty for a single message."""
    for index, message in enumerate(messages):
        inside = f"{path}[{index}]." if path else ""
        for place, attachment in enumerate(message.get("attachments") or ()):
            storage.require_file(attachment["file_id"], f"{inside}attachments[{place}].file_id")
        parts = message["content"] if isinstance(message["content"], list) else ()
        for place, part in enumerate(parts):
            if part["type"] == "image_file":
                where = f"{inside}content[{place}].image_file.file_id"
                storage.require_file(part["image_file"]["file_id"], where)


def granted(storage: Storage, resources: Mapping[str, Any] | None, expires_days: int | None = None) -> Body:
    """Make the vector stores that checked resources ask for, and show all by their ids."""
    shown: Body = {}
    for name, given in (resources or {}).items():
        if name == "code_interpreter":
            shown[name] = {"file_ids": list(given.get("file_ids", ()))}
            continue
        made = [
            storage.new_store(
                store.get("file_ids", ()), metadata=dict(store.get("metadata") or {}), expires_days=expires_days
            ).id
            for store in given.get("vector_stores", ())
        ]
        shown[name] = {"vector_store_ids": [*given.get("vector_store_ids", ()), *made]}
    return shown


def granted_to_thread(storage: Storage, resources: Mapping[str, Any] | None) -> Body:
    """Do the same for a thread, whose own vector stores expire."""
    return granted(storage, resources, _HELPER_DAYS)


def attach(storage: Storage, thread: Thread, attachments: Iterable[Body]) -> None:
    """Put attached files where their tools find them: the thread's vector store, or its code files."""
    for attachment in attachments:
        file_id, tools = attachment["file_id"], [tool["type"] for tool in attachment["tools"]]
        if "code_interpreter" in tools:
            files = thread.tool_resources.setdefault("code_interpreter", {}).setdefault("file_ids", [])
            files.extend([file_id] if file_id not in files else [])
        if "file_search" in tools:
            storage.index(_store_of(storage, thread), file_id)


def _store_of(storage: Storage, thread: Thread) -> VectorStore:
    """Find the thread's vector store, or make one where there is none left."""
    found = [storage.vector_stores.get(each) for each in thread.vector_store_ids]
    for store in found:
        if store is not None and not store.is_expired(storage.now()):
            return store
    made = storage.new_store(expires_days=_HELPER_DAYS)
    thread.tool_resources["file_search"] = {"vector_store_ids": [made.id]}
    return made
