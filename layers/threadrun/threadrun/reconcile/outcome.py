"""What comes next: the outcomes of a decision, for all kinds of resources."""

from __future__ import annotations

from dataclasses import dataclass

from threadrun.reconcile.backend import Backend
from threadrun.state.observations import ObservedRun


@dataclass(frozen=True)
class Actor:
    """Who decides: one step of a function, the server that it can ask, and the time in Unix seconds."""

    backend: Backend
    now: float
    step_id: str
    """Of this step alone: it may make the creating request that it has noted itself."""


@dataclass(frozen=True)
class Done:
    """The goal is reached. `observed` is there when the run's end was seen by this very call."""

    observed: ObservedRun | None = None


@dataclass(frozen=True)
class Checkpoint:
    """Not yet: save the record, then call again at once."""

    reason: str


@dataclass(frozen=True)
class RequeueAfter:
    """Not yet: call again after `seconds`."""

    seconds: float
    reason: str
    is_contended: bool = False
    """Others wait for the same thing: whoever waits spreads out, and comes back at another time than they do."""
    run_id: str | None = None
    """The run whose end would be told by a webhook."""


@dataclass(frozen=True)
class InProgress:
    """Not yet: the server is at work on the run. `threadrun.workflow.waiting` says when to look again."""

    status: str
    run_id: str


@dataclass(frozen=True)
class CallTools:
    """Not yet: call these functions first, in parallel, then call again."""

    call_ids: tuple[str, ...]
    reason: str = "the run's functions are being called"


@dataclass(frozen=True)
class Gone:
    """The server does not know the run any more to which CloudFormation returns: a new one is wanted."""


Outcome = Done | Checkpoint | RequeueAfter | InProgress | CallTools | Gone
