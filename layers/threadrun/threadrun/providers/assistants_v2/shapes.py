"""How runs, threads, messages and assistants are written in Assistants v2, and how the server's objects are read.

Pure functions. What a run leaves out the server takes from its assistant, so only what the user wrote is sent.
Source: openai.types.beta (openai-python 3.54).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from openai.types import ResponseFormatJSONSchema
from openai.types.beta import Assistant
from openai.types.beta.assistant_tool import AssistantTool
from openai.types.beta.threads import Message as ServerMessage
from openai.types.beta.threads import Run

from threadrun.errors import TerminalError
from threadrun.providers.assistants_v2.files import (
    CODE,
    NO_RESOURCES,
    SEARCH,
    Granted,
    attachment_tools,
    granted_by,
    resources_of_assistant,
    resources_of_bare_thread,
    resources_of_new_thread,
)
from threadrun.providers.errors import run_problem
from threadrun.providers.server import MARK
from threadrun.schema.arguments import DesiredAssistant, DesiredThread, Generation
from threadrun.schema.messages import Message
from threadrun.schema.tools import Tool
from threadrun.state.observations import FunctionCall, ObservedRun, RunPlan, Usage

MESSAGES_PER_NEW_THREAD = 32
"""The most messages that a thread can be created with, as users of the API report; the others follow one by one."""


def run_fields(plan: RunPlan) -> dict[str, Any]:
    """The body of a run's start, without its thread."""
    desired = plan.desired
    optional = _generation_fields(desired) | {
        "metadata": desired.metadata,
        "max_completion_tokens": desired.max_completion_tokens,
    }
    return {"assistant_id": assistant_id_of(plan), **_given(optional)}


def _generation_fields(settings: Generation) -> dict[str, Any]:
    """What a run and an assistant have alike; None where the user left it out."""
    form = settings.response_format
    return {
        "model": settings.model,
        "instructions": settings.instructions,
        "tools": None if settings.tools is None else [_tool(tool) for tool in settings.tools],
        "temperature": settings.temperature,
        "top_p": settings.top_p,
        "response_format": form.model_dump(by_alias=True, exclude_none=True) if form else None,
    }


def _tool(tool: Tool) -> dict[str, Any]:
    """A tool in the nested form of this API; its files and stores go elsewhere (`files`)."""
    if tool.function is not None:
        return {"type": "function", "function": tool.function.model_dump(exclude_none=True, exclude={"handler_arn"})}
    return {"type": SEARCH if tool.is_retrieval else CODE}


def assistant_id_of(plan: RunPlan) -> str:
    """The assistant that a run on this API always has."""
    if plan.desired.assistant_id is None:
        raise TerminalError("assistant_id is required on this API")
    return plan.desired.assistant_id


def new_thread_fields(plan: RunPlan, granted: Granted) -> dict[str, Any]:
    """The thread of a run, with its first messages."""
    tools = attachment_tools(plan.effective)
    fields = {
        "messages": [message_fields(each, tools) for each in plan.desired.messages[:MESSAGES_PER_NEW_THREAD]],
        "metadata": plan.desired.thread.metadata if plan.desired.thread else None,
        "tool_resources": resources_of_new_thread(plan, granted),
    }
    return {name: value for name, value in fields.items() if value}


def bare_thread_fields(desired: DesiredThread) -> dict[str, Any]:
    """A thread that runs share, without its messages."""
    fields = {"metadata": desired.metadata, "tool_resources": resources_of_bare_thread(desired)}
    return {name: value for name, value in fields.items() if value}


def message_fields(message: Message, tools: list[str]) -> dict[str, Any]:
    """A message whose files these tools read."""
    readers = [{"type": name} for name in tools]
    attachments = [{"file_id": each.file_id, "tools": readers} for each in message.attachments or ()]
    optional = {"attachments": attachments or None, "metadata": message.metadata}
    return {"role": message.role, "content": message.content, **_given(optional)}


def output_fields(call_id: str, output: str) -> Any:
    """The output of a function, for the model."""
    return {"tool_call_id": call_id, "output": output}


def new_assistant_fields(desired: DesiredAssistant, token: str) -> dict[str, Any]:
    """An assistant as it is created: with `token` in place of the user's metadata, by which it can be found again."""
    resources = resources_of_assistant(desired) or None
    return _given(_assistant_fields(desired) | {"tool_resources": resources, "metadata": {MARK: token}})


def changed_assistant_fields(desired: DesiredAssistant) -> dict[str, Any]:
    """An assistant as it is changed: null resets a field, and an empty value does where null is not allowed."""
    fields = _assistant_fields(desired)
    fields |= {name: fields[name] or empty for name, empty in (("tools", []), ("metadata", {}))}
    fields["response_format"] = fields["response_format"] or "auto"
    return fields | {"tool_resources": NO_RESOURCES | resources_of_assistant(desired)}


def _assistant_fields(desired: DesiredAssistant) -> dict[str, Any]:
    if desired.handlers:
        raise TerminalError("handler_arn: the server keeps no handlers on this API: give the run these tools itself")
    own = {"name": desired.name, "description": desired.description, "metadata": desired.metadata}
    return _generation_fields(desired) | own


def _given(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def is_marked(assistant: Assistant, token: str) -> bool:
    """Whether it was created with this token."""
    return (assistant.metadata or {}).get(MARK) == token


def settings_from(assistant: Assistant) -> DesiredAssistant:
    """The assistant's settings, as far as `DesiredAssistant` can express them."""
    granted, tools = granted_by(assistant), assistant.tools or []
    settings = {
        "name": assistant.name or None,
        "description": assistant.description or None,
        "model": assistant.model,
        "instructions": assistant.instructions or None,
        "tools": [found for each in tools if (found := _tool_from(each, granted))] or None,
        "temperature": assistant.temperature,
        "top_p": assistant.top_p,
        "response_format": _format_from(assistant),
        "metadata": assistant.metadata or None,
    }
    return DesiredAssistant.model_validate(settings)


def _tool_from(tool: AssistantTool, granted: Granted) -> dict[str, Any] | None:
    """None for a tool that `tools` cannot express."""
    if tool.type == "function":
        return {"type": "function", "function": tool.function.to_dict()}
    if tool.type == "file_search":
        return {"type": SEARCH, "vector_store_ids": granted.store_ids or None}
    return {"type": CODE, "file_ids": granted.file_ids or None} if tool.type == "code_interpreter" else None


def _format_from(assistant: Assistant) -> dict[str, Any] | None:
    """The form of the answers, where `response_format` can express it; without a schema there is nothing to check."""
    form = assistant.response_format
    if getattr(form, "type", None) in ("text", "json_object"):
        return {"type": form.type}  # type: ignore[union-attr]
    if isinstance(form, ResponseFormatJSONSchema) and form.json_schema.schema_:
        return form.model_dump(by_alias=True, exclude_none=True)
    return None


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
        problem=_problem(run),
    )


def text_of(messages: Iterable[ServerMessage]) -> str:
    """All texts of these messages, one after the other."""
    return "".join(part.text.value for message in messages for part in message.content if part.type == "text")


def _calls(run: Run) -> tuple[FunctionCall, ...]:
    action = run.required_action if run.status == "requires_action" else None
    wanted = action.submit_tool_outputs.tool_calls if action else []
    return tuple(FunctionCall(each.id, each.function.name, each.function.arguments) for each in wanted)


def _problem(run: Run) -> str | None:
    expired = "it did not end within the time that the server gives a run" if run.status == "expired" else None
    return run_problem(run.last_error, run.incomplete_details) or expired
