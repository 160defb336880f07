"""How long each kind of function takes, as measured: what the simulator adds to the policies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import combinations
from statistics import median
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
    init: Usage = field(default_factory=Usage)
    """The part of the usage that is for the init phases."""
    api_requests: int = 0
    """Requests to the server that runs the threads."""


@dataclass(frozen=True)
class FunctionProfile:
    """One function: its usual time, warm and without looks and what it slept, and the time of its init phase."""

    seconds: float
    init_s: float
    memory_gb: float
    architecture: str
    look_s: float = 0
    """What each look at a run at work takes, where one invocation has several."""


@dataclass(frozen=True)
class Profile:
    """One system: the functions that are at work for a start, a look and an answer, nested ones included.

    Deployments are rare: the first turn of a kind in a run finds its functions cold, the later ones find them warm.
    """

    functions: dict[str, list[FunctionProfile]]

    @property
    def latency_s(self) -> dict[str, float]:
        """Seconds by kind, warm: those of the outermost function, as the others work within its time."""
        return {kind: max((each.seconds for each in self.functions.get(kind, [])), default=0.0) for kind in KINDS}

    @property
    def look_s(self) -> float:
        """What each look takes beyond the function's own time."""
        return max((each.look_s for each in self.functions.get("look", [])), default=0.0)

    def usage(self, kind: str, slept_s: float = 0) -> Usage:
        """What one turn of this kind takes, but for init phases."""
        functions = self.functions.get(kind, [])
        return sum(
            (Usage(1, {each.architecture: (each.seconds + slept_s) * each.memory_gb}) for each in functions), Usage()
        )

    def init(self, *kinds: str) -> Usage:
        """What the init phases for the first turn of each of these kinds take."""
        functions = [each for kind in kinds for each in self.functions.get(kind, [])]
        return sum((Usage(gb_seconds={each.architecture: each.init_s * each.memory_gb}) for each in functions), Usage())


def kind_of(function_name: str) -> str | None:
    """What a function does for a run: `start`, `look` or `answer`; None where it works for none in particular."""
    return next((kind for part, kind in _KIND_BY_NAME.items() if part in function_name), None)


def profile_of(invocations: Iterable[Invocation], inits_s: Mapping[str, float]) -> Profile:
    """The profile of a system; one whose only function does everything (crhelper's) starts with its first call.

    `inits_s` are the seconds of init phases, by a part of the function's name; such an only function has one.
    """
    by_function: dict[tuple[str, str], list[Invocation]] = defaultdict(list)
    seen = set()
    for each in sorted(invocations, key=lambda invocation: invocation.logged_epoch_s):
        if each.request_id is None:
            continue
        kind = kind_of(each.function.name) or ("look" if each.request_id in seen else "start")
        seen.add(each.request_id)
        by_function[kind, each.function.name].append(each)
    functions: dict[str, list[FunctionProfile]] = defaultdict(list)
    begun: set[str] = set()
    for (kind, name), made in by_function.items():
        seconds, look_s = _with_and_without_looks(made)
        init_s = next((init_s for part, init_s in inits_s.items() if part in name and name not in begun), 0.0)
        begun.add(name)
        function, memory_gb = made[0].function, made[0].memory_mb / 1024
        functions[kind].append(FunctionProfile(seconds, init_s, memory_gb, function.architecture, look_s))
    return Profile(dict(functions))


def _with_and_without_looks(made: Sequence[Invocation]) -> tuple[float, float]:
    """Usual seconds of an invocation without looks, and of each look: by the median slope, as some are out of line."""
    points = [(each.looks, each.billed_ms / 1000 - each.lingered_s) for each in made]
    slopes = [(b_s - a_s) / (b - a) for (a, a_s), (b, b_s) in combinations(points, 2) if a != b]
    look_s = max(median(slopes), 0.0) if slopes else 0.0
    return max(median(seconds - looks * look_s for looks, seconds in points), 0.0), look_s


def as_json(profiles: dict[str, Profile]) -> dict[str, Any]:
    """For a file."""
    return {system: asdict(profile)["functions"] for system, profile in profiles.items()}


def from_json(raw: dict[str, Any]) -> dict[str, Profile]:
    """As `as_json` wrote it."""
    return {
        system: Profile({kind: [FunctionProfile(**each) for each in made] for kind, made in functions.items()})
        for system, functions in raw.items()
    }
