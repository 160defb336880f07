"""Decides whether the answer of a completed run is one that was asked for: no refusal, and as its schema says."""

from __future__ import annotations

from threadrun.errors import TerminalError
from threadrun.schema.arguments import DesiredRun
from threadrun.schema.json_schema import first_problem, text_at
from threadrun.schema.types import shortened
from threadrun.state.observations import ObservedRun
from threadrun.state.run import RunRecord

REASON_CHARACTERS = 1000


def require_answer(run: RunRecord, observed: ObservedRun) -> None:
    """Raise `TerminalError` unless a completed run's answer is one that was asked for."""
    plan = run.plan()
    if plan is None or observed.status != "completed":
        return
    _require_no_refusal(run, observed, plan.desired)
    form = plan.effective.response_format
    if form is None or form.json_schema is None or observed.refusal:
        return
    problem = first_problem(observed.output_text, form.json_schema.schema_)
    if problem is not None:
        key = plan.desired.reason_key
        # The part of the answer that the user wants to see in the failure, and nothing else of it.
        reason = text_at(observed.output_text, key) if key else None
        shown = f"; {key}: {shortened(reason, REASON_CHARACTERS)}" if reason else ""
        raise TerminalError(f"run {run.run_id}: the answer does not match json_schema: {problem}{shown}")


def _require_no_refusal(run: RunRecord, observed: ObservedRun, desired: DesiredRun) -> None:
    if not observed.refusal or desired.accept_refusal:
        return
    if desired.reason_key == "refusal":
        raise TerminalError(f"the model refused to answer in run {run.run_id}; refusal: {observed.refusal}")
    raise TerminalError(
        f"the model refused to answer in run {run.run_id}: set accept_refusal to accept this, or reason_key to refusal "
        "to see its words here"
    )
