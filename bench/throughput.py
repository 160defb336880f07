"""`make bench BENCH=--throughput`: hundreds of this application's runs in flight at once, on the embedded cloud.

Cost and lag per run may grow with the number of runs, but no faster than it does.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console

from bench.plan import PlannedRun
from bench.play import Played, PlayedRun, Stage
from bench.rows import row_of
from bench.systems import Api, deploy_threadrun
from local.embedded_cloud import EmbeddedCloud
from local.openai_standin import OpenAIStandIn
from local.progress import step

COUNTS = (50, 150, 500, 1000)
RUN_SECONDS = 180.0
"""Long enough for all to be started while the first is still at work."""
RUNS_PER_STACK = 25
FUNCTIONS_AT_ONCE = 64
"""Of each function, where AWS has a thousand for all of them: what fits a small machine."""


@dataclass(frozen=True)
class Throughput:
    """So many runs at once; times in seconds, cost in US dollars per run."""

    runs: int
    most_in_flight: int
    errors: int
    started_per_second: float
    answered_per_second: float
    lag_mean_s: float
    lag_max_s: float
    lambda_invocations: float
    transitions: float
    cost_usd: float


def measure(console: Console, counts: Sequence[int] = COUNTS) -> list[Throughput]:
    """Each number of runs on a cloud of its own."""
    return [_measure(console, count) for count in counts]


def _measure(console: Console, count: int) -> Throughput:
    planned = [PlannedRun("load", number, RUN_SECONDS, 0) for number in range(count)]
    cloud = EmbeddedCloud(functions_at_once=FUNCTIONS_AT_ONCE)
    with OpenAIStandIn() as openai_api, cloud, step(console, f"{count} runs at once", RUN_SECONDS + 90) as line:
        system = deploy_threadrun(cloud, Api(openai_api.base_url, openai_api.api_key))
        stage = Stage(cloud, openai_api, [system])
        stage.expect(planned)

        def show(answered: Mapping[str, int]) -> None:
            line.what = f"{count} runs at once, {sum(answered.values())} answered"

        began = time.time()
        for first in range(0, count, RUNS_PER_STACK):
            stage.create(system, *planned[first : first + RUNS_PER_STACK])
        stage.wait(show)
        return summary(stage.gather(), began)


def summary(played: Played, began_epoch_s: float) -> Throughput:
    """What came of runs that were created at once."""
    runs = played.runs
    starts = [run.started_epoch_s for run in runs]
    answers = [run.started_epoch_s + run.seconds + run.lag_s for run in runs]
    first_end = min(run.started_epoch_s + run.seconds for run in runs)
    row = row_of("threadrun", "", runs)
    return Throughput(
        runs=len(runs),
        most_in_flight=most_in_flight(runs),
        errors=len(played.failures),
        started_per_second=len(runs) / (max(starts) - began_epoch_s),
        answered_per_second=len(runs) / (max(answers) - first_end),
        lag_mean_s=row.lag_mean_s,
        lag_max_s=row.lag_max_s,
        lambda_invocations=row.lambda_invocations,
        transitions=row.transitions,
        cost_usd=row.cost_usd,
    )


def most_in_flight(runs: Sequence[PlayedRun]) -> int:
    """Runs at work on the server at once, at most."""
    changes = [(run.started_epoch_s, 1) for run in runs] + [(run.started_epoch_s + run.seconds, -1) for run in runs]
    most = at_work = 0
    for _, change in sorted(changes):
        at_work += change
        most = max(most, at_work)
    return most


def write(path: Path, measured: Sequence[Throughput]) -> None:
    """As a table in Markdown, and how the growth of lag and cost compares to that of the number of runs."""
    head = list(asdict(measured[0]))
    lines = [f"| {' | '.join(head)} |", f"|{' ---: |' * len(head)}"]
    for each in measured:
        values = asdict(each).values()
        lines.append(f"| {' | '.join(f'{value:.6g}' for value in values)} |")
    first, last = measured[0], measured[-1]
    grown = last.runs / first.runs
    lines += [
        "",
        f"From {first.runs} to {last.runs} runs, {grown:.1f} times as many: the mean lag of a run is "
        f"{last.lag_mean_s / first.lag_mean_s:.2f} times as long, the worst {last.lag_max_s / first.lag_max_s:.2f} "
        f"times, its cost {last.cost_usd / first.cost_usd:.2f} times as high (Lambda and Step Functions only). Runs of "
        f"{RUN_SECONDS:.0f} s, {RUNS_PER_STACK} to a stack, real time; the emulator lets {FUNCTIONS_AT_ONCE} of each "
        "function work at once, where AWS lets a thousand: what is in a queue waits less inline, which costs less. "
        "Each execution is a process that starts cold on this machine's cores, where AWS starts each beside the "
        "others: the lag is that of this machine under load ([few runs at a time](results.md) lag less than a second "
        "on average).",
    ]
    path.write_text("# Many runs at once\n\n" + "\n".join(lines) + "\n")
