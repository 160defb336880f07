"""One step of a request: load its record, reconcile what it is about, save, and say what comes next.

The boundary where the two error families become an outcome: a `TransientError` is a wait, a `TerminalError`
is kept as the reason of the answer.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from threadrun.errors import TerminalError, TransientError, VersionConflict
from threadrun.reconcile.backend import Backend
from threadrun.reconcile.dispatch import reconcile
from threadrun.reconcile.outcome import CallTools, Done, InProgress, Outcome, RequeueAfter
from threadrun.reconcile.polling import DEFAULT_POLLING, Polling
from threadrun.state.attributes import run_attributes
from threadrun.state.base import ORPHAN_SECONDS
from threadrun.state.progress import RequestContext
from threadrun.state.resource import AnyRecord, Request, ResourceRecord
from threadrun.state.run import RunRecord
from threadrun.storage.event_waits import EventWaits, wait_key
from threadrun.storage.records import Store, attributes_key

SPREAD_SECONDS, SPREAD_SHARE = 5, 0.2
JITTER = random.SystemRandom().random
"""Not `random.random`: the generator's state would be in a snapshot, and each environment draw the same numbers.

Source: https://docs.aws.amazon.com/lambda/latest/dg/snapstart-uniqueness.html
"""


@dataclass(frozen=True)
class Step:
    """What the state machine does next.

    It waits, waits for an event, calls tools, records a run's attributes, answers, or stops unanswered.
    """

    outcome: Literal["wait", "await_event", "call_tools", "record", "respond", "stop"]
    wait_seconds: int = 0
    attributes_key: str = ""
    call_ids: tuple[str, ...] = ()
    wait_key: str = ""
    """The item that an event of the run will find."""


@dataclass(frozen=True)
class Pause:
    """Look again after so many seconds; earlier where an event tells that the run has ended."""

    seconds: float
    run_id: str | None = None


@dataclass
class Waiting:
    """The ways to wait that a function has, and how long it did."""

    sleep: Callable[[float], None]
    """Waits that many seconds."""
    until_epoch_s: float
    """When the step must have ended."""
    linger_seconds: float = DEFAULT_POLLING.linger_seconds
    event_waits: EventWaits | None = None
    """Where the server tells of a run's end."""
    waited_inline_seconds: float = 0
    _announced: str = ""

    @property
    def polling(self) -> Polling:
        """When to look again, by these ways."""
        return Polling(self.linger_seconds, has_events=self.event_waits is not None)

    def spend(self, pause: Pause, request_id: str, now: float) -> Step | None:
        """Wait here and return None, or return the step that waits."""
        if not self.polling.is_far(pause.seconds) and now + pause.seconds <= self.until_epoch_s:
            self.sleep(pause.seconds)
            self.waited_inline_seconds += pause.seconds
            return None
        if self.event_waits is None or pause.run_id is None:
            return Step("wait", math.ceil(pause.seconds))
        if self._announced == wait_key(pause.run_id):
            return Step("await_event", math.ceil(pause.seconds), wait_key=self._announced)
        # And one more look: it sees what ended before an event would be noted.
        self._announced = self.event_waits.announce(pause.run_id, request_id, now + pause.seconds)
        return None


def take_step(
    store: Store,
    backend: Backend,
    key: str,
    request_id: str,
    clock: Callable[[], float] = time.time,
    jitter: Callable[[], float] = JITTER,
    waiting: Waiting | None = None,
    request_context: RequestContext | None = None,
) -> Step:
    """Bring the request as far as it goes without a wait for the state machine.

    `clock` gives Unix seconds, `jitter` a number from 0 to 1 that spreads the waits of many. Without `waiting`
    the state machine waits. `request_context` learns who the request is about, and counts `RunsStarted` and `Retries`.
    Raises nothing on purpose; whatever escapes is a bug or the table's own failure.
    """
    polling = waiting.polling if waiting else DEFAULT_POLLING
    request_context = request_context or RequestContext()
    record = store.load(key)
    while record is not None:
        request = record.requests.get(request_id)
        if request is None or not _is_at_work(record, request):
            break
        before, known_ids = record.model_dump(), _server_ids(record)
        request_context.follow(record, request)
        following = _advance(record, request, store, backend, clock, jitter, polling, request_context)
        request_context.follow(record, request)
        if record.model_dump() != before:
            record, is_ours = _save(store, record, known_ids, clock())
            if not is_ours:
                continue
        if following is None:
            return _finished(record, record.requests[request_id])
        if isinstance(following, CallTools):
            return Step("call_tools", call_ids=following.call_ids)
        if following.seconds:
            step = (
                waiting.spend(following, request_id, clock()) if waiting else Step("wait", math.ceil(following.seconds))
            )
            if step is not None:
                return step
            record = store.load(key)  # Others were at work meanwhile.
    return Step("stop")


def _is_at_work(record: ResourceRecord, request: Request) -> bool:
    """An overtaken request only cleans up, and only where no newer one does."""
    if not request.is_superseded:
        return True
    return record.open_request is None and any(each.goal == "absent" for each in record.made.values())


