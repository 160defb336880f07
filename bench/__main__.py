"""`make bench`: deploys the three systems, plays the runs, simulates, checks, and writes bench/results."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import fmean

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from bench import capacity, cold_start, hour, throughput
from bench.check import Comparison, compare
from bench.plan import (
    LENGTHS_SECONDS,
    LONG_SECONDS,
    MIX,
    RUNS_PER_LENGTH,
    PlannedRun,
    groups,
    lengths,
    mixed_lengths,
    plan,
)
from bench.play import Played, PlayedRun, Stage
from bench.prices import Usage
from bench.profile import Profile, from_json, profile_of
from bench.report import INITS, PROFILE, RESULTS, Found, write
from bench.rows import Row, row_of
from bench.simulator import simulate, simulate_again
from bench.systems import DEPLOYMENTS, Api
from bench.targets import targets
from local.deployment import DeploymentError
from local.embedded_cloud import EmbeddedCloud, EmbeddedCloudError
from local.openai_standin import OpenAIStandIn
from local.progress import Elapsed, duration, expected, remember, step

FUNCTIONS_AT_ONCE = 96
"""Of each function: more than runs in flight, so that none waits for its turn."""
FIRST = "first"
FIRST_RUN = PlannedRun(FIRST, 0, 2.0, 0)
FIRST_SECONDS = 8
"""Time for a system's first run, before the next system's."""
SIMULATED_PER_LENGTH, SIMULATED_LONG, SIMULATED_MIX = 800, 200, 6000
EXPECTED_SECONDS = 15 * 60
LONGEST_LAG_SECONDS = 120
"""That of crhelper, which looks every two minutes."""
SCHEDULER_TICK_SECONDS = 10
"""The emulator's: a rule fires up to so much later than its rate says."""


def play(console: Console, planned: Sequence[PlannedRun], loads: list[float], whole: Elapsed) -> Played:
    """Deploy everything on one embedded cloud and play the runs; the machine's load meanwhile is added to `loads`."""
    with OpenAIStandIn() as openai_api, EmbeddedCloud(functions_at_once=FUNCTIONS_AT_ONCE) as cloud:
        api = Api(openai_api.base_url, openai_api.api_key)
        openai_api.reach("on.aws", cloud.port)
        systems = []
        for name, deploy in DEPLOYMENTS.items():
            with step(console, f"deploying {name}", 20, whole):
                systems.append(deploy(cloud, api))
        stage = Stage(cloud, openai_api, systems)
        stage.expect([FIRST_RUN])
        for system in systems:
            with step(console, f"the first run of {system.name}, from cold", FIRST_SECONDS, whole):
                stage.create(system, FIRST_RUN)
                time.sleep(FIRST_SECONDS)
        progress = Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        tasks = {system.name: progress.add_task(system.name, total=len(planned) + 1) for system in systems}
        seconds = max(run.starts_at_s + run.seconds for run in planned) + LONGEST_LAG_SECONDS
        with Live(Group(progress, Elapsed("playing the runs", seconds, within=whole)), console=console):

            def show(answered: Mapping[str, int]) -> None:
                loads.append(os.getloadavg()[0])
                for name, count in answered.items():
                    progress.update(tasks[name], completed=count)

            stage.play(planned, show)
        with step(console, "reading logs and histories", 20, whole):
            return stage.gather()


def with_what_is_not_measured(runs: Sequence[PlayedRun], profiles: Mapping[str, Profile]) -> list[PlayedRun]:
    """With the init phases, as if each run were the first one for long, and what this application's table costs.

    The table's units are counted by the same calls on a table in memory.
    """
    counted = []
    for run in runs:
        played = simulate_again(run.system, run.seconds, profiles[run.system])
        units = Usage(write_units=played.usage.write_units, read_units=played.usage.read_units)
        counted.append(replace(run, usage=run.usage + units + played.init))
    return counted


def rows_of(runs: Sequence[PlayedRun]) -> list[Row]:
    """A row for each system and group."""
    grouped: dict[tuple[str, str], list[PlayedRun]] = defaultdict(list)
    for run in runs:
        grouped[run.system, run.group].append(run)
    order = [str(seconds) for seconds in LENGTHS_SECONDS] + [MIX]
    ordered = sorted(grouped, key=lambda key: (list(DEPLOYMENTS).index(key[0]), order.index(key[1])))
    return [row_of(*key, grouped[key]) for key in ordered]


def simulated_rows(
    grouped: Mapping[str, Sequence[float]], profiles: dict[str, Profile], scheduler_tick_s: float = 0
) -> list[Row]:
    """A row for each system and group, of runs on a virtual clock."""
    played = {group: simulate(each, profiles, scheduler_tick_s=scheduler_tick_s) for group, each in grouped.items()}
    return [row_of(system, group, played[group][system]) for system in DEPLOYMENTS for group in played]


