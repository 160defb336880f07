"""Exists to let in what AWS would: requests signed with Signature Version 4 for Bedrock's mantle endpoint.

It has no account's keys, so it checks what is signed and that the body is the signed one, not the signature itself.
"""

import hashlib
import re
from collections.abc import Mapping

from .errors import unsigned

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=[^/, ]+/(?P<date>\d{8})/(?P<region>[a-z0-9-]+)/(?P<service>[a-z-]+)/aws4_request, "
    r"SignedHeaders=(?P<signed>[a-z0-9;-]+), Signature=[0-9a-f]{64}"
)
_SERVICE = "bedrock-mantle"
_SIGNED = {"host", "x-amz-content-sha256", "x-amz-date"}


def require_signed(headers: Mapping[str, str], body: bytes) -> None:
    """Refuse a request that is not signed for this service, whole and of its own day (403)."""
    found = _AUTHORIZATION.fullmatch(headers.get("authorization", ""))
    if found is None:
        raise unsigned("it has none of Signature Version 4")
    if found["service"] != _SERVICE:
        raise unsigned(f"it is for {found['service']}, not for {_SERVICE}")
    if missing := sorted(_SIGNED - {*found["signed"].split(";")}):
        raise unsigned(f"{missing[0]} is not signed")
    if not headers.get("x-amz-date", "").startswith(found["date"]):
        raise unsigned("its scope is of another day than it is")
    if headers.get("x-amz-content-sha256") != hashlib.sha256(body).hexdigest():
        raise unsigned("the body is another one than was signed")
