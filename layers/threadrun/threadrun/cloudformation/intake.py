"""How a request of CloudFormation gets into the record of its resource, once, however often it is delivered."""

from __future__ import annotations

import logging
from collections.abc import Callable

from threadrun.cloudformation.admission import admit, is_made_up
from threadrun.cloudformation.events import Event
from threadrun.cloudformation.protocol import readable
from threadrun.errors import NotStorable, TerminalError, UnreadableRecord
from threadrun.schema.arguments import AnyDesired
from threadrun.schema.deployment import Deployment
from threadrun.schema.parsing import KeyStyle, model_of, parse_properties
from threadrun.state.resource import Request, ResourceRecord
from threadrun.storage.records import ROOM_OF_REQUEST, Records

logger = logging.getLogger(__name__)


def record_request(records: Records, event: Event, clock: Callable[[], float], deployment: Deployment) -> Request:
    """The request as on record, entered if it is new.

    A record that cannot be read is replaced: otherwise its resource could be neither updated nor deleted.
    """
    blank = ResourceRecord(stack_id=event.stack_id, logical_id=event.logical_id)
    read, problem = _read_properties(event, deployment)

    def enter(record: ResourceRecord) -> Request:
        request = record.requests.get(event.request_id)
        if request is None:
            return admit(record, event, read, problem, clock())
        if request.is_open:
            request.response_url = event.response_url  # A repeated delivery can carry a new URL.
        else:
            record.give_leftovers_time(clock())  # Who comes so late may be the only one left to clean up.
        return request

    try:
        return records.enter(blank, enter, ROOM_OF_REQUEST)
    except NotStorable as error:
        read, problem = None, error.reason
    except UnreadableRecord as error:
        logger.error("a record is replaced", extra={"key": blank.key, "reason": error.reason})
        records.save(blank.model_copy(update={"version": error.version}))
        if event.request_type == "Delete" and is_made_up(event.physical_id):
            # The only one that is not told what it deletes: the record alone knew.
            problem = "the record cannot be read, and objects may be left at the server: delete the resource again"
    return records.enter(blank, enter)


def _read_properties(event: Event, deployment: Deployment) -> tuple[tuple[AnyDesired, KeyStyle] | None, str | None]:
    """What the properties ask for, or why they cannot be used; a Delete needs none of them."""
    if event.request_type == "Delete":
        return None, None
    try:
        return parse_properties(event.properties, model_of(event.resource_type), deployment), None
    except TerminalError as error:
        return None, readable(error.reason)
