"""Exists to let in what OpenAI would, or AWS: a request with the key, or one signed for Bedrock's mantle endpoint.

It has no account's keys, so it checks what is signed and that the body is the signed one, not the signature itself.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping

from .errors import ApiError

_PAGE = "https://platform.openai.com/account/api-keys"
_SIGNATURE = re.compile(
    r"AWS4-HMAC-SHA256 Credential=[^/, ]+/(?P<date>\d{8})/(?P<region>[a-z0-9-]+)/(?P<service>[a-z-]+)/aws4_request, "
    r"SignedHeaders=(?P<signed>[a-z0-9;-]+), Signature=[0-9a-f]{64}"
)
_SERVICE = "bedrock-mantle"
_SIGNED = {"host", "x-amz-content-sha256", "x-amz-date"}


def require_key(key: str, headers: Mapping[str, str]) -> None:
    """Refuse a request without the key (401); a wrong one is shown masked, as OpenAI does."""
    authorization = headers.get("authorization", "")
    if hmac.compare_digest(authorization.encode(), f"Bearer {key}".encode()):
        return
    scheme, _, given = authorization.partition(" ")
    if scheme.lower() != "bearer" or not given.strip():
        raise ApiError(
            401,
            "You didn't provide an API key. You need to provide your API key in an Authorization header "
            "using Bearer auth (i.e. Authorization: Bearer YOUR_KEY). "
            f"You can obtain an API key from {_PAGE}.",
        )
    message = f"Incorrect API key provided: {_masked(given.strip())}. You can find your API key at {_PAGE}."
    raise ApiError(401, message, code="invalid_api_key")


def _masked(key: str) -> str:
    return key if len(key) <= 12 else key[:8] + "*" * (len(key) - 12) + key[-4:]


def require_signed(headers: Mapping[str, str], body: bytes) -> None:
    """Refuse a request that is not signed for this service, whole and of its own day (403)."""
    if problem := _problem(headers, body):
        raise ApiError(403, f"The request signature is not acceptable: {problem}.", code="access_denied")


def _problem(headers: Mapping[str, str], body: bytes) -> str | None:
    found = _SIGNATURE.fullmatch(headers.get("authorization", ""))
    if found is None:
        return "it has none of Signature Version 4"
    if found["service"] != _SERVICE:
        return f"it is for {found['service']}, not for {_SERVICE}"
    if missing := sorted(_SIGNED - {*found["signed"].split(";")}):
        return f"{missing[0]} is not signed"
    if not headers.get("x-amz-date", "").startswith(found["date"]):
        return "its scope is of another day than it is"
    if headers.get("x-amz-content-sha256") != hashlib.sha256(body).hexdigest():
        return "the body is another one than was signed"
    return None
