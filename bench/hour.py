"""`make bench BENCH=--hour`: so many runs an hour in an account with a thousand concurrent executions, simulated.

With the application's own code on a virtual clock, as in `bench.account`. Two minutes of the hour are played.
"""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, quantiles

from bench.account import (
    START_SECONDS,
    STEP_SECONDS,
    Account,
    Agenda,
    Policy,
    RunInFlight,
    SharedTable,
    play_all,
    usage_of,
)
from bench.peer_policies import STARTING_REQUESTS
from bench.plan import mixed_lengths
from bench.prices import cost_usd
from testkit.clock import Clock
from testkit.state_machine import TABLE

RATES, CONCURRENT_EXECUTIONS = (10_000, 30_000, 100_000), 1000
PLAYED_SECONDS, SETTLED_SECONDS = 120, 60
"""Runs that begin in the first minute, when few are in flight, are not counted."""
QUOTAS = {
    "concurrent_executions": CONCURRENT_EXECUTIONS,
    "started_a_second": 300,
    "transitions_a_second": 5000,
    "write_units_a_second": 4000,
    "read_units_a_second": 12_000,
}
"""Of AWS, by default: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html (us-east-1) and
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html (a new table)."""
PAGE = """# So many runs an hour

Written by `make bench BENCH=--hour`, on a virtual clock: runs that begin evenly over two minutes, log-normal with a
median of 20 s (33 s on average), in an account with {limit:,} concurrent executions. A function takes {step_s} s
besides its sleep, the one that starts a run {start_s:.0f} s. Times in seconds, cost in US dollars per run without init
phases.

"""


@dataclass(frozen=True)
class Hour:
    """What became of so many runs an hour."""

    runs_an_hour: int
    failed: int
    lag_mean_s: float
    lag_95_s: float
    lag_max_s: float
    cost_usd: float
    refusals: int
    api_requests_a_second: float
    concurrent_executions: int
    started_a_second: float
    transitions_a_second: float
    write_units_a_second: float
    read_units_a_second: float


def play(rate: int) -> Hour:
    """`rate` is per hour."""
    account, chance, table = Account(Agenda(), CONCURRENT_EXECUTIONS), random.Random(1), SharedTable(TABLE)
    lengths = mixed_lengths(rate * PLAYED_SECONDS // 3600)
    chance.shuffle(lengths)
    made = [
        RunInFlight(number, account, table, Policy("threadrun"), chance, seconds)
        for number, seconds in enumerate(lengths)
    ]
    play_all(made, account, every_s=3600 / rate)
    return summary(rate, account, made, table)


def summary(rate: int, account: Account, made: Sequence[RunInFlight], table: SharedTable) -> Hour:
    """What came of them: amounts by the time in which they began, which is as long as that in which they end."""
    counted = [run for run in made if run.started_epoch_s >= Clock.BEGIN + SETTLED_SECONDS]
    succeeded = [run for run in counted if run.answers and run.answers[0][1] == "SUCCESS"]
    lags = [run.answers[0][0] - run.started_epoch_s - run.seconds for run in succeeded]
    used = usage_of(made, table)
    return Hour(
        runs_an_hour=rate,
        failed=len(counted) - len(succeeded),
        lag_mean_s=fmean(lags),
        lag_95_s=quantiles(lags, n=20)[-1],
        lag_max_s=max(lags),
        cost_usd=cost_usd(account.usage + used) / len(made),
        refusals=account.refusals,
        api_requests_a_second=sum(STARTING_REQUESTS + run.server.looks for run in made) / PLAYED_SECONDS,
        concurrent_executions=account.most_at_work,
        started_a_second=len(made) / PLAYED_SECONDS,
        transitions_a_second=used.transitions / PLAYED_SECONDS,
        write_units_a_second=used.write_units / PLAYED_SECONDS,
        read_units_a_second=used.read_units / PLAYED_SECONDS,
    )


def measure(rates: Sequence[int] = RATES) -> list[Hour]:
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(play, rates))


def write(path: Path, measured: Sequence[Hour]) -> None:
    """As a table in Markdown, a column for each rate, beside the account's quotas."""
    columns = [asdict(each) for each in measured]
    lines = ["| figure |" + "".join(f" {each.runs_an_hour:,} an hour |" for each in measured) + " quota by default |"]
    lines.append("| --- |" + " ---: |" * (len(measured) + 1))
    for name in list(columns[0])[1:]:
        quota = f"{QUOTAS[name]:,}" if name in QUOTAS else ""
        lines.append(f"| {name} |" + "".join(f" {column[name]:,.4g} |" for column in columns) + f" {quota} |")
    last = columns[-1]
    nearest = max(QUOTAS, key=lambda name: last[name] / QUOTAS[name])
    lines += [
        "",
        f"What throttles first: {nearest}, of which {last['runs_an_hour']:,} runs an hour take "
        f"{last[nearest] / QUOTAS[nearest]:.0%}. The server's own limit on requests is not AWS's.",
    ]
    page = PAGE.format(limit=CONCURRENT_EXECUTIONS, start_s=START_SECONDS, step_s=STEP_SECONDS)
    path.write_text(page + "\n".join(lines) + "\n")
