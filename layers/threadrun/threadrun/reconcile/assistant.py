"""Decides about assistants: one configuration, changed in place, each change a version."""

from __future__ import annotations

from threadrun.errors import TerminalError
from threadrun.reconcile.backend import Backend
from threadrun.reconcile.outcome import Done, RequeueAfter, require_time
from threadrun.state.shared import AssistantRecord


def make_present(assistant: AssistantRecord, backend: Backend, now: float) -> Done | RequeueAfter:
    """Put the wanted settings in place unless they are there already."""
    desired = assistant.desired
    if assistant.failure is not None:
        raise TerminalError(assistant.failure)
    if desired is None or assistant.content == desired.content():
        return Done()
    require_time(assistant, "the assistant", now)
    observed = backend.put_assistant(assistant.assistant_id, desired, assistant.key)
    assistant.assistant_id = observed.assistant_id
    assistant.created_at = assistant.created_at or observed.created_at or int(now)
    if not observed.is_complete:
        return RequeueAfter(0, "the assistant is known")
    assistant.version = observed.version or assistant.version + 1
    assistant.name, assistant.model, assistant.content = desired.name, desired.model, desired.content()
    return Done()


def make_absent(assistant: AssistantRecord, backend: Backend, now: float) -> Done | RequeueAfter:
    if assistant.assistant_id is not None and assistant.deletion_policy != "retain":
        require_time(assistant, "the assistant", now)
        backend.delete_assistant(assistant.assistant_id)
    return Done()
