"""Exists to deliver webhooks at their time: one thread waits for it, and each delivery has a thread of its own.

Only this machine is ever called; an endpoint elsewhere is one that does not answer.
"""

import contextlib
import http.client
import math
import socket
import threading
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

from .webhooks import Message, Webhooks
from .world import World

_HOST = "127.0.0.1"
_AT_ONCE = 32
_LONGEST_WAIT_S = 3600.0
# A clock that a test moves does not tell when it does.
_LOOK_AT_TEST_CLOCK_S = 0.05
_AGENT = {"user-agent": "OpenAI/1.0 (+https://platform.openai.com/docs/webhooks)", "content-type": "application/json"}


def is_local(host: str) -> bool:
    """Tell whether a host is this machine, whatever DNS says."""
    return host in (_HOST, "localhost") or host.endswith(".localhost")


class Postman:
    """Delivers what a world has to tell, from `start` to `stop`."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._stopped = False
        self._waiting = threading.Thread(target=self._wait, name="postman", daemon=True)
        self._sending: set[threading.Thread] = set()
        self._open: set[socket.socket] = set()

    def start(self) -> None:
        """Begin to deliver."""
        self._waiting.start()

    def stop(self) -> None:
        """Cut every delivery and end all threads; what is not delivered yet stays so."""
        with self._world.changed:
            self._stopped = True
            self._world.changed.notify_all()
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            threads = [self._waiting, *self._sending]
        for thread in threads:
            thread.join()

    def _wait(self) -> None:
        world = self._world
        with world.changed:
            while not self._stopped:
                world.settle()
                self._send_due()
                # Without a free hand, the end of a delivery is what to wait for.
                awaited = world.next_delivery() if len(self._sending) < _AT_ONCE else math.inf
                world.awaited = awaited
                world.changed.wait(self._pause_until(awaited))
                world.awaited = -math.inf

    def _pause_until(self, awaited: float) -> float | None:
        if awaited == math.inf:
            return None
        now = self._world.now
        longest = _LONGEST_WAIT_S if now is time.time else _LOOK_AT_TEST_CLOCK_S
        return min(max(awaited - now(), 0.0), longest)

    def _send_due(self) -> None:
        webhooks, now = self._world.webhooks, self._world.now()
        for message in webhooks.take_due(now, _AT_ONCE - len(self._sending)):
            url, headers = webhooks.endpoints[message.endpoint_id].url, webhooks.headers(message, now)
            thread = threading.Thread(target=self._send, args=(webhooks, message, url, headers, now), daemon=True)
            self._sending.add(thread)
            thread.start()

    def _send(self, webhooks: Webhooks, message: Message, url: str, headers: dict[str, str], sent_at: float) -> None:
        status = None
        with contextlib.suppress(OSError, http.client.HTTPException):
            status = self._post(url, headers, message.body)
        with self._world.changed:
            self._sending.discard(threading.current_thread())
            if not self._stopped:
                webhooks.delivered(message, sent_at, status, self._world.now())
            self._world.changed.notify_all()

    def _post(self, url: str, headers: dict[str, str], body: bytes) -> int | None:
        port = _port_of(url, self._world.reach)
        if port is None:
            return None
        parts = urlsplit(url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection = http.client.HTTPConnection(_HOST, port)
        with socket.socket() as opened:
            opened.settimeout(self._world.behaviour.webhook_timeout_s)
            with self._world.lock:
                if self._stopped:
                    return None
                self._open.add(opened)
            try:
                opened.connect((_HOST, port))
                connection.sock = opened
                host = {"host": parts.netloc.rpartition("@")[2]}
                connection.request("POST", target, body, {**host, **_AGENT, **headers})
                reply = connection.getresponse()
                reply.read()
                return reply.status
            finally:
                with self._world.lock:
                    self._open.discard(opened)
                connection.close()


def _port_of(url: str, reach: Mapping[str, int]) -> int | None:
    """Tell the port of this machine that a URL means; None where it means another machine."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    for suffix, port in reach.items():
        if f".{host}".endswith(f".{suffix}"):
            return port
    return (parts.port or 80) if parts.scheme == "http" and is_local(host) else None
