"""`make runs`: shows the runs of a deployed table and the time that each spent in each phase.

Reads the records of the whole table (`dynamodb:Scan`), with boto3's own search for credentials; `--html` also writes
the timeline, a page of one file.
"""

import argparse
import sys
import time
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from local.recorded_runs import Run, TableError, read_runs, seconds_text
from local.timeline_page import timeline_page

DEFAULT_LAST = 200
HEADINGS = {"starting": "start", "queued": "queued", "running": "running", "tools": "tools", "answering": "answer"}
"""Short names of the phases, for the terminal."""


def runs_table(table_name: str, runs: list[Run]) -> Table:
    """Return the runs as a table for the terminal."""
    title = f"Runs of {escape(table_name)}, times in UTC and in seconds"
    table = Table(title=title, title_justify="left", box=None, padding=(0, 2, 1, 0), pad_edge=False)
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


def show(arguments: argparse.Namespace, now: float) -> None:
    """Print the runs, and write the page if asked. Raises `TableError` when the table cannot be read."""
    try:
        client = boto3.client("dynamodb", region_name=arguments.region, endpoint_url=arguments.endpoint_url)
    except ValueError as error:
        raise TableError(str(error)) from None
    runs = read_runs(client, arguments.table, now)
    if not runs:
        print(f"Table {arguments.table} has no runs.")
        return
    shown = runs[-max(arguments.last, 1) :]
    Console(highlight=False).print(runs_table(arguments.table, shown))
    if len(shown) < len(runs):
        print(f"These are the last {len(shown)} of {len(runs)}: --last shows more.")
    if arguments.html:
        arguments.html.write_text(timeline_page(arguments.table, shown, now))
        print(f"Timeline: {arguments.html}")


def main() -> int:
    """Show the runs; exit status 1, with the reason, when they cannot be shown."""
    parser = argparse.ArgumentParser(prog="python -m local.runs", description=str(__doc__).splitlines()[0])
    parser.add_argument("--table", required=True, help="the application's output TableName")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write the timeline there")
    parser.add_argument("--last", type=int, default=DEFAULT_LAST, help="how many runs to show, %(default)s by default")
    parser.add_argument("--region", help="by default that of your AWS configuration")
    parser.add_argument("--endpoint-url", help="of another DynamoDB, such as the embedded cloud's")
    arguments = parser.parse_args()
    if not arguments.table:
        parser.error("which table? TABLE=name, the application's output TableName")
    try:
        show(arguments, time.time())
    except (TableError, BotoCoreError, OSError) as error:
        print(f"make runs failed: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
