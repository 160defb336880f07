"""How a request of CloudFormation changes what is desired of a resource: pure decisions, no I/O.

The only place that knows Create, Update and Delete apart. The rules are CloudFormation's contract:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requesttypes.html
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic.alias_generators import to_pascal

from threadrun.cloudformation.events import Event
from threadrun.cloudformation.protocol import NOT_CREATED
from threadrun.schema.arguments import RESOURCE_MODELS, AnyDesired, DesiredAssistant, DesiredRun, DesiredThread
from threadrun.schema.files import DesiredFile
from threadrun.schema.parsing import KeyStyle
from threadrun.schema.stores import DesiredVectorStore
from threadrun.state.base import ORPHAN_SECONDS, Options, Owned, Wait, Window
from threadrun.state.files import FileRecord
from threadrun.state.resource import AnyRecord, Request, ResourceRecord
from threadrun.state.run import RunRecord
from threadrun.state.shared import AssistantRecord, ThreadRecord
from threadrun.state.stores import VectorStoreRecord

REQUESTS_KEPT = 20
"""The newest ones only: a repeated delivery comes within hours."""
NOT_STARTED = "not-started"
"""In a physical id, of a run that failed when its thread was made."""
CLOCKS_DIFFER_SECONDS = 5
"""Requests come from many hosts of CloudFormation, whose clocks differ by seconds."""
_MADE_UP = r"[A-Za-z][-A-Za-z0-9]*(-[A-Za-z0-9]+){2}"
"""No id of a server's: those have a colon, an underscore, or one hyphen, as `file-abc` has."""
_RECORDS: dict[type[AnyDesired], type[AnyRecord]] = {
    DesiredRun: RunRecord,
    DesiredThread: ThreadRecord,
    DesiredAssistant: AssistantRecord,
    DesiredFile: FileRecord,
    DesiredVectorStore: VectorStoreRecord,
}
_ID_FIELDS: dict[type[AnyDesired], str] = {
    DesiredThread: "thread_id",
    DesiredAssistant: "assistant_id",
    DesiredFile: "file_id",
    DesiredVectorStore: "store_id",
}
"""What a record that is not a run's has the physical id in."""


def admit(
    record: ResourceRecord, event: Event, read: tuple[AnyDesired, KeyStyle] | None, problem: str | None, now: float
) -> Request:
    """Enter a new request into the record; every older one that is still open is superseded.

    `read` is what the properties ask for, None for a Delete or where `problem` says why they cannot be used.
    """
    is_late = _comes_too_late(record, event)
    _take_back_unacknowledged(record, event, is_late=is_late)
    _note_acknowledged(record, event)
    desired = read[0] if read else None
    # CloudFormation's clock runs since it sent the request, however late it is delivered.
    since = min(now, event.issued_epoch_s or now)
    request = Request(
        request_id=event.request_id,
        request_type=event.request_type,
        response_url=event.response_url,
        physical_id=event.physical_id,
        asked="" if is_late else _digest(event.properties),
        asked_before="" if is_late else _digest(event.old_properties),
        received_epoch_s=now,
        issued_epoch_s=event.order_epoch_s,
        deadline_epoch_s=since + event.work_seconds(desired.timeout_seconds if desired else None),
        failure=problem,
    )
    superseded = [request] if is_late else [older for older in record.requests.values() if older.is_open]
    for each in superseded:
        each.is_superseded, each.response_url = True, None
    record.requests[request.request_id] = request
    for request_id in list(record.requests)[:-REQUESTS_KEPT]:
        del record.requests[request_id]
    if read is not None and not is_late:
        request.target_key = _desired_record(record, request, since, *read).key
    if not is_late or event.request_type == "Update":
        for made in _undesired_records(record, request, event, is_late=is_late):
            made.mark_for_deletion(_end_of_deletion(request, now, is_late=is_late))
            made.redact()
    return request


def _end_of_deletion(request: Request, now: float, *, is_late: bool) -> float:
    """Until when things are deleted: only a Delete is about that, and others wait for it no longer than an outage."""
    if is_late:
        return now + ORPHAN_SECONDS
    most = math.inf if request.request_type == "Delete" else now + ORPHAN_SECONDS
    return min(most, request.deadline_epoch_s)


