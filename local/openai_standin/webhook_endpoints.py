"""Exists to serve `/v1/webhook_endpoints` (SDK: `types/webhooks`)."""

from typing import Any
from urllib.parse import urlsplit

from .errors import ApiError, refused
from .paging import Query, page
from .postman import is_local
from .webhooks import EVENT_TYPES, Endpoint
from .world import World

Body = dict[str, Any]


def _require_reachable(value: str) -> None:
    """Accept what OpenAI does, and for tests an address on this machine without TLS."""
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host = ""
    if not host or (parts.scheme != "https" and not (parts.scheme == "http" and is_local(host))):
        raise refused(f"Invalid 'url': '{value}'. Expected a valid HTTPS URL.", "url", "invalid_value")


def create(world: World, query: Query, body: Body) -> Body:
    """Create an endpoint; its secret is shown now, and never again."""
    _require_reachable(body["url"])
    now = int(world.now())
    endpoint = Endpoint(world.new_id("whe"), now, body["name"], body["url"], list(body["event_types"]), now)
    world.webhooks.endpoints[endpoint.id] = endpoint
    world.settle()  # Responses that are in flight will have somebody to tell.
    return _with_secret(endpoint)


def list_all(world: World, query: Query, body: Body) -> Body:
    """List endpoints, newest first."""
    return page([_rendered(each) for each in world.webhooks.endpoints.values()], query)


def retrieve(world: World, query: Query, body: Body, webhook_endpoint_id: str) -> Body:
    """Show an endpoint."""
    return _rendered(world.webhooks.endpoint(webhook_endpoint_id))


def update(world: World, query: Query, body: Body, webhook_endpoint_id: str) -> Body:
    """Change an endpoint; what waits for it goes to its new URL."""
    endpoint = world.webhooks.endpoint(webhook_endpoint_id)
    _require_reachable(body.get("url", endpoint.url))
    if any(getattr(endpoint, name) != value for name, value in body.items()):
        endpoint.updated_at = int(world.now())
    for name, value in body.items():
        setattr(endpoint, name, value)
    return _rendered(endpoint)


def delete(world: World, query: Query, body: Body, webhook_endpoint_id: str) -> Body:
    """Delete an endpoint; what waits for it is lost."""
    world.webhooks.endpoint(webhook_endpoint_id)
    del world.webhooks.endpoints[webhook_endpoint_id]
    return {"id": webhook_endpoint_id, "object": "webhook_endpoint.deleted", "deleted": True}


def rotate_secret(world: World, query: Query, body: Body, webhook_endpoint_id: str) -> Body:
    """Replace the secret at once; where asked, deliveries are signed with the old one too for a day."""
    endpoint = world.webhooks.endpoint(webhook_endpoint_id)
    endpoint.rotate(world.now(), body.get("keep_old_secret_active_for_24_hours", False))
    return _with_secret(endpoint)


def test(world: World, query: Query, body: Body, webhook_endpoint_id: str) -> Body:
    """Deliver a sample and tell what the endpoint answered; the server goes on with its work meanwhile."""
    endpoint = world.webhooks.endpoint(webhook_endpoint_id)
    message = world.webhooks.announce_sample(endpoint.id, body["event_type"], world.now())
    world.settle()
    world.changed.wait_for(lambda: message.is_over, 2 * world.behaviour.webhook_timeout_s)
    if message.status is None:
        raise ApiError(400, "The webhook endpoint could not be reached.")
    return {
        "object": "webhook_endpoint.test",
        "webhook_endpoint_id": endpoint.id,
        "event_type": message.event_type,
        "status_code": message.status,
        "success": True,
    }


def list_event_types(world: World, query: Query, body: Body) -> Body:
    """List the types of event that there are."""
    return {"object": "list", "data": list(EVENT_TYPES)}


def _rendered(endpoint: Endpoint) -> Body:
    return {
        "id": endpoint.id,
        "object": "webhook_endpoint",
        "created_at": endpoint.created_at,
        "updated_at": endpoint.updated_at,
        "name": endpoint.name,
        "url": endpoint.url,
        "event_types": endpoint.event_types,
        "signing_secret_hint": f"whsec_...{endpoint.secret[-4:]}",
    }


def _with_secret(endpoint: Endpoint) -> Body:
    return {**_rendered(endpoint), "signing_secret": endpoint.secret}
