"""Exists to put the stand-in on a socket: HTTP/1.1, kept alive, one thread a connection, loopback only.

It logs nothing: requests carry prompts.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from .application import Reply
from .faults import ConnectionLost

if TYPE_CHECKING:
    from .standin import OpenAIStandIn

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Server(ThreadingHTTPServer):
    """A listening server; closing it also closes the connections that clients keep alive."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 512

    def __init__(self, stand_in: OpenAIStandIn) -> None:
        self.stand_in = stand_in
        self._open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", stand_in.port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection for as long as it is open."""
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection: with a reset where a fault asked for one, otherwise politely."""
        self._open.discard(request)
        lingering = request.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8) if request.fileno() >= 0 else b""
        if lingering == _RESET_ON_CLOSE:
            request.close()
        else:
            super().shutdown_request(request)

    def server_close(self) -> None:
        super().server_close()
        for connection in list(self._open):
            with contextlib.suppress(OSError):  # The client may have closed it first.
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Show where the stand-in itself broke, without the message, which may hold a prompt."""
        problem = sys.exception()
        if problem is not None and not isinstance(problem, ConnectionError):
            traceback.print_tb(problem.__traceback__)
            print(type(problem).__name__, file=sys.stderr)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "openai-standin"
    sys_version = ""
    disable_nagle_algorithm = True
    wbufsize = 65536

    server: Server

    def _serve(self) -> None:
        stand_in = self.server.stand_in
        path, _, query = self.path.partition("?")
        content = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            reply = stand_in.handle(self.command, unquote(path), query, headers, content)
        except ConnectionLost as loss:
            self.close_connection = True
            if not loss.had_effect:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            return
        except Exception as problem:
            # A bug in the stand-in must not look like a lost connection.
            self.server.handle_error(self.request, self.client_address)
            reply = Reply(500, f"the stand-in itself failed: {type(problem).__name__}".encode())
        if reply.delay_s:
            stand_in.sleep(reply.delay_s)
        self.send_response(reply.status)
        for name, value in {**reply.headers, "content-length": str(len(reply.body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if not reply.byte_s:
            self.wfile.write(reply.body)
            return
        for byte in reply.body:
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            stand_in.sleep(reply.byte_s)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Tell the date by the stand-in's own clock."""
        return super().date_time_string(int(self.server.stand_in.now() if timestamp is None else timestamp))

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing."""
