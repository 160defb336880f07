"""Keeps every custom-resource request that was sent and every response that came back, as evidence for tests."""

import hmac
import secrets
import threading
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from local.embedded_cloud.responses import InvalidResponseError, Response, read_response

RESPONSE_PATH = "/_ministack/cfn-response/"
URL_LIFETIME_SECONDS = 7200


class RequestClosedError(RuntimeError):
    """CloudFormation stopped waiting for this request: a sibling failed, or the stack is being deleted."""


@dataclass
class Request:
    """One request that CloudFormation waits for."""

    event: dict[str, Any]
    account: str
    signature: str
    expires_epoch_s: float
    settled: threading.Event = field(default_factory=threading.Event)
    response: Response | None = None
    problem: str | None = None
    closed_reason: str | None = None

    def close(self, reason: str) -> bool:
        """Stop waiting for the response; False when the request was settled before."""
        if self.settled.is_set():
            return False
        self.closed_reason = reason
        self.settled.set()
        return True


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
            counted = status == 200 and request is not None and not request.settled.is_set()
            self._responses.append(_response_record(request, status, body, counted=counted))
            if counted and request is not None:
                _settle(request, body)
        return status

    def close(self, stack_id: str, logical_id: str, reason: str) -> None:
        """Stop waiting for this resource's requests; later responses are recorded and ignored."""
        with self._lock:
            for request in self._requests.values():
                if (request.event["StackId"], request.event["LogicalResourceId"]) == (stack_id, logical_id):
                    request.close(reason)

    def expire(self, request: Request) -> bool:
        """Close a request whose time is over; False when a response came at the last moment."""
        with self._lock:
            return request.close("timed out")

    def fail_next(self, status: int, times: int, account: str | None) -> None:
        """Make the next `times` PUTs (of `account`, or of any) get `status` without effect."""
        with self._lock:
            self._faults.append({"status": status, "times": times, "account": account})

    def sent_events(self, account: str | None = None) -> list[dict[str, Any]]:
        """Every event sent, oldest first, with its ResponseURL."""
        with self._lock:
            return [r.event for r in self._requests.values() if account in (None, r.account)]

    def received_responses(self, account: str | None = None) -> list[dict[str, Any]]:
        """Every PUT to a ResponseURL, oldest first, also the refused and ignored ones."""
        with self._lock:
            return [each for each in self._responses if account in (None, each["account"])]

    def clear(self) -> None:
        """Forget everything and wake the threads that still wait."""
        with self._lock:
            for request in self._requests.values():
                request.close("the emulator was reset")
            self._requests.clear()
            self._responses.clear()
            self._faults.clear()

    def _put_status(self, request: Request | None, signature: str) -> int:
        if request is None or not hmac.compare_digest(request.signature.encode(), signature.encode()):
            return 403
        if time.time() > request.expires_epoch_s:
            return 403
        for fault in self._faults:
            if fault["times"] > 0 and fault["account"] in (None, request.account):
                fault["times"] -= 1
                return int(fault["status"])
        return 200


def _settle(request: Request, body: bytes) -> None:
    try:
        request.response = read_response(body, request.event)
    except InvalidResponseError as error:
        request.problem = str(error)
    request.settled.set()


def _response_record(request: Request | None, status: int, body: bytes, *, counted: bool) -> dict[str, Any]:
    return {
        "request_id": request.event["RequestId"] if request else None,
        "account": request.account if request else None,
        "time_epoch_s": time.time(),
        "status": status,
        "byte_length": len(body),
        "body": body.decode("utf-8", errors="replace"),
        "counted": counted,
    }
