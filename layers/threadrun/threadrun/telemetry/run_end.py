"""How a run's request ended: the facts in events and metrics. None is a text of a user, a model or a server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from threadrun.cloudformation.respond import Delivered
from threadrun.schema.arguments import FinalStatus
from threadrun.state.run import RunRecord

Failure = Literal[FinalStatus, "not_started", "tool_failed", "schema_violation", "aborted", "ended_early"]
FAILURES: tuple[Failure, ...] = get_args(Failure)
"""Why a run's request failed, in families. A closed set: each one is a metric of its own.

The statuses are of runs that ended with one that is not accepted. `tool_failed`: a handler failed, and
`on_tool_error` is `fail`; `schema_violation`: the answer does not match `json_schema`; `aborted`: the server refused a
request, or there were too many rounds of calls; `ended_early`: the work on the run ended before the run did.
"""


@dataclass(frozen=True)
class RunEnd:
    """The end of a Create or Update that was about a run."""

    run: RunRecord
    failure: Failure | None
    """None where CloudFormation got SUCCESS."""
    seconds: float
    """Since CloudFormation sent the request."""
    lag_seconds: float | None
    """From the run's end, in the server's whole seconds; None where it reports none, or one before the request."""


def run_end(delivered: Delivered, now: float) -> RunEnd | None:
    """The run's end, if this response was the first to report it, else None.

    A Delete reports no run's end, and neither does an Update that returns to a run, or only changes bookkeeping.
    """
    # `Delivered.record` is older than the save that notes the delivery: what that save changes is as it was before.
    run = delivered.record.target(delivered.response)
    if delivered.response.is_delivered or delivered.request.request_type == "Delete" or not isinstance(run, RunRecord):
        return None
    is_success = delivered.response.status == "SUCCESS"
    if is_success and run.is_acknowledged:
        return None
    since, ended = run.window.since_epoch_s, run.observed.completed_at
    lag = max(now - ended, 0.0) if ended is not None and ended >= int(since) else None
    return RunEnd(run, None if is_success else _failure(run), max(now - since, 0.0), lag)


def _failure(run: RunRecord) -> Failure:
    if run.run is None:
        return "not_started"
    if run.observed.is_final and run.observed.status not in run.accepted_statuses:
        return next(each for each in FAILURES if each == run.observed.status)
    if run.observed.is_final:
        return "schema_violation" if run.failure else "ended_early"
    if any(call.failure for call in run.round.calls.values()):
        return "tool_failed"
    return "aborted" if run.failure else "ended_early"
