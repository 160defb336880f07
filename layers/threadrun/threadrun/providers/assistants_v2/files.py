"""Which files and vector stores a run's tools have on this API, where only assistants and threads can have them.

Pure functions. Source: openai.types.beta (openai-python 3.54).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from openai.types.beta import Assistant, Thread

from threadrun.errors import TerminalError
from threadrun.providers.server import MARK
from threadrun.providers.vector_stores import nothing_to_search
from threadrun.schema.arguments import DesiredAssistant, DesiredRun, DesiredThread
from threadrun.schema.tools import Tool
from threadrun.state.observations import RunPlan

SEARCH, CODE = "file_search", "code_interpreter"
NO_RESOURCES: dict[str, Any] = {SEARCH: {"vector_store_ids": []}, CODE: {"file_ids": []}}
_OF_ITS_THREAD = "thread"
"""Value of the mark on a store that a thread was created with."""


@dataclass(frozen=True)
class Granted:
    """What assistants and threads give to the tools of their runs."""

    store_ids: tuple[str, ...] = ()
    file_ids: tuple[str, ...] = ()


def granted_by(*holders: Assistant | Thread) -> Granted:
    """What these assistants and threads give together."""
    all_resources = [holder.tool_resources for holder in holders if holder.tool_resources]
    searches = [each.file_search for each in all_resources if each.file_search]
    codes = [each.code_interpreter for each in all_resources if each.code_interpreter]
    return Granted(
        tuple(store_id for each in searches for store_id in each.vector_store_ids or ()),
        tuple(file_id for each in codes for file_id in each.file_ids or ()),
    )


def store_ids_of(tools: Iterable[Tool] | None) -> list[str]:
    """The vector stores that these tools name, each once, in order."""
    return list(dict.fromkeys(store_id for tool in tools or () for store_id in tool.vector_store_ids or ()))


def code_file_ids_of(tools: Iterable[Tool] | None) -> list[str]:
    """The files that these tools name, each once, in order."""
    return list(dict.fromkeys(file_id for tool in tools or () for file_id in tool.file_ids or ()))


def reads_files(run: DesiredRun) -> bool:
    """Whether the run has a tool that reads files or stores."""
    return run.has_tool("retrieval", SEARCH, CODE)


def attachment_tools(run: DesiredRun) -> list[str]:
    """The tools that read attached files: this API wants them named with each file, and the run's tools decide."""
    found = [SEARCH] if run.has_tool("retrieval", SEARCH) else []
    found += [CODE] if run.has_tool(CODE) else []
    return found or [SEARCH]


def is_indexed(plan: RunPlan) -> bool:
    """Whether the server puts attached files into a vector store of the new thread."""
    return bool(plan.desired.attached_file_ids) and SEARCH in attachment_tools(plan.effective)


def is_of_its_thread(metadata: dict[str, str] | None) -> bool:
    """Whether a store with this metadata was created with its thread, and is deleted with it."""
    return (metadata or {}).get(MARK) == _OF_ITS_THREAD


def resources_of_bare_thread(desired: DesiredThread) -> dict[str, Any] | None:
    """What a thread is created with whose messages follow."""
    return {SEARCH: _own_store()} if any(message.attachments for message in desired.messages) else None


def resources_of_new_thread(plan: RunPlan, granted: Granted) -> dict[str, Any]:
    """What the thread gives to the run's tools beside what its assistant has `granted`.

    A thread has one vector store at most, and the server puts attached files into it: never into a user's.
    """
    run = plan.desired
    store_ids = [each for each in store_ids_of(run.tools) if each not in granted.store_ids]
    file_ids = [each for each in code_file_ids_of(run.tools) if each not in granted.file_ids]
    if len(store_ids) > 1:
        raise TerminalError(f"vector_store_ids: a thread has one at most on this API, not {', '.join(store_ids)}")
    if store_ids and is_indexed(plan):
        raise TerminalError(
            f"vector_store_ids: on this API attached files would be put into {store_ids[0]}, the thread's one "
            "vector store: give it to the assistant, or attach no files"
        )
    if not (is_indexed(plan) or store_ids or granted.store_ids):
        _require_something_to_search(plan, store_ids_of(plan.effective.tools))
    code = {CODE: {"file_ids": file_ids}} if file_ids else {}
    if is_indexed(plan):
        return {SEARCH: _own_store(), **code}
    return {SEARCH: {"vector_store_ids": store_ids}, **code} if store_ids else code


def require_files_at_hand(plan: RunPlan, granted: Granted) -> None:
    """Refuse a run on an existing thread that needs more than its thread and its assistant have `granted`.

    The thread may be somebody else's, so it is not changed.
    """
    run, at_hand = plan.effective, {*granted.store_ids, *granted.file_ids}
    missing = [each for each in (*store_ids_of(run.tools), *code_file_ids_of(run.tools)) if each not in at_hand]
    if missing:
        raise TerminalError(
            "on this API a run on an existing thread has the files and vector stores of that thread and of its "
            f"assistant only, not {', '.join(missing)}"
        )
    _require_something_to_search(plan, granted.store_ids)


def resources_of_assistant(desired: DesiredAssistant) -> dict[str, Any]:
    """What the assistant gives to the tools of its runs."""
    store_ids, file_ids = store_ids_of(desired.tools), code_file_ids_of(desired.tools)
    if len(store_ids) > 1:
        raise TerminalError(f"vector_store_ids: an assistant has one at most on this API, not {', '.join(store_ids)}")
    search = {SEARCH: {"vector_store_ids": store_ids}} if store_ids else {}
    return search | ({CODE: {"file_ids": file_ids}} if file_ids else {})


def _own_store() -> dict[str, Any]:
    """An empty store for the files to come; its mark says that it is deleted with its thread."""
    return {"vector_stores": [{"metadata": {MARK: _OF_ITS_THREAD}}]}


def _require_something_to_search(plan: RunPlan, store_ids: Iterable[str]) -> None:
    if plan.effective.has_tool("retrieval", SEARCH) and not any(store_ids):
        raise nothing_to_search()
