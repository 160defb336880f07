"""The ways to wait for a run: in the function itself, by the state machine, or for a webhook."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from threadrun.reconcile.outcome import RequeueAfter
from threadrun.reconcile.polling import DEFAULT_POLLING, Polling
from threadrun.storage.event_waits import EventWaits, wait_key


@dataclass(frozen=True)
class Step:
    """What the state machine does next.

    It waits, waits for a webhook, calls tools, records a run's attributes, responds, or stops without a response.
    """

    outcome: Literal["wait", "await_event", "call_tools", "record", "respond", "stop"]
    wait_seconds: int = 0
    attributes_key: str = ""
    call_ids: tuple[str, ...] = ()
    wait_key: str = ""
    """The item that a webhook of the run will find."""


@dataclass
class Waiting:
    """The ways to wait that a function has, and how long it did."""

    sleep: Callable[[float], None]
    """Waits that many seconds."""
    until_epoch_s: float
    """When the step must have ended."""
    inline_seconds: float = DEFAULT_POLLING.inline_seconds
    event_waits: EventWaits | None = None
    """Where webhooks are noted, if the server sends them."""
    waited_inline_seconds: float = 0
    _announced: str = ""

    @property
    def polling(self) -> Polling:
        """When to look again, by these ways."""
        return Polling(self.inline_seconds, has_events=self.event_waits is not None)

    def spend(self, pause: RequeueAfter, request_id: str, now: float) -> Step | None:
        """Wait here and return None, or return the step that waits."""
        if not self.polling.is_far(pause.seconds) and now + pause.seconds <= self.until_epoch_s:
            self.sleep(pause.seconds)
            self.waited_inline_seconds += pause.seconds
            return None
        if self.event_waits is None or pause.run_id is None:
            return Step("wait", math.ceil(pause.seconds))
        if self._announced == wait_key(pause.run_id):
            return Step("await_event", math.ceil(pause.seconds), wait_key=self._announced)
        # And one more look: it sees a run that ended before its webhook would be noted.
        self._announced = self.event_waits.announce(pause.run_id, request_id, now + pause.seconds)
        return None
