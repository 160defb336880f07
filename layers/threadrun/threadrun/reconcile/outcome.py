"""What comes next: the outcomes of a decision, for all kinds of resources.

| outcome | what `Stepper` does | state of the state machine |
| --- | --- | --- |
| `Done` | stage a run's attributes, or forget what is deleted; save | `Record attributes`, or `Signal` |
| `Checkpoint` | save, and take the next step at once | - |
| `InProgress` | make it a `RequeueAfter`: `Waiting` says when to look again | as that |
| `RequeueAfter` | save, and wait in the function if the time is near | `Wait`, or `Await webhook` |
| `CallTools` | save | `Call tools` |
| `Gone` | respond with the attributes on record; without them, put a new one in its place | as `Done`, or - |
| a `TransientError` | make it a `RequeueAfter` that others may wait for too | as that |
| a `TerminalError` | note it as the reason of the response | as `Done` |

A request that is superseded, or unknown, ends in `Superseded`. `NextState.outcome` has the words for the states.
"""

from __future__ import annotations

import math
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
    ends_epoch_s: float = math.inf
    """When the step must have ended."""


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
    """The run whose end a webhook would report."""
    needs_new_step: bool = False
    """This step has too little time left to go on, however long it waits."""


@dataclass(frozen=True)
class InProgress:
    """Not yet: the server is at work on the run. `threadrun.workflow.waiting` says when to look again."""

    status: str
    run_id: str
    is_kept: bool = True
    """Whether the server shows the run for long after its end."""


@dataclass(frozen=True)
class CallTools:
    """Not yet: call these functions first, in parallel, then call again."""

    call_ids: tuple[str, ...]
    reason: str = "the run's functions are being called"


@dataclass(frozen=True)
class Gone:
    """The server has no longer what CloudFormation updates or returns to: it is made again."""


Outcome = Done | Checkpoint | RequeueAfter | InProgress | CallTools | Gone
