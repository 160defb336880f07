"""Exists to put the application on a socket: HTTP/1.1, kept alive, one thread a connection, loopback only.

It logs nothing: requests carry prompts.
"""

import contextlib
import socket
import struct
import sys
import time
import traceback
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import BaseServer
from typing import Any
from urllib.parse import unquote

from .application import Application, Reply
from .faults import ConnectionLost

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Server(ThreadingHTTPServer):
    """A listening server; closing it also closes the connections that clients keep alive."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 512
    allow_reuse_address = True

    def __init__(self, port: int, application: Application, sleep: Callable[[float], None] = time.sleep) -> None:
        self.application = application
        self.sleep = sleep
        self._open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), _Handler)

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
        """Stop listening and cut every connection."""
        super().server_close()
        for connection in list(self._open):
            with contextlib.suppress(OSError):  # The client may have closed it first.
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Show where the stand-in itself broke, without the message, which may hold a prompt."""
        kind, problem, trace = sys.exc_info()
        if kind is not None and problem is not None and not issubclass(kind, ConnectionError):
            print("".join(traceback.format_tb(trace)) + kind.__name__, file=sys.stderr)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "openai-standin"
    sys_version = ""
    disable_nagle_algorithm = True
    wbufsize = 65536

    server: BaseServer

    def _serve(self) -> None:
        server = self.server
        assert isinstance(server, Server)
        path, _, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            reply = server.application.handle(self.command, unquote(path), query, headers, body)
        except ConnectionLost as loss:
            self._hang_up(with_reset=not loss.had_effect)
            return
        except Exception as problem:
            # A bug in the stand-in must not look like a lost connection.
            server.handle_error(self.request, self.client_address)
            reply = Reply(500, f"the stand-in itself failed: {type(problem).__name__}".encode())
        if reply.delay_s:
            server.sleep(reply.delay_s)
        self._send(reply)

    def _hang_up(self, with_reset: bool) -> None:
        self.close_connection = True
        if with_reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Tell the date by the stand-in's own clock."""
        server = self.server
        assert isinstance(server, Server)
        return super().date_time_string(int(server.application.world.now()) if timestamp is None else int(timestamp))

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing."""
