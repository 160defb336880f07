"""Cuts the values of secrets that a run's tools name out of what a server says: it may repeat them anywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from threadrun.errors import TerminalError, ThreadRunError, TransientError
from threadrun.reconcile.outcome import Actor
from threadrun.schema.types import shortened
from threadrun.state.observations import ObservedRun
from threadrun.state.run import RunRecord

MAX_REFUSAL_CHARACTERS = 1000


@contextmanager
def errors_redacted(run: RunRecord, actor: Actor) -> Iterator[None]:
    """What a server says in the errors that are raised within this has no secret."""
    try:
        yield
    except ThreadRunError as error:
        if error.__cause__ is not None:  # Without one the words are ours.
            cut, unread = _redactor(run, actor)
            reason = cut(error.reason)
            if unread is not None:
                # What was being done is our own word for it, and says how long this is waited for.
                said = f"the server's reason is not shown, as it may have a secret: {unread.reason}"
                reason = f"{reason.partition(': ')[0]}: {said}"
            error.reword(reason)
        raise


def redacted(run: RunRecord, observed: ObservedRun, actor: Actor) -> ObservedRun:
    """What was observed of the run, with no secret in any text of it."""
    cut, unread = _redactor(run, actor)
    if isinstance(unread, TransientError):
        if actor.now < run.deadline_epoch_s:
            raise unread
        raise TerminalError(f"run {observed.run_id} has ended, and its answer may have a secret: {unread.reason}")
    problem = observed.problem and cut(observed.problem)
    if problem and unread is not None:
        # A secret is gone, and with it what to cut out. The answer was paid for, so the rest of it stays.
        problem = f"its reason is not shown: {unread.reason}"
    cited = (
        replace(each, url=each.url and cut(each.url), title=each.title and cut(each.title))
        for each in observed.citations
    )
    return replace(
        observed,
        output_text=cut(observed.output_text),
        refusal=shortened(cut(observed.refusal), MAX_REFUSAL_CHARACTERS),
        citations=tuple(cited),
        calls=tuple(replace(each, arguments=cut(each.arguments)) for each in observed.calls),
        problem=problem,
    )


def _redactor(run: RunRecord, actor: Actor) -> tuple[Callable[[str], str], ThreadRunError | None]:
    """What cuts out all that is known, and why a secret cannot be read: one that may be read later comes first."""
    cut, unread = actor.backend.runs.redactor(run.resolution.secret_arns if run.resolution else ())
    return cut, min(unread, key=lambda error: isinstance(error, TerminalError), default=None)
