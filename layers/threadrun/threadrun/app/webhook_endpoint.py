"""The registration of the application's own webhook endpoint with the server, for as long as it is deployed.

A custom resource of the application's template, on CloudFormation's contract. A schedule checks the endpoint while
requests wait, as endpoints are deleted and their secrets rotated by hand.
"""
# docs/decisions.md: "The webhook endpoint is checked each minute while requests wait"

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from pydantic import Field

from threadrun.cloudformation.events import Event
from threadrun.errors import NotFound, TerminalError, TransientError
from threadrun.providers.errors import translated
from threadrun.schema.types import Model
from threadrun.workflow.webhooks import EVENT_TYPES

if TYPE_CHECKING:
    from openai import OpenAI
    from openai.types.webhooks import WebhookEndpoint

PAUSES_SECONDS = (1, 2, 4, 8)
REQUEST_SECONDS = 10
"""Three requests, and the secret that is kept (40 seconds at most), have to fit into what is left of the function."""
Keep = Callable[[str], None]
"""Keeps the signing secret, which the server shows once."""


class Endpoint(Model):
    """What the template asks for. A change of the address is another endpoint, and so is one of the server."""

    url: str = Field(alias="Url")
    name: str = Field(alias="Name")
    base_url: str = Field(alias="OpenAIBaseUrl")
    api_key_secret_arn: str = Field(alias="OpenAIApiKeySecretArn")


class Registered(Endpoint):
    """The endpoint as CloudFormation knows it."""

    id: str = Field(alias="EndpointId")


class EndpointRequest(Event):
    wanted: Endpoint = Field(alias="ResourceProperties")


def fulfil(
    request: EndpointRequest,
    client: OpenAI,
    keep_secret: Keep,
    sleep: Callable[[float], None],
    has_time: Callable[[], bool],
) -> str:
    """Register or remove the endpoint; returns its id, the physical id. Raises `TerminalError` or `TransientError`.

    It is tried again while `has_time`, and each try takes a minute at most, and ten seconds more.
    """
    patient = client.with_options(timeout=REQUEST_SECONDS)

    def once() -> str:
        if request.request_type == "Delete":
            return _remove(request, patient)
        endpoint_id, secret = _register(request.wanted, patient)
        keep_secret(secret)
        return endpoint_id

    for pause in PAUSES_SECONDS:
        try:
            return once()
        except TransientError:
            if not has_time():
                raise
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


def mend(registered: Registered, client: OpenAI, kept_secret: Callable[[], str], keep_secret: Keep) -> str | None:
    """See to it that the server sends webhooks; returns what kept it from that, None where nothing did.

    Raises `TerminalError` or `TransientError`.
    """
    with translated("check the webhook endpoint"):
        known = _find(registered, client)
        if known is None:
            name = _name_in_place_of(registered.id)
            made = client.webhooks.create(event_types=[*EVENT_TYPES], name=name, url=registered.url)
            keep_secret(made.signing_secret)
            return "it was gone"
        # The end of the secret, behind what masks the rest.
        shown = re.search(r"[\w+/=-]*$", _text(known.signing_secret_hint))
        if shown is not None and not kept_secret().endswith(shown[0]):
            rotated = client.webhooks.rotate_secret(known.id, keep_old_secret_active_for_24_hours=True)
            keep_secret(rotated.signing_secret)
            return "its secret was another one"
        if not {*EVENT_TYPES} <= {*_texts(known.event_types)}:
            client.webhooks.update(known.id, event_types=[*EVENT_TYPES])
            return "some ends of runs were not sent to it"
    return None


def _remove(request: EndpointRequest, client: OpenAI) -> str:
    """By its id, as a newer one may have the same address; by the address where no reply told the id."""
    physical_id, url = request.physical_id or "", request.wanted.url
    # Ids that CloudFormation makes up, or this application, have none.
    is_of_server = "_" in physical_id
    with suppress(NotFound), translated("remove the webhook endpoint"):
        for each in client.webhooks.list(limit=100):
            is_in_its_place = not is_of_server or each.name == _name_in_place_of(physical_id)
            if each.id == physical_id or (each.url == url and is_in_its_place):
                client.webhooks.delete(each.id)
    return physical_id


def _name_in_place_of(endpoint_id: str) -> str:
    """Of an endpoint that was made for one that was gone, whose id CloudFormation keeps."""
    return f"threadrun, in place of {endpoint_id}"


def _find(wanted: Endpoint, client: OpenAI) -> WebhookEndpoint | None:
    return next((each for each in client.webhooks.list(limit=100) if each.url == wanted.url), None)


def _text(value: object) -> str:
    """Empty where the server shows none: the SDK believes every field."""
    return value if isinstance(value, str) else ""


def _texts(value: object) -> list[str]:
    return [*map(_text, value)] if isinstance(value, list) else []
