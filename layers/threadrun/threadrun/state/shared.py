"""What is on record of threads, and of assistants: versioned settings. Runs of a stack share them."""

from __future__ import annotations

from typing import Literal, Self

from threadrun.schema.arguments import DesiredAssistant, DesiredThread
from threadrun.state.base import PhysicalRecord


class ThreadRecord(PhysicalRecord):
    kind: Literal["thread"] = "thread"
    desired: DesiredThread | None = None
    thread_id: str | None = None
    created_at: int | None = None
    content: str | None = None
    """Digest of the metadata that the thread has now; None until all its messages are there."""

    @property
    def physical_id(self) -> str | None:
        return self.thread_id

    def merge(self, lost: Self, base: Self | None) -> Self | None:
        if lost.thread_id and self.thread_id not in (None, lost.thread_id):
            return self._surplus(thread_id=lost.thread_id)
        self.thread_id = self.thread_id or lost.thread_id
        return None


class AssistantRecord(PhysicalRecord):
    kind: Literal["assistant"] = "assistant"
    desired: DesiredAssistant | None = None
    assistant_id: str | None = None
    version: int = 0
    created_at: int | None = None
    name: str | None = None
    model: str | None = None
    content: str | None = None
    """Digest of the settings that the current version has."""

    @property
    def physical_id(self) -> str | None:
        return self.assistant_id

    def merge(self, lost: Self, base: Self | None) -> Self | None:
        if lost.assistant_id and self.assistant_id not in (None, lost.assistant_id):
            return self._surplus(assistant_id=lost.assistant_id)
        self.assistant_id = self.assistant_id or lost.assistant_id
        return None
