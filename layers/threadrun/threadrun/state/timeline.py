"""What a run was at, and since when: kept in its record, so that a person sees later where the time went.

Bounded, and without a word of what was asked or answered. It must not know how it is stored or drawn.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

PhaseName = Literal["starting", "queued", "running", "tools", "answering", "answered"]
"""`starting` until the server has the run; `tools` while its functions are called; `answering` from the run's end until
CloudFormation has the response; `answered` is the end."""

MAX_PHASES = 64
"""More than the rounds of calls that are usual need; what comes after them counts as running."""


class Phase(NamedTuple):
    """It lasts until the next one begins."""

    name: PhaseName
    since_epoch_s: float


Timeline = tuple[Phase, ...]


def entered(timeline: Timeline, name: PhaseName, since_epoch_s: float) -> Timeline:
    """The timeline with a phase that has begun; the same one if that is known."""
    if not timeline:
        return (Phase(name, round(since_epoch_s, 3)),)
    last = timeline[-1]
    is_full = len(timeline) >= MAX_PHASES and last.name == "running" and name not in ("answering", "answered")
    if last.name in (name, "answered") or is_full:
        return timeline
    # The server's times are whole seconds of its own clock.
    return (*timeline, Phase(name, max(round(since_epoch_s, 3), last.since_epoch_s)))


def looked_at(
    timeline: Timeline, status: str, is_final: bool, now: float, started_at: int | None, ended_at: int | None
) -> Timeline:
    """The timeline after a look at the run: by the server's times where it reports them, else by that of the look.

    `ended_at` is when it ended, or came to its calls.
    """
    if status == "queued":
        return entered(timeline, "queued", now)
    last = timeline[-1] if timeline else Phase("queued", now)
    has_run = ended_at is not None or status in ("completed", "incomplete", "requires_action")
    if started_at is not None and started_at > last.since_epoch_s:
        timeline = entered(timeline, "running", started_at)
    elif has_run and last.name == "queued":
        # No look saw it begin. Queues are short, and looks may be far apart.
        timeline = (*timeline[:-1], Phase("running", last.since_epoch_s))
    elif not is_final:
        timeline = entered(timeline, "running", min(now, ended_at or now))
    return entered(timeline, "answering", ended_at or now) if is_final else timeline
