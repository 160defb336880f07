"""Threads on servers without conversations: a chain of responses, each on top of the one before.

The thread's id is generated here, and the record of the run that began the chain has the ids of its responses. No other
run can continue it: the server does not show which response came last, nor lock the chain while a run is on it.
"""

from __future__ import annotations

import secrets

_PREFIX = "chain_"
CHAIN_MARK = "threadrun_thread"
"""Metadata key of each response: its value is the id of the thread that the response belongs to."""


def new_chain() -> str:
    # From the system's entropy: a generator's state would be part of a snapshot (SnapStart), and its ids would repeat.
    return f"{_PREFIX}{secrets.token_hex(24)}"


def is_chain(thread_id: str) -> bool:
    """Whether this thread is a chain, which the server does not know as a thread."""
    return thread_id.startswith(_PREFIX)
