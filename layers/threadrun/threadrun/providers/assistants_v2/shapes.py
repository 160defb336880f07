"""How runs, threads, messages and assistants are written in Assistants v2, and how the server's objects are read.

Pure functions. What a run leaves out the server takes from its assistant, so only what the user wrote is sent.
Source: openai.types.beta (openai-python 3.54).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from threadrun.errors import TerminalError
from threadrun.providers.assistants_v2 import files
from threadrun.providers.assistants_v2.files import CODE, SEARCH, Granted
from threadrun.providers.errors import may_pass
from threadrun.providers.replies import Reply, problem_in, status_in, usage_in
from threadrun.providers.server import MARK, marked
from threadrun.schema.arguments import TOOL_CHOICES, DesiredAssistant, DesiredRun, DesiredThread
from threadrun.schema.extra_body import merged
from threadrun.schema.messages import Attachment, Message
from threadrun.schema.tools import Tool
from threadrun.state.observations import FunctionCall, ObservedRun, RunPlan

_ALIKE = ("model", "instructions", "temperature", "top_p", "response_format", "reasoning_effort", "metadata")
"""Arguments of runs and assistants that have the same names and forms on this API."""
_OF_ASSISTANTS = ("name", "description")
_OF_RUNS = ("max_completion_tokens", "parallel_tool_calls", "additional_instructions")
MESSAGES_PER_NEW_THREAD = 32
"""The most messages that a thread can be created with, as users of the API report; the others follow one by one."""


def run_fields(plan: RunPlan) -> dict[str, Any]:
    """The body of a run's start, without its thread."""
    run = plan.desired
    more = _filled(
        tool_choice=_tool_choice(plan.effective), truncation_strategy=run.truncation and {"type": run.truncation}
    )
    fields = merged({"assistant_id": assistant_id_of(plan), **_fields(run, *_OF_RUNS), **more}, run.extra_body)
    if run.existing_thread_id is None:
        return fields
    added = [] if plan.is_again else [message_fields(each, []) for each in run.messages]
    # Others may start runs on the thread, too.
    return fields | {"metadata": marked(run.metadata, plan.token)} | _filled(additional_messages=added)


def _tool_choice(run: DesiredRun) -> str | dict[str, Any] | None:
    """A function by its name, another tool by its type."""
    if run.tool_choice is None or run.tool_choice in TOOL_CHOICES:
        return run.tool_choice
    if run.tool_choice in run.function_names:
        return {"type": "function", "function": {"name": run.tool_choice}}
    return {"type": SEARCH if run.tool_choice == "retrieval" else run.tool_choice}


def _fields(desired: DesiredRun | DesiredAssistant, *more: str) -> dict[str, Any]:
    """What the user wrote of the arguments that runs and assistants have alike, and of these `more`."""
    fields = desired.model_dump(by_alias=True, exclude_none=True, include={*_ALIKE, *more})
    return fields if desired.tools is None else fields | {"tools": [_tool(tool) for tool in desired.tools]}


def _tool(tool: Tool) -> dict[str, Any]:
    """A tool in the nested form of this API; its files and stores go elsewhere (`files`)."""
    if tool.function is not None:
        return {"type": "function", "function": tool.function.model_dump(exclude_none=True, exclude={"handler_arn"})}
    return _search(tool) if tool.is_retrieval else {"type": CODE}


def _search(tool: Tool) -> dict[str, Any]:
    options = tool.model_dump(exclude_none=True, include={"max_num_results", "ranking_options"})
    if "ranking_options" in options:  # Here they have a threshold in any case.
        options["ranking_options"] = {"score_threshold": 0.0} | options["ranking_options"]
    return {"type": SEARCH} | _filled(file_search=options)


def assistant_id_of(plan: RunPlan) -> str:
    """The assistant that a run on this API always has."""
    if plan.desired.assistant_id is None:
        raise TerminalError("assistant_id is required on this API")
    return plan.desired.assistant_id


def new_thread_fields(plan: RunPlan, granted: Granted) -> dict[str, Any]:
    """The thread of a run, with its first messages."""
    tools = files.attachment_tools(plan.effective)
    return _filled(
        messages=[message_fields(each, tools) for each in plan.desired.messages[:MESSAGES_PER_NEW_THREAD]],
        metadata=plan.desired.thread and plan.desired.thread.metadata,
        tool_resources=files.resources_of_new_thread(plan, granted),
    )


def bare_thread_fields(desired: DesiredThread) -> dict[str, Any]:
    """A thread that runs share, without its messages, which follow."""
    has_files = any(each.tool_file_id for message in desired.messages for each in message.attachments or ())
    return _filled(metadata=desired.metadata, tool_resources={SEARCH: files.own_store()} if has_files else None)


def _filled(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value}


