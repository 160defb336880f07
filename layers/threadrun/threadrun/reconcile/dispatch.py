"""The one decision function: from what is wanted and known of a resource to the next thing to do about it.

Level-triggered: it never sees a request type, only the record's goal. It must not know tables, events or HTTP.
"""

from __future__ import annotations

from threadrun.reconcile import run, run_deletion, shared
from threadrun.reconcile.outcome import Actor, Outcome
from threadrun.state.resource import AnyRecord
from threadrun.state.run import RunRecord
from threadrun.state.shared import ThreadRecord


def reconcile(record: AnyRecord, actor: Actor) -> Outcome:
    """Take one step towards the record's goal and note in it what was learned.

    Raises `TransientError` or `TerminalError`; the record is to be saved in either case.
    """
    is_wanted = record.goal == "present"
    if isinstance(record, RunRecord):
        return run.make_present(record, actor) if is_wanted else run_deletion.make_absent(record, actor)
    if not is_wanted:
        return shared.make_absent(record, actor)
    return (
        shared.make_thread(record, actor) if isinstance(record, ThreadRecord) else shared.make_assistant(record, actor)
    )