def _advance(
    record: ResourceRecord,
    request: Request,
    store: Store,
    backend: Backend,
    clock: Callable[[], float],
    jitter: Callable[[], float],
    polling: Polling,
    request_context: RequestContext,
) -> Pause | CallTools | None:
    """Reconcile each thing once that the request is about; returns what comes next, None when all is done."""
    target = record.target(request) if request.is_open else None
    unwanted = [each for each in record.made.values() if each.goal == "absent"]
    waits, calls, run_id = [], None, None
    for made in [target, *unwanted] if target else unwanted:
        now = clock()
        was_started = _is_started(made)
        outcome = _reconcile_once(made, backend, now, polling)
        request_context.counts["RunsStarted"] += _is_started(made) - was_started
        if isinstance(outcome, RequeueAfter):
            request_context.counts["Retries"] += outcome.is_contended
        if isinstance(outcome, TerminalError):
            _note_failure(request, made, outcome)
        elif isinstance(outcome, CallTools):
            made.waiting_for, calls = "the run's functions are being called", outcome
        elif isinstance(outcome, InProgress):
            assert isinstance(made, RunRecord)
            run_id = made.current_id
            pause = RequeueAfter(polling.look_seconds(now - made.wanted_since_epoch_s), f"the run is {outcome.status}")
            waits.append(_note_wait(made, pause, now, jitter))
        elif isinstance(outcome, RequeueAfter):
            if isinstance(made, RunRecord) and made.is_gone:
                _replace_gone(record, request, made)
            waits.append(_note_wait(made, outcome, now, jitter))
        else:
            _note_done(record, made, outcome, store)
    return calls or (Pause(min(waits), run_id) if waits else None)


def _is_started(made: AnyRecord) -> bool:
    return isinstance(made, RunRecord) and made.run_is_ours and made.run_id is not None


def _reconcile_once(made: AnyRecord, backend: Backend, now: float, polling: Polling) -> Outcome | TerminalError:
    rest = min(made.rests_until_epoch_s, made.deadline_epoch_s) - now
    if rest > 0:
        return RequeueAfter(rest, made.waiting_for)
    try:
        return reconcile(made, backend, now)
    except TransientError as error:
        pause = polling.pause_seconds(now - made.wanted_since_epoch_s)
        return RequeueAfter(max(error.retry_after_seconds or 0, pause), error.reason, is_contended=True)
    except TerminalError as error:
        return error


def _note_wait(made: AnyRecord, outcome: RequeueAfter, now: float, jitter: Callable[[], float]) -> float:
    """Seconds to wait, to the deadline at most: as asked for, and longer by chance where others wait too."""
    made.waiting_for = outcome.reason
    left = max(made.deadline_epoch_s - now, 1)
    if not outcome.is_contended:
        return min(outcome.seconds, left)
    wait = min(outcome.seconds + jitter() * max(SPREAD_SECONDS, outcome.seconds * SPREAD_SHARE), left)
    made.rests_until_epoch_s = now + wait
    return wait


def _replace_gone(record: ResourceRecord, request: Request, gone: RunRecord) -> None:
    """Want the run anew; what is left of the one that is gone is cleaned up like any other."""
    fresh = gone.recreate(request.request_id)
    record.made[fresh.key], request.target_key = fresh, fresh.key
    gone.mark_for_deletion(gone.deadline_epoch_s)
    gone.is_gone = False
    gone.redact()


def _note_failure(request: Request, made: AnyRecord, error: TerminalError) -> None:
    if made.goal == "present":
        made.failure = error.reason
    elif request.request_type == "Delete":
        request.failure = error.reason
    # Else it is the leftover of an earlier failure: the Delete to come tries again.


def _note_done(record: ResourceRecord, made: AnyRecord, done: Done, store: Store) -> None:
    if made.goal == "absent":
        _delete_attributes(store, record, made)
        del record.made[made.key]
    elif isinstance(made, RunRecord) and done.observed is not None and made.physical_id:
        attributes = run_attributes(made, done.observed)
        made.output_s3_uri = store.stage_attributes(made.physical_id, record.key, attributes)
        made.is_staged = True


def _delete_attributes(store: Store, record: ResourceRecord, made: AnyRecord) -> None:
    if isinstance(made, RunRecord) and made.physical_id:
        store.delete_attributes(made.physical_id, record.key, made.output_s3_uri)


def _finished(record: ResourceRecord, request: Request) -> Step:
    if request.is_superseded:
        return Step("stop")
    run = record.target(request)
    if isinstance(run, RunRecord) and run.is_final and run.physical_id and (run.is_staged or not run.is_acknowledged):
        return Step("record", attributes_key=attributes_key(run.physical_id))
    return Step("respond")


def _server_ids(record: ResourceRecord) -> frozenset[str]:
    return frozenset().union(*(made.server_ids for made in record.made.values()))


def _save(store: Store, record: ResourceRecord, known_ids: frozenset[str], now: float) -> tuple[ResourceRecord, bool]:
    """Save; where another actor saved first, add to its record what only this one learned.

    `known_ids` were on record before. Returns the record as saved, and whether it is the one decided on.
    """
    is_ours = True
    while True:
        try:
            store.save(record)
            return record, is_ours
        except VersionConflict:
            fresh = store.load(record.key) or ResourceRecord(stack_id=record.stack_id, logical_id=record.logical_id)
            _merge(fresh, record, known_ids, store, now)
            record, is_ours = fresh, False


def _merge(fresh: ResourceRecord, stale: ResourceRecord, known_ids: frozenset[str], store: Store, now: float) -> None:
    for made in stale.made.values():
        known = fresh.made.get(made.key)
        if known is None and made.server_ids <= known_ids:
            # Whoever deleted it knew all of it, but for attributes that were laid ready just now.
            _delete_attributes(store, stale, made)
            continue
        # Made after it was deleted, or made twice: nobody else knows what is to be cleaned up.
        orphan = made if known is None else known.merge(made)  # type: ignore[arg-type]  # One key is of one kind.
        if orphan is not None:
            orphan.mark_for_deletion(now + ORPHAN_SECONDS)
            fresh.made[orphan.key] = orphan
