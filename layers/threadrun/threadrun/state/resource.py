"""What is known of one resource: the requests that CloudFormation made of it and what was made for it.

One record per resource (stack and logical id) is saved as a whole, conditional on its version, so that of
two actors one always sees what the other decided. It must not know how it is stored.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field

from threadrun.schema.types import Model
from threadrun.state.base import ORPHAN_SECONDS
from threadrun.state.files import FileRecord
from threadrun.state.run import RunRecord
from threadrun.state.shared import AssistantRecord, ThreadRecord
from threadrun.state.stores import VectorStoreRecord
from threadrun.state.timeline import Timeline

PAST_KEPT = 20
AnyRecord = RunRecord | ThreadRecord | AssistantRecord | FileRecord | VectorStoreRecord


class Response(Model):
    """What CloudFormation gets, decided once; its Data is read from the table when it is sent."""

    status: Literal["SUCCESS", "FAILED"]
    physical_id: str
    reason: str = ""
    target_key: str | None = None
    is_delivered: bool = False


class Request(Model):
    """One request of CloudFormation. The presigned URL is dropped with the delivery."""

    request_id: str
    request_type: Literal["Create", "Update", "Delete"]
    response_url: str | None = Field(repr=False)
    physical_id: str | None = None
    target_key: str | None = None
    """What the response is about, for Create and Update."""
    asked: str = ""
    """Digest of the properties that it asks for; empty if it came too late."""
    asked_before: str = ""
    """Digest of the properties that an Update changes; empty if it came too late."""
    received_epoch_s: float
    issued_epoch_s: float | None = None
    """When CloudFormation sent it, where its URL tells, to compare requests by."""
    deadline_epoch_s: float
    is_superseded: bool = False
    has_finished: bool = False
    """No step of it is to come, only its response: what is left over after that is not its to clean up."""
    failure: str | None = None
    response: Response | None = None

    @property
    def is_open(self) -> bool:
        return self.response is None and not self.is_superseded


class PastRun(Model):
    """What is remembered of a run that was deleted: no text of what was asked or answered."""

    request_id: str
    """Of the request that it was made for."""
    run_id: str | None
    model: str | None
    status: str | None
    total_tokens: int
    has_failed: bool
    timeline: Timeline


class ResourceRecord(Model):
    stack_id: str
    logical_id: str
    version: int = 0
    requests: dict[str, Request] = Field(default_factory=dict)
    made: dict[str, Annotated[AnyRecord, Field(discriminator="kind")]] = Field(default_factory=dict)
    """Each physical resource that was made for it, or is being made. Its key is the id of the first request for it."""
    past: tuple[PastRun, ...] = ()
    """The last runs that were deleted, for as long as the record is kept."""

    def copied(self) -> ResourceRecord:
        """A copy that no change of this one reaches: below its requests and its things there are values alone."""
        requests = {
            request_id: each.model_copy(update={"response": each.response and each.response.model_copy()})
            for request_id, each in self.requests.items()
        }
        made = {key: each.model_copy() for key, each in self.made.items()}
        return self.model_copy(update={"requests": requests, "made": made})

    def forget(self, made: AnyRecord) -> None:
        """Drop what was deleted on the server; of a run it is remembered where its time went."""
        del self.made[made.key]
        if not isinstance(made, RunRecord) or not made.timeline:
            return
        response = next((each.response for each in self.requests.values() if each.target_key == made.key), None)
        past = PastRun(
            request_id=made.key,
            run_id=made.run_id,
            model=made.observed.model,
            status=made.observed.status,
            total_tokens=made.observed.usage.total_tokens,
            has_failed=response is None or response.status == "FAILED",
            timeline=made.timeline,
        )
        self.past = (*self.past, past)[-PAST_KEPT:]

    @property
    def key(self) -> str:
        return resource_key(self.stack_id, self.logical_id)

    @property
    def undelivered(self) -> Request | None:
        """The one request whose response CloudFormation has not taken yet."""
        return next((request for request in self.requests.values() if request.response_url), None)

    def target(self, request: Request | Response) -> AnyRecord | None:
        return self.made.get(request.target_key or "")

    def waited_for(self, request: Request) -> list[str]:
        """What its last steps waited for: that of its target, and of what is to be deleted, all that a Delete has."""
        about = [self.target(request), *(each for each in self.made.values() if each.goal == "absent")]
        return list(dict.fromkeys(each.wait.reason for each in about if each and each.wait.reason))

    def give_leftovers_time(self, now: float) -> None:
        """Time to delete what was to be gone by now."""
        # docs/decisions.md: "What is left over is tried again by each request"
        for each in self.made.values():
            if each.goal == "absent" and each.deadline_epoch_s <= now:
                each.mark_for_deletion(now + ORPHAN_SECONDS)

    def with_physical_id(self, physical_id: str | None) -> AnyRecord | None:
        """What CloudFormation knows by this id, including what it got with FAILED."""
        if physical_id is None:
            return None
        for each in self.made.values():
            if each.physical_id == physical_id:
                return each
        for request in self.requests.values():
            if request.response and request.response.physical_id == physical_id and request.response.target_key:
                return self.made.get(request.response.target_key)
        return None

    def request_at_work(self, request_id: str) -> Request | None:
        """The request, if it has work to do: a superseded one only cleans up, and only if no newer one does."""
        request = self.requests.get(request_id)
        if request is None or not request.is_superseded:
            return request
        has_successor = any(other.is_open and not other.has_finished for other in self.requests.values())
        has_leftovers = any(each.goal == "absent" for each in self.made.values())
        return request if has_leftovers and not has_successor else None

    def names(self, request: Request) -> dict[str, str]:
        """What log lines of the request are found by: the stack, the resource and, once it is known, the run."""
        found = {"stack_id": self.stack_id, "logical_id": self.logical_id}
        run = self.target(request)
        return found | {"run_id": run.run_id} if isinstance(run, RunRecord) and run.run_id else found

    def merge(self, lost: ResourceRecord, base: ResourceRecord, orphan_deadline_epoch_s: float) -> list[AnyRecord]:
        """Add to this record, which was saved, what the actor learned that lost the race to save `lost`.

        `base` is what that actor had read. What was made twice, or after its deletion, is to be deleted by
        `orphan_deadline_epoch_s`. Returns the things of `lost` that the winner had deleted, with all that they had on
        the server: only their attributes in the table may be left.
        """
        # docs/decisions.md: "Losers of a race merge what they learned; a lease was tried"
        gone, known_ids = list[AnyRecord](), set[str]().union(*(each.server_ids for each in base.made.values()))
        for made in lost.made.values():
            saved = self.made.get(made.key)
            if saved is None and made.server_ids <= known_ids:
                gone.append(made)  # The actor that deleted it knew all of it.
                continue
            # Only the loser knows what was made after the deletion, or what was made a second time.
            before = base.made.get(made.key)
            if isinstance(made, RunRecord):
                made.take_back_intent(before if isinstance(before, RunRecord) else None)
            orphan = made if saved is None else saved.merge(made, before)  # type: ignore[arg-type]  # Of one kind.
            if orphan is not None:
                orphan.mark_for_deletion(orphan_deadline_epoch_s)
                self.made[orphan.key] = orphan
        return gone


@dataclass
class RequestContext:
    """What becomes known while an event is worked on, for logs and metrics; handed down to what loads the record."""

    on_names: Callable[..., None] = lambda **names: None
    """Gets the names that a request is found by, as soon as they are known."""
    counts: Counter[str] = field(default_factory=Counter)
    """How often something happened, by the name of its metric."""


def resource_key(stack_id: str, logical_id: str) -> str:
    """The record's key: with ids of requests, calls and waits it is all that travels through Step Functions."""
    return f"RESOURCE#{hashlib.sha256(f'{stack_id}|{logical_id}'.encode()).hexdigest()[:40]}"
