"""What is known of one resource: the requests that CloudFormation made of it and the runs made for it.

One record per resource (stack and logical id) is saved as a whole, conditional on its version, so that of
two actors one always sees what the other decided. It must not know how it is stored.
"""

from __future__ import annotations

import hashlib
from typing import Literal

from pydantic import BaseModel, Field, PrivateAttr

from threadrun.backend import FINAL_STATUSES, ObservedRun, Usage
from threadrun.desired import Bookkeeping, DesiredRun
from threadrun.properties import KeyStyle

REQUESTS_KEPT = 20


class RunRecord(BaseModel):
    """One desired run and what has become of it. Times are Unix seconds."""

    key: str
    fingerprint: str
    goal: Literal["present", "absent"] = "present"
    desired: DesiredRun | None = None
    """Dropped once the run is started and answered for: prompts do not outlive their request."""
    bookkeeping: Bookkeeping
    key_style: KeyStyle = "snake_case"
    wanted_since_epoch_s: float
    deadline_epoch_s: float

    thread_id: str | None = None
    thread_is_ours: bool = False
    run_id: str | None = None
    run_is_ours: bool = False
    start_intended_epoch_s: float | None = None
    start_after_item_id: str | None = None
    lost_start: Literal["no", "suspected", "proved"] = "no"
    """Whether an earlier start may be, or is, a run whose id nobody knows; a proved one is never started again."""

    status: str | None = None
    created_at: int | None = None
    started_at: int | None = None
    completed_at: int | None = None
    model: str | None = None
    usage: Usage = Usage()
    problem: str | None = None
    failure: str | None = None
    """Why no run came of it, in a sentence for the stack event."""
    waiting_for: str = ""
    """What the last step waited for."""

    must_recheck: bool = False
    """Set when CloudFormation returns to a run that it had left: it may have been deleted meanwhile."""
    is_acknowledged: bool = False
    """CloudFormation was told SUCCESS with this run's physical id."""

    _is_armed: bool = PrivateAttr(default=False)

    @property
    def physical_id(self) -> str | None:
        """`thread_id:run_id`, the import format of the Terraform resource."""
        return f"{self.thread_id}:{self.run_id}" if self.thread_id and self.run_id else None

    @property
    def is_final(self) -> bool:
        return self.status in FINAL_STATUSES

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
        self.start_intended_epoch_s = self.start_after_item_id = None

    def start_over(self) -> None:
        """The run is gone from the server: want it anew."""
        fresh = RunRecord(**self.model_dump(include=_WANTED))
        for name in RunRecord.model_fields:
            setattr(self, name, getattr(fresh, name))

    def take_in(self, observed: ObservedRun, now: float) -> None:
        """Keep what the server shows of the run, but for its output."""
        self.run_id = observed.run_id
        self.status = observed.status
        self.created_at = self.created_at or observed.created_at or int(now)
        if observed.status != "queued" and self.started_at is None:
            self.started_at = min(int(now), observed.completed_at or int(now))
        self.completed_at = observed.completed_at if observed.status == "completed" else None
        self.model = observed.model or self.model
        self.usage = observed.usage
        self.problem = observed.problem

    def absorb(self, stale: RunRecord) -> None:
        """Take over ids that another actor learned before it lost the race to save them."""
        for name in ("thread_id", "thread_is_ours", "run_id", "run_is_ours"):
            if not getattr(self, name):
                setattr(self, name, getattr(stale, name))
        if stale.start_intended_epoch_s is None or self.run_id:
            self.forget_start()


_WANTED = {
    "key",
    "fingerprint",
    "goal",
    "desired",
    "bookkeeping",
    "key_style",
    "wanted_since_epoch_s",
    "deadline_epoch_s",
}


class Answer(BaseModel):
    """What CloudFormation is told, decided once; Data is made anew from the run's public item."""

    status: Literal["SUCCESS", "FAILED"]
    physical_id: str
    reason: str = ""
    run_key: str | None = None
    is_delivered: bool = False


class Request(BaseModel):
    """One request of CloudFormation. The presigned URL is dropped with the delivery."""

    request_id: str
    request_type: Literal["Create", "Update", "Delete"]
    response_url: str | None = Field(repr=False)
    physical_id: str | None = None
    """As CloudFormation sent it."""
    run_key: str | None = None
    """The run that the answer is about, for Create and Update."""
    received_epoch_s: float
    deadline_epoch_s: float
    is_superseded: bool = False
    failure: str | None = None
    answer: Answer | None = None

    @property
    def is_open(self) -> bool:
        return self.answer is None and not self.is_superseded


class ResourceRecord(BaseModel):
    """One resource of one stack."""

    stack_id: str
    logical_id: str
    version: int = 0
    requests: dict[str, Request] = {}
    runs: dict[str, RunRecord] = {}

    @property
    def key(self) -> str:
        return resource_key(self.stack_id, self.logical_id)

    @property
    def open_request(self) -> Request | None:
        """The one request that still waits for its answer."""
        return next((request for request in self.requests.values() if request.is_open), None)

    def run_with_physical_id(self, physical_id: str | None) -> RunRecord | None:
        """The run that CloudFormation knows by this id, one that was answered as failed included."""
        if physical_id is None:
            return None
        for run in self.runs.values():
            if run.physical_id == physical_id:
                return run
        for request in self.requests.values():
            if request.answer and request.answer.physical_id == physical_id and request.answer.run_key:
                return self.runs.get(request.answer.run_key)
        return None

    def forget_old_requests(self) -> None:
        """Keep the newest requests only: a repeated delivery comes within hours."""
        for request_id in list(self.requests)[:-REQUESTS_KEPT]:
            del self.requests[request_id]


def resource_key(stack_id: str, logical_id: str) -> str:
    """The record's key, the only thing besides the request id that travels through Step Functions."""
    return f"RESOURCE#{hashlib.sha256(f'{stack_id}|{logical_id}'.encode()).hexdigest()[:40]}"
