"""Exists so that a test can lose, hold up and repeat webhooks on purpose."""

import re
from dataclasses import dataclass, field

KINDS = ("drop", "delay", "twice")


@dataclass(frozen=True)
class DeliveryFault:
    """What goes wrong with webhooks whose whole event type (a regular expression) matches.

    - `drop`: it is never sent.
    - `delay`: it is sent `seconds` late.
    - `twice`: it is sent once more under the same id, `seconds` after the first.

    Of those that match, the first `after` pass; the next `times` (None: for ever) are hit, or an evenly spread
    `share` of them. Several faults may hit the same one. Raises ValueError for another kind, a share outside of
    0 to 1, or an event that is no regular expression.
    """

    kind: str
    event: str = ".*"
    seconds: float = 0.0
    share: float = 1.0
    times: int | None = None
    after: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}, not {self.kind!r}")
        if not 0 <= self.share <= 1:
            raise ValueError(f"share must be from 0 to 1, not {self.share!r}")
        try:
            re.compile(self.event)
        except re.error as problem:
            raise ValueError(f"event {self.event!r} is no regular expression: {problem}") from problem


@dataclass
class PlannedDeliveryFaults:
    """The faults that are planned, each with how often it matched."""

    _planned: list["_Planned"] = field(default_factory=list)

    def plan(self, fault: DeliveryFault) -> None:
        """Add a fault to the others."""
        self._planned.append(_Planned(fault))

    def clear(self) -> None:
        """Forget all faults."""
        self._planned.clear()

    def delays(self, event_type: str) -> list[float]:
        """Tell after how many seconds one webhook is sent, once for each time; nothing where it is lost."""
        hits = [each.fault for each in self._planned if each.hits(event_type)]
        if any(fault.kind == "drop" for fault in hits):
            return []
        late_s = sum(fault.seconds for fault in hits if fault.kind == "delay")
        return [late_s, *(late_s + fault.seconds for fault in hits if fault.kind == "twice")]


@dataclass
class _Planned:
    fault: DeliveryFault
    seen: int = 0

    def hits(self, event_type: str) -> bool:
        fault = self.fault
        if not re.fullmatch(fault.event, event_type):
            return False
        number = self.seen - fault.after
        self.seen += 1
        if number < 0 or (fault.times is not None and number >= fault.times):
            return False
        return _whole((number + 1) * fault.share) > _whole(number * fault.share)


def _whole(number: float) -> int:
    return int(number + 1e-9)
