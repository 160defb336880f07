"""When to look at a run again, and who waits until then: derived in docs/performance.md."""

from __future__ import annotations

from dataclasses import dataclass

ROUND_SECONDS = 30
"""What a round through the state machine costs, in seconds of the function that looks."""
LOOK_SHARE, MIN_LOOK_SECONDS = 0.05, 0.5
WAIT_SHARE, MIN_WAIT_SECONDS, MAX_WAIT_SECONDS = 0.085, 1, 60


@dataclass(frozen=True)
class Polling:
    """A wait of `linger_seconds` or more is left to the state machine; a shorter one takes place in the function."""

    linger_seconds: float = ROUND_SECONDS

    def look_seconds(self, waited_seconds: float) -> float:
        """Time to the next look: in proportion to the time already waited, and so is the lag.

        While the next look is near, the function waits for it, and looks often, as that costs no more. Once it may be
        far enough for the state machine to wait, it is as far as the lag allows.
        """
        far = max(min(waited_seconds * WAIT_SHARE, MAX_WAIT_SECONDS), MIN_WAIT_SECONDS)
        return far if self.is_far(far) else max(waited_seconds * LOOK_SHARE, MIN_LOOK_SECONDS)

    def is_far(self, wait_seconds: float) -> bool:
        """Whether the state machine is to wait, and not the function."""
        return wait_seconds >= self.linger_seconds


DEFAULT_POLLING = Polling()
