"""Runs as they are read from a table."""

from threadrun_cli.recorded_runs import Run, Span

NOON = 1_800_014_400.0


def run(*lengths: tuple[str, float], at: float = NOON, name: str = "Summary", stack: str = "docs") -> Run:
    """A run that was at these things for so many seconds each."""
    spans = []
    begin = at
    for phase, seconds in lengths:
        spans.append(Span(phase, begin, begin + seconds))
        begin += seconds
    return Run(stack, name, "gpt-5.4-mini", "completed", 120, tuple(spans), is_under_way=False)
