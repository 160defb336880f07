"""What is on record of a run, with what was made for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, Self

from pydantic import Field

from threadrun.schema.arguments import DEFAULT_RETRIES, AnyDesired, DesiredRun
from threadrun.schema.parsing import KeyStyle
from threadrun.schema.types import shortened
from threadrun.state.base import MAX_REASON_CHARACTERS, Owned, PhysicalRecord, second_made
from threadrun.state.observations import FunctionCall, ObservedAssistant, ObservedRun, RunPlan, Usage
from threadrun.state.run_values import (
    Attempt,
    AttributesItem,
    Resolution,
    RunState,
    SearchableFiles,
    Started,
    ToolCall,
    ToolRound,
)
from threadrun.state.timeline import PhaseName, Timeline, entered, looked_at


class RunRecord(PhysicalRecord):
    kind: Literal["run"] = "run"
    desired: DesiredRun | None = None
    resolution: Resolution | None = None
    """None until the assistant, if one is named, was looked up."""
    thread: Owned | None = None
    files: SearchableFiles = SearchableFiles()
    attempt: Attempt | None = None
    run: Owned | None = None
    round: ToolRound = Field(default_factory=ToolRound)
    observed: RunState = RunState()
    item: AttributesItem = AttributesItem()
    timeline: Timeline = ()

    @property
    def thread_id(self) -> str | None:
        return self.thread.id if self.thread else None

    @property
    def run_id(self) -> str | None:
        return self.run.id if self.run else None

    @property
    def started(self) -> Started | None:
        if self.thread is None or self.run is None:
            return None
        return Started(self.thread.id, self.round.chain[-1] if self.round.chain else self.run.id)

    @property
    def physical_id(self) -> str | None:
        """`thread_id:run_id`, the import format of the Terraform resource."""
        return f"{self.thread.id}:{self.run.id}" if self.thread and self.run else None

    @property
    def is_adopted(self) -> bool:
        return self.run is not None and not self.run.is_ours

    @property
    def server_ids(self) -> set[str]:
        thread = self.thread_id if self.thread and self.thread.is_ours else None
        runs = (self.run_id, *self.round.chain, *self.observed.failed_ids)
        return {each for each in (thread, self.files.vector_store_id, *runs) if each}

    @property
    def accepted_statuses(self) -> tuple[str, ...]:
        """Final statuses that count as success: a function without a handler leaves its call to the user."""
        if self.options.accept_statuses is not None:
            return self.options.accept_statuses
        leaves_calls = self.resolution is not None and self.resolution.leaves_calls_to_user
        return ("completed", "requires_action") if leaves_calls else ("completed",)

    @property
    def waits_for_outputs(self) -> bool:
        """Whether there are calls that handlers answer."""
        return bool(self.round.calls) and not self.round.is_submitted and not self.observed.is_final

    def set_desired(self, desired: AnyDesired, style: KeyStyle) -> None:
        super().set_desired(desired, style)
        if not self.is_acknowledged:
            self.enter("starting", self.window.since_epoch_s)

    def enter(self, phase: PhaseName, since_epoch_s: float) -> None:
        self.timeline = entered(self.timeline, phase, since_epoch_s)

    def resolve(self, desired: DesiredRun, assistant: ObservedAssistant | None) -> None:
        """Note the assistant as it is now: the run goes by this version."""
        effective = desired.with_defaults_from(assistant.settings if assistant else None)
        self.resolution = Resolution(
            assistant=assistant.settings if assistant else None,
            assistant_id=assistant.assistant_id if assistant else None,
            assistant_version=assistant.version if assistant else None,
            leaves_calls_to_user=effective.leaves_calls_to_user,
            file_ids=effective.file_ids,
            secret_arns=effective.secret_arns,
        )

    def plan(self) -> RunPlan | None:
        """What the run is started with; None once its properties are no longer on record."""
        if self.desired is None:
            return None
        assistant = self.resolution.assistant if self.resolution else None
        effective, is_again = self.desired.with_defaults_from(assistant), bool(self.observed.failed_ids)
        return RunPlan(self.desired, effective, self.files.vector_store_id, is_again, self.key)

    def intend(self, owner: str, now: float, after_item_id: str | None = None) -> None:
        """Note that a creating request is about to be made; only the step `owner` may make it at once."""
        since = self.attempt.refused_since_epoch_s if self.attempt else 0
        self.attempt = Attempt(
            intended_epoch_s=now, owner=owner, after_item_id=after_item_id, refused_since_epoch_s=since
        )

    def take_back_intent(self, base: RunRecord | None) -> None:
        """Its save lost a race, so that its request was never made; what was read of another step's attempt stays."""
        if self.attempt is not None and self.attempt.owner is not None:
            self.attempt = base.attempt if base else None

    def can_answer(self, calls: Sequence[FunctionCall]) -> bool:
        """Whether each of these calls has a handler; a run that is not ours is not continued."""
        plan = self.plan() if self.run and self.run.is_ours else None
        return bool(calls) and plan is not None and all(call.name in plan.effective.handlers for call in calls)

    def begin_round(self, observed: ObservedRun, now: float) -> bool:
        """Observe a run that waits for handlers, so in progress; False if the server has the outputs of these calls."""
        self.observe(replace(observed, status="in_progress"), now)
        if self.round.is_submitted and {call.call_id for call in observed.calls} == set(self.round.calls):
            return False
        self._enter_round(observed.calls)
        return True

    def note_unanswered(self, calls: Sequence[FunctionCall]) -> None:
        """Keep calls that are to be closed. Nobody asks for their arguments, which may have no room."""
        self._enter_round([replace(call, arguments="") for call in calls])

    def _enter_round(self, calls: Sequence[FunctionCall]) -> None:
        entered_calls = {call.call_id: ToolCall(name=call.name, arguments=call.arguments) for call in calls}
        number, earlier_calls = self.round.number + 1, self.round.earlier_calls + len(self.round.calls)
        update = {"calls": entered_calls, "is_submitted": False, "number": number, "earlier_calls": earlier_calls}
        self.round = self.round.model_copy(update=update)
        self.attempt = None

    def note_made(self, observed: ObservedRun) -> None:
        """Note what a creating request made: the run or, once it has its outputs, the id under which it continues."""
        if self.run is None:
            self.run = Owned(id=observed.run_id)
            return
        self.attempt = None
        update: dict[str, object] = {"is_submitted": True}
        if self.started and observed.run_id != self.started.run_id:
            update |= {"chain": (*self.round.chain, observed.run_id), "usage_before": self.observed.usage}
        self.round = self.round.model_copy(update=update)

    def can_begin_again(self, observed: ObservedRun) -> bool:
        """Whether a run that has ended is to be started once more; one that is not ours never is."""
        if not observed.may_pass or self.desired is None or self.run is None or not self.run.is_ours:
            return False
        most = DEFAULT_RETRIES if self.desired.max_retries is None else self.desired.max_retries
        is_wanted = "failed" in self.accepted_statuses or self.must_recheck
        return not is_wanted and len(self.observed.failed_ids) < most

    def begin_again(self, observed: ObservedRun, now: float) -> None:
        """Forget a try that failed, as if its request had not been made; what it cost counts."""
        failed_ids = (*self.observed.failed_ids, self.started.run_id if self.started else observed.run_id)
        usage = self.round.usage_before + (observed.usage or Usage())
        self.attempt = None
        if self.round.chain:  # Where a continuation has an id of its own, the calls before it keep their outputs.
            update = {"chain": self.round.chain[:-1], "is_submitted": False, "usage_before": usage}
            self.round = self.round.model_copy(update=update)
            known = {"failed_ids": failed_ids, "status": "in_progress", "usage": usage}
            self.observed = self.observed.model_copy(update=known)
            return
        self.run, self.round = None, ToolRound(usage_before=usage)
        self.observed = RunState(failed_ids=failed_ids)
        self.enter("starting", now)

    def recreate(self, key: str) -> RunRecord:
        fresh = super().recreate(key)
        fresh.enter("starting", self.window.since_epoch_s)
        return fresh

    def observe(self, observed: ObservedRun, now: float) -> None:
        """Keep what the server shows of the run, except for its output."""
        status, known = observed.status, self.observed
        started_at = known.started_at
        if status != "queued" and started_at is None:
            started_at = observed.started_at or min(int(now), observed.completed_at or int(now))
        self.observed = RunState(
            status=status,
            created_at=known.created_at or observed.created_at or int(now),
            started_at=started_at,
            completed_at=observed.completed_at if status == "completed" else None,
            model=observed.model or known.model,
            usage=known.usage if observed.usage is None else self.round.usage_before + observed.usage,
            problem=observed.problem and shortened(observed.problem, MAX_REASON_CHARACTERS),
            failed_ids=known.failed_ids,
        )
        times = (now, observed.started_at, observed.completed_at)
        self.timeline = looked_at(self.timeline, status, self.observed.is_final, *times)

    def redact(self) -> None:
        super().redact()
        if self.resolution is not None:
            self.resolution = self.resolution.model_copy(update={"assistant": None})
        for call_id in self.round.calls:
            self.change_call(call_id, arguments="", output=None)

    def change_call(self, call_id: str, **changes: object) -> None:
        """Note what became of a call."""
        changed = self.round.calls[call_id].model_copy(update=changes)
        self.round = self.round.model_copy(update={"calls": {**self.round.calls, call_id: changed}})

    def merge(self, lost: Self, base: Self | None) -> Self | None:
        if (twice := self._made_twice(lost)) is not None:
            return twice
        self.thread, self.run = self.thread or lost.thread, self.run or self._living(lost.run)
        if self.files.vector_store_id is None:
            self.files = self.files.model_copy(update={"vector_store_id": lost.files.vector_store_id})
        if self.item.output_s3_uri is None:
            self.item = self.item.model_copy(update={"output_s3_uri": lost.item.output_s3_uri})
        continued_twice = self._merge_round(lost)
        self._merge_attempt(lost, base)
        if continued_twice is None or self.thread is None:
            return None
        return self._surplus(thread=Owned(id=self.thread.id, is_ours=False), run=Owned(id=continued_twice))

    def _made_twice(self, lost: Self) -> Self | None:
        thread, run = second_made(self.thread, lost.thread), second_made(self.run, self._living(lost.run))
        thread = thread if thread and thread.is_ours else None
        store = second_made(self.files.vector_store_id, lost.files.vector_store_id)
        if thread is None and run is None and store is None:
            return None
        item = AttributesItem(output_s3_uri=lost.item.output_s3_uri)
        place = thread or (lost.thread and Owned(id=lost.thread.id, is_ours=False))
        return self._surplus(thread=place, run=run, files=SearchableFiles(vector_store_id=store), item=item)

    def _living(self, run: Owned | None) -> Owned | None:
        """None for a try that has failed: another actor may not know it yet."""
        return None if run is not None and run.id in self.observed.failed_ids else run

    def _merge_round(self, lost: Self) -> str | None:
        """Take over how far the run has come; returns the id of a continuation that was made a second time."""
        failed = {*self.observed.failed_ids}
        continuations = {*self.round.chain, *lost.round.chain} - failed
        if failed & {*lost.round.chain, lost.run_id}:
            return None
        if (lost.round.number, lost.round.is_submitted) > (self.round.number, self.round.is_submitted):
            self.round = lost.round
            update = {"status": lost.observed.status, "usage": lost.observed.usage}
            self.observed = self.observed.model_copy(update=update)
        return next(iter(continuations - {*self.round.chain}), None)

    def _merge_attempt(self, lost: Self, base: Self | None) -> None:
        """Take over what became of the attempt that was read. Another actor's stays: its request may have succeeded."""
        if self.run is not None and not self.waits_for_outputs:
            self.attempt = None
        elif base is not None and self.attempt == base.attempt and (lost.attempt is None or lost.attempt.owner is None):
            # The request has been made: with the attempt as it was saved, its step would make it again.
            self.attempt = lost.attempt
