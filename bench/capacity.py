"""`make bench BENCH=--capacity`: runs that begin at once in an account that has few concurrent executions."""

from __future__ import annotations

import math
import os
import random
import re
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.account import (
    RUN_SECONDS,
    SERVICE_TIMEOUT_SECONDS,
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
from bench.prices import cost_usd
from testkit.clock import Clock
from testkit.state_machine import DEFINITION, TABLE

CASES = ((10, 60), (50, 60), (100, 1000), (1000, 10_000))
"""Concurrent executions of the account, and runs that begin at once."""
PAGE = """# Few concurrent executions

Written by `make bench BENCH=--capacity`, on a virtual clock: runs of {run_s:.0f} s whose stacks are created at once,
with a `ServiceTimeout` of {patience_s} s, in an account that has so many concurrent executions. Lambda refuses what
is beyond. A function takes {step_s} s besides its sleep, the one that starts a run {start_s:.0f} s. *20 retries* is
the same application with a bound on retries, and with functions that sleep however few executions there are. `last_s`
is when the last run that did not fail had its response, `least_s` what nobody can go below. Not simulated: other
users of the account, the rate at which Lambda starts environments, quotas of Step Functions.

"""


@dataclass(frozen=True)
class Capacity:
    """What became of runs that began at once; times in seconds, cost in US dollars per run."""

    policy: str
    concurrent_executions: int
    runs: int
    failed: int
    least_s: float
    last_s: float
    lag_mean_s: float
    lag_max_s: float
    refusals: int
    transitions: float
    cost_usd: float


def play(policy: Policy, limit: int, runs: int) -> Capacity:
    """All of them begin at once."""
    account, chance, table = Account(Agenda(), limit), random.Random(1), SharedTable(TABLE)
    made = [RunInFlight(number, account, table, policy, chance) for number in range(runs)]
    play_all(made, account)
    return summary(policy, account, made, table)


def measure(cases: Sequence[tuple[int, int]] = CASES) -> list[Capacity]:
    """Each case with a bound on retries, and with this application."""
    with tempfile.TemporaryDirectory() as directory, ProcessPoolExecutor(os.cpu_count()) as pool:
        definition = Path(directory) / DEFINITION.name
        definition.write_text(re.sub(r"MaxAttempts: 1000\b", "MaxAttempts: 20", DEFINITION.read_text()))
        policies = (Policy("20 retries", definition, sleeps_anyway=True), Policy("threadrun"))
        asked = [(policy, *case) for case in cases for policy in policies]
        return list(pool.map(play, *zip(*asked, strict=True)))


def summary(policy: Policy, account: Account, made: Sequence[RunInFlight], table: SharedTable) -> Capacity:
    """What came of them."""
    in_time = [run for run in made if run.answers and run.answers[0][0] - Clock.BEGIN < SERVICE_TIMEOUT_SECONDS]
    succeeded = [run for run in in_time if run.answers[0][1] == "SUCCESS"]
    lags = [run.answers[0][0] - run.started_epoch_s - RUN_SECONDS for run in succeeded]
    used = usage_of(made, table)
    return Capacity(
        policy=policy.name,
        concurrent_executions=account.limit,
        runs=len(made),
        failed=len(made) - len(succeeded),
        least_s=least_seconds(account.limit, len(made)),
        last_s=max((run.answers[0][0] for run in succeeded), default=Clock.BEGIN) - Clock.BEGIN,
        lag_mean_s=sum(lags) / max(len(lags), 1),
        lag_max_s=max(lags, default=0),
        refusals=account.refusals,
        transitions=used.transitions / len(made),
        cost_usd=cost_usd(account.usage + used) / len(made),
    )


def least_seconds(limit: int, runs: int) -> float:
    """Nobody is faster: each run is started, takes its time, is looked at once, and is responded to."""
    return math.ceil(runs / limit) * START_SECONDS + RUN_SECONDS + 2 * STEP_SECONDS


def write(path: Path, measured: Sequence[Capacity]) -> None:
    """As a table in Markdown."""
    head = list(asdict(measured[0]))
    lines = [f"| {' | '.join(head)} |", f"| --- {'| ---: ' * (len(head) - 1)}|"]
    for each in measured:
        values = [f"{value:,.4g}" if isinstance(value, float) else f"{value}" for value in asdict(each).values()]
        lines.append(f"| {' | '.join(values)} |")
    figures = {"run_s": RUN_SECONDS, "patience_s": SERVICE_TIMEOUT_SECONDS}
    figures |= {"start_s": START_SECONDS, "step_s": STEP_SECONDS}
    path.write_text(PAGE.format(**figures) + "\n".join(lines) + "\n")
