"""Progress of the long commands: what is done, for how long by now, and how long it takes as a rule."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from rich.console import Console
from rich.text import Text

TIMES = Path(__file__).resolve().parents[1] / ".build" / "times.json"
"""How long each step took on this machine the last time, in seconds."""


def duration(seconds: float) -> str:
    """Return it for people: 75 seconds are `1 min 15 s`."""
    minutes, rest = divmod(round(seconds), 60)
    return " ".join([f"{minutes} min"] * (minutes > 0) + [f"{rest} s"] * (rest > 0 or not minutes))


@dataclass
class Elapsed:
    """A text that is right whenever it is drawn: a step, its time by now, and the time expected."""

    what: str
    expected_s: float
    within: "Elapsed | None" = None
    """What the step is a part of, with a time of its own."""
    began: float = field(default_factory=lambda: monotonic())

    @property
    def seconds(self) -> float:
        return monotonic() - self.began

    def __str__(self) -> str:
        whole = f"; {self.within}" if self.within else ""
        return f"{self.what}: {duration(self.seconds)} of about {duration(self.expected_s)}{whole}"

    def __rich__(self) -> Text:
        return Text(str(self), overflow="ellipsis", no_wrap=True)


def expected(what: str, at_first_s: float) -> Elapsed:
    """Begin a step that is expected to take as long as it took the last time here."""
    return Elapsed(what, _times().get(what, at_first_s))


def remember(what: str, seconds: float) -> None:
    """Keep what a step has taken, for the next time; less than a second is a step that had nothing to do."""
    if seconds < 1:
        return
    TIMES.parent.mkdir(exist_ok=True)
    written = TIMES.with_suffix(".new")
    written.write_text(json.dumps({**_times(), what: round(seconds, 1)}))
    written.replace(TIMES)


@contextmanager
def step(console: Console, what: str, at_first_s: float, within: Elapsed | None = None) -> Iterator[Elapsed]:
    """Show a step on a terminal while the block runs, and remember what it took unless it fails."""
    elapsed = expected(what, at_first_s)
    elapsed.within = within
    with console.status(elapsed):
        yield elapsed
    remember(what, elapsed.seconds)


def _times() -> dict[str, float]:
    with suppress(OSError, ValueError):
        return dict(json.loads(TIMES.read_text()))
    return {}
