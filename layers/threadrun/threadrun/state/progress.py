"""What becomes known while a request is worked on, for logs and metrics. It must not know where those go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from threadrun.state.resource import Request, ResourceRecord
from threadrun.state.run import RunRecord


@dataclass
class RequestContext:
    """Handed down to whoever loads the record; each event has its own."""

    on_names: Callable[[dict[str, str]], None] = lambda names: None
    """Told the names that a request is found by, as soon as they are known."""
    counts: Counter[str] = field(default_factory=Counter)
    """How often something happened, by the name of its metric."""

    def follow(self, record: ResourceRecord, request: Request) -> None:
        """Take the names of what the request is about."""
        self.on_names(names(record, request))


def names(record: ResourceRecord, request: Request) -> dict[str, str]:
    """The stack, the resource and, once it is known, the run."""
    found = {"stack_id": record.stack_id, "logical_id": record.logical_id}
    run = record.target(request)
    if isinstance(run, RunRecord) and run.run_id is not None:
        found["run_id"] = run.run_id
    return found
