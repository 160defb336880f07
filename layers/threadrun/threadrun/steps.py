"""One step of a request: load its record, reconcile what it is about, save, and say what comes next.

The boundary where the two error families become an outcome: a `TransientError` is a wait, a `TerminalError`
is kept as the reason of the answer.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from threadrun.attributes import run_attributes
from threadrun.backend import Backend
from threadrun.errors import TerminalError, TransientError, VersionConflict
from threadrun.outcome import Done, RequeueAfter, poll_seconds
from threadrun.reconcile import reconcile
from threadrun.record import AnyRecord, Request, ResourceRecord, RunRecord
from threadrun.store import Store, public_key

ORPHAN_SECONDS = 600
"""Time to clean up what a request made that had been overtaken meanwhile."""


@dataclass(frozen=True)
class Step:
    """What the state machine does next: wait, record a run's attributes, answer, or stop without an answer."""

    outcome: Literal["wait", "record", "answer", "stop"]
    wait_seconds: int = 0
    public_key: str = ""


def take_step(
    store: Store, backend: Backend, key: str, request_id: str, clock: Callable[[], float] = time.time
) -> Step:
    """Bring the request as far as it goes without waiting.

    Raises nothing on purpose; whatever escapes is a bug or the table's own failure.
    """
    record = store.load(key)
    while record is not None:
        request = record.requests.get(request_id)
        if request is None or not _is_at_work(record, request):
            break
        before = record.model_dump()
        wait = _advance(record, request, store, backend, clock)
        if record.model_dump() != before:
            record, is_ours = _save(store, record, clock())
            if not is_ours:
                continue
        if wait is None:
            return _finished(record, record.requests[request_id])
        if wait > 0:
            return Step("wait", math.ceil(wait))
    return Step("stop")


def _is_at_work(record: ResourceRecord, request: Request) -> bool:
    """An overtaken request only cleans up, and only where no newer one does."""
    if not request.is_superseded:
        return True
    return record.open_request is None and any(each.goal == "absent" for each in record.made.values())


def _advance(
    record: ResourceRecord, request: Request, store: Store, backend: Backend, clock: Callable[[], float]
) -> float | None:
    """Reconcile each thing once that the request is about; returns seconds to wait, None when all is done."""
    target = record.target(request) if request.is_open else None
    unwanted = [each for each in record.made.values() if each.goal == "absent"]
    waits = []
    for made in [target, *unwanted] if target else unwanted:
        now = clock()
        outcome = _reconcile_once(made, backend, now)
        if isinstance(outcome, TerminalError):
            _note_failure(request, made, outcome)
        elif isinstance(outcome, RequeueAfter):
            made.waiting_for = outcome.reason
            waits.append(min(outcome.seconds, max(made.deadline_epoch_s - now, 1)))
        else:
            _note_done(record, made, outcome, store)
    return min(waits) if waits else None


def _reconcile_once(made: AnyRecord, backend: Backend, now: float) -> Done | RequeueAfter | TerminalError:
    try:
        return reconcile(made, backend, now)
    except TransientError as error:
        pause = poll_seconds(now - made.wanted_since_epoch_s)
        return RequeueAfter(max(error.retry_after_seconds or 0, pause), error.reason)
    except TerminalError as error:
        return error


def _note_failure(request: Request, made: AnyRecord, error: TerminalError) -> None:
    if made.goal == "present":
        made.failure = error.reason
    elif request.request_type == "Delete":
        request.failure = error.reason
    # Else it is the leftover of an earlier failure: the Delete to come tries again.


def _note_done(record: ResourceRecord, made: AnyRecord, done: Done, store: Store) -> None:
    if made.goal == "absent":
        if isinstance(made, RunRecord) and made.physical_id:
            store.delete_attributes(made.physical_id, made.output_s3_uri)
        del record.made[made.key]
    elif isinstance(made, RunRecord) and done.observed is not None and made.physical_id:
        made.output_s3_uri = store.stage_attributes(made.physical_id, run_attributes(made, done.observed))


def _finished(record: ResourceRecord, request: Request) -> Step:
    if request.is_superseded:
        return Step("stop")
    run = record.target(request)
    if isinstance(run, RunRecord) and run.is_final and run.physical_id and not run.is_acknowledged:
        return Step("record", public_key=public_key(run.physical_id))
    return Step("answer")


def _save(store: Store, record: ResourceRecord, now: float) -> tuple[ResourceRecord, bool]:
    """Save; where another actor saved first, add to its record what only this one learned.

    Returns the record as saved, and whether it is the one decided on.
    """
    is_ours = True
    while True:
        try:
            store.save(record)
            return record, is_ours
        except VersionConflict:
            fresh = store.load(record.key) or ResourceRecord(stack_id=record.stack_id, logical_id=record.logical_id)
            _merge(fresh, record, now)
            record, is_ours = fresh, False


def _merge(fresh: ResourceRecord, stale: ResourceRecord, now: float) -> None:
    for made in stale.made.values():
        known = fresh.made.get(made.key)
        if known is not None:
            known.absorb(made)  # type: ignore[arg-type]  # One key is of one kind.
            if known.anchor_id == made.anchor_id:
                continue
            # The same request at work twice, each with a thread of its own: the one saved first is kept.
            made.key = f"{made.key} {made.anchor_id}"
        # Else it was deleted while this actor made it. In both cases nobody else knows what is to be cleaned up.
        if made.physical_id or made.leftover_id:
            made.goal, made.deadline_epoch_s = "absent", now + ORPHAN_SECONDS
            fresh.made[made.key] = made
