"""The parts of a run's record: values, each replaced as a whole."""

from __future__ import annotations

from typing import Literal, NamedTuple

from pydantic import Field

from threadrun.schema.arguments import DesiredAssistant
from threadrun.state.base import Value
from threadrun.state.observations import FINAL_STATUSES, Usage


class Resolution(Value):
    """The assistant that the run goes by, as it was when it was looked up, and what follows from it."""

    assistant: DesiredAssistant | None = None
    assistant_id: str | None = None
    assistant_version: int | None = None
    leaves_calls_to_user: bool = False
    """A function without a handler may be called."""
    file_ids: tuple[str, ...] = ()
    secret_arns: tuple[str, ...] = ()
    """Of the tools, for as long as the run is on record: a server may repeat the values in any reply."""


class SearchableFiles(Value):
    """The vector store of the attached files, if the run needs one."""

    vector_store_id: str | None = None
    is_ready: bool = False
    """They are indexed, or there are none."""


class Attempt(Value):
    """A creating request that is about to be made, or that got no reply."""

    intended_epoch_s: float
    owner: str | None
    """The one step that may make the request; None once it has been made."""
    after_item_id: str | None = None
    """The thread's newest item before it: what comes later may prove it."""
    earlier: Literal["none", "unknown", "locked", "refused"] = "none"
    """Whether an earlier attempt may have started a run (`unknown`), or has, as it locks the thread (`locked`).

    Where this one was `refused`, it started none, and another one may be noted at once.
    """
    refused_since_epoch_s: float = 0
    """Since when the server does not show what the request is about; 0 where it does."""


class ToolCall(Value):
    """A call that the model waits for, and what became of it."""

    name: str
    arguments: str = Field(repr=False)
    output: str | None = Field(default=None, repr=False)
    """What the model gets for it; None until its handler has returned, or has failed for the last time."""
    attempts: int = 0
    """How often its handler has failed."""
    failure: str | None = None
    """The kind of error that its handler failed with the last time."""


class ToolRound(Value):
    """The newest round of calls, and the ids under which the run continues."""

    number: int = 0
    calls: dict[str, ToolCall] = Field(default_factory=dict)
    """By call id."""
    earlier_calls: int = 0
    """How many there were in the rounds before."""
    is_submitted: bool = False
    """The server has the outputs of these calls."""
    chain: tuple[str, ...] = ()
    """Ids under which the run continued after its calls, where the API gives it a new one each time."""
    usage_before: Usage = Usage()
    """Of all that went before the end of the chain."""


class RunState(Value):
    """What the server has shown of the run, except for its output. Times are Unix seconds."""

    status: str | None = None
    created_at: int | None = None
    started_at: int | None = None
    completed_at: int | None = None
    model: str | None = None
    usage: Usage = Usage()
    problem: str | None = None
    failed_ids: tuple[str, ...] = ()
    """Of earlier tries, which the server ended for a reason that passes."""

    @property
    def is_final(self) -> bool:
        return self.status in FINAL_STATUSES


class AttributesItem(Value):
    """The run's public item in the table."""

    is_staged: bool = False
    """The attributes are staged for the state machine to record."""
    output_s3_uri: str | None = None
    """Where the output is, if it is too large for the item."""


class Started(NamedTuple):
    """Where a run is that the server has: its thread, and the id to look at."""

    thread_id: str
    run_id: str
