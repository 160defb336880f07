"""Makes the timeline of runs: a page of one file with an SVG chart and the same numbers as a table.

The page loads nothing and runs no script; its Content-Security-Policy says so. It is well-formed XML too.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from string import Template

from threadrun_cli.recorded_runs import PHASES, Run, Span, seconds_text

PAUSE_SECONDS = 60
"""Runs of a stack that are less than this apart belong to one deployment."""
BAR, TOP, BOTTOM = 20, 34, 30
NAME_CHARACTERS, ORIGIN_CHARACTERS = 28, 36
"""The labels have room for this many letters, in bold and in small; wider ones are cut off."""
ROOM_FOR_TEXT = 46
"""A bar of this width has its seconds written on it."""
MOST_TICKS = 8
STEPS_SECONDS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200)


@dataclass(frozen=True)
class Layout:
    """Where things are on the chart, in units of its SVG; the page shows the one that its window has room for."""

    name: str
    width: int
    left: int
    """Where the bars begin: their labels are before them, or above them where there is no room."""
    right: int
    """The room behind the longest bar."""
    row: int
    bar: int
    """The bar's place below the top of its row."""
    most_ticks: int = MOST_TICKS

    @property
    def is_narrow(self) -> bool:
        return self.bar > BAR

    @property
    def label_width(self) -> int:
        return self.width - 124 if self.is_narrow else self.left - 8


LAYOUTS = (Layout("wide", 1100, 250, 200, row=40, bar=10), Layout("narrow", 360, 12, 16, row=84, bar=58, most_ticks=5))
_PAGE = Template(Path(__file__).with_name("timeline.html").read_text())


def timeline_page(table_name: str, runs: Sequence[Run], now: float) -> str:
    """Return the page; `runs` are sorted by time, and at least one."""
    title = escape(f"Where the time of {len(runs)} run{'s' if len(runs) > 1 else ''} went")
    made = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d %H:%M:%S")
    about = (
        f"Table {table_name}, read at {made} UTC; the newest deployment is first. A bar begins with "
        "CloudFormation's request and ends with its response; the runs of one deployment share their zero."
    )
    return _PAGE.substitute(
        title=title,
        about=escape(about),
        legend="".join(f'<li class="{phase}">{name}</li>' for phase, name in PHASES.items()),
        chart="\n".join(_chart(deployments(runs), layout) for layout in LAYOUTS),
        numbers="".join(f'<th scope="col" class="number">{name}</th>' for name in PHASES.values()),
        rows="\n".join(f"<tr>{_cells(run)}</tr>" for deployment in deployments(runs) for run in deployment),
    )


def deployments(runs: Sequence[Run]) -> list[list[Run]]:
    """Group the runs of a stack by deployment, the newest first; `runs` are sorted by time."""
    found: dict[str, list[list[Run]]] = {}
    for run in runs:
        own = found.setdefault(run.stack_name, [])
        if own and run.begin_epoch_s - max(each.end_epoch_s for each in own[-1]) < PAUSE_SECONDS:
            own[-1].append(run)
        else:
            own.append([run])
    every = [deployment for own in found.values() for deployment in own]
    return sorted(every, key=lambda deployment: deployment[0].begin_epoch_s, reverse=True)


def ticks(longest_seconds: float, most: int = MOST_TICKS) -> list[tuple[float, str]]:
    """Return the seconds to mark on an axis of this length, and their labels: a few round numbers in one unit."""
    hours = math.ceil(longest_seconds / most / 3600)
    step = next((each for each in STEPS_SECONDS if longest_seconds / each <= most), hours * 3600)
    unit, size = ("h", 3600) if step >= 3600 else ("min", 60) if step >= 60 else ("s", 1)
    marks = [round(number * step, 1) for number in range(int(longest_seconds / step) + 1)]
    return [(mark, f"{mark / size:g} {unit}" if mark else "0") for mark in marks]


