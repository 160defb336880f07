"""CloudFormation, as the tests play it: the requests that it makes, one at a time, and their answers."""

from __future__ import annotations

import itertools
import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

from testkit.clock import Clock
from testkit.in_process.answer_url import AnswerUrl

STACK_ID = "arn:aws:cloudformation:us-east-1:123456789012:stack/example/6f3c1f00-0000-0000-0000-000000000000"


class CloudFormation(ABC):
    """One stack."""

    def __init__(self, url: AnswerUrl, clock: Clock) -> None:
        self.url, self.clock, self.stack_id = url, clock, STACK_ID
        self.signature_version = 4
        self.clocks_ahead_s: Iterator[float] = itertools.repeat(0)
        """By how much the clock of each request's host is ahead."""

    @abstractmethod
    def deliver(self, event: dict[str, Any]) -> None:
        """Invoke the ServiceToken's function."""

    def settle(self) -> None:
        """Let time pass until no execution runs and the queue is empty."""
        self.clock.come_to_rest()

    def event(
        self,
        kind: str,
        properties: dict[str, Any],
        *,
        physical_id: str | None = None,
        logical_id: str = "Run",
        **more: Any,
    ) -> dict[str, Any]:
        """A request as CloudFormation sends it; None stands for AWS::NoValue."""
        given = {name: value for name, value in properties.items() if value is not None}
        event = {
            "RequestType": kind,
            "RequestId": str(uuid.uuid4()),
            "ResponseURL": self.url.new(
                self.clock() + next(self.clocks_ahead_s), signature_version=self.signature_version
            ),
            "StackId": self.stack_id,
            "LogicalResourceId": logical_id,
            "ResourceType": "Custom::OpenAIThreadRun",
            "ResourceProperties": {"ServiceToken": "arn:aws:lambda:…", "ServiceTimeout": "600", **given},
        }
        if physical_id is not None:
            event["PhysicalResourceId"] = physical_id
        return event | more

    def send(self, event: dict[str, Any]) -> dict[str, Any]:
        """Deliver a request and wait for its end; returns the one new answer."""
        before = len(self.url.answers)
        self.deliver(event)
        self.settle()
        answers = self.url.answers[before:]
        assert len(answers) == 1, f"{len(answers)} answers instead of one"
        return answers[0]

    def create(self, properties: dict[str, Any], **more: Any) -> dict[str, Any]:
        return self.send(self.event("Create", properties, **more))

    def update(self, physical_id: str, properties: dict[str, Any], **more: Any) -> dict[str, Any]:
        return self.send(self.event("Update", properties, physical_id=physical_id, **more))

    def delete(self, physical_id: str, properties: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        return self.send(self.event("Delete", properties or {}, physical_id=physical_id, **more))
