"""Which runs are played, and when: the same ones, at the same times, for every system.

A system that looks at intervals lags by where in an interval a run happens to end. So the runs of a group differ a
little in length, evenly over more than the CDK's five seconds, and the group's mean is over all phases.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

WITH_WEBHOOKS = "threadrun-webhooks"
"""This application, deployed a second time and told of each run's end."""
LENGTHS_SECONDS = (2, 10, 30, 120, 600)
LONG_SECONDS = (1400, 3000)
"""Simulated only: beyond what one function's time allows, and beyond twice that."""
RUNS_PER_LENGTH = 10
MIX, MIX_RUNS, MIX_MEDIAN_SECONDS, MIX_SIGMA = "mix", 24, 20, 1.0
PHASE_SECONDS, SPREAD_SHARE = 2.5, 0.05
LONGEST_SPREAD_SECONDS = 30
"""The longest runs start within so many seconds, the others whenever these are at work."""


@dataclass(frozen=True)
class PlannedRun:
    """One run of a group; `starts_at_s` counts from the beginning of the bench."""

    group: str
    number: int
    seconds: float
    starts_at_s: float


def lengths(nominal_seconds: float, count: int) -> list[float]:
    """So many lengths, evenly around the nominal one: by half a CDK interval, or a twentieth where that is more."""
    spread = max(min(PHASE_SECONDS, nominal_seconds / 2), SPREAD_SHARE * nominal_seconds)
    return [round(nominal_seconds + spread * ((2 * number + 1) / count - 1), 3) for number in range(count)]


def mixed_lengths(count: int) -> list[float]:
    """The quantiles of a log-normal distribution, so that few runs are a fair sample; 600 s at most."""
    normal = NormalDist(math.log(MIX_MEDIAN_SECONDS), MIX_SIGMA)
    return [round(min(math.exp(normal.inv_cdf((n + 0.5) / count)), 600), 3) for n in range(count)]


def groups(runs_per_length: int = RUNS_PER_LENGTH, mix_runs: int = MIX_RUNS) -> dict[str, list[float]]:
    """The lengths of each group's runs, in seconds."""
    named = {str(seconds): lengths(seconds, runs_per_length) for seconds in LENGTHS_SECONDS}
    return {**named, MIX: mixed_lengths(mix_runs)}


def plan(grouped: dict[str, list[float]]) -> list[PlannedRun]:
    """All runs by their start: the longest first, then each group spread over the time that these take.

    The groups take turns: a run that waits for more than its own processes to start on this machine tells of the
    machine.
    """
    window = max(max(each) for each in grouped.values()) + LONGEST_SPREAD_SECONDS
    planned = []
    for place, (group, of_group) in enumerate(grouped.items()):
        first, last = LONGEST_SPREAD_SECONDS, window - max(of_group)
        if last <= first:
            first, last = 0, LONGEST_SPREAD_SECONDS
        for number, seconds in enumerate(of_group):
            turn = (number + (place + 0.5) / len(grouped)) / len(of_group)
            planned.append(PlannedRun(group, number, seconds, first + (last - first) * turn))
    return sorted(planned, key=lambda run: run.starts_at_s)
