"""Exists to deliver webhooks at their time: one thread looks at the clock, others deliver side by side.

A delivery that is not answered with 2xx is made again, after a pause that doubles each time, for three days. Only
this machine is ever called; an endpoint elsewhere is one that does not answer.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from .webhook_endpoints import Endpoint
    from .world import World

_HOST = "127.0.0.1"
_AT_ONCE = 32
_LOOK_EVERY_S = 0.02
_RETRIED_FOR_S = 3 * 86_400
_AGENT = {"user-agent": "OpenAI/1.0 (+https://platform.openai.com/docs/webhooks)", "content-type": "application/json"}


class Delivery(NamedTuple):
    """One delivery as it was made; `time` is in epoch seconds, `status` None where no HTTP reply came."""

    endpoint_id: str
    event_type: str
    response_id: str
    webhook_id: str
    time: float
    status: int | None


@dataclass(eq=False)
class Message:
    """An event on its way to one endpoint; times are in epoch seconds."""

    id: str
    endpoint: Endpoint
    event_type: str
    response_id: str
    body: bytes
    announced_at: float
    due_at: float
    is_sample: bool = False
    attempts: int = 0
    status: int | None = None
    is_over: bool = False


class Webhooks:
    """The messages that wait, and the deliveries so far."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._waiting: list[Message] = []
        self.deliveries: list[Delivery] = []

    def announce(self, event_type: str, response_id: str, at: float) -> None:
        """Send an event to every endpoint that asked for it."""
        new_id = self._world.new_id
        endpoints = self._world.webhook_endpoints.values()
        subscribed = [each for each in endpoints if event_type in each.body["event_types"]]
        body = event(new_id("evt"), event_type, response_id, at) if subscribed else b""
        for endpoint in subscribed:
            of_endpoint = (new_id("wh"), endpoint, event_type, response_id, body, at)
            delays = self._world.faults.delays(event_type, at)
            self._waiting += [Message(*of_endpoint, due_at=at + delay_s) for delay_s in delays]

    def announce_sample(self, endpoint: Endpoint, event_type: str) -> Message:
        """Send an event about nothing to one endpoint, once, whatever faults are planned."""
        new_id, now = self._world.new_id, self._world.now()
        response_id = new_id("resp")
        body = event(new_id("evt"), event_type, response_id, now)
        message = Message(new_id("wh"), endpoint, event_type, response_id, body, now, now, is_sample=True)
        self._waiting.append(message)
        return message

    def take_due(self) -> list[Message]:
        """Take the messages that are due, the longest waiting first; what was for a deleted endpoint is lost."""
        due = [each for each in self._waiting if each.due_at <= self._world.now()]
        self._waiting = [each for each in self._waiting if each not in due]
        for message in due:
            message.is_over = message.endpoint.id not in self._world.webhook_endpoints
        return sorted((each for each in due if not each.is_over), key=lambda each: each.due_at)

    def delivered(self, message: Message, sent_at: float, status: int | None) -> None:
        """Put a delivery on record, and plan the next one where it failed."""
        what = (message.endpoint.id, message.event_type, message.response_id, message.id)
        self.deliveries.append(Delivery(*what, sent_at, status))
        next_at = self._world.now() + self._world.settings.webhook_retry_s * 2**message.attempts
        message.attempts += 1
        message.status = status
        accepted = status is not None and 200 <= status < 300
        message.is_over = accepted or message.is_sample or next_at > message.announced_at + _RETRIED_FOR_S
        if not message.is_over:
            message.due_at = next_at
            self._waiting.append(message)


def event(identifier: str, event_type: str, response_id: str, at: float) -> bytes:
    """Write the body of a webhook; `at` is in epoch seconds."""
    head = {"object": "event", "id": identifier, "type": event_type, "created_at": int(at)}
    return json.dumps({**head, "data": {"id": response_id}}).encode()


def is_local(host: str) -> bool:
    """Tell whether a host is this machine, whatever DNS says."""
    return host in (_HOST, "localhost") or host.endswith(".localhost")


class Postman:
    """Delivers what a world has to tell, until `stop`."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._stopped = False
        self._sending = ThreadPoolExecutor(_AT_ONCE, "postman")
        self._open: set[http.client.HTTPConnection] = set()
        self._looking = threading.Thread(target=self._look, name="postman", daemon=True)
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
