"""One step of a request: load its record, reconcile what it is about, save, and say what comes next.

The boundary where the two error families become an outcome: a `TransientError` is a wait, a `TerminalError`
is kept as the reason of the response.
"""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from threadrun.errors import NotStorable, TerminalError, TransientError, VersionConflict
from threadrun.reconcile.backend import Backend
from threadrun.reconcile.dispatch import reconcile
from threadrun.reconcile.outcome import Actor, CallTools, Checkpoint, Done, Gone, InProgress, RequeueAfter
from threadrun.schema.types import shortened
from threadrun.state.attributes import run_attributes
from threadrun.state.base import MAX_REASON_CHARACTERS, ORPHAN_SECONDS, Wait
from threadrun.state.resource import AnyRecord, Request, RequestContext, ResourceRecord
from threadrun.state.run import RunRecord
from threadrun.storage.records import Records
from threadrun.storage.run_attributes import RunAttributes, attributes_key
from threadrun.workflow.waiting import NextState, Waiting

SPREAD_SECONDS, SPREAD_SHARE = 5, 0.2
RELOAD_SECONDS = 10
"""A record is read so often while a step waits: each save meets what others saved meanwhile in any case."""
JITTER = random.SystemRandom().random
"""Not `random.random`: the generator's state would be in a snapshot, and each environment draw the same numbers.

Source: https://docs.aws.amazon.com/lambda/latest/dg/snapstart-uniqueness.html
"""

Next = Done | Checkpoint | RequeueAfter | CallTools
"""What comes next for the request as a whole; `threadrun.reconcile.outcome` has the table."""


@dataclass(frozen=True)
class _Turn:
    """What one step knows besides the record."""

    waiting: Waiting
    context: RequestContext
    step_id: str = field(default_factory=lambda: secrets.token_hex(8))


