"""What a run's id names on this API: a response, or the last item that a response left in its conversation.

A run whose start got no reply is found by its items. They do not name their response, so the last item's id is the
run's id from then on: on record, and in what CloudFormation gets.
"""

from __future__ import annotations

from dataclasses import dataclass

_ITEM_PREFIXES = ("msg_", "fc_")
"""Ids of messages and of function calls. Source: openai.types.conversations (openai-python 3.54)."""


@dataclass(frozen=True)
class ResponseRef:
    """A run that can be read, cancelled and deleted as a response."""

    response_id: str


@dataclass(frozen=True)
class ItemRef:
    """A run of which only the conversation tells: it has ended, and its response cannot be requested."""

    item_id: str


RunRef = ResponseRef | ItemRef


def run_ref(run_id: str) -> RunRef:
    """Read a run's id."""
    return ItemRef(run_id) if run_id.startswith(_ITEM_PREFIXES) else ResponseRef(run_id)
