"""The one decision function: from what is wanted and known of a resource to the next thing to do about it.

Level-triggered: it never sees a request type, only the record's goal. It must not know tables, events or HTTP.
"""

from __future__ import annotations

from threadrun.reconcile import assistant as reconcile_assistant
from threadrun.reconcile import run as reconcile_run
from threadrun.reconcile import thread as reconcile_thread
from threadrun.reconcile.backend import Backend
from threadrun.reconcile.outcome import Outcome
from threadrun.state.resource import AnyRecord
from threadrun.state.run import RunRecord
from threadrun.state.shared import ThreadRecord


def reconcile(record: AnyRecord, backend: Backend, now: float) -> Outcome:
    """Take one step towards the record's goal and note in it what was learned.

    `now` is in Unix seconds. Raises `TransientError` for what may work later and `TerminalError` for what
    cannot; the record is to be saved in either case.
    """
    is_wanted = record.goal == "present"
    if isinstance(record, RunRecord):
        return (reconcile_run.make_present if is_wanted else reconcile_run.make_absent)(record, backend, now)
    if isinstance(record, ThreadRecord):
        return (reconcile_thread.make_present if is_wanted else reconcile_thread.make_absent)(record, backend, now)
    return (reconcile_assistant.make_present if is_wanted else reconcile_assistant.make_absent)(record, backend, now)
