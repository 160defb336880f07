"""Writes what a bench has found: the tables, as Markdown; the rows, as CSV; the plots."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import fmean, median

from bench.check import Comparison
from bench.invocations import Invocation
from bench.play import PlayedRun
from bench.plots import plot_cost, plot_lag
from bench.prices import SWEEPS_A_MONTH, Usage, cost_parts, cost_usd
from bench.profile import Profile, as_json
from bench.rows import Row, write_csv
from bench.systems import CDK
from bench.targets import Target, targets

RESULTS, CONDITIONS = Path(__file__).parent / "results", Path(__file__).parent / "conditions.md"
PROFILE = RESULTS / "profile.json"
"""How long each function took: the simulator can go on from there without a new measurement."""
INITS = RESULTS / "cold_start.json"
"""Seconds of init phases, by a part of the function's name."""
SWEEP_READ_UNITS = 0.5
"""The responder's query of an index that holds nothing, eventually consistent."""


@dataclass(frozen=True)
class Found:
    """Everything that one bench has found."""

    rows: list[Row]
    runs: list[PlayedRun]
    """With the table's units."""
    first: Mapping[str, float]
    """By system: seconds from the first stack's creation to its run's start, when all functions are cold."""
    standing: list[Invocation]
    """This application's own invocations for no run in particular."""
    load: tuple[float, float]
    """The machine's load average meanwhile: its mean and its maximum."""
    wall_seconds: float
    profiles: dict[str, Profile]
    simulated: list[Row]
    simulated_runs: int
    simulated_in_seconds: float
    comparisons: list[Comparison]


def write(found: Found) -> None:
    """Into bench/results."""
    RESULTS.mkdir(exist_ok=True)
    write_csv(RESULTS / "results.csv", found.rows)
    write_csv(RESULTS / "simulated.csv", found.simulated)
    PROFILE.write_text(json.dumps(as_json(found.profiles), indent=2) + "\n")
    plot_lag(RESULTS / "lag.png", found.rows)
    plot_cost(RESULTS / "cost.png", found.rows)
    (RESULTS / "results.md").write_text(markdown(found))


def markdown(found: Found) -> str:
    """The whole page."""
    parts = [
        "# Measured side by side",
        "",
        _conditions(found),
        "## Lag and amounts per run",
        "",
        *_row_table(found.rows),
        "",
        "![lag](lag.png)",
        "![cost](cost.png)",
        "",
        "## Targets",
        "",
        *_target_table(targets(found.rows, found.runs)),
        "",
        "## What the cost is made of",
        "",
        "Millionths of a US dollar per run; the init phases are part of the GB-seconds.",
        "",
        *_cost_table([(row.system, row.run_seconds) for row in found.rows], found.runs),
        "",
        *_standing(found.standing),
        "",
        "## Until the run starts",
        "",
        "Seconds from the stack's creation to the run's start on the server; cold is the first one after deploying.",
        "",
        *_start_table(found),
        "",
        "## Simulated",
        "",
        f"{found.simulated_runs:,} runs of each system on a virtual clock, in {found.simulated_in_seconds:.0f} s.",
        "",
        *_row_table(found.simulated),
        "",
        *_target_table(targets(found.simulated)),
        "",
        "The simulator with just the measured lengths, against what was measured:",
        "",
        *_check_table(found.comparisons),
    ]
    return "\n".join(parts) + "\n"


def _conditions(found: Found) -> str:
    lock = json.loads((CDK / "package-lock.json").read_text())["packages"]
    return CONDITIONS.read_text().format(
        minutes=found.wall_seconds / 60,
        cdk=lock["node_modules/aws-cdk-lib"]["version"],
        crhelper=version("crhelper"),
        cores=os.cpu_count(),
        python=platform.python_version(),
        load_mean=found.load[0],
        load_max=found.load[1],
    )


def _table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> list[str]:
    return [
        f"| {' | '.join(head)} |",
        f"| --- {'| ---: ' * (len(head) - 1)}|",
        *(f"| {' | '.join(each)} |" for each in lines),
    ]


def _row_table(rows: Sequence[Row]) -> list[str]:
    head = (
        "system",
        "run (s)",
        "runs",
        "lag mean (s)",
        "lag worst (s)",
        "invocations",
        "transitions",
        "GB-s",
        "US$ per 1,000",
        "API requests",
    )
    lines = [
        (
            row.system,
            row.run_seconds,
            f"{row.runs:,}",
            f"{row.lag_mean_s:.2f}",
            f"{row.lag_max_s:.2f}",
            f"{row.lambda_invocations:.1f}",
            f"{row.transitions:.1f}",
            f"{row.gb_seconds:.3f}",
            f"{row.cost_usd * 1000:.4f}",
            f"{row.api_requests:.1f}",
        )
        for row in rows
    ]
    return _table(head, lines)


def _target_table(found: Sequence[Target]) -> list[str]:
    lines = [
        (each.name, f"{each.found:.2f} {each.unit}", f"{each.at_most:.2f} {each.unit}", "yes" if each.is_met else "no")
        for each in found
    ]
    return _table(("figure", "found", "at most", "met"), lines)


def _cost_table(groups: Sequence[tuple[str, str]], runs: Sequence[PlayedRun]) -> list[str]:
    lines = []
    for system, group in groups:
        own = [run.usage for run in runs if (run.system, run.group) == (system, group)]
        parts = cost_parts(sum(own, Usage()).share(len(own)))
        lines.append((system, group, *(f"{part * 1e6:.1f}" for part in parts.values())))
    return _table(("system", "run (s)", "requests", "GB-seconds", "transitions", "table"), lines)


def _standing(invocations: Sequence[Invocation]) -> list[str]:
    if not invocations:
        return []
    sweep = sum((each.usage for each in invocations), Usage()).share(len(invocations)) + Usage(
        read_units=SWEEP_READ_UNITS
    )
    return [
        "A deployment of this application also looks for overdue answers each minute, runs or not: "
        f"{cost_usd(sweep) * SWEEPS_A_MONTH:.3f} US dollars a month by the {len(invocations)} times it was measured. "
        "The peers have no such watch."
    ]


def _start_table(found: Found) -> list[str]:
    lines = []
    for system, first_s in found.first.items():
        warm = [run.started_after_s for run in found.runs if run.system == system]
        lines.append((system, f"{first_s:.2f}", f"{median(warm):.2f}", f"{fmean(warm):.2f}"))
    return _table(("system", "cold (s)", "warm, median (s)", "warm, mean (s)"), lines)


def _check_table(comparisons: Sequence[Comparison]) -> list[str]:
    lines = [
        (
            each.row.system,
            each.row.run_seconds,
            each.figure,
            f"{each.measured:.4g}",
            f"{each.simulated:.4g}",
            f"{each.tolerance:.2g}",
            "yes" if each.agrees else "**no**",
        )
        for each in comparisons
    ]
    return _table(("system", "run (s)", "figure", "measured", "simulated", "tolerance", "agrees"), lines)
