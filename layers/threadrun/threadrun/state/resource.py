"""What is known of one resource: the requests that CloudFormation made of it and what was made for it.

One record per resource (stack and logical id) is saved as a whole, conditional on its version, so that of
two actors one always sees what the other decided. It must not know how it is stored.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from threadrun.state.run import RunRecord
from threadrun.state.shared import AssistantRecord, ThreadRecord

REQUESTS_KEPT = 20

AnyRecord = RunRecord | ThreadRecord | AssistantRecord


class Response(BaseModel):
    """What CloudFormation is told, decided once; Data is made anew from what is recorded."""

    status: Literal["SUCCESS", "FAILED"]
    physical_id: str
    reason: str = ""
    target_key: str | None = None
    is_delivered: bool = False


class Request(BaseModel):
    """One request of CloudFormation. The presigned URL is dropped with the delivery."""

    request_id: str
    request_type: Literal["Create", "Update", "Delete"]
    response_url: str | None = Field(repr=False)
    physical_id: str | None = None
    """As CloudFormation sent it."""
    target_key: str | None = None
    """What the answer is about, for Create and Update."""
    received_epoch_s: float
    issued_epoch_s: float | None = None
    """When CloudFormation sent it, where its URL tells."""
    deadline_epoch_s: float
    is_superseded: bool = False
    failure: str | None = None
    response: Response | None = None

    @property
    def is_open(self) -> bool:
        return self.response is None and not self.is_superseded


class ResourceRecord(BaseModel):
    """One resource of one stack."""

    stack_id: str
    logical_id: str
    version: int = 0
    requests: dict[str, Request] = {}
    made: dict[str, Annotated[AnyRecord, Field(discriminator="kind")]] = {}
    """Each physical resource that was made for it, or is being made, by its key."""

    @property
    def key(self) -> str:
        return resource_key(self.stack_id, self.logical_id)

    @property
    def open_request(self) -> Request | None:
        """The one request that still waits for its answer."""
        return next((request for request in self.requests.values() if request.is_open), None)

    @property
    def unanswered(self) -> Request | None:
        """The one request whose answer CloudFormation has not taken yet."""
        return next((request for request in self.requests.values() if request.response_url), None)

    def target(self, request: Request | Response) -> AnyRecord | None:
        """What a request or an answer is about."""
        return self.made.get(request.target_key or "")

    def with_physical_id(self, physical_id: str | None) -> AnyRecord | None:
        """What CloudFormation knows by this id, one that was answered as failed included."""
        if physical_id is None:
            return None
        for each in self.made.values():
            if each.physical_id == physical_id:
                return each
        for request in self.requests.values():
            if request.response and request.response.physical_id == physical_id and request.response.target_key:
                return self.made.get(request.response.target_key)
        return None

    def forget_old_requests(self) -> None:
        """Keep the newest requests only: a repeated delivery comes within hours."""
        for request_id in list(self.requests)[:-REQUESTS_KEPT]:
            del self.requests[request_id]


def resource_key(stack_id: str, logical_id: str) -> str:
    """The record's key, the only thing besides the request id that travels through Step Functions."""
    return f"RESOURCE#{hashlib.sha256(f'{stack_id}|{logical_id}'.encode()).hexdigest()[:40]}"
