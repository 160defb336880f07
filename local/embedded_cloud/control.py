"""Sends the HTTP control requests of the emulator: ministack's under /_ministack/, this package's under /_strict/."""

import json
import urllib.request
from typing import Any

# A proxy of the host must not see requests to 127.0.0.1.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class EmbeddedCloudError(RuntimeError):
    """The emulator did not start, or refused a control request."""


def call(endpoint: str, method: str, path: str, body: Any = None, timeout_seconds: float = 30.0) -> Any:
    """Return the JSON reply to a control request; EmbeddedCloudError when it fails."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(endpoint + path, data=data, method=method)
    try:
        with _opener.open(request, timeout=timeout_seconds) as response:
            return json.loads(response.read() or b"null")
    except (OSError, ValueError) as error:
        raise EmbeddedCloudError(f"cannot {method} {path}: {error}") from error