def _comes_too_late(record: ResourceRecord, event: Event) -> bool:
    """Whether CloudFormation no longer waits for its response: it sent a later request, which Lambda delivered first.

    Events can wait for hours. A Delete with an id that CloudFormation made up took back every Create sent before it.
    """
    # docs/decisions.md: "Every request is dated by its presigned URL"
    if (issued := event.order_epoch_s) is None:
        return False
    requests = list(record.requests.values())
    return any(
        _is_taken_back(event, issued, other)
        or (other.issued_epoch_s or 0) - issued > CLOCKS_DIFFER_SECONDS
        or (issued < (other.issued_epoch_s or 0) and not _follows(event, other, requests[:number]))
        for number, other in enumerate(requests)
    )


def _is_taken_back(event: Event, issued: float, other: Request) -> bool:
    is_pair = event.request_type == "Create" and other.request_type == "Delete"
    return is_pair and is_made_up(other.physical_id) and issued <= other.received_epoch_s


def _follows(event: Event, other: Request, earlier: Sequence[Request]) -> bool:
    """Whether this was sent after `other`, though it is dated seconds before it: by another clock.

    `earlier` are the requests that were delivered before `other`. CloudFormation sends one request after another.
    """
    match event.request_type, other.request_type:
        case ("Delete", _) | ("Update", "Create") | ("Create", "Delete"):
            return True
        case "Update", "Delete":
            return event.physical_id != other.physical_id  # What is deleted is not updated.
        case "Update", "Update":
            if other.response and event.physical_id == other.response.physical_id != other.physical_id:
                return True
            # `other` changed what was asked before it: unless that was delivered, this is what asked for it.
            asked = [each.asked for each in earlier if each.asked and each.request_type != "Delete"]
            is_delivered = not asked or other.asked_before in ("", asked[-1])
            return is_delivered or other.asked_before != _digest(event.properties)
    return False


def _digest(properties: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(properties, sort_keys=True).encode()).hexdigest()[:16] if properties else ""


def _take_back_unacknowledged(record: ResourceRecord, event: Event, *, is_late: bool) -> None:
    """Undo a SUCCESS that CloudFormation did not acknowledge: its next request names another id.

    It gives up on a request when a sibling fails, at whatever moment, and no PUT is refused for that. What it sent
    next may come late itself.
    """
    # docs/decisions.md: "What CloudFormation did not acknowledge is taken back"
    issued = (event.order_epoch_s if is_late else None) or math.inf
    requests = [request for request in record.requests.values() if not request.is_superseded]
    last = next((request for request in reversed(requests) if (request.issued_epoch_s or 0) <= issued), None)
    if last is None or last.response is None or not _succeeded(last) or last.request_type == "Delete":
        return
    continues = event.request_type == "Update" or (event.request_type == "Delete" and is_made_up(event.physical_id))
    if continues and event.physical_id != last.response.physical_id:
        last.is_superseded, last.response_url = True, None
        made = record.made.get(last.request_id)
        if made is not None and not any(request.target_key == made.key for request in requests if request is not last):
            made.is_acknowledged = False


def _note_acknowledged(record: ResourceRecord, event: Event) -> None:
    """CloudFormation knows the id of a SUCCESS: it was taken, whether or not its sender lived to note that."""
    for request in record.requests.values():
        made = record.target(request)
        if made and request.response and _succeeded(request) and request.response.physical_id == event.physical_id:
            made.is_acknowledged = True


def response_physical_id(request: Request, target: AnyRecord | None, *, has_failed: bool) -> str:
    """The id in the response: the real one where anything was made, so that a Delete finds it.

    A failed adoption made nothing, and has no run's id: a Delete that names an adopted run may delete it.
    """
    is_refused = has_failed and isinstance(target, RunRecord) and target.is_adopted and not target.is_acknowledged
    if target is not None and target.physical_id and not is_refused:
        return target.physical_id
    if request.request_type != "Create" and request.physical_id:
        return request.physical_id
    if isinstance(target, RunRecord) and target.thread and target.thread.is_ours:
        return f"{target.thread.id}:{NOT_STARTED}"
    return NOT_CREATED + request.request_id


