"""Exists so that a test or a demo can say beforehand how the next responses will go."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .items import text_of

Request = Mapping[str, Any]
Match = Callable[[Request], bool] | Mapping[str, Any] | str | None

STATUSES = ("completed", "failed", "incomplete", "cancelled")


@dataclass(frozen=True)
class Script:
    """How one response, or one turn of a run, goes: how long it takes, in seconds, and how it ends.

    What is left out comes from the stand-in's defaults. `match` is a function of the request, a subset of it,
    or a text that its input contains; `times=None` means for ever. `usage` has the tokens that were read and written,
    and how many of these were cached, and reasoned with. Raises ValueError for a status that is not
    final.
    """

    duration_s: float | None = None
    queued_s: float | None = None
    status: str = ""
    output_text: str | None = None
    output: Sequence[Mapping[str, Any]] | None = None
    usage: tuple[int, ...] | None = None
    error: tuple[str, str] | None = None
    incomplete_reason: str | None = None
    match: Match = None
    times: int | None = 1

    def __post_init__(self) -> None:
        if not self.status:
            status = "failed" if self.error else "incomplete" if self.incomplete_reason else "completed"
            object.__setattr__(self, "status", status)
        if self.status not in STATUSES:
            raise ValueError(f"status must be one of {', '.join(STATUSES)}, not {self.status!r}")

    def fits(self, request: Request) -> bool:
        if callable(self.match):
            return self.match(request)
        if isinstance(self.match, Mapping):
            return _is_subset(self.match, request)
        return (self.match or "") in input_text(request)

    @property
    def model(self) -> str | None:
        """Name the model that this script is for, which makes the model known."""
        model = self.match.get("model") if isinstance(self.match, Mapping) else None
        return model if isinstance(model, str) else None


def input_text(request: Request) -> str:
    given = request.get("input") or ""
    return given if isinstance(given, str) else "\n".join(text_of(item) for item in given)


def _is_subset(part: Any, whole: Any) -> bool:
    if isinstance(part, Mapping):
        return isinstance(whole, Mapping) and all(
            name in whole and _is_subset(member, whole[name]) for name, member in part.items()
        )
    return bool(part == whole)
