"""Lag and cost over the length of a run, as the README shows them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter

from bench.rows import Row

STYLES = {
    "threadrun": ("threadrun", "tab:green", "o"),
    "threadrun-webhooks": ("threadrun with webhooks", "tab:blue", "D"),
    "cdk-provider": ("CDK Provider framework", "tab:orange", "s"),
    "crhelper": ("crhelper", "tab:gray", "^"),
}
"""The words of docs/comparison.md, and how a system is drawn."""
LETTERS_POINTS = 13
"""So that a picture of half its width has letters of ten pixels."""
SMALLEST_LAG_SECONDS = 0.01


def plot_lag(path: Path, rows: Sequence[Row]) -> None:
    """Mean lag as a line, up to the worst as a band."""
    figure = Figure(figsize=(7, 4.5), layout="tight")
    axes = figure.subplots()
    for system, (name, colour, marker) in STYLES.items():
        own = _by_length(rows, system)
        lengths = [float(row.run_seconds) for row in own]
        means = [max(row.lag_mean_s, SMALLEST_LAG_SECONDS) for row in own]
        axes.plot(lengths, means, color=colour, marker=marker, label=name)
        axes.fill_between(
            lengths, means, [max(row.lag_max_s, SMALLEST_LAG_SECONDS) for row in own], color=colour, alpha=0.15
        )
    _finish(figure, axes, "lag: mean to worst (s)", path)


def plot_cost(path: Path, rows: Sequence[Row]) -> None:
    """US dollars per thousand runs."""
    figure = Figure(figsize=(7, 4.5), layout="tight")
    axes = figure.subplots()
    for system, (name, colour, marker) in STYLES.items():
        own = _by_length(rows, system)
        costs = [row.cost_usd * 1000 for row in own]
        axes.plot([float(row.run_seconds) for row in own], costs, color=colour, marker=marker, label=name)
    _finish(figure, axes, "price of 1,000 runs (US$)", path)


def _by_length(rows: Sequence[Row], system: str) -> list[Row]:
    own = [row for row in rows if row.system == system and row.run_seconds.isdigit()]
    return sorted(own, key=lambda row: float(row.run_seconds))


def _finish(figure: Figure, axes: Axes, label: str, path: Path) -> None:
    axes.set(xscale="log", yscale="log", xlabel="length of the run (s)", ylabel=label)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.grid(visible=True, which="major", alpha=0.4)
    axes.legend(frameon=False, ncols=2, loc="lower center", bbox_to_anchor=(0.45, 1))
    for text in figure.findobj(Text):
        text.set_fontsize(LETTERS_POINTS)
    figure.savefig(path, dpi=120, metadata={"Software": None})