def _desired_record(
    record: ResourceRecord, request: Request, since: float, desired: AnyDesired, style: KeyStyle
) -> AnyRecord:
    window = Window(since_epoch_s=since, deadline_epoch_s=request.deadline_epoch_s)
    made = _reusable_record(record, request, desired)
    if made is None:
        kind, key = _RECORDS[type(desired)], request.request_id
        made = record.made[key] = kind(key=key, identity=desired.identity(), window=window)
    made.set_desired(desired, style)
    made.failure, made.wait = None, Wait()
    made.window = window
    return made


def _reusable_record(record: ResourceRecord, request: Request, desired: AnyDesired) -> AnyRecord | None:
    """What was made for this identity, on an Update: the current one, or the former one on a rollback."""
    if request.request_type != "Update":
        return None
    fitting = [
        each
        for each in record.made.values()
        if each.identity == desired.identity() and each.goal == "present" and each.is_acknowledged
    ]
    for each in fitting:
        if each.physical_id == request.physical_id:
            return each
    for each in fitting:
        each.must_recheck = True
    return fitting[-1] if fitting else None


def _undesired_records(record: ResourceRecord, request: Request, event: Event, *, is_late: bool) -> list[AnyRecord]:
    """What is to go, with what is left over of earlier requests: the time that those had is over."""
    # docs/decisions.md: "What is left over is tried again by each request"
    made = list(record.made.values())
    leftovers = [] if is_late else [each for each in made if each.goal == "absent"]
    if request.request_type != "Delete":
        others = [each for each in made if each.goal == "present" and each.key != request.target_key]
        return leftovers + [each for each in others if _is_abandoned(record, each)]
    named = _named_records(record, request, event)
    return named + [each for each in leftovers if each not in named]


def _named_records(record: ResourceRecord, request: Request, event: Event) -> list[AnyRecord]:
    known = record.with_physical_id(request.physical_id)
    if known is not None:
        return [known]
    if is_made_up(request.physical_id):
        # CloudFormation has no id for it: the Create got no response in time, or is still under way.
        return [each for each in record.made.values() if not each.is_acknowledged]
    told = {each.response.physical_id for each in record.requests.values() if each.response}
    forgotten = _rebuilt(request, event) if request.physical_id not in told else None
    if forgotten is None:
        return []
    record.made[forgotten.key] = forgotten
    return [forgotten]


def _rebuilt(request: Request, event: Event) -> AnyRecord | None:
    """What a Delete names that no record has any more: as far as its physical id and its properties tell.

    A table that was restored, or an item deleted by hand, is no reason to leave a run at the server.
    """
    physical_id = request.physical_id or ""

    def given(name: str) -> str | None:
        value = event.properties.get(name, event.properties.get(to_pascal(name)))
        return value if isinstance(value, str) else None

    common = {
        "key": request.request_id,
        "identity": "",
        "window": Window(since_epoch_s=request.received_epoch_s, deadline_epoch_s=request.deadline_epoch_s),
        "options": Options(deletion_policy=given("deletion_policy")),
        "is_acknowledged": True,
    }
    model, (thread_id, _, run_id) = RESOURCE_MODELS.get(event.resource_type), physical_id.partition(":")
    if physical_id.startswith(NOT_CREATED) or model is None or (model is DesiredRun) != bool(run_id):
        return None
    if model is not DesiredRun:
        return _RECORDS[model].model_validate({**common, _ID_FIELDS[model]: physical_id})
    is_ours = given("import_id") is None
    thread = Owned(id=thread_id, is_ours=is_ours and given("existing_thread_id") is None)
    run = None if run_id == NOT_STARTED else Owned(id=run_id, is_ours=is_ours)
    return RunRecord.model_validate({**common, "thread": thread, "run": run})


def is_made_up(physical_id: str | None) -> bool:
    """CloudFormation's own ids are `<stack>-<logical id>-<suffix>`, of letters, digits and hyphens."""
    if physical_id is None:
        return True
    return not physical_id.startswith(NOT_CREATED) and re.fullmatch(_MADE_UP, physical_id) is not None


def _is_abandoned(record: ResourceRecord, made: AnyRecord) -> bool:
    """Whether it came of a request that failed or was superseded: no physical id of the stack is its."""
    if made.is_acknowledged:
        return False
    requests = [request for request in record.requests.values() if request.target_key == made.key]
    return all(not request.is_open and not _succeeded(request) for request in requests)


def _succeeded(request: Request) -> bool:
    return request.response is not None and request.response.status == "SUCCESS" and not request.is_superseded