def _chart(found: list[list[Run]], layout: Layout) -> str:
    longest = max(max(max(run.end_epoch_s for run in each) - each[0].begin_epoch_s for each in found), 0.1)
    scale = (layout.width - layout.left - layout.right) / longest
    count = sum(map(len, found))
    height, name = TOP + layout.row * count + BOTTOM, layout.name
    described = f"A bar for each of {count} runs, over {longest:.1f} seconds; the table below has the same numbers."
    parts = [
        f'<svg class="{name}" viewBox="0 0 {layout.width} {height}"',
        f' role="img" aria-labelledby="{name}-title {name}-text">',
        f'<title id="{name}-title">What each run was at, and for how long</title>',
        f'<desc id="{name}-text">{described}</desc>',
        f'<clipPath id="{name}-labels"><path d="M0 0H{layout.label_width}V{height}H0Z"/></clipPath>',
        *_axis(longest, scale, height, layout),
    ]
    top = TOP
    for deployment in found:
        parts.append(f'<line x1="0" x2="{layout.width}" y1="{top}" y2="{top}"/>')
        for run in deployment:
            parts += _row(run, run.begin_epoch_s - deployment[0].begin_epoch_s, top, scale, layout)
            top += layout.row
    return "\n".join([*parts, "</svg>"])


def _axis(longest: float, scale: float, height: int, layout: Layout) -> list[str]:
    parts = []
    for seconds, label in ticks(longest, layout.most_ticks):
        x = f"{layout.left + seconds * scale:.1f}"
        parts.append(f'<line x1="{x}" x2="{x}" y1="{TOP - 6}" y2="{height - BOTTOM}"/>')
        for y in (TOP - 14, height - BOTTOM + 18):
            parts.append(f'<text class="dim" x="{x}" y="{y}" text-anchor="middle">{label}</text>')
    return parts


def _row(run: Run, offset: float, top: int, scale: float, layout: Layout) -> list[str]:
    total = f"{seconds_text(run.seconds)} s{', under way' if run.is_under_way else ''}"
    phases = ((name, run.seconds_in(phase)) for phase, name in PHASES.items())
    each = "; ".join(f"{name} {seconds_text(seconds)} s" for name, seconds in phases if seconds)
    whole = f"{run.logical_id} of {run.stack_name}, {run.status}: {total} ({each})"
    origin = f"{run.began[5:16]} · {run.stack_name}"
    parts = [
        f"<g><title>{escape(whole)}</title>",
        f'<text class="label name" x="0" y="{top + 17}">{_shortened(run.logical_id, NAME_CHARACTERS)}</text>',
        f'<text class="label dim" x="0" y="{top + 32}">{_shortened(origin, ORIGIN_CHARACTERS)}</text>',
    ]
    for span in run.spans:
        parts += _bar(run, span, (top + layout.bar, layout.left + offset * scale), scale)
    x, y, end = f"{layout.left + (offset + run.seconds) * scale + 8:.1f}", top + 32, "end"
    if layout.is_narrow:
        x, y, end = str(layout.width), top + 48, "end last"
    parts.append(f'<text class="{end}" x="{x}" y="{top + 17}">{total}</text>')
    parts.append(f'<text class="{end} dim" x="{x}" y="{y}">{escape(run.status)}</text></g>')
    return parts


def _bar(run: Run, span: Span, place_of_run: tuple[float, float], scale: float) -> list[str]:
    begin, (y, left) = span.begin_epoch_s - run.begin_epoch_s, place_of_run
    x, width = left + begin * scale, span.seconds * scale
    title = f"{PHASES[span.phase]}: {span.seconds:.1f} s, from {begin:.1f} s to {begin + span.seconds:.1f} s"
    place = f'x="{x:.2f}" y="{y:g}" width="{width:.2f}" height="{BAR}"'
    parts = [f'<rect class="{span.phase}" {place}><title>{title}</title></rect>']
    if width >= ROOM_FOR_TEXT:
        on = f'class="on {span.phase}" x="{x + width / 2:.1f}" y="{y + 14:g}" pointer-events="none"'
        parts.append(f"<text {on}>{span.seconds:.1f} s</text>")
    return parts


def _shortened(text: str, most: int) -> str:
    return escape(text if len(text) <= most else text[: most - 1] + "…")


def _cells(run: Run) -> str:
    texts = (run.began, run.logical_id, run.stack_name, run.model, run.status)
    numbers = [str(run.total_tokens), *(seconds_text(run.seconds_in(phase)) for phase in PHASES)]
    cells = "".join(f"<td>{escape(text)}</td>" for text in texts)
    return cells + "".join(f'<td class="number">{each}</td>' for each in (*numbers, seconds_text(run.seconds)))
