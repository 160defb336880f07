"""What this application is to reach, without webhooks, and whether a bench has it there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import quantiles
from typing import TYPE_CHECKING

from bench.plan import LENGTHS_SECONDS, LONG_SECONDS, WITH_WEBHOOKS
from bench.rows import Row

if TYPE_CHECKING:
    from bench.play import PlayedRun

LAG_MEAN_SECONDS, LAG_MAX_SECONDS = 0.9, 2.0
COST_SHARES = {30: 0.97, 120: 0.65, 600: 0.54}
"""Of the CDK's cost of the same runs, by their length."""
PEERS = ("cdk-provider", "crhelper")
"""None may be nearer to a run's end, at no length."""
COUNTED_LENGTH, MAX_INVOCATIONS, MAX_TRANSITIONS = 120, 12, 12


LAG_WITH_WEBHOOKS_SECONDS, LAG_PERCENTILE = 1.5, 95
COST_WITH_WEBHOOKS_SHARE = 0.08
"""Of the CDK's, for the longest runs."""


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


def targets(rows: Sequence[Row], runs: Sequence[PlayedRun] = ()) -> list[Target]:
    """All of them, from the rows and the runs of one bench."""
    ours = {row.run_seconds: row for row in rows if row.system == "threadrun"}
    cdk = {row.run_seconds: row for row in rows if row.system == "cdk-provider"}
    found = []
    for seconds in (*LENGTHS_SECONDS, *(each for each in LONG_SECONDS if str(each) in ours)):
        row = ours[str(seconds)]
        nearest = min(each.lag_mean_s for each in rows if each.system in PEERS and each.run_seconds == str(seconds))
        found.append(Target(f"mean lag, {seconds} s", row.lag_mean_s, min(LAG_MEAN_SECONDS, nearest), "s"))
        found.append(Target(f"worst lag, {seconds} s", row.lag_max_s, LAG_MAX_SECONDS, "s"))
    for seconds, share in COST_SHARES.items():
        cost = ours[str(seconds)].cost_usd / cdk[str(seconds)].cost_usd
        found.append(Target(f"cost as a share of the CDK's, {seconds} s", cost * 100, share * 100, "%"))
    row = ours[str(COUNTED_LENGTH)]
    found.append(Target(f"Lambda invocations, {COUNTED_LENGTH} s", row.lambda_invocations, MAX_INVOCATIONS, ""))
    found.append(Target(f"state transitions, {COUNTED_LENGTH} s", row.transitions, MAX_TRANSITIONS, ""))
    return found + _with_webhooks(rows, cdk, runs)


def _with_webhooks(rows: Sequence[Row], cdk: Mapping[str, Row], runs: Sequence[PlayedRun]) -> list[Target]:
    shortest, *_, longest = LENGTHS_SECONDS[1:]
    [row] = [row for row in rows if (row.system, row.run_seconds) == (WITH_WEBHOOKS, str(longest))]
    share = row.cost_usd / cdk[str(longest)].cost_usd * 100
    name = f"with webhooks: cost as a share of the CDK's, {longest} s"
    found = [Target(name, share, COST_WITH_WEBHOOKS_SHARE * 100, "%")]
    told = [run for run in runs if run.system == WITH_WEBHOOKS and run.group.isdigit() and int(run.group) >= shortest]
    if told:
        lag = quantiles([run.lag_s for run in told], n=100, method="inclusive")[LAG_PERCENTILE - 1]
        name = f"with webhooks: lag of {shortest} to {longest} s, {LAG_PERCENTILE}th percentile"
        found.append(Target(name, lag, LAG_WITH_WEBHOOKS_SECONDS, "s"))
    return found
