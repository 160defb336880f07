"""What is on record of a run, with the thread and the vector store that were made for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Self

from pydantic import BaseModel, Field, PrivateAttr, model_validator

from threadrun.schema.arguments import DesiredAssistant, DesiredRun
from threadrun.state.base import PhysicalRecord
from threadrun.state.observations import FINAL_STATUSES, FunctionCall, ObservedAssistant, ObservedRun, RunPlan, Usage
from threadrun.state.timeline import PhaseName, Timeline, entered, looked_at


class ToolCall(BaseModel):
    """A call that the model waits for, and what became of it."""

    name: str
    arguments: str = Field(repr=False)
    """JSON text, as the model wrote it."""
    output: str | None = Field(default=None, repr=False)
    """What the model gets for it; None until its handler has answered, or failed for good."""
    attempts: int = 0
    """How often its handler has failed."""
    failure: str | None = None
    """The kind of error that its handler failed with for good."""


class RunRecord(PhysicalRecord):
    """A run, with the thread and the vector store that were made for it."""

    kind: Literal["run"] = "run"
    desired: DesiredRun | None = None
    accept_statuses: tuple[str, ...] | None = None

    assistant: DesiredAssistant | None = None
    assistant_id: str | None = None
    assistant_version: int | None = None
    is_resolved: bool = False
    """The assistant, if one is named, was looked up."""
    leaves_calls_to_user: bool = False
    """A function without a handler may be called."""
    file_ids: tuple[str, ...] = ()

    thread_id: str | None = None
    thread_is_ours: bool = False
    vector_store_id: str | None = None
    is_indexed: bool = False
    run_id: str | None = None
    run_is_ours: bool = False
    start_intended_epoch_s: float | None = None
    start_after_item_id: str | None = None
    lost_start: Literal["no", "suspected", "proved"] = "no"
    """Whether an earlier start may be, or is, a run whose id nobody knows; a proved one is never started again."""

    calls: dict[str, ToolCall] = Field(default_factory=dict)
    """The newest round of calls, by call id."""
    tool_rounds: int = 0
    is_submitted: bool = False
    """The server has the outputs of these calls."""
    chain: tuple[str, ...] = ()
    """Ids under which the run went on after its calls, where the API gives it a new one each time."""
    usage_before: Usage = Usage()
    """Of all that went before the end of the chain."""

    status: str | None = None
    created_at: int | None = None
    started_at: int | None = None
    completed_at: int | None = None
    model: str | None = None
    usage: Usage = Usage()
    problem: str | None = None
    output_s3_uri: str | None = None
    """Where the output is, if it is too large for the public item."""
    is_staged: bool = False
    """Its attributes lie ready for the state machine to record."""
    is_gone: bool = False
    """The server does not know it any more, though CloudFormation returns to it."""
    timeline: Timeline = ()
    """Empty where it was begun by a version that kept none."""

    _is_armed: bool = PrivateAttr(default=False)
    _refused_epoch_s: float | None = PrivateAttr(default=None)
    """The intent whose start was refused, as this very process saw."""

    @model_validator(mode="before")
    @classmethod
    def _read_former_name(cls, data: Any) -> Any:
        # Version 0.1.0 knew no handlers: every function tool left its calls to the user.
        if isinstance(data, dict) and "has_function_tools" in data:
            return {**data, "leaves_calls_to_user": data["has_function_tools"]}
        return data

    @property
    def physical_id(self) -> str | None:
        """`thread_id:run_id`, the import format of the Terraform resource."""
        return f"{self.thread_id}:{self.run_id}" if self.thread_id and self.run_id else None

    @property
    def leftover_id(self) -> str | None:
        return f"{self.thread_id}:not-started" if self.thread_id and self.thread_is_ours else None

    @property
    def server_ids(self) -> set[str]:
        thread = self.thread_id if self.thread_is_ours else None
        return {each for each in (thread, self.vector_store_id, self.run_id, *self.chain) if each}

    @property
    def current_id(self) -> str | None:
        """What to look at for the run's state."""
        return self.chain[-1] if self.chain else self.run_id

    @property
    def is_final(self) -> bool:
        return self.status in FINAL_STATUSES

    @property
    def accepted_statuses(self) -> tuple[str, ...]:
        """Final statuses that count as success: a function without a handler leaves its call to the user."""
        if self.accept_statuses is not None:
            return self.accept_statuses
        return ("completed", "requires_action") if self.leaves_calls_to_user else ("completed",)

    @property
    def waits_for_outputs(self) -> bool:
        """Whether there are calls that are answered here."""
        return bool(self.calls) and not self.is_submitted and not self.is_final

    def set_desired(self, desired: DesiredRun) -> None:
        self.desired, self.accept_statuses = desired, desired.accept_statuses
        self.deletion_policy = desired.deletion_policy
        if not self.is_acknowledged:
            self.enter("starting", self.wanted_since_epoch_s)

    def enter(self, phase: PhaseName, since_epoch_s: float) -> None:
        """Note what the run is at now."""
        self.timeline = entered(self.timeline, phase, since_epoch_s)

    def resolve(self, assistant: ObservedAssistant | None) -> None:
        """Note the assistant as it is now: the run goes by this version."""
        assert self.desired is not None
        if assistant is not None:
            self.assistant, self.assistant_version = assistant.settings, assistant.version
            self.assistant_id = assistant.assistant_id
        effective = self.plan().effective
        self.leaves_calls_to_user = effective.leaves_calls_to_user
        self.file_ids = effective.file_ids
        self.is_resolved = True

    def use_existing_thread(self) -> bool:
        """Take the thread that the user names; returns whether one is named."""
        assert self.desired is not None
        self.thread_id = self.desired.existing_thread_id
        return self.thread_id is not None

    def plan(self) -> RunPlan:
        """What the run is started with."""
        assert self.desired is not None
        return RunPlan(self.desired, self.desired.with_defaults_from(self.assistant), self.vector_store_id)

    def intend_start(self, now: float, after_item_id: str | None) -> None:
        """Note that the run is about to be started; only the process that noted it may do so at once."""
        self.start_intended_epoch_s, self.start_after_item_id = now, after_item_id
        self._is_armed = True

    def disarm(self) -> bool:
        """Whether this very process noted the intent and has not acted on it; asking uses it up."""
        armed, self._is_armed = self._is_armed, False
        return armed

    def forget_start(self) -> None:
        """The start was refused without effect."""
        self._refused_epoch_s = self.start_intended_epoch_s
        self.start_intended_epoch_s = self.start_after_item_id = None

    def can_answer(self, calls: Sequence[FunctionCall]) -> bool:
        """Whether each of these calls has a handler; somebody else's run is not gone on with."""
        handlers = self.plan().effective.handlers if self.desired and self.run_is_ours else {}
        return bool(calls) and all(call.name in handlers for call in calls)

    def take_calls(self, calls: Sequence[FunctionCall]) -> None:
        """Enter a new round of calls."""
        self.calls = {call.call_id: ToolCall(name=call.name, arguments=call.arguments) for call in calls}
        self.is_submitted, self.tool_rounds = False, self.tool_rounds + 1
        self.start_intended_epoch_s, self.lost_start = None, "no"

    def continued_as(self, observed: ObservedRun) -> None:
        """Note that the run has its outputs, and what it goes on as."""
        self.is_submitted, self.start_intended_epoch_s, self.lost_start = True, None, "no"
        if observed.run_id != self.current_id:
            self.chain, self.usage_before = (*self.chain, observed.run_id), self.usage

    def recreate(self, key: str) -> RunRecord:
        """The same wish, of which nothing has been made yet."""
        kept = {*PhysicalRecord.model_fields, "desired", "accept_statuses"} - {"must_recheck", "is_acknowledged"}
        fresh = RunRecord(**{name: getattr(self, name) for name in kept} | {"key": key})
        fresh.enter("starting", self.wanted_since_epoch_s)
        return fresh

    def observe(self, observed: ObservedRun, now: float) -> None:
        """Keep what the server shows of the run, but for its output."""
        self.run_id = self.run_id or observed.run_id
        self.status = observed.status
        self.created_at = self.created_at or observed.created_at or int(now)
        if observed.status != "queued" and self.started_at is None:
            self.started_at = observed.started_at or min(int(now), observed.completed_at or int(now))
        self.completed_at = observed.completed_at if observed.status == "completed" else None
        self.model = observed.model or self.model
        if observed.usage is not None:
            self.usage = self.usage_before + observed.usage
        self.problem = observed.problem
        times = (now, observed.started_at, observed.completed_at)
        self.timeline = looked_at(self.timeline, observed.status, observed.is_final, *times)

    def redact(self) -> None:
        self.desired = self.assistant = None
        for call in self.calls.values():
            call.arguments, call.output = "", None

    def merge(self, stale: Self) -> Self | None:
        made_twice: dict[str, object] = {}
        if stale.thread_is_ours and self.thread_id not in (None, stale.thread_id):
            made_twice["thread_is_ours"] = True
        for name in ("vector_store_id", "run_id"):
            if getattr(stale, name) and getattr(self, name) not in (None, getattr(stale, name)):
                made_twice[name] = getattr(stale, name)
        if made_twice:
            known = ("thread_id", "run_is_ours", "output_s3_uri")
            return self._surplus(**{name: getattr(stale, name) for name in known}, **made_twice)
        for name in ("thread_id", "thread_is_ours", "vector_store_id", "run_id", "run_is_ours", "output_s3_uri"):
            if not getattr(self, name):
                setattr(self, name, getattr(stale, name))
        continued_twice = self._merge_round(stale)
        intended = self.start_intended_epoch_s
        is_spent = self.run_id is not None and not self.waits_for_outputs
        # Another process's intent is not this one's to drop: its run may live.
        if is_spent or (intended is not None and intended == stale._refused_epoch_s):
            self.forget_start()
        surplus = {"thread_id": self.thread_id, "run_id": continued_twice, "run_is_ours": True}
        return self._surplus(**surplus) if continued_twice else None

    def _merge_round(self, stale: Self) -> str | None:
        """Take over how far the run has come; returns the id of a continuation that nobody wants."""
        known = {*self.chain, *stale.chain}
        if (stale.tool_rounds, stale.is_submitted) > (self.tool_rounds, self.is_submitted):
            for name in ("calls", "tool_rounds", "is_submitted", "chain", "usage_before", "usage", "status"):
                setattr(self, name, getattr(stale, name))
        return next(iter(known - {*self.chain}), None)
