"""Serves the ResponseURLs as presigned S3 URLs behave, and the control requests under /_strict/ for tests."""

import json
import os
from typing import Any

import ministack.app as app

from local.embedded_cloud.custom_resources import ledger
from local.embedded_cloud.drift_guard import Call, around
from local.embedded_cloud.request_ledger import RESPONSE_PATH

CONTROL_PATH = "/_strict/"
HttpResponse = tuple[int, dict[str, str], bytes]

_REFUSED = {
    403: b"<?xml version='1.0'?><Error><Code>SignatureDoesNotMatch</Code></Error>",
    500: b"<?xml version='1.0'?><Error><Code>InternalError</Code></Error>",
}


def _first(query: dict[str, list[str]], name: str) -> str | None:
    return next(iter(query.get(name, [])), None)


def _put_response(path: str, query: dict[str, list[str]], body: bytes) -> HttpResponse:
    signature = _first(query, "X-Amz-Signature") or ""
    status = ledger.receive(path.removeprefix(RESPONSE_PATH), signature, body)
    return status, {"Content-Type": "application/xml"}, _REFUSED.get(status, b"")


def _control(method: str, name: str, query: dict[str, list[str]], body: bytes) -> HttpResponse:
    account, status = _first(query, "account"), 200
    reply: Any
    match method, name:
        case "GET", "responses":
            reply = ledger.received_responses(account)
        case "GET", "events":
            reply = ledger.sent_events(account)
        case "GET", "identity":
            reply = {"pid": os.getpid()}
        case "POST", "response-faults":
            fault = json.loads(body)
            ledger.fail_next(int(fault["status"]), int(fault["times"]), fault.get("account"))
            reply = {"accepted": True}
        case _:
            status, reply = 404, {"error": "this control request does not exist"}
    return status, {"Content-Type": "application/json"}, json.dumps(reply).encode()


async def _handle(call: Call) -> Any:
    if call.path.startswith(CONTROL_PATH):
        return _control(call.method, call.path.removeprefix(CONTROL_PATH), call.query_params, call.body)
    if call.method == "PUT" and call.path.startswith(RESPONSE_PATH):
        return _put_response(call.path, call.query_params, call.body)
    return await call.proceed()


def install() -> None:
    """Handle these paths before ministack looks at them; DriftError when ministack changed."""
    around(app, "_handle_post_body_shortcuts", "method path headers body query_params request_id", _handle)
