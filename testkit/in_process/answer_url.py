"""CloudFormation's side of a presigned URL, as a real HTTP server."""

from __future__ import annotations

import json
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class AnswerUrl:
    """CloudFormation's side of the presigned URL: keeps each body that was PUT; can be told to refuse."""

    def __init__(self) -> None:
        self.answers: list[dict[str, Any]] = []
        self.bodies: list[bytes] = []
        self.refusals: list[int] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = outer.refusals.pop(0) if outer.refusals else 200
                if status == 200:
                    outer.bodies.append(body)
                    outer.answers.append(json.loads(body))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def new(self, issued_epoch_s: float) -> str:
        date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(issued_epoch_s))
        query = f"X-Amz-Date={date}&X-Amz-Signature={uuid.uuid4().hex}"
        return f"http://127.0.0.1:{self._server.server_port}/answer?{query}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
