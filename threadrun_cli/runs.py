"""`threadrun runs`: the runs of a deployed table, and the time that each spent in each phase.

Reads the records of the whole table (`dynamodb:Scan`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from threadrun_cli.recorded_runs import Run, read_runs, seconds_text
from threadrun_cli.timeline_page import timeline_page

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

HEADINGS = {"starting": "start", "queued": "queued", "running": "running", "tools": "tools", "answering": "answer"}
"""Short names of the phases, for the terminal."""


def runs_table(table_name: str, runs: list[Run]) -> Table:
    """Return the runs as a table for the terminal.

    In 80 columns a date stays on one line and every number whole, as the two columns of names give way alike. Not by a
    `min_width`: rich gives way first, then grants the width, and cuts what no longer fits from the last columns.
    """
    title = f"Runs of {escape(table_name)}, times in UTC and in seconds"
    table = Table(title=title, title_justify="left", box=None, padding=(0, 1, 1, 0), pad_edge=False)
    table.add_column("run, stack, time", overflow="fold")
    table.add_column("model, status", overflow="fold")
    for heading in ("tokens", *HEADINGS.values()):
        table.add_column(heading, justify="right", no_wrap=True)
    for run in runs:
        name = f"[cyan]{escape(run.logical_id)}[/cyan]\n{escape(run.stack_name)}\n[dim]{run.began[:16]}[/dim]"
        end = f"{escape(run.model)}\n{escape(run.status)}"
        parts = [seconds_text(run.seconds_in(phase)) for phase in HEADINGS]
        table.add_row(name, end, str(run.total_tokens), *parts)
    return table


def show(client: DynamoDBClient, table_name: str, now: float, last: int, html: Path | None) -> None:
    """Print the runs, and write the timeline if asked. Raises `TableError` when the table cannot be read."""
    runs = read_runs(client, table_name, now)
    if not runs:
        print(f"Table {table_name} has no runs.")
        return
    shown = runs[-max(last, 1) :]
    console = Console(highlight=False)
    console.print(runs_table(table_name, shown))
    for line in _reasons(shown):
        console.print(line)
    if len(shown) < len(runs):
        print(f"These are the last {len(shown)} of {len(runs)}: --last shows more.")
    if html:
        html.write_text(timeline_page(table_name, shown, now))
        print(f"Timeline: {html}")


def _reasons(runs: Sequence[Run]) -> list[str]:
    failed = [run for run in runs if run.reason]
    return [f"[cyan]{escape(run.logical_id)}[/] of {escape(run.stack_name)}: {escape(run.reason)}" for run in failed]
