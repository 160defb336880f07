"""Exists to say in one place what is served where, on each of the two wires."""

import re
from collections.abc import Callable, Collection
from typing import Any

from . import conversations, files, responses, vector_stores, webhook_endpoints
from .assistants_v2 import assistants, messages, runs, threads
from .errors import invalid_url, method_not_allowed

Endpoint = Callable[..., dict[str, Any]]
Route = tuple[str, str, Endpoint]

APIS = ("responses", "assistants", "both")
PARTS = {"conversations": "/v1/conversations", "vector_stores": "/v1/vector_stores", "background": None}
"""What a server may lack, with the paths that it does not serve then."""
BETA_PATHS = ("/v1/assistants", "/v1/threads")

_SHARED: list[Route] = [
    ("GET", "/v1/files", files.list_all),
    ("POST", "/v1/files", files.create),
    ("GET", "/v1/files/{file_id}", files.retrieve),
    ("DELETE", "/v1/files/{file_id}", files.delete),
    ("GET", "/v1/vector_stores", vector_stores.list_all),
    ("POST", "/v1/vector_stores", vector_stores.create),
    ("GET", "/v1/vector_stores/{vector_store_id}", vector_stores.retrieve),
    ("POST", "/v1/vector_stores/{vector_store_id}", vector_stores.update),
    ("DELETE", "/v1/vector_stores/{vector_store_id}", vector_stores.delete),
    ("GET", "/v1/vector_stores/{vector_store_id}/files", vector_stores.list_files),
    ("POST", "/v1/vector_stores/{vector_store_id}/files", vector_stores.create_file),
    ("GET", "/v1/vector_stores/{vector_store_id}/files/{file_id}", vector_stores.retrieve_file),
    ("DELETE", "/v1/vector_stores/{vector_store_id}/files/{file_id}", vector_stores.delete_file),
]
_RESPONSES: list[Route] = [
    ("POST", "/v1/conversations", conversations.create),
    ("GET", "/v1/conversations/{conversation_id}", conversations.retrieve),
    ("POST", "/v1/conversations/{conversation_id}", conversations.update),
    ("DELETE", "/v1/conversations/{conversation_id}", conversations.delete),
    ("GET", "/v1/conversations/{conversation_id}/items", conversations.list_items),
    ("POST", "/v1/conversations/{conversation_id}/items", conversations.create_items),
    ("GET", "/v1/conversations/{conversation_id}/items/{item_id}", conversations.retrieve_item),
    ("DELETE", "/v1/conversations/{conversation_id}/items/{item_id}", conversations.delete_item),
    ("POST", "/v1/responses", responses.create),
    ("GET", "/v1/responses/{response_id}", responses.retrieve),
    ("DELETE", "/v1/responses/{response_id}", responses.delete),
    ("GET", "/v1/responses/{response_id}/input_items", responses.list_input_items),
    ("POST", "/v1/responses/{response_id}/cancel", responses.cancel),
    ("GET", "/v1/webhook_event_types", webhook_endpoints.list_event_types),
    ("GET", "/v1/webhook_endpoints", webhook_endpoints.list_all),
    ("POST", "/v1/webhook_endpoints", webhook_endpoints.create),
    ("GET", "/v1/webhook_endpoints/{webhook_endpoint_id}", webhook_endpoints.retrieve),
    ("POST", "/v1/webhook_endpoints/{webhook_endpoint_id}", webhook_endpoints.update),
    ("DELETE", "/v1/webhook_endpoints/{webhook_endpoint_id}", webhook_endpoints.delete),
    ("POST", "/v1/webhook_endpoints/{webhook_endpoint_id}/rotate_secret", webhook_endpoints.rotate_secret),
    ("POST", "/v1/webhook_endpoints/{webhook_endpoint_id}/test", webhook_endpoints.test),
]
_ASSISTANTS: list[Route] = [
    ("GET", "/v1/assistants", assistants.list_all),
    ("POST", "/v1/assistants", assistants.create),
    ("GET", "/v1/assistants/{assistant_id}", assistants.retrieve),
    ("POST", "/v1/assistants/{assistant_id}", assistants.update),
    ("DELETE", "/v1/assistants/{assistant_id}", assistants.delete),
    ("POST", "/v1/threads", threads.create),
    # Before the thread of any id, which it would be taken for.
    ("POST", "/v1/threads/runs", runs.create_with_thread),
    ("GET", "/v1/threads/{thread_id}", threads.retrieve),
    ("POST", "/v1/threads/{thread_id}", threads.update),
    ("DELETE", "/v1/threads/{thread_id}", threads.delete),
    ("GET", "/v1/threads/{thread_id}/messages", messages.list_all),
    ("POST", "/v1/threads/{thread_id}/messages", messages.create),
    ("GET", "/v1/threads/{thread_id}/messages/{message_id}", messages.retrieve),
    ("POST", "/v1/threads/{thread_id}/messages/{message_id}", messages.update),
    ("DELETE", "/v1/threads/{thread_id}/messages/{message_id}", messages.delete),
    ("GET", "/v1/threads/{thread_id}/runs", runs.list_all),
    ("POST", "/v1/threads/{thread_id}/runs", runs.create),
    ("GET", "/v1/threads/{thread_id}/runs/{run_id}", runs.retrieve),
    ("POST", "/v1/threads/{thread_id}/runs/{run_id}", runs.update),
    ("POST", "/v1/threads/{thread_id}/runs/{run_id}/cancel", runs.cancel),
    ("GET", "/v1/threads/{thread_id}/runs/{run_id}/steps", runs.list_steps),
    ("POST", "/v1/threads/{thread_id}/runs/{run_id}/submit_tool_outputs", runs.submit_tool_outputs),
]


class Routes:
    """The routes of one server: `responses` is OpenAI today, `assistants` one that speaks only Assistants v2.

    `lacks` are the parts of the API that it does not have. Raises ValueError for another name.
    """

    def __init__(self, api: str, lacks: Collection[str] = ()) -> None:
        if api not in APIS:
            raise ValueError(f"api must be one of {', '.join(APIS)}, not {api!r}")
        if unknown := sorted({*lacks} - {*PARTS}):
            raise ValueError(f"a server may lack {', '.join(PARTS)}, not {unknown[0]!r}")
        absent = tuple(prefix for part, prefix in PARTS.items() if part in lacks and prefix)
        wires = (_RESPONSES if api != "assistants" else []) + (_ASSISTANTS if api != "responses" else [])
        self._compiled = [
            (method, re.compile(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", path)), path.removeprefix("/v1"), endpoint)
            for method, path, endpoint in _SHARED + wires
            if not path.startswith(absent)
        ]

    def find(self, method: str, path: str) -> tuple[Endpoint, str, dict[str, str]]:
        """Find what serves a path, the document's name for it, and the ids in it; refuses as OpenAI does (404, 405)."""
        matches = [(each, match) for each in self._compiled if (match := each[1].fullmatch(path))]
        for (allowed, _, documented, endpoint), match in matches:
            if allowed == method:
                return endpoint, documented, match.groupdict()
        if matches:
            raise method_not_allowed(method, path)
        raise invalid_url(method, path)
