"""Exists to hold what is still to be delivered to webhook endpoints; it knows nothing of HTTP.

A delivery that is not answered with 2xx is made again, after a pause that doubles each time, for three days.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from .faults import DeliveryFault, PlannedFaults, delays

if TYPE_CHECKING:
    from .webhook_endpoints import Endpoint
    from .world import World

_RETRIED_FOR_S = 3 * 86_400


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
        self.faults: PlannedFaults[DeliveryFault] = PlannedFaults()

    def announce(self, event_type: str, response_id: str, at: float) -> None:
        """Send an event to every endpoint that asked for it."""
        new_id = self._world.new_id
        endpoints = self._world.webhook_endpoints.values()
        subscribed = [each for each in endpoints if event_type in each.body["event_types"]]
        body = event(new_id("evt"), event_type, response_id, at) if subscribed else b""
        for endpoint in subscribed:
            message_id = new_id("wh")
            for delay_s in delays(self.faults, event_type, at):
                message = Message(message_id, endpoint, event_type, response_id, body, at, at + delay_s)
                self._waiting.append(message)

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
