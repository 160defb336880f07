"""When to look at a run again, and who waits until then: derived in docs/performance.md."""

from __future__ import annotations

from dataclasses import dataclass

ROUND_SECONDS = 30
"""What a round through the state machine costs, in seconds of the function that looks."""
LOOK_SHARE, MIN_LOOK_SECONDS = 0.05, 0.5
WAIT_SHARE, MIN_WAIT_SECONDS, MAX_WAIT_SECONDS = 0.06, 1, 60
FIRST_SECONDS = 10
"""A run that may end so soon is waited for in the function, even if a webhook will tell its end."""
MIN_NET_SECONDS, MAX_NET_SECONDS = 600, 1200
"""Between two looks at a run whose end a webhook will tell: the net for lost webhooks."""


@dataclass(frozen=True)
class Polling:
    """A wait of `inline_seconds` or more is left to the state machine; a shorter one takes place in the function."""

    inline_seconds: float = ROUND_SECONDS
    has_events: bool = False
    """The server tells when a run has ended."""

    def look_seconds(self, waited_seconds: float) -> float:
        """Time to the next look at a run at work."""
        if self.has_events and waited_seconds >= min(FIRST_SECONDS, self.inline_seconds):
            return min(max(waited_seconds, MIN_NET_SECONDS), MAX_NET_SECONDS)
        return self.pause_seconds(waited_seconds)

    def pause_seconds(self, waited_seconds: float) -> float:
        """Time to the next try where nobody tells: in proportion to the time already waited, and so is the lag.

        While the next one is near, the function waits for it, and looks often, as that costs no more. Once it may be
        far enough for the state machine to wait, it is as far as the lag allows.
        """
        far = max(min(waited_seconds * WAIT_SHARE, MAX_WAIT_SECONDS), MIN_WAIT_SECONDS)
        return far if self.is_far(far) else max(waited_seconds * LOOK_SHARE, MIN_LOOK_SECONDS)

    def is_far(self, wait_seconds: float) -> bool:
        """Whether the state machine is to wait, and not the function."""
        return wait_seconds >= self.inline_seconds


DEFAULT_POLLING = Polling()
