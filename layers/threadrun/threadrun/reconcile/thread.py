"""Decides about threads that runs of a stack share: make it, add its messages in batches, keep its metadata."""

from __future__ import annotations

from threadrun.errors import TerminalError
from threadrun.reconcile.backend import Backend
from threadrun.reconcile.outcome import Done, RequeueAfter, require_time
from threadrun.state.shared import ThreadRecord


def make_present(thread: ThreadRecord, backend: Backend, now: float) -> Done | RequeueAfter:
    """Messages are counted on the server before each batch: a lost reply must not double one."""
    desired = thread.desired
    if thread.failure is not None:
        raise TerminalError(thread.failure)
    if desired is None:
        return Done()
    if thread.thread_id is None:
        require_time(thread, "the thread", now)
        thread.thread_id = backend.create_bare_thread(desired)
        thread.created_at = int(now)
        if not desired.messages:
            thread.content = desired.content()
        return RequeueAfter(0, "the thread is known")
    if thread.content is None:
        require_time(thread, "the thread", now)
        there = backend.count_messages(thread.thread_id)
        if there < len(desired.messages):
            backend.add_messages(thread.thread_id, desired.messages[there:])
            return RequeueAfter(0, f"messages are being added, {there} are there")
        thread.content = desired.content()
    if thread.content != desired.content():
        backend.update_thread(thread.thread_id, desired)
        thread.content = desired.content()
    return Done()


def make_absent(thread: ThreadRecord, backend: Backend, now: float) -> Done | RequeueAfter:
    if thread.thread_id is not None and thread.deletion_policy != "retain":
        require_time(thread, "the thread", now)
        backend.delete_thread(thread.thread_id)
    return Done()
