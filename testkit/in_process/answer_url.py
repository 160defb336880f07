"""CloudFormation's side of a presigned URL: a real HTTP server, or a pool of urllib3 that asks nobody else."""

from __future__ import annotations

import json
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import urllib3
from urllib3.connectionpool import HTTPConnectionPool

URL_LIFE_SECONDS = 7200


class AnswerUrl:
    """Keeps each body that was PUT; can be told to refuse."""

    def __init__(self) -> None:
        self.answers: list[dict[str, Any]] = []
        self.bodies: list[bytes] = []
        self.refusals: list[int] = []
        self._origin = "http://127.0.0.1:9"
        self._server: ThreadingHTTPServer | None = None

    def put(self, body: bytes) -> int:
        """Take an answer, unless it is to be refused; returns the HTTP status."""
        if self.refusals:
            return self.refusals.pop(0)
        self.bodies.append(body)
        self.answers.append(json.loads(body))
        return 200

    def listen(self) -> None:
        """Take answers over a socket."""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                self.send_response(outer.put(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._origin = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def connect(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Take answers where urllib3 would connect: its own errors and retries stay."""

        def request(pool: Any, connection: Any, method: str, url: str, body: bytes, **_: Any) -> urllib3.HTTPResponse:
            assert method == "PUT"
            return urllib3.HTTPResponse(status=self.put(body))

        monkeypatch.setattr(HTTPConnectionPool, "_make_request", request)

    def new(self, issued_epoch_s: float, *, signature_version: int = 4) -> str:
        """A presigned URL. The date of version 2 is that of its end."""
        if signature_version == 2:
            until = int(issued_epoch_s) + URL_LIFE_SECONDS
            return f"{self._origin}/answer?AWSAccessKeyId=AKIA&Expires={until}&Signature={uuid.uuid4().hex}"
        date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(issued_epoch_s))
        return f"{self._origin}/answer?X-Amz-Date={date}&X-Amz-Signature={uuid.uuid4().hex}"

    def close(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