def message_fields(message: Message, tools: list[str]) -> dict[str, Any]:
    """A message whose files these tools read."""
    readers = [{"type": name} for name in tools]
    given = message.attachments or ()
    attachments = [{"file_id": each.tool_file_id, "tools": readers} for each in given if each.tool_file_id]
    images = [_image(each) for each in given if not each.tool_file_id]
    fields = message.model_dump(exclude_none=True, exclude={"attachments"}) | _filled(attachments=attachments)
    return fields | {"content": [{"type": "text", "text": message.content}, *images]} if images else fields


def _image(attachment: Attachment) -> dict[str, Any]:
    detail = _filled(detail=attachment.detail)
    if attachment.file_id:
        return {"type": "image_file", "image_file": {"file_id": attachment.file_id, **detail}}
    return {"type": "image_url", "image_url": {"url": attachment.file_url, **detail}}


def tool_outputs(outputs: Mapping[str, str]) -> list[Any]:
    """The outputs of functions, by call id, for the model."""
    return [{"tool_call_id": call_id, "output": output} for call_id, output in outputs.items()]


def new_assistant_fields(desired: DesiredAssistant, token: str) -> dict[str, Any]:
    """An assistant as it is created: with `token` in place of the user's metadata, by which it can be found again."""
    resources = files.resources_of_assistant(desired)
    return _assistant_fields(desired) | {"metadata": {MARK: token}} | _filled(tool_resources=resources)


def changed_assistant_fields(desired: DesiredAssistant) -> dict[str, Any]:
    """An assistant as it is changed: null resets a field, and an empty value does where null is not allowed."""
    empty = dict.fromkeys([*_ALIKE, *_OF_ASSISTANTS]) | {"tools": [], "metadata": {}, "response_format": "auto"}
    resources = files.NO_RESOURCES | files.resources_of_assistant(desired)
    return empty | _assistant_fields(desired) | {"tool_resources": resources}


def _assistant_fields(desired: DesiredAssistant) -> dict[str, Any]:
    if desired.handlers:
        raise TerminalError("handler_arn: an assistant cannot have handlers on this API: set these tools on the run")
    return _fields(desired, *_OF_ASSISTANTS)


def settings_from(assistant: Reply) -> DesiredAssistant:
    """The assistant's settings, as far as `DesiredAssistant` can express them."""
    granted, names, given = (
        files.granted_by(assistant),
        {*_ALIKE, *_OF_ASSISTANTS} - {"response_format"},
        assistant.fields(),
    )
    settings = {name: value for name in names if (value := given.get(name)) not in (None, "", {})}
    tools = [found for each in assistant.objects("tools") if (found := _tool_from(each, granted))]
    more = {"tools": tools or None, "response_format": _format_from(assistant.object("response_format"))}
    return DesiredAssistant.model_validate(settings | more)


def _tool_from(tool: Reply, granted: Granted) -> dict[str, Any] | None:
    """None for a tool that `tools` cannot express."""
    match tool.text("type"):
        case "function":
            return {"type": "function", "function": tool.object("function").fields()}
        case "file_search":
            return {"type": SEARCH, "vector_store_ids": granted.store_ids or None}
        case "code_interpreter":
            return {"type": CODE, "file_ids": granted.file_ids or None}
    return None


def _format_from(form: Reply) -> dict[str, Any] | None:
    """The form of the answers, where `response_format` can express it; without a schema there is nothing to check."""
    kind, promised = form.text("type"), form.object("json_schema")
    if kind in ("text", "json_object"):
        return {"type": kind}
    if kind == "json_schema" and promised.has("schema"):
        given = {name: value for name, value in promised.fields().items() if value is not None}
        return {"type": kind, "json_schema": given}
    return None


def observed_run(run: Reply, run_id: str = "") -> ObservedRun:
    """The run without its answer, which is in the thread's messages, by the id that it was asked for."""
    status, usage = status_in(run), run.object("usage")
    asked = run.object("required_action").object("submit_tool_outputs").objects("tool_calls")
    calls = [call for call in asked if call.text("id")] if status == "requires_action" else []
    expired = "it did not end within the time that the server gives a run" if status == "expired" else None
    return ObservedRun(
        run_id=run_id or run.text("id"),
        status=status,
        created_at=run.integer("created_at"),
        started_at=run.integer("started_at"),
        completed_at=run.integer("completed_at"),
        model=run.text("model") or None,
        usage=usage_in(usage, "prompt_tokens", "completion_tokens") if run.has("usage") else None,
        calls=tuple(_function_call(call.text("id"), call.object("function")) for call in calls),
        problem=problem_in(run, "last_error") or expired,
        may_pass=status == "failed" and may_pass(run.object("last_error")),
    )


def _function_call(call_id: str, function: Reply) -> FunctionCall:
    return FunctionCall(call_id, function.text("name"), function.json("arguments"))
