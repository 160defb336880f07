"""Exists as the one place that turns a request into a reply, without a socket: the key, the document, faults.

Both the server and the in-process transport call it.
"""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs

from .errors import ApiError, refused
from .faults import ConnectionLost
from .keys import require_key, require_signed
from .request_validation import NOT_JSON, parsed, read_valid
from .resources import found
from .routes import Routes
from .rules import require_consistent
from .storage import require_named
from .world import Request, World

_UNREADABLE = (
    "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP "
    "library correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON.)"
)
_NO_BETA = (
    "You must provide the 'OpenAI-Beta' header to access the Assistants API. "
    "Please try again by setting the header 'OpenAI-Beta: assistants=v2'."
)
_SECRET_HEADERS = ("authorization", "x-amz-security-token")


@dataclass(frozen=True)
class Reply:
    """What goes back; `delay_s` is how long to hold it first, `byte_s` how long each of its bytes, in seconds."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    byte_s: float = 0.0


class Application:
    """OpenAI's API over one `World`."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._routes = Routes(world.settings.api, world.settings.lacks)

    def handle(self, method: str, path: str, query: str, headers: Mapping[str, str], content: bytes) -> Reply:
        """Answer one request; header names are lower case. Raises ConnectionLost where a fault says so."""
        with self.world.lock:
            started = self.world.now()
            body = parsed(headers.get("content-type", ""), content)
            request = Request(method, path, body, dict(headers), started, query)
            harmless = {name: value for name, value in headers.items() if name not in _SECRET_HEADERS}
            shown = content.decode("utf-8", "replace") if body is NOT_JSON else body
            self.world.requests.append(request._replace(body=shown, headers=harmless))
            reply = self._faulty_answer(request, content)
            elapsed_ms = int((self.world.now() - started) * 1000)
        common = {
            "x-request-id": f"req_{uuid.uuid4().hex}",
            "openai-processing-ms": str(elapsed_ms),
            "openai-version": "2020-10-01",
        }
        return replace(reply, headers={**common, **reply.headers})

    def _faulty_answer(self, request: Request, content: bytes) -> Reply:
        fault = next(self.world.faults.hits(request.method, request.path, request.time), None)
        kind = fault.kind if fault else ""
        if kind == "reset":
            raise ConnectionLost(had_effect=False)
        try:
            if fault and kind == "status":
                raise fault.error()
            answer = self.answer(request, content)
            if kind == "repeated":
                answer = self.answer(request, content)
            if fault and kind == "late_status":
                raise fault.error()
            reply = json_reply(200, fault.odd(answer) if fault and kind == "odd" else answer)
        except ApiError as refusal:
            reply = json_reply(refusal.status, refusal.body, refusal.headers)
        if kind == "lost_reply":
            raise ConnectionLost(had_effect=True)
        if kind == "garbage":
            return Reply(200, b'{"id": "resp_', {"content-type": "application/json"})
        if fault and kind == "drip":
            return replace(reply, byte_s=fault.seconds)
        return replace(reply, delay_s=fault.seconds) if fault and kind == "slow" else reply

    def answer(self, request: Request, content: bytes) -> dict[str, Any]:
        """Do what a request asks for; raises ApiError where it is refused."""
        world, settings = self.world, self.world.settings
        endpoint, path, ids = self._routes.find(request.method, request.path)
        if settings.signed:
            require_signed(request.headers, content)
        else:
            require_key(settings.api_key, request.headers)
        is_beta = path.startswith(("/assistants", "/threads"))
        if is_beta and "assistants=v2" not in request.headers.get("openai-beta", ""):
            raise refused(_NO_BETA, code="invalid_beta")
        if not isinstance(request.body, dict | None):
            raise refused(_UNREADABLE)
        query = parse_qs(request.query, keep_blank_values=True)
        given = read_valid(request.method, path, query, request.body or {})
        require_consistent(path, given)
        world.settle()
        place = found(world, path, ids)
        require_named(world, given)
        return endpoint(world, place, given)


def json_reply(status: int, body: Any, headers: Mapping[str, str] | None = None) -> Reply:
    return Reply(status, json.dumps(body).encode(), {"content-type": "application/json", **(headers or {})})
