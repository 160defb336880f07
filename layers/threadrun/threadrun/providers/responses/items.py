"""The items of a conversation, and what they prove about runs.

A response's items appear all together, when it has ended well. Source: openai.types.conversations (openai-python 3.54).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass

from openai import omit
from openai.types.conversations import ConversationItem

from threadrun.errors import NotFound
from threadrun.providers.responses.chains import is_chain
from threadrun.providers.server import Server
from threadrun.state.observations import FunctionCall, ObservedRun

ITEMS_PER_PAGE, ITEMS_PER_REQUEST = 100, 20
_ITEM_PREFIXES = ("msg_", "fc_")
"""Ids of messages and of function calls."""


@dataclass(frozen=True)
class ResponseRef:
    """A run that can be read, cancelled and deleted as a response."""

    response_id: str


@dataclass(frozen=True)
class ItemRef:
    """A run whose start got no reply, found by its items: it has ended, and its response cannot be requested.

    Items do not name their response, so the last item's id is the run's id, on record and in what CloudFormation gets.
    """

    item_id: str


RunRef = ResponseRef | ItemRef


def run_ref(run_id: str) -> RunRef:
    """What a run's id names on this API."""
    return ItemRef(run_id) if run_id.startswith(_ITEM_PREFIXES) else ResponseRef(run_id)


def read_items(server: Server, thread_id: str, after_item_id: str | None = None) -> list[ConversationItem]:
    """The thread's items, oldest first. None where the thread or the item is gone, or the server keeps no threads."""
    if is_chain(thread_id):
        return []
    fields, items = {"limit": ITEMS_PER_PAGE, "order": "asc"}, server.client.conversations.items
    with suppress(NotFound):
        return server.listed(f"read thread {thread_id}", items.list, thread_id, after=after_item_id or omit, **fields)
    return []


def is_from_user(item: ConversationItem) -> bool:
    return item.type == "message" and item.role == "user"


def run_in(items: Sequence[ConversationItem]) -> ObservedRun | None:
    """The last run that left these items. Its id is that of its last item (`run_ref`): items name no response."""
    answered = _answered_calls(items)
    last_id, texts, calls = None, list[str](), list[FunctionCall]()
    for item in items:
        if item.type == "function_call_output" or is_from_user(item):
            last_id, texts = None, []
        elif item.type == "message" and item.role == "assistant":
            last_id = item.id
            texts += [part.text for part in item.content if part.type == "output_text"]
        elif item.type == "function_call" and item.call_id not in answered:
            last_id = item.id
            calls.append(FunctionCall(item.call_id, item.name, item.arguments))
    if last_id is None:
        return None
    status = "requires_action" if calls else "completed"
    return ObservedRun(last_id, status, output_text="".join(texts), calls=tuple(calls))


def run_ending_with(item_id: str, items: Sequence[ConversationItem]) -> ObservedRun | None:
    """The run whose last item this is; None where the item is gone."""
    last = next((index for index, item in enumerate(items) if item.id == item_id), None)
    return None if last is None else run_in(items[: last + 1])


def run_after(call_ids: Collection[str], items: Sequence[ConversationItem]) -> ObservedRun | None:
    """What the run has done since these calls got their outputs, up to the next message of a user."""
    outputs = [n for n, item in enumerate(items) if item.type == "function_call_output" and item.call_id in call_ids]
    if not outputs:
        return None
    since = items[outputs[-1] + 1 :]
    end = next((index for index, item in enumerate(since) if is_from_user(item)), len(since))
    return run_in(since[:end])


def open_calls(call_ids: Collection[str], items: Sequence[ConversationItem]) -> list[str]:
    """Those of these calls that the conversation has, but no output for."""
    is_open = {item.call_id for item in items if item.type == "function_call"} - _answered_calls(items)
    return [call_id for call_id in call_ids if call_id in is_open]


def _answered_calls(items: Sequence[ConversationItem]) -> set[str]:
    return {item.call_id for item in items if item.type == "function_call_output" and item.call_id}
