"""The one decision function: from what is desired and known of a resource to the next thing to do about it.

Level-triggered: it never sees a request type, only the record's goal. It must not know tables, events or HTTP.
Runs are decided about in `run` and `run_deletion`; here is what they share: threads and assistants, which are
changed in place.
"""

from __future__ import annotations

from threadrun.errors import NotShown, TerminalError
from threadrun.reconcile import files, run, run_deletion, stores
from threadrun.reconcile.outcome import Actor, Checkpoint, Done, Gone, Outcome, RequeueAfter
from threadrun.reconcile.patience import delete_thread, deleted, tried
from threadrun.reconcile.presence import look_again, missing
from threadrun.state.files import FileRecord
from threadrun.state.resource import AnyRecord
from threadrun.state.run import RunRecord
from threadrun.state.shared import AssistantRecord, ThreadRecord
from threadrun.state.stores import VectorStoreRecord


def reconcile(record: AnyRecord, actor: Actor) -> Outcome:
    """Take one step towards the record's goal and note in it what was learned.

    Raises `TransientError` or `TerminalError`; the record is to be saved in either case.
    """
    is_desired = record.goal == "present"
    if isinstance(record, RunRecord):
        return run.make_present(record, actor) if is_desired else run_deletion.make_absent(record, actor)
    if isinstance(record, FileRecord):
        return files.make_file(record, actor) if is_desired else files.delete_file(record, actor)
    if not is_desired:
        return stores.delete_store(record, actor) if isinstance(record, VectorStoreRecord) else _delete(record, actor)
    try:
        return _make(record, actor)
    except NotShown:
        if again := _missing(record, actor) or look_again(record, actor):
            return again
        raise  # The model is not there, for one.


def _make(shared: ThreadRecord | AssistantRecord | VectorStoreRecord, actor: Actor) -> Outcome:
    if isinstance(shared, VectorStoreRecord):
        return stores.make_store(shared, actor)
    return _make_thread(shared, actor) if isinstance(shared, ThreadRecord) else _make_assistant(shared, actor)


def _make_thread(thread: ThreadRecord, actor: Actor) -> Done | Checkpoint:
    """Count the messages on the server before each batch: a lost reply must not double one."""
    desired, threads = thread.desired, actor.backend.threads
    if thread.failure is not None:
        raise TerminalError(thread.failure)
    if desired is None:
        return Done()
    if thread.thread_id is None:
        _require_time(thread, actor.now)
        thread.thread_id = threads.create_bare(desired)
        thread.created_at = int(actor.now)
        if not desired.messages:
            thread.content = desired.content()
        return Checkpoint("the thread is known")
    if thread.content is None:
        _require_time(thread, actor.now)
        there = threads.count_messages(thread.thread_id)
        if there < len(desired.messages):
            threads.add_messages(thread.thread_id, desired.messages[there:])
            return Checkpoint(f"messages are being added, {there} are there")
        thread.content = desired.content()
    if thread.content != desired.content():
        threads.update(thread.thread_id, desired)
        thread.content = desired.content()
    return Done()


def _make_assistant(assistant: AssistantRecord, actor: Actor) -> Done | Checkpoint:
    desired = assistant.desired
    if assistant.failure is not None:
        raise TerminalError(assistant.failure)
    if desired is None or assistant.content == desired.content():
        return Done()
    _require_time(assistant, actor.now)
    observed = actor.backend.assistants.put(assistant.assistant_id, desired, assistant.key)
    assistant.assistant_id = observed.assistant_id
    assistant.created_at = assistant.created_at or observed.created_at or int(actor.now)
    if not observed.is_complete:
        return Checkpoint("the assistant is known")
    assistant.version = observed.version or assistant.version + 1
    assistant.name, assistant.model, assistant.content = desired.name, desired.model, desired.content()
    return Done()


def _missing(shared: ThreadRecord | AssistantRecord | VectorStoreRecord, actor: Actor) -> Gone | RequeueAfter | None:
    backend, physical_id = actor.backend, shared.physical_id
    if physical_id is None or isinstance(shared, VectorStoreRecord):
        return None
    if isinstance(shared, ThreadRecord):
        return missing(shared, lambda: backend.threads.last_item_id(physical_id), actor)
    return missing(shared, lambda: backend.assistants.find(physical_id), actor)


def _delete(shared: ThreadRecord | AssistantRecord, actor: Actor) -> Done | RequeueAfter:
    if shared.options.deletion_policy == "retain":
        return Done()
    if isinstance(shared, ThreadRecord):
        if shared.thread_id is None:
            return Done()  # One whose creation got no reply cannot be found: no server lists threads.
        _require_time(shared, actor.now)
        return delete_thread(shared, shared.thread_id, actor) or Done()
    _require_time(shared, actor.now)
    assistants = actor.backend.assistants
    if (assistant_id := shared.assistant_id) is None:  # The reply that named it may have been lost.
        return tried(shared, lambda: assistants.delete_lost(shared.key), actor) or Done()
    return deleted(shared, lambda: assistants.delete(assistant_id), actor) or Done()


def _require_time(shared: ThreadRecord | AssistantRecord, now: float) -> None:
    if now >= shared.deadline_epoch_s:
        raise TerminalError(f"the {shared.kind} was not ready in time: {shared.waited_for(now)}")
