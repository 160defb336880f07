"""What a server shows of runs, assistants and files, and what a run is started with; the same on both wire APIs."""

from __future__ import annotations

import operator
from dataclasses import astuple, dataclass, field

from threadrun.schema.arguments import DesiredAssistant, DesiredRun

FINAL_STATUSES = frozenset({"completed", "requires_action", "failed", "incomplete", "cancelled", "expired"})
"""`requires_action` is final only if no handler answers its calls; `RunRecord.can_answer` decides."""
KNOWN_STATUSES = FINAL_STATUSES | {"queued", "in_progress", "cancelling"}


@dataclass(frozen=True)
class Usage:
    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    cached_tokens: int = 0
    """Of the prompt's, those that the server had read before."""
    reasoning_tokens: int = 0
    """Of the completion's, those that the model thought with."""

    def __add__(self, other: Usage) -> Usage:
        return Usage(*map(operator.add, astuple(self), astuple(other)))


@dataclass(frozen=True)
class FunctionCall:
    """A function that the model calls: its run continues once the call has an output."""

    call_id: str
    name: str
    arguments: str
    """JSON text, as the model wrote it."""


@dataclass(frozen=True)
class Citation:
    """A source that an answer names, a web page or a file, and the characters of the text that are about it."""

    url: str | None = None
    file: str | None = None
    """The file's id."""
    title: str | None = None
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True)
class ObservedRun:
    """A run as the server shows it now; times are Unix seconds."""

    run_id: str
    status: str
    created_at: int | None = None
    started_at: int | None = None
    completed_at: int | None = None
    model: str | None = None
    usage: Usage | None = None
    """None where the server does not report it."""
    output_text: str = ""
    refusal: str = ""
    """What the model said in place of an answer that it would not give."""
    citations: tuple[Citation, ...] = ()
    are_all_cited: bool = True
    """Whether `citations` has every source that the answer names."""
    calls: tuple[FunctionCall, ...] = ()
    """What it waits for, where its status is `requires_action`; else what it left unanswered."""
    problem: str | None = None
    """The server's own reason where the run failed or is incomplete."""
    may_pass: bool = False
    """It failed for a reason that says nothing of the next try."""
    is_marked: bool = False
    """Its metadata prove that it was started for the record that looks for it."""

    @property
    def is_final(self) -> bool:
        return self.status in FINAL_STATUSES


@dataclass(frozen=True)
class ObservedAssistant:
    assistant_id: str
    settings: DesiredAssistant
    version: int | None = None
    """None where the server keeps no versions."""
    created_at: int | None = None
    is_complete: bool = True
    """Whether it has its settings, or is to be put once more, now that its id is known."""


@dataclass(frozen=True)
class Indexing:
    """How far a vector store is with its files."""

    is_pending: bool
    failures: tuple[tuple[str, str], ...] = ()
    """(file id, the server's reason) of each file that could not be indexed."""


@dataclass(frozen=True)
class ObservedStore:
    """A vector store as the server shows it; a failure of its indexing names the file, too."""

    store_id: str
    indexing: Indexing = Indexing(is_pending=False)
    name: str = ""
    status: str = ""
    file_counts: dict[str, int] = field(default_factory=dict)
    usage_bytes: int | None = None
    created_at: int | None = None


@dataclass(frozen=True)
class ObservedFile:
    file_id: str
    filename: str = ""
    size_bytes: int = 0
    purpose: str = ""
    created_at: int | None = None
    expires_at: int | None = None


@dataclass(frozen=True)
class Content:
    """How large a file is before it is uploaded, and which object in S3 it is."""

    size_bytes: int
    etag: str = ""


@dataclass(frozen=True)
class RunPlan:
    desired: DesiredRun
    """As the user wrote it."""
    effective: DesiredRun
    """With what it takes from its assistant."""
    vector_store_id: str | None = None
    """The store made of its attached files, if it has one."""
    is_again: bool = False
    """The server ended an earlier try, which may have left its messages on the thread."""
    token: str = ""
    """The record's key: what is made with it can be found again, where the API keeps metadata."""