def simulate_many(console: Console, profiles: dict[str, Profile]) -> list[Row]:
    """A row for each system and group, of ten thousand runs and more."""
    many = {str(seconds): lengths(seconds, SIMULATED_PER_LENGTH) for seconds in LENGTHS_SECONDS}
    many |= {str(seconds): lengths(seconds, SIMULATED_LONG) for seconds in LONG_SECONDS}
    with step(console, "simulating", 60):
        return simulated_rows(many | {MIX: mixed_lengths(SIMULATED_MIX)}, profiles)


def find(console: Console, runs_per_length: int) -> Found:
    """Measure, simulate and compare."""
    whole, loads = expected("the bench", EXPECTED_SECONDS), list[float]()
    console.print(f"This takes about {duration(whole.expected_s)}.")
    grouped = groups(runs_per_length)
    played = play(console, plan(grouped), loads, whole)
    if played.failures:
        raise DeploymentError("; ".join(played.failures))
    wall_seconds = whole.seconds
    inits_s = json.loads(INITS.read_text())
    profiles = {system: profile_of(made, inits_s) for system, made in played.invocations.items()}
    runs = with_what_is_not_measured(played.runs, profiles)
    first = {run.system: run.started_after_s for run in runs if run.group == FIRST}
    runs = [run for run in runs if run.group != FIRST]
    rows = rows_of(runs)
    compared = compare(rows, simulated_rows(grouped, profiles, SCHEDULER_TICK_SECONDS))
    began = time.monotonic()
    simulated = simulate_many(console, profiles)
    remember(whole.what, whole.seconds)
    return Found(
        rows=rows,
        runs=runs,
        first=first,
        standing=[each for each in played.invocations["threadrun"] if each.request_id is None],
        load=(fmean(loads), max(loads)),
        wall_seconds=wall_seconds,
        profiles=profiles,
        simulated=simulated,
        simulated_runs=sum(row.runs for row in simulated if row.system == "threadrun"),
        simulated_in_seconds=time.monotonic() - began,
        comparisons=compared,
    )


def show(console: Console, rows: Sequence[Row], runs: Sequence[PlayedRun] = ()) -> None:
    """The rows and the targets."""
    table = Table(
        "system", "run (s)", "lag mean", "lag worst", "invocations", "transitions", "US$ per 1,000", "requests"
    )
    for row in rows:
        amounts = (row.lag_mean_s, row.lag_max_s, row.lambda_invocations, row.transitions)
        figures = (*(f"{each:.2f}" for each in amounts), f"{row.cost_usd * 1000:.4f}", f"{row.api_requests:.1f}")
        table.add_row(row.system, row.run_seconds, *figures)
    console.print(table)
    for target in targets(rows, runs):
        colour = "green" if target.is_met else "red"
        text = f"{target.name}: {target.found:.2f} {target.unit}, at most {target.at_most:.2f}"
        console.print(f"[{colour}]{text}[/{colour}]")


def show_check(console: Console, comparisons: Sequence[Comparison]) -> None:
    """Where the simulator is astray."""
    astray = [each for each in comparisons if not each.agrees]
    for each in astray:
        place = f"{each.row.system} {each.row.run_seconds} {each.figure}"
        figures = f"{each.simulated:.4g}, measured {each.measured:.4g}"
        console.print(f"[red]the simulator is astray: {place}: {figures}[/red]")
    console.print(f"{len(comparisons) - len(astray)} of {len(comparisons)} simulated figures agree")


def main() -> int:
    """Exit status 1 where something could not be deployed or run."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS_PER_LENGTH, help="runs of each length, for each system")
    parser.add_argument(
        "--simulate", action="store_true", help="only simulate, with the functions' times measured last"
    )
    parser.add_argument("--throughput", action="store_true", help="play many runs at once instead")
    parser.add_argument(
        "--cold-start", action="store_true", help="measure how long the handlers take to import instead"
    )
    parser.add_argument("--capacity", action="store_true", help="simulate an account with few executions instead")
    parser.add_argument("--hour", action="store_true", help="simulate a hundred thousand runs an hour instead")
    arguments = parser.parse_args()
    console = Console(highlight=False)
    try:
        if arguments.simulate:
            show(console, simulate_many(console, from_json(json.loads(PROFILE.read_text()))))
            return 0
        if arguments.cold_start:
            cold_start.write(RESULTS / "cold_start.md", INITS, cold_start.measure(console))
            console.print((RESULTS / "cold_start.md").read_text())
            return 0
        if arguments.capacity:
            capacity.write(RESULTS / "capacity.md", capacity.measure())
            return 0
        if arguments.hour:
            hour.write(RESULTS / "hour.md", hour.measure())
            return 0
        if arguments.throughput:
            throughput.write(RESULTS / "throughput.md", throughput.measure(console))
            return 0
        found = find(console, arguments.runs)
    except (DeploymentError, EmbeddedCloudError, RuntimeError) as error:
        console.print(f"[bold red]The bench failed:[/bold red] {error}")
        return 1
    write(found)
    show(console, found.rows, found.runs)
    show_check(console, found.comparisons)
    console.print(f"[bold green]Done[/bold green]: {RESULTS.relative_to(RESULTS.parents[1])}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
