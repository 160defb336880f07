"""Decides about threads that runs of a stack share: make it, add its messages in batches, keep its metadata."""

from __future__ import annotations

from threadrun.errors import TerminalError
from threadrun.reconcile.outcome import Actor, Checkpoint, Done, require_time
from threadrun.state.shared import ThreadRecord


def make_present(thread: ThreadRecord, actor: Actor) -> Done | Checkpoint:
    """Count the messages on the server before each batch: a lost reply must not double one."""
    desired, threads = thread.desired, actor.backend.threads
    if thread.failure is not None:
        raise TerminalError(thread.failure)
    if desired is None:
        return Done()
    if thread.thread_id is None:
        require_time(thread, "the thread", actor.now)
        thread.thread_id = threads.create_bare(desired)
        thread.created_at = int(actor.now)
        if not desired.messages:
            thread.content = desired.content()
        return Checkpoint("the thread is known")
    if thread.content is None:
        require_time(thread, "the thread", actor.now)
        there = threads.count_messages(thread.thread_id)
        if there < len(desired.messages):
            threads.add_messages(thread.thread_id, desired.messages[there:])
            return Checkpoint(f"messages are being added, {there} are there")
        thread.content = desired.content()
    if thread.content != desired.content():
        threads.update(thread.thread_id, desired)
        thread.content = desired.content()
    return Done()


def make_absent(thread: ThreadRecord, actor: Actor) -> Done:
    if thread.thread_id is not None and thread.options.deletion_policy != "retain":
        require_time(thread, "the thread", actor.now)
        actor.backend.threads.delete(thread.thread_id)
    return Done()
