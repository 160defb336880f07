"""Exists to deliver webhooks at their time: one thread looks at the clock, others deliver side by side.

Only this machine is ever called; an endpoint elsewhere is one that does not answer.
"""

import contextlib
import http.client
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from .webhook_endpoints import is_local
from .webhooks import Message, Webhooks
from .world import World

_HOST = "127.0.0.1"
_AT_ONCE = 32
_LOOK_EVERY_S = 0.02
_AGENT = {"user-agent": "OpenAI/1.0 (+https://platform.openai.com/docs/webhooks)", "content-type": "application/json"}


class Postman:
    """Delivers what a world has to tell, from `start` to `stop`."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._stopped = False
        self._looking = threading.Thread(target=self._look, name="postman", daemon=True)
        self._sending = ThreadPoolExecutor(_AT_ONCE, "postman")
        self._open: set[http.client.HTTPConnection] = set()

    def start(self) -> None:
        """Begin to deliver."""
        self._looking.start()

    def stop(self) -> None:
        """Cut every delivery and end all threads; what is not delivered yet stays so."""
        with self._world.changed:
            self._stopped = True
            self._world.changed.notify_all()
            for connection in self._open:
                with contextlib.suppress(OSError, AttributeError):
                    connection.sock.shutdown(socket.SHUT_RDWR)
        self._looking.join()
        self._sending.shutdown(cancel_futures=True)

    def _look(self) -> None:
        world = self._world
        with world.changed:
            while not self._stopped:
                world.settle()
                for message in world.webhooks.take_due():
                    self._sending.submit(self._send, world.webhooks, message)
                # A clock that a test moves does not tell when it does; without endpoints there is nothing to wait for.
                world.changed.wait(_LOOK_EVERY_S if world.webhook_endpoints else None)

    def _send(self, webhooks: Webhooks, message: Message) -> None:
        status, sent_at = None, self._world.now()
        with contextlib.suppress(OSError, http.client.HTTPException):
            status = self._post(message, sent_at)
        with self._world.changed:
            if not self._stopped:
                webhooks.delivered(message, sent_at, status)
            self._world.changed.notify_all()

    def _post(self, message: Message, now: float) -> int | None:
        url = urlsplit(message.endpoint.body["url"])
        port = self._port_of(url.scheme, url.hostname or "", url.port)
        if port is None:
            return None
        target = (url.path or "/") + (f"?{url.query}" if url.query else "")
        headers = {"host": url.netloc.rpartition("@")[2], **_AGENT, **message.endpoint.headers(message, now)}
        connection = http.client.HTTPConnection(_HOST, port, timeout=self._world.settings.webhook_timeout_s)
        with contextlib.closing(connection):
            connection.connect()
            with self._world.lock:
                if self._stopped:
                    return None
                self._open.add(connection)
            try:
                connection.request("POST", target, message.body, headers)
                return connection.getresponse().status
            finally:
                with self._world.lock:
                    self._open.discard(connection)

    def _port_of(self, scheme: str, host: str, port: int | None) -> int | None:
        """Tell the port of this machine that a URL means; None where it means another machine."""
        for suffix, reached in self._world.reach.items():
            if f".{host}".endswith(f".{suffix}"):
                return reached
        return (port or 80) if scheme == "http" and is_local(host) else None
