"""The queue of unanswered requests, on a virtual clock."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from testkit.clock import Clock
from testkit.template import template

_QUEUE = template()["Resources"]["UnansweredQueue"]["Properties"]
VISIBILITY_SECONDS, RETENTION_SECONDS = _QUEUE["VisibilityTimeout"], _QUEUE["MessageRetentionPeriod"]


class Queue:
    """A message that its function does not take comes again when it is visible, until it is too old."""

    def __init__(self, clock: Clock, failure: type[Exception]) -> None:
        """The function fails with `failure`."""
        self._clock, self._failure = clock, failure

    def put(self, receive: Callable[[], object]) -> None:
        """`receive` is what the function does with the message."""
        expires_epoch_s = self._clock() + RETENTION_SECONDS
        self._clock.later(0, "message", partial(self._receive, receive, expires_epoch_s))

    def _receive(self, receive: Callable[[], object], expires_epoch_s: float) -> None:
        try:
            receive()
        except self._failure:
            if self._clock() + VISIBILITY_SECONDS < expires_epoch_s:
                self._clock.later(VISIBILITY_SECONDS, "message", partial(self._receive, receive, expires_epoch_s))
