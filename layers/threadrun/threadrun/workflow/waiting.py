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

ROUND_SECONDS = 40
"""What a round through the state machine costs, in seconds of the function that looks."""
LOOK_SHARE, MIN_LOOK_SECONDS, MAX_LOOK_SECONDS = 0.05, 0.5, 1.25
"""Of the function."""
WAIT_SHARE, MIN_WAIT_SECONDS, MAX_WAIT_SECONDS = 0.06, 1, 60
"""Of the state machine."""
SLOWER, FASTER, SLOWEST = 2, 0.95, 24
"""What a refused look makes of the time to the next one, and a look that is let in: about one in 14 is refused then."""
SCARCE_WAIT_SECONDS = 10
"""Of the state machine, at least, while executions are scarce: a run keeps a twentieth of one busy, or less."""
MAX_POLL_SECONDS = 10
FIRST_SECONDS = 10
"""For so long after its start a run is waited for inline, even if a webhook will report its end."""
MIN_NET_SECONDS, MAX_NET_SECONDS = 660, 1200
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
    inline_seconds: float = MAX_WAIT_SECONDS
    """The state machine waits for a run from the time on when it would wait longer than this: by default never."""
    event_waits: EventWaits | None = None
    """Where webhooks are noted, if the server sends them."""
    min_wait_seconds: float = MIN_WAIT_SECONDS
    """The state machine waits so long at least."""
    waited_inline_seconds: float = 0
    looks: int = 0
    """How often a run was seen at work."""
    _slowness: float = 1
    """How many times as long as usual a look is waited for, as the server refuses some."""
    _announced: str = ""
    """The key of the wait announced last. It may stay in memory: where it is lost, the run is announced again."""
    _ended: dict[str, float] = field(default_factory=dict)
    """When a webhook told the end of a run, by its id."""

    def look_seconds(self, waited_seconds: float, left_seconds: float = math.inf, *, is_kept: bool = True) -> float:
        """Time to the next look at a run, which the server keeps, or forgets soon after its end.

        A function that waits hears no webhook, and waits itself for what is left of a short time.
        """
        is_told = self.event_waits is not None and waited_seconds >= min(FIRST_SECONDS, self.inline_seconds)
        if is_told and self.is_far(left_seconds):
            return min(max(waited_seconds, MIN_NET_SECONDS), MAX_NET_SECONDS if is_kept else UNKEPT_NET_SECONDS)
        return self._polled_seconds(waited_seconds)

    def refused_look_seconds(self, waited_seconds: float) -> float:
        """Time to the next look after one that was refused: the looks after that come less often too."""
        # docs/performance.md: "What it asks of the server"
        self._slowness = min(self._slowness * SLOWER, SLOWEST)
        return self._polled_seconds(waited_seconds)

    def note_look(self) -> None:
        """The server let a look in: the next ones may come more often again."""
        self.looks += 1
        self._slowness = max(self._slowness * FASTER, 1)

    def _polled_seconds(self, waited_seconds: float) -> float:
        """Within the function looks are so near that nobody notices the lag: it is paid for while it sleeps, too."""
        far = self._far_seconds(waited_seconds)
        if far > self.inline_seconds:
            return far
        return min(max(waited_seconds * LOOK_SHARE, MIN_LOOK_SECONDS), MAX_LOOK_SECONDS) * self._slowness

    def pause_seconds(self, waited_seconds: float) -> float:
        """Time to the next try of what was refused, but for looks: in proportion to the time already waited."""
        far = self._far_seconds(waited_seconds)
        return far if self.is_far(far) else max(waited_seconds * LOOK_SHARE, MIN_LOOK_SECONDS)

    def _far_seconds(self, waited_seconds: float) -> float:
        """Where each try is a round of the state machine, the lag is in proportion to the time already waited."""
        return max(min(waited_seconds * WAIT_SHARE, MAX_WAIT_SECONDS), self.min_wait_seconds)

    def poll_seconds(self, asked_seconds: float, waited_seconds: float) -> float:
        """Time to the next try of what is near by itself: less near where each is a round of the state machine."""
        if not self.is_far(asked_seconds):
            return asked_seconds
        return max(asked_seconds, min(self.pause_seconds(waited_seconds), MAX_POLL_SECONDS))

    def is_far(self, wait_seconds: float) -> bool:
        """Whether the state machine is to wait, and not the function."""
        return wait_seconds >= min(self.inline_seconds, ROUND_SECONDS)

    def wait_or_hand_over(self, pause: RequeueAfter, request_id: str, now: float) -> NextState | None:
        """Wait here and return None, or return the state of the state machine that waits.

        None also where the run has just been announced to webhooks: the caller looks once more before it hands over.
        """
        # docs/decisions.md: "The function waits throughout, and looks each second"
        seconds = self._seconds(pause, now)
        is_near = not (pause.needs_new_step or self.is_far(seconds))
        if is_near and now + seconds <= self.until_epoch_s:
            self.sleep(seconds)
            self.waited_inline_seconds += seconds
            return None
        if self.event_waits is None or pause.run_id is None or pause.run_id in self._ended:
            # A near look is the next function's as soon as it can be: the round takes a second by itself.
            is_due = is_near and pause.run_id is not None
            return NextState("wait", MIN_WAIT_SECONDS if is_due else math.ceil(seconds))
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
        return pause.seconds if ended_epoch_s is None else min(pause.seconds, self._polled_seconds(now - ended_epoch_s))
