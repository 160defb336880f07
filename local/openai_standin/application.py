"""Exists as the one place that turns a request into a reply, without a socket: the key, faults.

Both the server and the in-process transport call it.
"""

import hmac
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple
from urllib.parse import parse_qs

from . import control, multipart
from .errors import ApiError, invalid_beta, refused, unauthorized
from .faults import ConnectionLost, Fault
from .overlay import require_consistent
from .request_validation import require_valid
from .routes import BETA_PATHS, Routes
from .signatures import require_signed
from .world import LoggedRequest, World

_UNREADABLE = (
    "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP "
    "library correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON.)"
)
_NOT_JSON = object()
_SECRET_HEADERS = ("authorization", "x-amz-security-token")


@dataclass(frozen=True)
class Reply:
    """What goes back; `delay_s` is how long to hold it first, in seconds."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0.0


class _Call(NamedTuple):
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: Any


class Application:
    """OpenAI's API over one `World`; `api` says which wires are served. Raises ValueError for an unknown one.

    `signed` lets in what is signed as for Amazon Bedrock, and no key.
    """

    def __init__(self, world: World, api_key: str, api: str = "responses", signed: bool = False) -> None:
        self.world = world
        self.api_key = api_key
        self.signed = signed
        self._routes = Routes(api, world.behaviour.lacks)

    def handle(self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Answer one request; header names are lower case. Raises ConnectionLost where a fault says so."""
        call = _Call(method, path, query, headers, _parsed(headers, body))
        with self.world.lock:
            if path.startswith(control.PREFIX):
                return _reply(*control.handle(self.world, method, path, call.body))
            started = self.world.now()
            self._log(call, body)
            reply = self._faulty_answer(call, body)
            elapsed_ms = int((self.world.now() - started) * 1000)
        common = {
            "x-request-id": f"req_{uuid.uuid4().hex}",
            "openai-processing-ms": str(elapsed_ms),
            "openai-version": "2020-10-01",
        }
        return replace(reply, headers={**common, **reply.headers})

    def _log(self, call: "_Call", body: bytes) -> None:
        shown = body.decode("utf-8", "replace") if call.body is _NOT_JSON else call.body
        harmless = {name: value for name, value in call.headers.items() if name not in _SECRET_HEADERS}
        now = self.world.now()
        self.world.requests.append(LoggedRequest(call.method, call.path, shown, harmless, now, call.query))

    def _faulty_answer(self, call: "_Call", body: bytes) -> Reply:
        fault = self.world.faults.take(call.method, call.path)
        try:
            if fault is not None:
                _fail_before_effect(fault)
            reply = _reply(200, self._answer(call, body))
        except ApiError as refusal:
            reply = _reply(refusal.status, refusal.body, refusal.headers)
        return reply if fault is None else _spoiled(reply, fault)

    def _answer(self, call: "_Call", body: bytes) -> dict[str, Any]:
        endpoint, path, names = self._routes.find(call.method, call.path)
        self._let_in(call.headers, body)
        if call.path.startswith(BETA_PATHS) and "assistants=v2" not in call.headers.get("openai-beta", ""):
            raise invalid_beta()
        if not isinstance(call.body, dict | None):
            raise refused(_UNREADABLE)
        query, given = parse_qs(call.query, keep_blank_values=True), call.body or {}
        require_valid(call.method, path, query, given)
        require_consistent(path, given)
        self.world.settle()
        return endpoint(self.world, query, given, **names)

    def _let_in(self, headers: Mapping[str, str], body: bytes) -> None:
        if self.signed:
            require_signed(headers, body)
            return
        authorization = headers.get("authorization", "")
        if not hmac.compare_digest(authorization.encode(), f"Bearer {self.api_key}".encode()):
            raise unauthorized(authorization)


def _fail_before_effect(fault: Fault) -> None:
    if fault.kind == "status":
        raise fault.error()
    if fault.kind == "reset":
        raise ConnectionLost(had_effect=False)


def _spoiled(reply: Reply, fault: Fault) -> Reply:
    if fault.kind == "lost_reply":
        raise ConnectionLost(had_effect=True)
    if fault.kind == "garbage":
        return Reply(200, b'{"id": "resp_', {"content-type": "application/json"})
    return replace(reply, delay_s=fault.seconds if fault.kind == "slow" else 0.0)


def _parsed(headers: Mapping[str, str], body: bytes) -> Any:
    if not body:
        return None
    content_type = headers.get("content-type", "")
    try:
        if content_type.startswith(multipart.MEDIA_TYPE):
            return multipart.parsed(content_type, body)
        return json.loads(body)
    except ValueError:
        return _NOT_JSON


def _reply(status: int, body: Any, headers: Mapping[str, str] | None = None) -> Reply:
    return Reply(status, json.dumps(body).encode(), {"content-type": "application/json", **(headers or {})})
