"""Which files and vector stores a run's tools have on this API, where only assistants and threads can have them.

Pure functions. Source: openai.types.beta (openai-python 3.54).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from threadrun.errors import TerminalError
from threadrun.providers.replies import Reply
from threadrun.providers.server import MARK
from threadrun.providers.vector_stores import RECORD_MARK, nothing_to_search
from threadrun.schema.arguments import DesiredAssistant, DesiredRun
from threadrun.state.observations import RunPlan

SEARCH, CODE = "file_search", "code_interpreter"
NO_RESOURCES: dict[str, Any] = {SEARCH: {"vector_store_ids": []}, CODE: {"file_ids": []}}
OF_ITS_THREAD = "thread"
"""Value of the mark on a store that a thread was created with."""


@dataclass(frozen=True)
class Granted:
    """What assistants and threads give to the tools of their runs."""

    store_ids: tuple[str, ...] = ()
    file_ids: tuple[str, ...] = ()


def own_store(token: str = "") -> dict[str, Any]:
    """An empty store for the files to come, which is deleted with its thread; without its thread it has `token`."""
    mark = {RECORD_MARK: token} if token else {}
    return {"vector_stores": [{"metadata": {MARK: OF_ITS_THREAD, **mark}}]}


def granted_by(*holders: Reply) -> Granted:
    found = [holder.object("tool_resources") for holder in holders]
    return Granted(
        tuple(store_id for each in found for store_id in each.object(SEARCH).texts("vector_store_ids")),
        tuple(file_id for each in found for file_id in each.object(CODE).texts("file_ids")),
    )


def reads_files(run: DesiredRun) -> bool:
    return run.has_tool("retrieval", SEARCH, CODE)


def attachment_tools(run: DesiredRun) -> list[str]:
    """The tools that read attached files: this API wants them named with each file, and the run's tools decide."""
    found = [SEARCH] if run.has_tool("retrieval", SEARCH) else []
    found += [CODE] if run.has_tool(CODE) else []
    return found or [SEARCH]


def is_indexed(plan: RunPlan) -> bool:
    """Whether the server puts attached files into a vector store of the new thread."""
    return bool(plan.desired.attached_file_ids) and SEARCH in attachment_tools(plan.effective)


def resources_of_new_thread(plan: RunPlan, granted: Granted) -> dict[str, Any]:
    """What the thread gives to the run's tools beside what its assistant has `granted`.

    A thread has one vector store at most, and the server puts attached files into it: never into a user's.
    """
    store_ids = [each for each in plan.desired.store_ids if each not in granted.store_ids]
    file_ids = [each for each in plan.desired.code_file_ids if each not in granted.file_ids]
    if len(store_ids) > 1:
        raise TerminalError(f"vector_store_ids: a thread has at most one on this API, not {', '.join(store_ids)}")
    if store_ids and is_indexed(plan):
        raise TerminalError(
            f"vector_store_ids: on this API attached files would be added to {store_ids[0]}, the thread's only "
            "vector store: set it on the assistant, or attach no files"
        )
    if not (is_indexed(plan) or store_ids or granted.store_ids):
        _require_something_to_search(plan, plan.effective.store_ids)
    return _resources(store_ids, file_ids) | ({SEARCH: own_store(plan.token)} if is_indexed(plan) else {})


def require_files_at_hand(plan: RunPlan, granted: Granted) -> None:
    """Refuse a run on an existing thread that needs more than its thread and its assistant have `granted`.

    The thread may be somebody else's, so it is not changed.
    """
    run, at_hand = plan.effective, {*granted.store_ids, *granted.file_ids}
    missing = [each for each in (*run.store_ids, *run.code_file_ids) if each not in at_hand]
    if missing:
        raise TerminalError(
            "on this API a run on an existing thread can use only the files and vector stores of that thread and its "
            f"assistant, not {', '.join(missing)}"
        )
    _require_something_to_search(plan, granted.store_ids)


def resources_of_assistant(desired: DesiredAssistant) -> dict[str, Any]:
    """What the assistant gives to the tools of its runs."""
    if len(desired.store_ids) > 1:
        named = ", ".join(desired.store_ids)
        raise TerminalError(f"vector_store_ids: an assistant has at most one on this API, not {named}")
    return _resources(desired.store_ids, desired.code_file_ids)


def _resources(store_ids: Sequence[str], file_ids: Sequence[str]) -> dict[str, Any]:
    search = {SEARCH: {"vector_store_ids": [*store_ids]}} if store_ids else {}
    return search | ({CODE: {"file_ids": [*file_ids]}} if file_ids else {})


def _require_something_to_search(plan: RunPlan, store_ids: Iterable[str]) -> None:
    if plan.effective.has_tool("retrieval", SEARCH) and not any(store_ids):
        raise nothing_to_search()
