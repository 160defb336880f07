"""When to look at a run again, and what waits until then: the function, the state machine, or a webhook.

The figures are derived in docs/performance.md.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from threadrun.reconcile.outcome import RequeueAfter
from threadrun.storage.event_waits import EventWaits, wait_key

ROUND_SECONDS = 30
"""What a round through the state machine costs, in seconds of the function that looks."""
LOOK_SHARE, MIN_LOOK_SECONDS = 0.05, 0.5
WAIT_SHARE, MIN_WAIT_SECONDS, MAX_WAIT_SECONDS = 0.06, 1, 60
SCARCE_WAIT_SECONDS = 10
"""Of the state machine, at least, while executions are scarce: a run keeps a twentieth of one busy, or less."""
MAX_POLL_SECONDS = 10
FIRST_SECONDS = 10
"""For so long after its start a run is waited for inline, even if a webhook will report its end."""
MIN_NET_SECONDS, MAX_NET_SECONDS = 600, 1200
"""Between two looks at a run whose end a webhook will report: the net for lost webhooks."""
UNKEPT_NET_SECONDS = 540
"""Where no data is kept: OpenAI shows an unstored response for about ten minutes (the guide to background mode)."""


@dataclass(frozen=True)
class NextState:
    """What the state machine does next."""

    outcome: Literal["wait", "await_webhook", "call_tools", "record", "respond", "stop"]
    wait_seconds: int = 0
    attributes_key: str = ""
    call_ids: tuple[str, ...] = ()
    wait_key: str = ""
    """The item that a webhook of the run will find."""


@dataclass
class Waiting:
    """The ways to wait that a function has, and how long it did; by default the state machine waits."""

    sleep: Callable[[float], None] = time.sleep
    until_epoch_s: float = -math.inf
    """When the step must have ended."""
    inline_seconds: float = ROUND_SECONDS
    """A wait of so many seconds or more is left to the state machine; a shorter one takes place in the function."""
    event_waits: EventWaits | None = None
    """Where webhooks are noted, if the server sends them."""
    min_wait_seconds: float = MIN_WAIT_SECONDS
    """The state machine waits so long at least."""
    waited_inline_seconds: float = 0
    _announced: str = ""
    """The key of the wait announced last. It may stay in memory: where it is lost, the run is announced again."""
    _ended: dict[str, float] = field(default_factory=dict)
    """When a webhook told the end of a run, by its id."""

    def look_seconds(self, waited_seconds: float, *, is_kept: bool = True) -> float:
        """Time to the next look at a run, which the server keeps, or forgets soon after its end."""
        if self.event_waits is not None and waited_seconds >= min(FIRST_SECONDS, self.inline_seconds):
            return min(max(waited_seconds, MIN_NET_SECONDS), MAX_NET_SECONDS if is_kept else UNKEPT_NET_SECONDS)
        return self.pause_seconds(waited_seconds)

    def pause_seconds(self, waited_seconds: float) -> float:
        """Time to the next try where no webhook comes: in proportion to the time already waited, and so is the lag.

        While the next one is near, the function waits for it, and looks often, as that costs no more. Once it may be
        far enough for the state machine to wait, it is as far as the lag allows.
        """
        far = max(min(waited_seconds * WAIT_SHARE, MAX_WAIT_SECONDS), self.min_wait_seconds)
        return far if self.is_far(far) else max(waited_seconds * LOOK_SHARE, MIN_LOOK_SECONDS)

    def poll_seconds(self, asked_seconds: float, waited_seconds: float) -> float:
        """Time to the next try of what is near by itself: less near where each is a round of the state machine."""
        if not self.is_far(asked_seconds):
            return asked_seconds
        return max(asked_seconds, min(self.pause_seconds(waited_seconds), MAX_POLL_SECONDS))

    def is_far(self, wait_seconds: float) -> bool:
        """Whether the state machine is to wait, and not the function."""
        return wait_seconds >= self.inline_seconds

    def wait_or_hand_over(self, pause: RequeueAfter, request_id: str, now: float) -> NextState | None:
        """Wait here and return None, or return the state of the state machine that waits.

        None also where the run has just been announced to webhooks: the caller looks once more before it hands over.
        """
        # docs/decisions.md: "Near looks are the function's, far ones the state machine's"
        seconds = self._seconds(pause, now)
        is_near = not (pause.needs_new_step or self.is_far(seconds))
        if is_near and now + seconds <= self.until_epoch_s:
            self.sleep(seconds)
            self.waited_inline_seconds += seconds
            return None
        if self.event_waits is None or pause.run_id is None or pause.run_id in self._ended:
            return NextState("wait", math.ceil(seconds))
        if self._announced == wait_key(pause.run_id):
            return NextState("await_webhook", math.ceil(seconds), wait_key=self._announced)
        # Look once more: a run that has ended before this announcement gets no other webhook.
        # docs/decisions.md: "A webhook wakes an execution through the table"
        ended_epoch_s = self.event_waits.announce(pause.run_id, request_id, now + seconds)
        if ended_epoch_s is not None:
            self._ended[pause.run_id] = ended_epoch_s
        self._announced = wait_key(pause.run_id)
        return None

    def _seconds(self, pause: RequeueAfter, now: float) -> float:
        """The server may show a run's end after it has told it: from then on it is looked at as a new one is."""
        ended_epoch_s = self._ended.get(pause.run_id or "")
        return pause.seconds if ended_epoch_s is None else min(pause.seconds, self.pause_seconds(now - ended_epoch_s))
