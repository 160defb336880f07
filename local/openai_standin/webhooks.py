"""Exists to hold webhook endpoints and what is still to be delivered to them; it knows nothing of HTTP.

A delivery that is not answered with 2xx is made again, after a pause that doubles each time, for three days.
"""

import base64
import hashlib
import hmac
import json
import math
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from .delivery_faults import PlannedDeliveryFaults
from .errors import not_found

EVENT_TYPES = (
    "batch.completed",
    "batch.failed",
    "batch.expired",
    "batch.cancelled",
    "response.completed",
    "response.failed",
    "response.cancelled",
    "response.incomplete",
    "eval.run.succeeded",
    "eval.run.failed",
    "eval.run.canceled",
    "fine_tuning.job.succeeded",
    "fine_tuning.job.failed",
    "fine_tuning.job.cancelled",
    "realtime.call.incoming",
    "video.completed",
    "video.failed",
    "agent.environment.ready",
    "agent.environment.failed",
    "agent.environment.suspended",
    "agent.environment.expired",
    "agent.session.created",
    "agent.session.action_required",
    "agent.session.in_progress",
    "agent.session.idle",
    "agent.session.failed",
    "safety.alert.created",
)
DAY_S = 86_400
_RETRIED_FOR_S = 3 * DAY_S


def new_secret() -> str:
    """Make a signing secret in OpenAI's form."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"


@dataclass
class Endpoint:
    """A webhook endpoint; the secret before the present one is good until `old_secret_until`, in epoch seconds."""

    id: str
    created_at: int
    name: str
    url: str
    event_types: list[str]
    updated_at: int
    secret: str = field(repr=False, default_factory=new_secret)
    old_secret: str = field(repr=False, default="")
    old_secret_until: float = 0.0

    def rotate(self, now: float, keep_old: bool) -> None:
        """Take another secret; the old one stays good for a day where it is to be kept."""
        self.old_secret, self.old_secret_until = self.secret, now + DAY_S if keep_old else now
        self.secret, self.updated_at = new_secret(), int(now)

    def signature(self, signed: bytes, now: float) -> str:
        """Sign by the Standard Webhooks, once for each secret that is good."""
        good = [self.secret, *([self.old_secret] if now < self.old_secret_until else [])]
        return " ".join(f"v1,{_hmac(secret, signed)}" for secret in good)


class Delivery(NamedTuple):
    """One delivery as it was made; `time` is in epoch seconds, `status` None where no HTTP reply came."""

    endpoint_id: str
    event_type: str
    response_id: str
    webhook_id: str
    time: float
    status: int | None


@dataclass
class Message:
    """An event on its way to one endpoint; times are in epoch seconds."""

    id: str
    endpoint_id: str
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
    """All endpoints, the messages to them, and the deliveries so far."""

    def __init__(self, new_id: Callable[[str], str], first_pause_s: float) -> None:
        self.endpoints: dict[str, Endpoint] = {}
        self.deliveries: list[Delivery] = []
        self.faults = PlannedDeliveryFaults()
        self._new_id = new_id
        self._first_pause_s = first_pause_s
        self._waiting: list[Message] = []

    def endpoint(self, identifier: str) -> Endpoint:
        """Find an endpoint, or refuse as OpenAI does (404)."""
        if identifier not in self.endpoints:
            raise not_found("Webhook endpoint", identifier)
        return self.endpoints[identifier]

    def announce(self, event_type: str, response_id: str, at: float) -> None:
        """Send an event to every endpoint that asked for it."""
        subscribed = [each for each in self.endpoints.values() if event_type in each.event_types]
        if not subscribed:
            return
        body = self._event(event_type, response_id, at)
        for endpoint in subscribed:
            message_id = self._new_id("wh")
            for delay_s in self.faults.delays(event_type):
                due_at = at + delay_s
                self._waiting.append(Message(message_id, endpoint.id, event_type, response_id, body, at, due_at))

    def announce_sample(self, endpoint_id: str, event_type: str, now: float) -> Message:
        """Send an event about nothing to one endpoint, once, whatever faults are planned."""
        response_id = self._new_id("resp")
        body = self._event(event_type, response_id, now)
        message = Message(self._new_id("wh"), endpoint_id, event_type, response_id, body, now, now, is_sample=True)
        self._waiting.append(message)
        return message

    @property
    def next_at(self) -> float:
        """Tell when the next message is due; infinity where none waits."""
        return min((each.due_at for each in self._waiting), default=math.inf)

    def take_due(self, now: float, most: int) -> list[Message]:
        """Take the messages that are due, the longest waiting first; what was for a deleted endpoint is lost."""
        for message in [each for each in self._waiting if each.endpoint_id not in self.endpoints]:
            self._waiting.remove(message)
            message.is_over = True
        due = sorted((each for each in self._waiting if each.due_at <= now), key=lambda each: each.due_at)[:most]
        for message in due:
            self._waiting.remove(message)
        return due

    def headers(self, message: Message, now: float) -> dict[str, str]:
        """Sign a message anew for a delivery that is made now."""
        timestamp = str(int(now))
        signed = f"{message.id}.{timestamp}.".encode() + message.body
        return {
            "webhook-id": message.id,
            "webhook-timestamp": timestamp,
            "webhook-signature": self.endpoints[message.endpoint_id].signature(signed, now),
        }

    def delivered(self, message: Message, sent_at: float, status: int | None, now: float) -> None:
        """Put a delivery on record, and plan the next one where it failed."""
        self.deliveries.append(
            Delivery(message.endpoint_id, message.event_type, message.response_id, message.id, sent_at, status)
        )
        pause_s = self._first_pause_s * 2**message.attempts
        message.attempts += 1
        message.status = status
        accepted = status is not None and 200 <= status < 300
        message.is_over = accepted or message.is_sample or now + pause_s > message.announced_at + _RETRIED_FOR_S
        if not message.is_over:
            message.due_at = now + pause_s
            self._waiting.append(message)

    def _event(self, event_type: str, response_id: str, at: float) -> bytes:
        event = {"object": "event", "id": self._new_id("evt"), "type": event_type, "created_at": int(at)}
        return json.dumps({**event, "data": {"id": response_id}}).encode()


def _hmac(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