@dataclass(frozen=True)
class Stepper:
    """Takes steps of requests. `clock` gives Unix seconds, `jitter` a number from 0 to 1 that spreads waits."""

    records: Records
    attributes: RunAttributes
    backend: Backend
    clock: Callable[[], float] = time.time
    jitter: Callable[[], float] = JITTER

    def take_step(
        self, key: str, request_id: str, waiting: Waiting | None = None, context: RequestContext | None = None
    ) -> NextState:
        """Bring the request as far as it goes without a wait for the state machine.

        Without `waiting` the state machine waits. `context` gets the request's names, and counts `RunsStarted` and
        `Retries`. Raises nothing on purpose; whatever escapes is a bug or the table's own failure.
        """
        turn = _Turn(waiting or Waiting(), context or RequestContext())
        record, read_epoch_s = self.records.load(key), self.clock()
        while record is not None and (request := record.request_at_work(request_id)) is not None:
            base = record.copied()
            turn.context.on_names(**record.names(request))
            following = self._advance(record, request, turn)
            request.has_finished = isinstance(following, Done) and not request.is_superseded
            turn.context.on_names(**record.names(request))
            if record != base and not self._save(record, base):
                record, read_epoch_s = self.records.load(key), self.clock()
                continue
            match following:
                case Done():
                    return _finished(record, request)
                case CallTools(call_ids):
                    return NextState("call_tools", call_ids=call_ids)
                case RequeueAfter():
                    if (state := turn.waiting.wait_or_hand_over(following, request_id, self.clock())) is not None:
                        return state
                    if self.clock() >= read_epoch_s + RELOAD_SECONDS:
                        record, read_epoch_s = self.records.load(key), self.clock()
                case Checkpoint():
                    pass
        return NextState("stop")

    def _advance(self, record: ResourceRecord, request: Request, turn: _Turn) -> Next:
        """Reconcile each thing once that the request is about; returns what comes next for all of them."""
        target = record.target(request) if request.is_open else None
        absent = [each for each in record.made.values() if each.goal == "absent"]
        following = list[Next]()
        for made in [target, *absent] if target else absent:
            actor = Actor(self.backend, self.clock(), turn.step_id, turn.waiting.until_epoch_s)
            match _reconcile_once(made, actor, turn):
                case TerminalError() as error:
                    _note_failure(request, made, error)
                case Done() as done if self._lacks_item(made, done):
                    made.must_recheck = True
                    following.append(Checkpoint("the run is looked at again: its attributes are gone"))
                case Done() as done:
                    self._note_done(record, made, done)
                case Gone() if self._is_on_record(made):
                    made.must_recheck = False  # Servers forget runs after 30 days: what is on record is the answer.
                case Gone():
                    following.append(_replace_gone(record, request, made))
                case RequeueAfter() as pause:
                    turn.context.counts["Retries"] += pause.is_contended
                    following.append(self._note_wait(made, pause, actor.now))
                case Checkpoint() | CallTools() as onward:
                    made.wait = Wait(reason=onward.reason)
                    following.append(onward)
        return _first(following)

    def _note_wait(self, made: AnyRecord, pause: RequeueAfter, now: float) -> RequeueAfter:
        """The wait, to the deadline at most: as asked for, and longer by jitter if others wait for the same thing."""
        left = max(made.deadline_epoch_s - now, 1)
        since = made.wait.since_epoch_s if _subject(made.wait.reason) == _subject(pause.reason) else now
        deleting_since = (made.wait.deleting_since_epoch_s or now) if made.goal == "absent" else 0
        times = {"since_epoch_s": since, "deleting_since_epoch_s": deleting_since}
        if not pause.is_contended:
            # Keep the time that the server asked for.
            made.wait = Wait(reason=pause.reason, until_epoch_s=made.wait.until_epoch_s, **times)
            return replace(pause, seconds=min(pause.seconds, left))
        spread = self.jitter() * max(SPREAD_SECONDS, pause.seconds * SPREAD_SHARE)
        seconds = min(pause.seconds + spread, left)
        made.wait = Wait(reason=pause.reason, until_epoch_s=now + seconds, **times)
        return replace(pause, seconds=seconds)

    def _lacks_item(self, made: AnyRecord, done: Done) -> bool:
        """Whether the attributes of a run that ended earlier are gone: deleted by hand, or by a restored table."""
        if made.goal == "absent" or done.observed is not None or not isinstance(made, RunRecord) or made.item.is_staged:
            return False
        return made.physical_id is not None and not self._is_on_record(made)

    def _note_done(self, record: ResourceRecord, made: AnyRecord, done: Done) -> None:
        if made.goal == "absent":
            self._delete_attributes(record, made)
            record.forget(made)
        elif isinstance(made, RunRecord) and done.observed is not None and made.physical_id:
            attributes = run_attributes(made, done.observed)
            uri = self.attributes.stage(made.physical_id, record.key, attributes)
            made.item = made.item.model_copy(update={"is_staged": True, "output_s3_uri": uri})

    def _is_on_record(self, made: AnyRecord) -> bool:
        if not isinstance(made, RunRecord) or not made.observed.is_final or made.physical_id is None:
            return False
        return bool(self.attributes.read(made.physical_id))

    def _delete_attributes(self, record: ResourceRecord, made: AnyRecord) -> None:
        if isinstance(made, RunRecord) and made.physical_id:
            self.attributes.delete(made.physical_id, record.key, made.item.output_s3_uri)

    def _save_or_fail(self, record: ResourceRecord) -> None:
        """Save; what is too large fails its request, and the ids that were learned are saved without its texts."""
        try:
            self.records.save(record)
        except NotStorable as error:
            for made in record.made.values():
                if made.goal == "present" and made.desired is not None:
                    made.failure = _no_room(made) or error.reason
                    made.redact()
            self.records.save(record)

    def _save(self, record: ResourceRecord, base: ResourceRecord) -> bool:
        """Save; if another actor saved first, add to its record what only this one learned, and return False."""
        try:
            self._save_or_fail(record)
        except VersionConflict:
            blank = ResourceRecord(stack_id=record.stack_id, logical_id=record.logical_id)
            deadline = self.clock() + ORPHAN_SECONDS
            for made in self.records.enter(blank, lambda saved: saved.merge(record, base, deadline)):
                # Attributes may have been staged just now.
                self._delete_attributes(record, made)
            return False
        return True


