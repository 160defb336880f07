"""Serves the ResponseURLs as presigned S3 URLs behave, and the control requests under /_strict/ for tests."""

import json
import os
from typing import Any

import ministack.app as app

from local.embedded_cloud.custom_resources import ledger
from local.embedded_cloud.drift_guard import Call, around
from local.embedded_cloud.request_ledger import RESPONSE_PATH

CONTROL_PATH = "/_strict/"
_REFUSED = {403: "SignatureDoesNotMatch", 500: "InternalError"}


async def _handle(call: Call) -> Any:
    query = {name: values[0] for name, values in call.query_params.items() if values}
    if call.path.startswith(CONTROL_PATH):
        status, reply = _control(
            call.method, call.path.removeprefix(CONTROL_PATH), query.get("account") or None, call.body
        )
        return status, {"Content-Type": "application/json"}, json.dumps(reply).encode()
    if call.method == "PUT" and call.path.startswith(RESPONSE_PATH):
        token = call.path.removeprefix(RESPONSE_PATH)
        status = ledger.receive(token, query.get("X-Amz-Signature", ""), call.body)
        code = _REFUSED.get(status)
        body = f"<?xml version='1.0'?><Error><Code>{code}</Code></Error>" if code else ""
        return status, {"Content-Type": "application/xml"}, body.encode()
    return await call.proceed()


def _control(method: str, name: str, account: str | None, body: bytes) -> tuple[int, Any]:
    match method, name:
        case "GET", "responses":
            return 200, ledger.received_responses(account)
        case "GET", "events":
            return 200, ledger.sent_events(account)
        case "GET", "identity":
            return 200, {"pid": os.getpid()}
        case "POST", "response-faults":
            ledger.fail_next(**json.loads(body))
            return 200, {"accepted": True}
    return 404, {"error": "this control request does not exist"}


def install() -> None:
    """Handle these paths before ministack looks at them; DriftError when ministack changed."""
    around(app, "_handle_post_body_shortcuts", "method path headers body query_params request_id", _handle)
