"""Exists to say in one place what is served where, on each of the two wires; paths are as in OpenAI's document."""

import re
from collections.abc import Callable, Collection
from typing import Any

from . import conversations, responses, storage, webhook_endpoints
from .assistants_v2 import runs, threads
from .errors import ApiError
from .resources import delete, list_all, retrieve, update_metadata
from .settings import PARTS

Endpoint = Callable[..., dict[str, Any]]
"""What serves a method of a path: of the world, what the path names, and what the query and the body say."""

_SHARED: dict[str, dict[str, Endpoint]] = {
    "/files": {"GET": list_all, "POST": storage.upload},
    "/files/{file_id}": {"GET": retrieve, "DELETE": delete},
    "/vector_stores": {"GET": list_all, "POST": storage.create_store},
    "/vector_stores/{vector_store_id}": {"GET": retrieve, "POST": storage.update_store, "DELETE": delete},
    "/vector_stores/{vector_store_id}/files": {"GET": list_all, "POST": storage.create_store_file},
    "/vector_stores/{vector_store_id}/files/{file_id}": {"GET": retrieve, "DELETE": delete},
}
_RESPONSES: dict[str, dict[str, Endpoint]] = {
    "/conversations": {"POST": conversations.create},
    "/conversations/{conversation_id}": {"GET": retrieve, "POST": update_metadata, "DELETE": delete},
    "/conversations/{conversation_id}/items": {"GET": list_all, "POST": conversations.create_items},
    "/conversations/{conversation_id}/items/{item_id}": {"GET": retrieve, "DELETE": conversations.delete_item},
    "/responses": {"POST": responses.create},
    "/responses/{response_id}": {"GET": retrieve, "DELETE": delete},
    "/responses/{response_id}/input_items": {"GET": list_all},
    "/responses/{response_id}/cancel": {"POST": responses.cancel},
    "/webhook_event_types": {"GET": webhook_endpoints.list_event_types},
    "/webhook_endpoints": {"GET": list_all, "POST": webhook_endpoints.create},
    "/webhook_endpoints/{webhook_endpoint_id}": {
        "GET": retrieve,
        "POST": webhook_endpoints.update,
        "DELETE": delete,
    },
    "/webhook_endpoints/{webhook_endpoint_id}/rotate_secret": {"POST": webhook_endpoints.rotate_secret},
    "/webhook_endpoints/{webhook_endpoint_id}/test": {"POST": webhook_endpoints.test},
}
_ASSISTANTS: dict[str, dict[str, Endpoint]] = {
    "/assistants": {"GET": list_all, "POST": threads.create_assistant},
    "/assistants/{assistant_id}": {"GET": retrieve, "POST": threads.update_assistant, "DELETE": delete},
    "/threads": {"POST": threads.create},
    # Before the thread of any id, which it would be taken for.
    "/threads/runs": {"POST": runs.create_with_thread},
    "/threads/{thread_id}": {"GET": retrieve, "POST": threads.update, "DELETE": delete},
    "/threads/{thread_id}/messages": {"GET": list_all, "POST": threads.create_message},
    "/threads/{thread_id}/messages/{message_id}": {"GET": retrieve, "POST": update_metadata, "DELETE": delete},
    "/threads/{thread_id}/runs": {"GET": list_all, "POST": runs.create},
    "/threads/{thread_id}/runs/{run_id}": {"GET": retrieve, "POST": update_metadata},
    "/threads/{thread_id}/runs/{run_id}/cancel": {"POST": runs.cancel},
    "/threads/{thread_id}/runs/{run_id}/steps": {"GET": list_all},
    "/threads/{thread_id}/runs/{run_id}/submit_tool_outputs": {"POST": runs.submit_tool_outputs},
}


class Routes:
    """The routes of one server: `responses` is OpenAI today, `assistants` one that speaks only Assistants v2."""

    def __init__(self, api: str, lacks: Collection[str] = ()) -> None:
        absent = tuple(prefix for part, prefix in PARTS.items() if part in lacks and prefix)
        served = (_RESPONSES if api != "assistants" else {}) | (_ASSISTANTS if api != "responses" else {})
        self.served = {path: each for path, each in (_SHARED | served).items() if not path.startswith(absent)}
        self._patterns = {path: re.compile("/v1" + re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", path)) for path in self.served}

    def find(self, method: str, url_path: str) -> tuple[Endpoint, str, dict[str, str]]:
        """Find what serves a path, the document's name for it, and the ids in it; refuses as OpenAI does (404, 405)."""
        for path, pattern in self._patterns.items():
            match = pattern.fullmatch(url_path)
            if match and method in self.served[path]:
                return self.served[path][method], path, match.groupdict()
        if any(pattern.fullmatch(url_path) for pattern in self._patterns.values()):
            hint = "(HINT: Perhaps you meant to use a different HTTP method?)"
            raise ApiError(405, f"Not allowed to {method} on {url_path}. {hint}")
        raise ApiError(404, f"Invalid URL ({method} {url_path})")