def _reconcile_once(made: AnyRecord, actor: Actor, turn: _Turn) -> Next | Gone | TerminalError:
    rest = min(made.wait.until_epoch_s, made.deadline_epoch_s) - actor.now
    if rest > 0:
        return RequeueAfter(rest, made.wait.reason)
    waited, was_started = actor.now - made.window.since_epoch_s, _is_started(made)
    try:
        outcome = reconcile(made, actor)
    except TransientError as error:
        pause_seconds = turn.waiting.refused_look_seconds if was_started else turn.waiting.pause_seconds
        seconds = max(error.retry_after_seconds or 0, pause_seconds(waited))
        return RequeueAfter(seconds, error.reason, is_contended=True)
    except TerminalError as error:
        return error
    finally:
        turn.context.counts["RunsStarted"] += _is_started(made) and not was_started
    if isinstance(outcome, InProgress):
        turn.waiting.note_look()
        left = made.deadline_epoch_s - actor.now
        seconds = turn.waiting.look_seconds(waited, left, is_kept=outcome.is_kept)
        return RequeueAfter(seconds, f"the run is {outcome.status}", run_id=outcome.run_id)
    if isinstance(outcome, RequeueAfter):
        return replace(outcome, seconds=turn.waiting.poll_seconds(outcome.seconds, waited))
    return outcome


def _first(following: Sequence[Next]) -> Next:
    """What comes first of all that is to come: calls, then what can continue at once, then the shortest wait."""
    for kind in (CallTools, Checkpoint):
        for each in following:
            if isinstance(each, kind):
                return each
    pauses = [each for each in following if isinstance(each, RequeueAfter)]
    if not pauses:
        return Done()
    run_id = next((each.run_id for each in pauses if each.run_id is not None), None)
    return replace(min(pauses, key=lambda each: each.seconds), run_id=run_id)


def _no_room(made: AnyRecord) -> str | None:
    """Why a record has no room that had it before the model called functions."""
    if not isinstance(made, RunRecord) or not made.waits_for_outputs:
        return None
    return f"run {made.run_id}: the model called functions with arguments that are too large: have it send less at once"


def _subject(reason: str) -> str:
    """What is waited for: a server's words differ from one refusal to the next, by their request id at least."""
    return reason.partition(":")[0]


def _is_started(made: AnyRecord) -> bool:
    return isinstance(made, RunRecord) and made.run is not None and made.run.is_ours


def _replace_gone(record: ResourceRecord, request: Request, gone: AnyRecord) -> Checkpoint:
    """Make it again; what is left of the one that is gone is cleaned up like any other."""
    fresh = gone.recreate(request.request_id)
    record.made[fresh.key], request.target_key = fresh, fresh.key
    gone.mark_for_deletion(gone.deadline_epoch_s)
    gone.redact()
    return Checkpoint("what was made is gone from the server: it is made again")


def _note_failure(request: Request, made: AnyRecord, error: TerminalError) -> None:
    reason = shortened(error.reason, MAX_REASON_CHARACTERS)
    if made.goal == "present":
        made.failure = reason
    elif request.request_type == "Delete":
        request.failure = reason
    # Otherwise it is the leftover of an earlier failure: the Delete to come tries again.


def _finished(record: ResourceRecord, request: Request) -> NextState:
    if request.is_superseded:
        return NextState("stop")
    run = record.target(request)
    if (
        isinstance(run, RunRecord)
        and run.observed.is_final
        and run.physical_id
        # Another step may have staged them and lost the race to save that. A repetition fails the state's condition.
        # docs/decisions.md: "The outcome is staged, and the state machine moves it into place"
        and (run.item.is_staged or not run.is_acknowledged)
    ):
        return NextState("record", attributes_key=attributes_key(run.physical_id))
    return NextState("respond")
