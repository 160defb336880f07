"""What this application is to reach, without webhooks, and whether a bench has it there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.plan import LENGTHS_SECONDS
from bench.rows import Row

LAG_MEAN_SECONDS, LAG_MEAN_SHARE = 1.0, 0.05
LAG_MAX_SECONDS, LAG_MAX_SHARE = 2.0, 0.10
COST_SHARES = {30: 1.10, 120: 0.75, 600: 0.60}
"""Of the CDK's cost of the same runs, by their length."""
COUNTED_LENGTH, MAX_INVOCATIONS, MAX_TRANSITIONS = 120, 12, 12


@dataclass(frozen=True)
class Target:
    """One figure: what was found, and what it may be at most."""

    name: str
    found: float
    at_most: float
    unit: str

    @property
    def is_met(self) -> bool:
        return self.found <= self.at_most


def targets(rows: Sequence[Row]) -> list[Target]:
    """All of them, from the rows of one bench."""
    ours = {row.run_seconds: row for row in rows if row.system == "threadrun"}
    cdk = {row.run_seconds: row for row in rows if row.system == "cdk-provider"}
    found = []
    for seconds in LENGTHS_SECONDS:
        row = ours[str(seconds)]
        mean, worst = LAG_MEAN_SHARE * seconds, LAG_MAX_SHARE * seconds
        found.append(Target(f"mean lag, {seconds} s", row.lag_mean_s, max(LAG_MEAN_SECONDS, mean), "s"))
        found.append(Target(f"worst lag, {seconds} s", row.lag_max_s, max(LAG_MAX_SECONDS, worst), "s"))
    for seconds, share in COST_SHARES.items():
        cost = ours[str(seconds)].cost_usd / cdk[str(seconds)].cost_usd
        found.append(Target(f"cost as a share of the CDK's, {seconds} s", cost * 100, share * 100, "%"))
    row = ours[str(COUNTED_LENGTH)]
    found.append(Target(f"Lambda invocations, {COUNTED_LENGTH} s", row.lambda_invocations, MAX_INVOCATIONS, ""))
    found.append(Target(f"state transitions, {COUNTED_LENGTH} s", row.transitions, MAX_TRANSITIONS, ""))
    return found
