"""CloudFormation, as its contract has it: one resource of a stack, deployed, changed, rolled back and removed.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requesttypes.html
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from testkit.memory.properties import Properties, identity

if TYPE_CHECKING:
    from testkit.memory.world import MemoryWorld

Answer = dict[str, Any] | None
"""None where CloudFormation went on without one."""
STACK_ID, LOGICAL_ID = "arn:aws:cloudformation:eu-west-1:123456789012:stack/example/1", "Run"
SERVICE_TIMEOUT_SECONDS = 600
_DELETE_TRIES = 3


@dataclass
class Sent:
    """A request, and what CloudFormation does with its answer."""

    event: dict[str, Any]
    then: Callable[[Answer], None]
    can_be_cancelled: bool
    answers: list[dict[str, Any]] = field(default_factory=list)
    is_dropped: bool = False
    """CloudFormation went on without its answer."""


@dataclass(frozen=True)
class Resource:
    """What the stack has."""

    physical_id: str
    properties: Properties


class Stack:
    """One resource's life; a user changes it only while CloudFormation waits for nothing."""

    def __init__(self, world: MemoryWorld, resource_type: str) -> None:
        self._world, self._type = world, resource_type
        self.sent: dict[str, Sent] = {}
        self.current: Resource | None = None
        self.former: Resource | None = None
        """What a rollback goes back to."""
        self.left_over: list[str] = []
        """Further ids to delete with the stack: those of an update whose rollback failed."""
        self.orphans: set[str] = set()
        self.unheard: list[str] = []
        """Requests whose answer did not come in time."""
        self.to_delete: set[str] = set()
        self._properties: dict[str, Properties] = {}
        """Those that each id was made with: its Delete has them again."""
        self._asked: Any = None
        """The properties of the newest Create or Update."""

    @property
    def waiting(self) -> Sent | None:
        """The one request that CloudFormation waits for."""
        return next((each for each in self.sent.values() if not each.answers and not each.is_dropped), None)

    @property
    def kept_ids(self) -> set[str]:
        """Physical ids that the stack relies on."""
        known = {each.physical_id for each in (self.current, self.former) if each}
        return set() if self.is_broken else known - self.to_delete

    @property
    def is_broken(self) -> bool:
        """A rollback failed: a user can delete the stack, no more."""
        return bool(self.left_over)

    def deploy(self, properties: Properties, *, fails_later: bool = False) -> None:
        """Create, or update; `fails_later` says that another resource of the stack fails after this one."""
        if self.current is None:
            self._send("Create", properties, None, partial(self._created, properties), can_be_cancelled=True)
        elif properties != self.current.properties:
            then = partial(self._updated, self.current, properties, fails_later)
            self._send("Update", properties, self.current.physical_id, then, can_be_cancelled=True)

    def remove(self) -> None:
        assert self.current is not None
        ids, self.left_over = {self.current.physical_id: True} | dict.fromkeys(self.left_over), []
        self._delete(list(ids))

    def sibling_fails(self) -> None:
        """Another resource of the stack fails: a Create or Update at work is given up."""
        waiting = self.waiting
        if waiting is not None and waiting.can_be_cancelled:
            self._world.now += 1  # Presigned URLs are dated to the second: two of one second have no order.
            waiting.is_dropped = True
            waiting.then(None)

    def take(self, answer: dict[str, Any]) -> None:
        """An answer was PUT."""
        sent = self.sent[answer["RequestId"]]
        is_first = sent is self.waiting
        sent.answers.append(answer)
        if is_first and sent.event["RequestType"] != "Delete":
            self._properties[_id(answer)] = sent.event["ResourceProperties"]
        if is_first:
            sent.then(answer)

    def _send(
        self, kind: str, properties: Properties, physical_id: str | None, then: Any, *, can_be_cancelled: bool = False
    ) -> None:
        request_id = f"{kind}-{len(self.sent) + 1}"
        date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(self._world.now))
        event = {
            "RequestType": kind,
            "RequestId": request_id,
            "ResponseURL": f"http://127.0.0.1/{request_id}?X-Amz-Date={date}",
            "StackId": STACK_ID,
            "LogicalResourceId": LOGICAL_ID,
            "ResourceType": self._type,
            "ResourceProperties": {"ServiceToken": "arn", "ServiceTimeout": str(SERVICE_TIMEOUT_SECONDS), **properties},
        }
        if physical_id is not None:
            event["PhysicalResourceId"] = physical_id
        if kind == "Update":
            event["OldResourceProperties"] = self._asked
        if kind != "Delete":
            self._asked = event["ResourceProperties"]
        sent = self.sent[request_id] = Sent(event, then, can_be_cancelled)
        self._world.deliver_later(event)
        self._world.later(
            SERVICE_TIMEOUT_SECONDS, f"patience with {request_id}", partial(self._lose_patience, request_id, sent)
        )

    def _lose_patience(self, request_id: str, sent: Sent) -> None:
        if sent is self.waiting:
            self.unheard.append(request_id)
            sent.is_dropped = True
            sent.then(None)

    def _created(self, properties: Properties, answer: Answer) -> None:
        if _is_success(answer):
            self.current = Resource(_id(answer), properties)
        else:
            self._delete([_id(answer) if answer else f"example-{LOGICAL_ID}-{len(self.sent)}ABCDEF"])

    def _updated(self, before: Resource, properties: Properties, fails_later: bool, answer: Answer) -> None:
        if not _is_success(answer):
            self._roll_back(before, _id(answer) if answer else before.physical_id)
            return
        self.current = Resource(_id(answer), properties)
        is_same = identity(properties) == identity(before.properties)
        assert is_same == (_id(answer) == before.physical_id), "what OpenAI sees is replaced, all else is not"
        if fails_later:
            self._roll_back(before, self.current.physical_id)
        elif self.current.physical_id != before.physical_id:
            self._delete([before.physical_id])

    def _roll_back(self, before: Resource, physical_id: str) -> None:
        self.former = before
        self._send("Update", before.properties, physical_id, partial(self._rolled_back, before, physical_id))

    def _rolled_back(self, before: Resource, physical_id: str, answer: Answer) -> None:
        self.former, self.current = None, Resource(_id(answer) if answer else physical_id, before.properties)
        if not _is_success(answer):
            self.left_over = [physical_id, before.physical_id]
            return
        assert self.current.physical_id == before.physical_id, "a rollback reuses what it goes back to"
        if self.current.physical_id != physical_id:
            self._delete([physical_id])

    def _delete(self, ids: list[str], tries: int = 1) -> None:
        self.to_delete |= set(ids)
        self._send("Delete", self._properties.get(ids[0], {}), ids[0], partial(self._deleted, ids, tries))

    def _deleted(self, ids: list[str], tries: int, answer: Answer) -> None:
        if not _is_success(answer) and tries < _DELETE_TRIES:
            self._delete(ids, tries + 1)
            return
        if not _is_success(answer):
            self.orphans.add(ids[0])
        if self.current is not None and self.current.physical_id == ids[0]:
            self.current = None
        if ids[1:]:
            self._delete(ids[1:])


def _is_success(answer: Answer) -> bool:
    return answer is not None and answer["Status"] == "SUCCESS"


def _id(answer: Answer) -> str:
    assert answer is not None
    return str(answer["PhysicalResourceId"])
