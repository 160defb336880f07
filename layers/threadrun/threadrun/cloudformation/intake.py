"""How a request of CloudFormation gets into the record of its resource, once, however often it is delivered."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from threadrun.cloudformation.admission import admit
from threadrun.cloudformation.events import Event
from threadrun.errors import TerminalError, TooLarge, VersionConflict
from threadrun.schema.arguments import RESOURCE_MODELS, AnyDesired
from threadrun.schema.parsing import KeyStyle, parse_properties
from threadrun.state.resource import Request, ResourceRecord, resource_key
from threadrun.storage.records import Store


def record_request(
    store: Store, event: Event, clock: Callable[[], float], tool_function_arns: Sequence[str] = ()
) -> Request:
    """The request as it stands in the record, entered there if it is new; raises `StorageUnavailable`.

    `tool_function_arns` are patterns of the functions that may be handlers.
    """
    wanted, problem = _read_properties(event, tool_function_arns)
    while True:
        record = store.load(resource_key(event.stack_id, event.logical_id)) or ResourceRecord(
            stack_id=event.stack_id, logical_id=event.logical_id
        )
        request = record.requests.get(event.request_id)
        if request is not None and not request.is_open:
            return request
        if request is not None:
            request.response_url = event.response_url  # A repeated delivery can carry a new URL.
        else:
            request = admit(record, event, wanted, problem, clock())
        try:
            store.save(record)
        except VersionConflict:
            continue
        except TooLarge as error:
            wanted, problem = None, error.reason
            continue
        return request


def _read_properties(
    event: Event, tool_function_arns: Sequence[str]
) -> tuple[tuple[AnyDesired, KeyStyle] | None, str | None]:
    """What the properties ask for, or why they can't be used; a Delete needs none of them."""
    if event.request_type == "Delete":
        return None, None
    model = RESOURCE_MODELS.get(event.resource_type)
    if model is None:
        return None, f"unknown resource type {event.resource_type}, known are {', '.join(RESOURCE_MODELS)}"
    try:
        return parse_properties(event.properties, model, tool_function_arns), None
    except TerminalError as error:
        return None, error.reason
