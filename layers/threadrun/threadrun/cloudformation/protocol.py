"""What CloudFormation's contract fixes: where responses may go, and the id of what was never made.

Standard library only: reading requests and deciding about them must not reach the network.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

NOT_CREATED = "not-created-"
"""Begins the physical id of what failed before anything was made."""
_RESPONSE_HOSTS = re.compile(
    r"cloudformation-custom-resource-response-[a-z0-9-]+\.s3[a-z0-9.-]*\.amazonaws\.com(\.cn)?"
)
_LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})


def is_response_url(url: str, *, allow_loopback: bool) -> bool:
    """Whether answers may go there: https on CloudFormation's buckets, or loopback where it is opened."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        on_default_port = parts.port in (None, 443)
    except ValueError:
        return False
    if parts.scheme == "https" and on_default_port and _RESPONSE_HOSTS.fullmatch(host):
        return True
    return allow_loopback and parts.scheme in ("http", "https") and host in _LOOPBACK_HOSTS
