"""How long each kind of function takes, as measured: what the simulator adds to the policies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from statistics import fmean, median
from typing import Any

from bench.invocations import Invocation
from bench.prices import Usage

KINDS = ("start", "look", "answer", "wake")
_KIND_BY_NAME = {
    "CustomResource": "start",
    "Reconcile": "look",
    "Signal": "answer",
    "WebhookFunction": "wake",
    "frameworkonEvent": "start",
    "OnEvent": "start",
    "frameworkisComplete": "look",
    "IsComplete": "look",
}


@dataclass(frozen=True)
class SimulatedRun:
    """What became of one simulated run."""

    seconds: float
    lag_s: float
    usage: Usage


@dataclass(frozen=True)
class FunctionProfile:
    """One function: its usual time, and its mean with cold starts, as it is billed; without what it slept."""

    seconds: float
    billed_s: float
    memory_gb: float
    architecture: str


@dataclass(frozen=True)
class Profile:
    """One system: the functions that are at work for a start, a look and an answer, nested ones included."""

    functions: dict[str, list[FunctionProfile]]

    @property
    def latency_s(self) -> dict[str, float]:
        """Seconds by kind: those of the outermost function, as the others work within its time."""
        return {kind: max((each.seconds for each in self.functions.get(kind, [])), default=0.0) for kind in KINDS}

    def usage(self, kind: str, slept_s: float = 0) -> Usage:
        """What one turn of this kind takes."""
        total = Usage()
        for each in self.functions.get(kind, []):
            gb_seconds = {each.architecture: (each.billed_s + slept_s) * each.memory_gb}
            total += Usage(invocations=1, gb_seconds=gb_seconds)
        return total


def kind_of(function_name: str) -> str | None:
    """What a function does for a run: `start`, `look` or `answer`; None where it works for none in particular."""
    return next((kind for part, kind in _KIND_BY_NAME.items() if part in function_name), None)


def profile_of(invocations: Iterable[Invocation]) -> Profile:
    """The profile of a system; one whose only function does everything (crhelper's) starts with its first call."""
    by_function: dict[tuple[str, str], list[Invocation]] = defaultdict(list)
    seen = set()
    for each in sorted(invocations, key=lambda invocation: invocation.logged_epoch_s):
        if each.request_id is None:
            continue
        kind = kind_of(each.function.name) or ("look" if each.request_id in seen else "start")
        seen.add(each.request_id)
        by_function[kind, each.function.name].append(each)
    functions: dict[str, list[FunctionProfile]] = defaultdict(list)
    for (kind, _), made in by_function.items():
        seconds = [each.billed_ms / 1000 - each.lingered_s for each in made]
        first = made[0]
        functions[kind].append(
            FunctionProfile(median(seconds), fmean(seconds), first.memory_mb / 1024, first.function.architecture)
        )
    return Profile(dict(functions))


def as_json(profiles: dict[str, Profile]) -> dict[str, Any]:
    """For a file."""
    return {system: asdict(profile)["functions"] for system, profile in profiles.items()}


def from_json(raw: dict[str, Any]) -> dict[str, Profile]:
    """As `as_json` wrote it."""
    return {
        system: Profile({kind: [FunctionProfile(**each) for each in made] for kind, made in functions.items()})
        for system, functions in raw.items()
    }
