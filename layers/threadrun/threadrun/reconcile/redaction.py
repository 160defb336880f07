"""Cuts the values of secrets that a run's tools name out of what a server says: it may repeat them anywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from threadrun.errors import TerminalError, ThreadRunError
from threadrun.reconcile.outcome import Actor
from threadrun.state.observations import ObservedRun
from threadrun.state.run import RunRecord


@contextmanager
def errors_redacted(run: RunRecord, actor: Actor) -> Iterator[None]:
    """What a server says in the errors that are raised within this has no secret."""
    try:
        yield
    except ThreadRunError as error:
        if error.__cause__ is not None:  # Without one the words are ours.
            try:
                error.reason = _redactor(run, actor)(error.reason)
            except ThreadRunError as unread:
                error.reason = f"the server's reason is not shown, as it may have a secret: {unread.reason}"
            error.args = (error.reason,)
        raise


def redacted(run: RunRecord, observed: ObservedRun, actor: Actor) -> ObservedRun:
    """What was observed of the run, with no secret in any text of it."""
    try:
        cut = _redactor(run, actor)
    except TerminalError as error:
        # They are gone, and with them what to cut out. The answer was paid for, so it stays.
        return replace(observed, problem=observed.problem and f"its reason is not shown: {error.reason}")
    cited = (
        replace(each, url=each.url and cut(each.url), title=each.title and cut(each.title))
        for each in observed.citations
    )
    return replace(
        observed,
        output_text=cut(observed.output_text),
        refusal=cut(observed.refusal),
        citations=tuple(cited),
        calls=tuple(replace(each, arguments=cut(each.arguments)) for each in observed.calls),
        problem=observed.problem and cut(observed.problem),
    )


def _redactor(run: RunRecord, actor: Actor) -> Callable[[str], str]:
    plan = run.plan()
    return actor.backend.runs.redactor((plan.effective.tools if plan else None) or ())
