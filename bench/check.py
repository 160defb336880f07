"""Holds the simulator against what was measured: the same lengths of runs, row by row, within a tolerance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.rows import Row

TOLERANCES: Mapping[str, tuple[float, float]] = {
    "lag_mean_s": (1.0, 0.15),
    "lambda_invocations": (1.0, 0.10),
    "transitions": (2.0, 0.10),
    "cost_usd": (1e-6, 0.20),
}
"""By figure: how far apart they may be, absolutely or as a share of what was measured, whichever is more."""
INTERVALS_SECONDS = {"cdk-provider": 5, "crhelper": 120}
"""A run that ends just when it is looked at may be seen a whole interval later: allowed for one run of a row."""


@dataclass(frozen=True)
class Comparison:
    """One figure of one row."""

    row: Row
    figure: str
    simulated: float

    @property
    def measured(self) -> float:
        return float(getattr(self.row, self.figure))

    @property
    def tolerance(self) -> float:
        absolute, share = TOLERANCES[self.figure]
        edge = INTERVALS_SECONDS.get(self.row.system, 0) / self.row.runs if self.figure == "lag_mean_s" else 0
        return max(absolute, share * abs(self.measured)) + edge

    @property
    def agrees(self) -> bool:
        return abs(self.simulated - self.measured) <= self.tolerance


def compare(measured: Sequence[Row], simulated: Sequence[Row]) -> list[Comparison]:
    """Each figure that has a tolerance, of each measured row."""
    by_name = {(row.system, row.run_seconds): row for row in simulated}
    pairs = [(row, by_name[row.system, row.run_seconds]) for row in measured]
    return [Comparison(row, figure, getattr(other, figure)) for row, other in pairs for figure in TOLERANCES]
