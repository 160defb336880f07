"""Serves the ResponseURLs as presigned S3 URLs behave, and the control calls under /_strict/ for tests."""

import json
import os
from typing import Any

import ministack.app as app

from local.embedded_cloud.custom_resources import ledger
from local.embedded_cloud.drift_guard import Function, replace
from local.embedded_cloud.request_ledger import RESPONSE_PATH

CONTROL_PATH = "/_strict/"
HttpResponse = tuple[int, dict[str, str], bytes]

_REFUSED = {
    403: b"<?xml version='1.0'?><Error><Code>SignatureDoesNotMatch</Code></Error>",
    500: b"<?xml version='1.0'?><Error><Code>InternalError</Code></Error>",
}


def _first(query: dict[str, list[str]], name: str) -> str | None:
    return next(iter(query.get(name, [])), None)


def _put_answer(path: str, query: dict[str, list[str]], body: bytes) -> HttpResponse:
    signature = _first(query, "X-Amz-Signature") or ""
    status = ledger.receive(path.removeprefix(RESPONSE_PATH), signature, body)
    return status, {"Content-Type": "application/xml"}, b"" if status == 200 else _REFUSED.get(status, b"")


def _control(method: str, name: str, query: dict[str, list[str]], body: bytes) -> HttpResponse:
    account = _first(query, "account")
    reply: Any
    match method, name:
        case "GET", "answers":
            reply = ledger.received_answers(account)
        case "GET", "events":
            reply = ledger.sent_events(account)
        case "GET", "identity":
            reply = {"pid": os.getpid()}
        case "POST", "answer-faults":
            fault = json.loads(body)
            ledger.fail_next(int(fault["status"]), int(fault["times"]), fault.get("account"))
            reply = {"accepted": True}
        case _:
            return 404, {"Content-Type": "application/json"}, b'{"error": "no such control call"}'
    return 200, {"Content-Type": "application/json"}, json.dumps(reply).encode()


def install() -> None:
    """Answer these paths before ministack looks at them; DriftError when ministack changed."""

    def wrap(stock: Function) -> Function:
        async def handle(method: str, path: str, headers: Any, body: bytes, query_params: Any, request_id: str) -> Any:
            if path.startswith(CONTROL_PATH):
                return _control(method, path.removeprefix(CONTROL_PATH), query_params, body)
            if method == "PUT" and path.startswith(RESPONSE_PATH):
                return _put_answer(path, query_params, body)
            return await stock(method, path, headers, body, query_params, request_id)

        return handle

    replace(app, "_handle_post_body_shortcuts", "method path headers body query_params request_id", wrap)
