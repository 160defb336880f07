"""How a request of CloudFormation changes what is wanted of a resource: pure decisions, no I/O.

The only place that knows Create, Update and Delete apart. The rules are CloudFormation's contract:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requesttypes.html
"""

from __future__ import annotations

from threadrun.cloudformation import Event
from threadrun.desired import DesiredRun
from threadrun.properties import KeyStyle
from threadrun.record import Request, ResourceRecord, RunRecord

NOT_CREATED, NOT_STARTED = "not-created-", ":not-started"


def admit(
    record: ResourceRecord, event: Event, wanted: tuple[DesiredRun, KeyStyle] | None, problem: str | None, now: float
) -> Request:
    """Enter a new request into the record; every older one that is still open is superseded.

    `wanted` is what the properties ask for, None for a Delete or where `problem` says why they can't be used.
    """
    for older in record.requests.values():
        if older.is_open:
            older.is_superseded, older.response_url = True, None
    desired = wanted[0] if wanted else None
    request = Request(
        request_id=event.request_id,
        request_type=event.request_type,
        response_url=event.response_url,
        physical_id=event.physical_id,
        received_epoch_s=now,
        deadline_epoch_s=now + event.work_seconds(desired.timeout_seconds if desired else None),
        failure=problem,
    )
    record.requests[request.request_id] = request
    record.forget_old_requests()
    if wanted is not None:
        request.run_key = _wanted_run(record, request, *wanted).key
    for run in _unwanted_runs(record, request):
        run.goal, run.deadline_epoch_s, run.desired = "absent", request.deadline_epoch_s, None
    return request


def failed_physical_id(request: Request, run: RunRecord | None) -> str:
    """The id of a FAILED answer: the real one where anything was made, so that a Delete finds it."""
    if run is not None and run.physical_id:
        return run.physical_id
    if request.request_type != "Create" and request.physical_id:
        return request.physical_id
    if run is not None and run.thread_id and run.thread_is_ours:
        return run.thread_id + NOT_STARTED
    return NOT_CREATED + request.request_id


def _wanted_run(record: ResourceRecord, request: Request, desired: DesiredRun, style: KeyStyle) -> RunRecord:
    run = _reusable_run(record, request, desired.fingerprint())
    if run is None:
        run = RunRecord(
            key=request.request_id,
            fingerprint=desired.fingerprint(),
            bookkeeping=desired.bookkeeping,
            wanted_since_epoch_s=request.received_epoch_s,
            deadline_epoch_s=request.deadline_epoch_s,
        )
        record.runs[run.key] = run
    run.desired, run.bookkeeping, run.key_style = desired, desired.bookkeeping, style
    run.wanted_since_epoch_s, run.deadline_epoch_s = request.received_epoch_s, request.deadline_epoch_s
    return run


def _reusable_run(record: ResourceRecord, request: Request, fingerprint: str) -> RunRecord | None:
    """The run of these very properties, on an Update: the current one, or the former one on a rollback."""
    if request.request_type != "Update":
        return None
    fitting = [
        run
        for run in record.runs.values()
        if run.fingerprint == fingerprint and run.goal == "present" and run.is_acknowledged
    ]
    for run in fitting:
        if run.physical_id == request.physical_id:
            return run
    for run in fitting:
        run.must_recheck = True
    return fitting[-1] if fitting else None


def _unwanted_runs(record: ResourceRecord, request: Request) -> list[RunRecord]:
    if request.request_type != "Delete":
        return [run for run in record.runs.values() if run.key != request.run_key and _is_abandoned(record, run)]
    known = record.run_with_physical_id(request.physical_id)
    if known is not None:
        return [known]
    if _is_made_up(request.physical_id):
        # CloudFormation never heard of the run: the Create was not answered in time, or still works on it.
        return [run for run in record.runs.values() if not run.is_acknowledged]
    return []


def _is_made_up(physical_id: str | None) -> bool:
    return physical_id is None or not (":" in physical_id or physical_id.startswith(NOT_CREATED))


def _is_abandoned(record: ResourceRecord, run: RunRecord) -> bool:
    """Whether the run came of a request that failed or was overtaken: no physical id of the stack is its."""
    if run.is_acknowledged:
        return False
    requests = [request for request in record.requests.values() if request.run_key == run.key]
    return all(not request.is_open and not _succeeded(request) for request in requests)


def _succeeded(request: Request) -> bool:
    return request.answer is not None and request.answer.status == "SUCCESS"
