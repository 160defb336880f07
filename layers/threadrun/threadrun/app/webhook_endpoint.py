"""The registration of the application's own webhook endpoint with the server, for as long as it is deployed.

A custom resource of the application's template, on CloudFormation's contract.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from pydantic import Field

from threadrun.cloudformation.events import Event
from threadrun.cloudformation.protocol import NOT_CREATED
from threadrun.errors import NotFound, TerminalError, TransientError
from threadrun.providers.errors import translated
from threadrun.schema.types import Model
from threadrun.workflow.webhooks import EVENT_TYPES

if TYPE_CHECKING:
    from openai import OpenAI
    from openai.types.webhooks import WebhookEndpoint

PAUSES_SECONDS = (1, 2, 4, 8)


class Endpoint(Model):
    """What the template asks for. A change of the address is another endpoint, and so is one of the server."""

    url: str = Field(alias="Url")
    name: str = Field(alias="Name")
    base_url: str = Field(alias="OpenAIBaseUrl")
    api_key_secret_arn: str = Field(alias="OpenAIApiKeySecretArn")


class EndpointRequest(Event):
    wanted: Endpoint = Field(alias="ResourceProperties")


def fulfil(
    request: EndpointRequest,
    client: OpenAI,
    keep_secret: Callable[[str], None],
    sleep: Callable[[float], None],
) -> str:
    """Register or remove the endpoint; returns its id, the physical id. Raises `TerminalError` or `TransientError`.

    `keep_secret` is given the signing secret, which the server shows once.
    """

    def once() -> str:
        if request.request_type == "Delete":
            return _remove(request, client)
        endpoint_id, secret = _register(request.wanted, client)
        keep_secret(secret)
        return endpoint_id

    for pause in PAUSES_SECONDS:
        with suppress(TransientError):
            return once()
        sleep(pause)
    return once()


def _register(wanted: Endpoint, client: OpenAI) -> tuple[str, str]:
    """The endpoint's id and a new signing secret; one that a lost reply left behind is taken over."""
    try:
        with translated("register the webhook endpoint"):
            known = _find(wanted, client)
            if known is None:
                made = client.webhooks.create(event_types=[*EVENT_TYPES], name=wanted.name, url=wanted.url)
            else:
                client.webhooks.update(known.id, event_types=[*EVENT_TYPES], name=wanted.name)
                made = client.webhooks.rotate_secret(known.id, keep_old_secret_active_for_24_hours=True)
    except NotFound:
        raise TerminalError(
            f"the server at {wanted.base_url} has no webhooks: deploy with EnableWebhooks=false"
        ) from None
    return made.id, made.signing_secret


def _remove(request: EndpointRequest, client: OpenAI) -> str:
    """By its id, as a newer one may have the same address; by the address where a lost reply had the id."""
    physical_id = request.physical_id or ""
    with suppress(NotFound), translated("remove the webhook endpoint"):
        if not physical_id.startswith(NOT_CREATED):
            client.webhooks.delete(physical_id)
        elif known := _find(request.wanted, client):
            client.webhooks.delete(known.id)
    return physical_id


def _find(wanted: Endpoint, client: OpenAI) -> WebhookEndpoint | None:
    return next((each for each in client.webhooks.list(limit=100) if each.url == wanted.url), None)
