"""Exists to serve `/v1/webhook_endpoints` (SDK: `types/webhooks`)."""

import base64
import hashlib
import hmac
import secrets
from urllib.parse import urlsplit

from .errors import ApiError, refused
from .openapi import EVENT_TYPES
from .resources import Body, Collection, Resource
from .webhooks import Message, is_local
from .world import World

_DAY_S = 86_400


class Endpoint(Resource):
    """A webhook endpoint; the secret before the present one is good until `old_secret_until`, in epoch seconds."""

    def __init__(self, body: Body, now: float) -> None:
        super().__init__({"object": "webhook_endpoint", "created_at": int(now), **body})
        self.secret = ""
        self.rotate(now, keep_old=False)

    def rotate(self, now: float, keep_old: bool) -> None:
        """Take another secret; the old one stays good for a day where it is to be kept."""
        self.old_secret, self.old_secret_until = self.secret, now + _DAY_S if keep_old else now
        self.secret = f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"
        self.body["updated_at"] = int(now)

    def shown(self, now: float) -> Body:
        return {**self.body, "signing_secret_hint": f"whsec_...{self.secret[-4:]}"}

    def with_secret(self, now: float) -> Body:
        """Show its secret, which is done when it is new."""
        return {**self.shown(now), "signing_secret": self.secret}

    def signature(self, signed: bytes, now: float) -> str:
        """Sign by the Standard Webhooks, once for each secret that is good."""
        good = [self.secret, *([self.old_secret] if now < self.old_secret_until else [])]
        return " ".join(f"v1,{_hmac(secret, signed)}" for secret in good)

    def headers(self, message: Message, now: float) -> dict[str, str]:
        """Sign a message anew for a delivery that is made now."""
        signed = f"{message.id}.{int(now)}.".encode() + message.body
        return {
            "webhook-id": message.id,
            "webhook-timestamp": str(int(now)),
            "webhook-signature": self.signature(signed, now),
        }


def _hmac(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def _require_reachable(value: str) -> None:
    """Accept what OpenAI does, and for tests an address on this machine without TLS."""
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host = ""
    if not host or (parts.scheme != "https" and not (parts.scheme == "http" and is_local(host))):
        raise refused(f"Invalid 'url': '{value}'. Expected a valid HTTPS URL.", "url", "invalid_value")


def create(world: World, endpoints: Collection[Endpoint], given: Body) -> Body:
    """Create an endpoint; its secret is shown now, and never again."""
    _require_reachable(given["url"])
    endpoint = endpoints.add(Endpoint({"id": world.new_id("whe"), **given}, world.now()))
    world.changed.notify_all()  # Responses that are in flight will have somebody to tell.
    return endpoint.with_secret(world.now())


def update(world: World, endpoint: Endpoint, given: Body) -> Body:
    """Change an endpoint; what waits for it goes to its new URL."""
    _require_reachable({**endpoint.body, **given}["url"])
    if endpoint.body != {**endpoint.body, **given}:
        endpoint.body |= {**given, "updated_at": int(world.now())}
    return endpoint.shown(world.now())


def rotate_secret(world: World, endpoint: Endpoint, given: Body) -> Body:
    """Replace the secret at once; where asked, deliveries are signed with the old one too for a day."""
    endpoint.rotate(world.now(), given.get("keep_old_secret_active_for_24_hours", False))
    return endpoint.with_secret(world.now())


def test(world: World, endpoint: Endpoint, given: Body) -> Body:
    """Deliver a sample and tell what the endpoint answered; the server goes on with its work meanwhile."""
    message = world.webhooks.announce_sample(endpoint, given["event_type"])
    world.changed.wait_for(lambda: message.is_over, 2 * world.settings.webhook_timeout_s)
    if message.status is None:
        raise ApiError(400, "The webhook endpoint could not be reached.")
    return {
        "object": "webhook_endpoint.test",
        "webhook_endpoint_id": endpoint.id,
        "event_type": message.event_type,
        "status_code": message.status,
        "success": True,
    }


def list_event_types(world: World, target: object, given: Body) -> Body:
    return {"object": "list", "data": list(EVENT_TYPES)}
