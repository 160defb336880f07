"""Threads on servers without conversations: a chain of responses, each on top of the one before.

The thread's id is made up here, and the run that began the chain keeps its responses in its record. Nobody else can go
on with it: the server shows neither what came last nor locks it meanwhile.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from threadrun.schema.types import METADATA_PAIRS

_PREFIX = "chain_"
_MARK = "threadrun_thread"
"""Metadata of each response: by it a run is known to be of this thread."""


def new_chain() -> str:
    """The id of a new thread."""
    # Not of `random` or `uuid`'s time: what a snapshot (SnapStart) keeps would repeat.
    return f"{_PREFIX}{secrets.token_hex(24)}"


def is_chain(thread_id: str) -> bool:
    """Whether the server does not know this thread."""
    return thread_id.startswith(_PREFIX)


def marked(metadata: Mapping[str, str] | None, thread_id: str) -> dict[str, str]:
    """The user's metadata with the mark, where it has a place left."""
    given = dict(metadata or {})
    return given if len(given) == METADATA_PAIRS else given | {_MARK: thread_id}


def has_mark(metadata: Mapping[str, str] | None, thread_id: str) -> bool:
    """Whether a response with this metadata is of this thread."""
    return (metadata or {}).get(_MARK) == thread_id
