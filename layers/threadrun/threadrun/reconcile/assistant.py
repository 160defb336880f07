"""Decides about assistants: one configuration, changed in place, each change a version."""

from __future__ import annotations

from threadrun.errors import TerminalError
from threadrun.reconcile.outcome import Actor, Checkpoint, Done, require_time
from threadrun.state.shared import AssistantRecord


def make_present(assistant: AssistantRecord, actor: Actor) -> Done | Checkpoint:
    """Put the wanted settings in place unless they are there already."""
    desired = assistant.desired
    if assistant.failure is not None:
        raise TerminalError(assistant.failure)
    if desired is None or assistant.content == desired.content():
        return Done()
    require_time(assistant, "the assistant", actor.now)
    observed = actor.backend.assistants.put(assistant.assistant_id, desired, assistant.key)
    assistant.assistant_id = observed.assistant_id
    assistant.created_at = assistant.created_at or observed.created_at or int(actor.now)
    if not observed.is_complete:
        return Checkpoint("the assistant is known")
    assistant.version = observed.version or assistant.version + 1
    assistant.name, assistant.model, assistant.content = desired.name, desired.model, desired.content()
    return Done()


def make_absent(assistant: AssistantRecord, actor: Actor) -> Done:
    if assistant.assistant_id is not None and assistant.options.deletion_policy != "retain":
        require_time(assistant, "the assistant", actor.now)
        actor.backend.assistants.delete(assistant.assistant_id)
    return Done()
