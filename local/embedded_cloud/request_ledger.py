"""Keeps every custom-resource request that was sent and every response that came back, as evidence for tests.

Which responses are valid: AWS CloudFormation user guide, "Custom resource response objects". Texts marked with * appear
in stack events of AWS; AWS publishes none for the others.
"""

import hmac
import json
import secrets
import threading
import time
from concurrent.futures import Future, InvalidStateError, wait
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import urlencode

RESPONSE_PATH = "/_ministack/cfn-response/"
URL_LIFETIME_SECONDS = 7200
MAX_BODY_BYTES = 4096
MAX_PHYSICAL_ID_BYTES = 1024
TOO_LONG = "Response object is too long."  # *
NOT_JSON = "Response is not valid JSON"  # *
NONE = (
    "CloudFormation did not receive a response from your Custom Resource. Please check your logs for requestId [{}]. "
    "If you are using the Python cfn-response module, you may need to update your Lambda function code so that "
    "CloudFormation can attach the updated version."
)  # *


class Response(NamedTuple):
    """A valid response of a custom resource."""

    succeeded: bool
    physical_id: str
    reason: str
    data: dict[str, Any]
    no_echo: bool


class RequestClosedError(RuntimeError):
    """CloudFormation stopped waiting for this request: a sibling failed, or the stack is being deleted."""


@dataclass
class Request:
    """One request that CloudFormation waits for."""

    event: dict[str, Any]
    account: str
    signature: str
    expires_epoch_s: float
    outcome: "Future[Response]" = field(default_factory=Future)

    def settle(self, outcome: Response | Exception) -> bool:
        """Stop waiting; False when the request was settled before."""
        try:
            if isinstance(outcome, Response):
                self.outcome.set_result(outcome)
            else:
                self.outcome.set_exception(outcome)
        except InvalidStateError:
            return False
        return True

    def response(self, timeout_seconds: float) -> Response:
        """Wait for the response; ValueError when there is no valid one in time, RequestClosedError when cancelled."""
        wait([self.outcome], timeout_seconds)
        self.settle(ValueError(NONE.format(self.event["RequestId"])))
        return self.outcome.result()


class RequestLedger:
    """Thread-safe record of requests, responses and the faults that tests ask for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: dict[str, Request] = {}
        self._responses: list[dict[str, Any]] = []
        self._faults: list[dict[str, Any]] = []

    def open(self, event: dict[str, Any], account: str, region: str, base_url: str) -> Request:
        """Record the request and put its ResponseURL, signed like a presigned one, into `event`."""
        token, signature = secrets.token_urlsafe(18), secrets.token_hex(32)
        signed_at = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        signed = {
            "Algorithm": "AWS4-HMAC-SHA256",
            "Date": signed_at,
            "SignedHeaders": "host",
            "Expires": URL_LIFETIME_SECONDS,
            "Credential": f"AKIA{secrets.token_hex(8).upper()}/{signed_at[:8]}/{region}/s3/aws4_request",
            "Signature": signature,
        }
        query = urlencode({f"X-Amz-{name}": value for name, value in signed.items()})
        event["ResponseURL"] = f"{base_url}{RESPONSE_PATH}{token}?{query}"
        request = Request(event, account, signature, time.time() + URL_LIFETIME_SECONDS)
        with self._lock:
            self._requests[token] = request
        return request

    def receive(self, token: str, signature: str, body: bytes) -> int:
        """Take a PUT to a ResponseURL and return its HTTP status; only the first one of a request counts."""
        with self._lock:
            request = self._requests.get(token)
            status = self._put_status(request, signature)
            received = {
                "request_id": request.event["RequestId"] if request else None,
                "account": request.account if request else None,
                "time_epoch_s": time.time(),
                "status": status,
                "byte_length": len(body),
                "body": body.decode("utf-8", errors="replace"),
                "counted": status == 200 and request is not None and request.settle(_read(body, request.event)),
            }
            self._responses.append(received)
        return status

    def close(self, stack_id: str, logical_id: str, reason: str) -> None:
        """Stop waiting for this resource's requests; later responses are recorded and ignored."""
        with self._lock:
            for request in self._requests.values():
                if (request.event["StackId"], request.event["LogicalResourceId"]) == (stack_id, logical_id):
                    request.settle(RequestClosedError(reason))

    def fail_next(self, status: int, times: int, account: str | None) -> None:
        """Make the next `times` PUTs (of `account`, or of any) get `status` without effect."""
        with self._lock:
            self._faults += [{"status": status, "account": account}] * times

    def sent_events(self, account: str | None = None) -> list[dict[str, Any]]:
        """Every event sent, oldest first, with its ResponseURL."""
        with self._lock:
            return [each.event for each in self._requests.values() if account in (None, each.account)]

    def received_responses(self, account: str | None = None) -> list[dict[str, Any]]:
        """Every PUT to a ResponseURL, oldest first, also the refused and ignored ones."""
        with self._lock:
            return [each for each in self._responses if account in (None, each["account"])]

    def clear(self) -> None:
        """Forget everything and wake the threads that still wait."""
        with self._lock:
            for request in self._requests.values():
                request.settle(RequestClosedError("the emulator was reset"))
            self._requests.clear()
            self._responses.clear()
            self._faults.clear()

    def _put_status(self, request: Request | None, signature: str) -> int:
        if request is None or not hmac.compare_digest(request.signature.encode(), signature.encode()):
            return 403
        if time.time() > request.expires_epoch_s:
            return 403
        for fault in self._faults:
            if fault["account"] in (None, request.account):
                self._faults.remove(fault)
                return int(fault["status"])
        return 200


def _read(body: bytes, event: dict[str, Any]) -> Response | ValueError:
    """Return the response to the request `event`, or the rule that it breaks, which is the resource's reason."""
    if len(body) > MAX_BODY_BYTES:
        return ValueError(TOO_LONG)
    try:
        fields = json.loads(body.decode("utf-8"))
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        return ValueError(NOT_JSON)
    status, reason, data = fields.get("Status"), fields.get("Reason", ""), fields.get("Data")
    physical_id = fields.get("PhysicalResourceId")
    is_valid = {key: fields.get(key) == event[key] for key in ("StackId", "RequestId", "LogicalResourceId")} | {
        "Status": status in ("SUCCESS", "FAILED"),
        # * for this one.
        "PhysicalResourceId": isinstance(physical_id, str) and 1 <= len(physical_id.encode()) <= MAX_PHYSICAL_ID_BYTES,
        "Reason": isinstance(reason, str) and (status == "SUCCESS" or reason != ""),
        "Data": data is None or isinstance(data, dict),
    }
    for key in is_valid:
        if not is_valid[key]:
            return ValueError(f"Invalid {key}")
    return Response(status == "SUCCESS", str(physical_id), reason, data or {}, fields.get("NoEcho") in (True, "true"))
