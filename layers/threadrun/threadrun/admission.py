"""How a request of CloudFormation changes what is wanted of a resource: pure decisions, no I/O.

The only place that knows Create, Update and Delete apart. The rules are CloudFormation's contract:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requesttypes.html
"""

from __future__ import annotations

from threadrun.cloudformation import Event
from threadrun.delivery import NOT_CREATED
from threadrun.desired import AnyDesired, DesiredAssistant, DesiredRun, DesiredThread
from threadrun.properties import KeyStyle
from threadrun.record import AnyRecord, AssistantRecord, Request, ResourceRecord, RunRecord, ThreadRecord

_OWN_PREFIXES = (NOT_CREATED, "conv_", "thread_", "asst_")


def admit(
    record: ResourceRecord, event: Event, wanted: tuple[AnyDesired, KeyStyle] | None, problem: str | None, now: float
) -> Request:
    """Enter a new request into the record; every older one that is still open is superseded.

    `wanted` is what the properties ask for, None for a Delete or where `problem` says why they can't be used.
    """
    for older in record.requests.values():
        if older.is_open:
            older.is_superseded, older.response_url = True, None
    desired = wanted[0] if wanted else None
    # CloudFormation's clock runs since it sent the request, however late it is delivered.
    since = min(now, event.issued_epoch_s or now)
    request = Request(
        request_id=event.request_id,
        request_type=event.request_type,
        response_url=event.response_url,
        physical_id=event.physical_id,
        received_epoch_s=now,
        deadline_epoch_s=since + event.work_seconds(desired.timeout_seconds if desired else None),
        failure=problem,
    )
    record.requests[request.request_id] = request
    record.forget_old_requests()
    if _comes_too_late(record, event):
        request.is_superseded, request.response_url = True, None
        return request
    if wanted is not None:
        request.target_key = _wanted_record(record, request, since, *wanted).key
    for each in _unwanted_records(record, request, since):
        each.unwant(request.deadline_epoch_s)
        each.forget_texts()
    return request


def _comes_too_late(record: ResourceRecord, event: Event) -> bool:
    """Whether this is a Create that Lambda delivered after the Delete of what it was to create.

    Events can wait for hours. A Delete with an id that CloudFormation made up took back every Create sent before it.
    """
    if event.request_type != "Create" or event.issued_epoch_s is None:
        return False
    return any(
        request.request_type == "Delete"
        and _is_made_up(request.physical_id)
        and event.issued_epoch_s <= request.received_epoch_s
        for request in record.requests.values()
    )


def failed_physical_id(request: Request, target: AnyRecord | None) -> str:
    """The id of a FAILED answer: the real one where anything was made, so that a Delete finds it."""
    if target is not None and target.physical_id:
        return target.physical_id
    if request.request_type != "Create" and request.physical_id:
        return request.physical_id
    if target is not None and target.leftover_id:
        return target.leftover_id
    return NOT_CREATED + request.request_id


def _wanted_record(
    record: ResourceRecord, request: Request, since: float, desired: AnyDesired, style: KeyStyle
) -> AnyRecord:
    wanted = _reusable_record(record, request, desired)
    if wanted is None:
        wanted = record.made[request.request_id] = _new_record(request, since, desired)
    wanted.want(desired)  # type: ignore[arg-type]  # The kinds fit: an identity is of one kind.
    wanted.failure, wanted.key_style, wanted.rests_until_epoch_s = None, style, 0
    wanted.wanted_since_epoch_s, wanted.deadline_epoch_s = since, request.deadline_epoch_s
    return wanted


def _new_record(request: Request, since: float, desired: AnyDesired) -> AnyRecord:
    kinds: dict[type[AnyDesired], type[AnyRecord]] = {
        DesiredRun: RunRecord,
        DesiredThread: ThreadRecord,
        DesiredAssistant: AssistantRecord,
    }
    kind = kinds[type(desired)]
    return kind(
        key=request.request_id,
        identity=desired.identity(),
        wanted_since_epoch_s=since,
        deadline_epoch_s=request.deadline_epoch_s,
    )


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


def _unwanted_records(record: ResourceRecord, request: Request, since: float) -> list[AnyRecord]:
    if request.request_type != "Delete":
        return [e for e in record.made.values() if e.key != request.target_key and _is_abandoned(record, e)]
    known = record.with_physical_id(request.physical_id)
    if known is not None:
        return [known]
    if _is_made_up(request.physical_id):
        # CloudFormation had not heard of it: the Create was not answered yet when this Delete was sent.
        return [each for each in record.made.values() if not _was_known(record, each, since)]
    return []


def _was_known(record: ResourceRecord, made: AnyRecord, since: float) -> bool:
    """Whether CloudFormation had its physical id before that moment; answer and Delete may cross on their way."""
    crossing = (
        request.answer.delivered_epoch_s or 0
        for request in record.requests.values()
        if request.request_type == "Create" and request.answer and request.answer.target_key == made.key
    )
    return made.is_acknowledged and not any(delivered >= since for delivered in crossing)


def _is_made_up(physical_id: str | None) -> bool:
    """CloudFormation's own ids are `<stack>-<logical id>-<suffix>`; ours have a colon or one of OpenAI's prefixes."""
    return physical_id is None or not (":" in physical_id or physical_id.startswith(_OWN_PREFIXES))


def _is_abandoned(record: ResourceRecord, made: AnyRecord) -> bool:
    """Whether it came of a request that failed or was overtaken: no physical id of the stack is its."""
    if made.is_acknowledged:
        return False
    requests = [request for request in record.requests.values() if request.target_key == made.key]
    return all(not request.is_open and not _succeeded(request) for request in requests)


def _succeeded(request: Request) -> bool:
    return request.answer is not None and request.answer.status == "SUCCESS"
