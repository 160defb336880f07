"""The shapes of Assistants v2: from what is wanted to fields of a request, and from the server's objects back.

Pure functions: nothing here calls the server. Source: openai.types.beta (openai-python 3.54).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from openai.types import ResponseFormatJSONSchema
from openai.types.beta import Assistant, Thread
from openai.types.beta.assistant_tool import AssistantTool
from openai.types.beta.threads import Run

from threadrun.errors import TerminalError
from threadrun.schema.arguments import DesiredAssistant, DesiredRun, Generation, Message
from threadrun.schema.tools import Tool
from threadrun.state.observations import FunctionCall, ObservedRun, RunPlan, Usage

MARK = "threadrun"
"""Metadata key of what this application made and must find again."""
SEARCH, CODE = "file_search", "code_interpreter"


@dataclass(frozen=True)
class Granted:
    """What assistants and threads give to the tools of their runs."""

    store_ids: tuple[str, ...] = ()
    file_ids: tuple[str, ...] = ()


def granted_by(*holders: Assistant | Thread) -> Granted:
    all_resources = [holder.tool_resources for holder in holders if holder.tool_resources]
    searches = [each.file_search for each in all_resources if each.file_search]
    codes = [each.code_interpreter for each in all_resources if each.code_interpreter]
    return Granted(
        tuple(store_id for each in searches for store_id in each.vector_store_ids or ()),
        tuple(file_id for each in codes for file_id in each.file_ids or ()),
    )


def assistant_id_of(plan: RunPlan) -> str:
    if plan.desired.assistant_id is None:
        raise TerminalError("assistant_id is required on this API")
    return plan.desired.assistant_id


def require_something_to_search(plan: RunPlan, store_ids: Iterable[str]) -> None:
    if plan.effective.has_tool("retrieval", SEARCH) and not any(store_ids):
        raise TerminalError("a retrieval tool needs files attached to a message, or vector_store_ids")


def attachment_tools(run: DesiredRun) -> list[str]:
    """Which tools read attached files: this API wants them named, the run's own tools tell them."""
    found = [SEARCH] if run.has_tool("retrieval", SEARCH) else []
    found += [CODE] if run.has_tool(CODE) else []
    return found or [SEARCH]


def is_indexed(plan: RunPlan) -> bool:
    """Whether the server puts files into a vector store of the new thread."""
    return bool(plan.desired.attached_file_ids) and SEARCH in attachment_tools(plan.effective)


def own_store() -> dict[str, Any]:
    """An empty store for the files to come; the mark tells that it goes with its thread."""
    return {"vector_stores": [{"metadata": {MARK: "thread"}}]}


def store_ids_of(tools: Iterable[Tool] | None) -> list[str]:
    return list(dict.fromkeys(store_id for tool in tools or () for store_id in tool.vector_store_ids or ()))


def code_file_ids_of(tools: Iterable[Tool] | None) -> list[str]:
    return list(dict.fromkeys(file_id for tool in tools or () for file_id in tool.file_ids or ()))


def only_given(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def message_fields(message: Message, tools: list[str]) -> dict[str, Any]:
    readers = [{"type": name} for name in tools]
    attachments = [{"file_id": each.file_id, "tools": readers} for each in message.attachments or ()]
    optional = {"attachments": attachments or None, "metadata": message.metadata}
    return {"role": message.role, "content": message.content, **only_given(optional)}


def tool_fields(tool: Tool) -> dict[str, Any]:
    """A tool in the nested form of this API; its files and stores go elsewhere."""
    if tool.function is not None:
        return {"type": "function", "function": tool.function.model_dump(exclude_none=True, exclude={"handler_arn"})}
    return {"type": SEARCH if tool.is_retrieval else CODE}


def format_fields(settings: Generation) -> dict[str, Any] | None:
    form = settings.response_format
    return form.model_dump(by_alias=True, exclude_none=True) if form else None


def settings_fields(desired: DesiredAssistant) -> dict[str, Any]:
    if desired.handlers:
        raise TerminalError("handler_arn: the server keeps no handlers on this API: give the run these tools itself")
    return {
        "name": desired.name,
        "description": desired.description,
        "model": desired.model,
        "instructions": desired.instructions,
        "tools": [tool_fields(tool) for tool in desired.tools or ()],
        "temperature": desired.temperature,
        "top_p": desired.top_p,
        "response_format": format_fields(desired),
        "metadata": desired.metadata,
    }


def assistant_resources(desired: DesiredAssistant) -> dict[str, Any]:
    store_ids, file_ids = store_ids_of(desired.tools), code_file_ids_of(desired.tools)
    if len(store_ids) > 1:
        raise TerminalError(f"vector_store_ids: an assistant has one at most on this API, not {', '.join(store_ids)}")
    search = {SEARCH: {"vector_store_ids": store_ids}} if store_ids else {}
    return search | ({CODE: {"file_ids": file_ids}} if file_ids else {})


def is_marked(assistant: Assistant, token: str) -> bool:
    return (assistant.metadata or {}).get(MARK) == token


def _format_from(assistant: Assistant) -> dict[str, Any] | None:
    """The form of the answers, where this package has words for it; a promise without a schema promises nothing."""
    form = assistant.response_format
    if getattr(form, "type", None) in ("text", "json_object"):
        return {"type": form.type}  # type: ignore[union-attr]
    if isinstance(form, ResponseFormatJSONSchema) and form.json_schema.schema_:
        return form.model_dump(by_alias=True, exclude_none=True)
    return None


def settings_from(assistant: Assistant) -> DesiredAssistant:
    """The server's settings as far as this package has words for them."""
    granted, tools = granted_by(assistant), assistant.tools or []
    settings = {
        "name": assistant.name or None,
        "description": assistant.description or None,
        "model": assistant.model,
        "instructions": assistant.instructions or None,
        "tools": [found for each in tools if (found := tool_from(each, granted))] or None,
        "temperature": assistant.temperature,
        "top_p": assistant.top_p,
        "response_format": _format_from(assistant),
        "metadata": assistant.metadata or None,
    }
    return DesiredAssistant.model_validate(settings)


def tool_from(tool: AssistantTool, granted: Granted) -> dict[str, Any] | None:
    if tool.type == "function":
        return {"type": "function", "function": tool.function.to_dict()}
    if tool.type == "file_search":
        return {"type": SEARCH, "vector_store_ids": granted.store_ids or None}
    return {"type": CODE, "file_ids": granted.file_ids or None} if tool.type == "code_interpreter" else None


def observed_run(run: Run) -> ObservedRun:
    """The run without its answer, which is in the thread's messages."""
    usage = run.usage
    return ObservedRun(
        run_id=run.id,
        status=run.status,
        created_at=run.created_at,
        started_at=run.started_at,
        completed_at=run.completed_at,
        model=run.model,
        usage=Usage(usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) if usage else None,
        calls=_calls(run),
        problem=problem_of(run),
    )


def _calls(run: Run) -> tuple[FunctionCall, ...]:
    action = run.required_action if run.status == "requires_action" else None
    wanted = action.submit_tool_outputs.tool_calls if action else []
    return tuple(FunctionCall(each.id, each.function.name, each.function.arguments) for each in wanted)


def problem_of(run: Run) -> str | None:
    if run.last_error is not None:
        return f"{run.last_error.message} ({run.last_error.code})"
    if run.incomplete_details is not None and run.incomplete_details.reason:
        return f"incomplete because of {run.incomplete_details.reason}"
    return "it did not end within the time that the server gives a run" if run.status == "expired" else None
