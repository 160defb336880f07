"""Exists to refuse a Responses request that names a file or a vector store which is not there."""

from collections.abc import Mapping, Sequence
from typing import Any

from .storage import Storage


def require_tools_resources(storage: Storage, tools: Sequence[Mapping[str, Any]]) -> None:
    """Refuse tools over missing vector stores (404) or files (400); what is named counts as used."""
    for index, tool in enumerate(tools):
        if tool["type"] == "file_search":
            storage.require_stores(tool["vector_store_ids"], f"tools[{index}].vector_store_ids")
        container = tool.get("container")
        if tool["type"] == "code_interpreter" and isinstance(container, Mapping):
            storage.require_files(container.get("file_ids", ()), f"tools[{index}].container.file_ids")
    for tool in tools:
        if tool["type"] == "file_search":
            storage.touch(tool["vector_store_ids"])


def require_content_files(storage: Storage, items: Any, param: str) -> None:
    """Refuse messages and tool outputs with content parts over missing files (400)."""
    for index, item in enumerate(items if isinstance(items, list) else ()):
        for name in ("content", "output"):
            parts = item.get(name)
            for place, part in enumerate(parts if isinstance(parts, list) else ()):
                if isinstance(part, Mapping) and part.get("file_id"):
                    storage.require_file(part["file_id"], f"{param}[{index}].{name}[{place}].file_id")
