"""The items of a conversation, and what they prove about runs.

A response's items appear all together, when it has ended well or was cut off.
Source: openai.types.conversations (openai-python 3.54).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from openai import omit

from threadrun.errors import NotFound, TransientError
from threadrun.providers.answers import answer_in
from threadrun.providers.replies import Reply
from threadrun.providers.responses.chains import is_chain
from threadrun.providers.server import Server
from threadrun.state.observations import FunctionCall, ObservedRun

ITEMS_PER_PAGE, ITEMS_PER_REQUEST = 100, 20
_ITEM_PREFIXES = ("msg_", "fc_", "mcpr_")
"""Ids of messages, of function calls and of requests for an approval."""
_ROLES_OF_INPUT = frozenset({"user", "system", "developer"})


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


def run_ref(thread_id: str, run_id: str) -> RunRef:
    """What a run's id names on this API. A chain has no items, whatever a gateway calls its responses."""
    is_item = run_id.startswith(_ITEM_PREFIXES) and not is_chain(thread_id)
    return ItemRef(run_id) if is_item else ResponseRef(run_id)


def read_items(server: Server, thread_id: str, after_item_id: str | None = None) -> list[Reply]:
    """The thread's items, oldest first; empty where the server keeps no threads.

    Raises `NotFound` where it does not show the thread or the item, which says nothing of what is in it.
    """
    if is_chain(thread_id):
        return []
    fields, items = {"limit": ITEMS_PER_PAGE, "order": "asc"}, server.api.conversations.items
    return server.listed(f"read thread {thread_id}", items.list, thread_id, after=after_item_id or omit, **fields)


def items_left(server: Server, thread_id: str) -> list[Reply]:
    """The thread's items as `read_items` has them; empty where the thread is gone."""
    with suppress(NotFound):
        return read_items(server, thread_id)
    return []


def is_from_user(item: Reply) -> bool:
    return item.text("type") == "message" and item.text("role") == "user"


def is_answer(item: Reply) -> bool:
    """One without a type is a message where it has a role."""
    kind, role = item.text("type"), item.text("role")
    return (kind == "message" or (not kind and bool(role))) and role not in _ROLES_OF_INPUT


def calls_in(items: Iterable[Reply]) -> list[FunctionCall]:
    """The function calls that can be answered."""
    calls = [item for item in items if item.text("type") == "function_call" and item.text("call_id")]
    return [FunctionCall(call.text("call_id"), call.text("name"), call.json("arguments")) for call in calls]


def approval_problem(items: Iterable[Reply]) -> str | None:
    """What is wrong with a run that ended with a request for somebody's approval; None where it has none."""
    for item in items:
        if item.text("type") == "mcp_approval_request":
            server, tool = item.text("server_label"), item.text("name")
            return (
                f"MCP server {server} asks for approval of its tool {tool}, which nobody can give during a deployment: "
                "have the server need none, or leave the tool out of allowed_tools"
            )
    return None


def cut_problem(items: Iterable[Reply]) -> str | None:
    """What is known of why a run was cut off; None where it was not. `incomplete_details` are the response's alone."""
    if any(item.text("status") == "incomplete" for item in items):
        return "incomplete for a reason that only its response tells, and the items that it left do not name that"
    return None


def run_in(items: Sequence[Reply]) -> ObservedRun | None:
    """The last run that left these items. Its id is that of its last item (`run_ref`): items name no response.

    Raises `NotFound` where its items have no ids: nobody could ask for it; `TransientError` while it writes them.
    """
    answered = _answered_calls(items)
    last_id, answers, calls, asked = "", list[Reply](), list[Reply](), list[Reply]()
    for item in items:
        if item.text("type") == "function_call_output" or is_from_user(item):
            last_id, answers, asked = "", [], []
        elif is_answer(item):
            last_id = item.text("id") or last_id
            answers.append(item)
        elif item.text("type") == "function_call" and item.text("call_id") not in answered:
            last_id = item.text("id") or last_id
            calls.append(item)
        elif item.text("type") == "mcp_approval_request":
            last_id = item.text("id") or last_id
            asked.append(item)
    if not (answers or calls or asked):
        return None
    if any(item.text("status") == "in_progress" for item in (*answers, *calls)):
        # No end, and no id either: that of its last item is still to come.
        raise TransientError("the run is at work: the thread has only a part of its items")
    if not last_id:
        raise NotFound("the server names no id of the run's items")
    unapproved, cut = approval_problem(asked), cut_problem((*answers, *calls))
    status = "failed" if unapproved else "incomplete" if cut else "requires_action" if calls else "completed"
    answer = answer_in(answers)._asdict()
    return ObservedRun(last_id, status, calls=tuple(calls_in(calls)), problem=unapproved or cut, **answer)


def run_ending_with(item_id: str, items: Sequence[Reply]) -> ObservedRun | None:
    """The run whose last item this is; None where the item is gone."""
    last = next((index for index, item in enumerate(items) if item.text("id") == item_id), None)
    return None if last is None else run_in(items[: last + 1])


def run_after(call_ids: Collection[str], items: Sequence[Reply]) -> ObservedRun | None:
    """What the run has done since these calls got their outputs, up to the next message of a user."""
    outputs = [index for index, item in enumerate(items) if _answered_calls([item]) & {*call_ids}]
    if not outputs:
        return None
    since = items[outputs[-1] + 1 :]
    end = next((index for index, item in enumerate(since) if is_from_user(item)), len(since))
    return run_in(since[:end])


def open_calls(call_ids: Collection[str], items: Sequence[Reply]) -> list[str]:
    """Those of these calls that the conversation has, but no output for."""
    is_open = {call.call_id for call in calls_in(items)} - _answered_calls(items)
    return [call_id for call_id in call_ids if call_id in is_open]


def _answered_calls(items: Sequence[Reply]) -> set[str]:
    return {item.text("call_id") for item in items if item.text("type") == "function_call_output"} - {""}
