"""The rows of the comparison: what the runs of one system and one group came to, per run."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from statistics import fmean
from typing import Protocol

from bench.prices import Usage, cost_usd


class Outcome(Protocol):
    """A run that was measured or simulated."""

    @property
    def lag_s(self) -> float: ...

    @property
    def usage(self) -> Usage: ...

    @property
    def api_requests(self) -> int: ...


@dataclass(frozen=True)
class Row:
    """Lags are in seconds; the amounts and the cost in US dollars are the means per run."""

    system: str
    run_seconds: str
    runs: int
    lag_mean_s: float
    lag_max_s: float
    lambda_invocations: float
    transitions: float
    gb_seconds: float
    cost_usd: float
    api_requests: float
    """To the server that runs the threads."""


def row_of(system: str, run_seconds: str, outcomes: Sequence[Outcome]) -> Row:
    """One row; there is at least one run."""
    lags = [each.lag_s for each in outcomes]
    usage = sum((each.usage for each in outcomes), Usage()).share(len(outcomes))
    amounts = (usage.invocations, usage.transitions, usage.all_gb_seconds, cost_usd(usage))
    requests = fmean(each.api_requests for each in outcomes)
    return Row(system, run_seconds, len(outcomes), fmean(lags), max(lags), *amounts, requests)


def write_csv(path: Path, rows: Sequence[Row]) -> None:
    """With a header; numbers to a precision that means something."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Row)], lineterminator="\n")
        writer.writeheader()
        for row in rows:
            rounded = {"cost_usd": f"{row.cost_usd:.8f}", "gb_seconds": f"{row.gb_seconds:.4f}"}
            decimals = ("lag_mean_s", "lag_max_s", "lambda_invocations", "transitions", "api_requests")
            rounded |= {name: f"{getattr(row, name):.2f}" for name in decimals}
            writer.writerow(asdict(row) | rounded)
