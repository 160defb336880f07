"""How runs, messages and tools look in the Responses and Conversations API, and what its replies say.

Source: openai.types.responses, openai.types.conversations (openai-python 3.54).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from openai.types.conversations import ConversationItem
from openai.types.responses import Response

from threadrun.schema.arguments import Message, ResponseFormat
from threadrun.schema.tools import Tool
from threadrun.state.observations import FunctionCall, ObservedRun, RunPlan, Usage


def request_body(plan: RunPlan, items: Sequence[Any]) -> dict[str, Any]:
    """The body of POST /responses, but for its place; what the user left out is left out here too."""
    run = plan.effective
    optional = {
        "input": list(items),
        "instructions": run.instructions,
        "metadata": run.metadata,
        "tools": [_tool(tool, plan) for tool in run.tools or ()],
        "max_output_tokens": run.max_completion_tokens,
        "temperature": run.temperature,
        "top_p": run.top_p,
        "text": {"format": _format(run.response_format)} if run.response_format else None,
    }
    given = {name: value for name, value in optional.items() if value not in (None, [], {})}
    # Without an explicit store a background response may vanish minutes after its end.
    return {"model": run.model, "background": True, "store": True, **given}


def _format(form: ResponseFormat) -> dict[str, Any]:
    """The form of the answer, flat in this API; strict only where asked, like functions."""
    promised = form.json_schema
    if promised is None:
        return {"type": form.type}
    described = {"description": promised.description} if promised.description else {}
    return {
        "type": form.type,
        "name": promised.name,
        "schema": promised.schema_,
        "strict": promised.strict or False,
    } | described


def message_item(message: Message, *, with_files: bool) -> Any:
    content: list[dict[str, Any]] = [{"type": "input_text", "text": message.content}]
    if with_files:
        content += [{"type": "input_file", "file_id": each.file_id} for each in message.attachments or ()]
    return {"type": "message", "role": message.role, "content": content}


def output_item(call_id: str, output: str) -> Any:
    return {"type": "function_call_output", "call_id": call_id, "output": output}


def answered_call(item: ConversationItem) -> str | None:
    return item.call_id if item.type == "function_call_output" else None


def found_in(items: Sequence[ConversationItem]) -> ObservedRun | None:
    """What a run has come to, by the items that it left: they come all together, when a response has ended well.

    A conversation does not tell a response's id, so that of its last item stands for it.
    """
    answered = {answered_call(item) for item in items}
    last_id, texts, calls = None, list[str](), list[FunctionCall]()
    for item in items:
        if item.type == "function_call_output" or (item.type == "message" and item.role == "user"):
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


def _tool(tool: Tool, plan: RunPlan) -> dict[str, Any]:
    """A tool in the flat form of this API."""
    if tool.function is not None:
        function = tool.function
        described = {"description": function.description} if function.description else {}
        # OpenAI would be strict unasked, and refuse most schemas written for the Assistants API.
        strict = function.strict or False
        return {
            "type": "function",
            "name": function.name,
            "parameters": function.parameters,
            "strict": strict,
        } | described
    if tool.is_retrieval:
        stores = [*(tool.vector_store_ids or ()), *([plan.vector_store_id] if plan.vector_store_id else [])]
        return {"type": "file_search", "vector_store_ids": stores}
    file_ids = list(dict.fromkeys([*plan.effective.attached_file_ids, *(tool.file_ids or ())]))
    container: dict[str, Any] = {"type": "auto"} | ({"file_ids": file_ids} if file_ids else {})
    return {"type": "code_interpreter", "container": container}


def observed_run(response: Response) -> ObservedRun:
    status = str(response.status or "in_progress")
    output = response.output or []  # Some servers leave it out until the end.
    # An incomplete answer leaves its calls in the conversation too.
    calls = [item for item in output if item.type == "function_call"] if status in ("completed", "incomplete") else []
    if calls and status == "completed":
        status = "requires_action"
    return ObservedRun(
        run_id=response.id,
        status=status,
        created_at=int(response.created_at) if response.created_at else None,
        completed_at=int(response.completed_at) if response.completed_at else None,
        model=response.model,
        usage=_usage(response),
        output_text=response.output_text if output else "",
        calls=tuple(FunctionCall(call.call_id, call.name, call.arguments) for call in calls),
        problem=_problem(response),
    )


def _usage(response: Response) -> Usage | None:
    usage = response.usage
    return Usage(usage.input_tokens, usage.output_tokens, usage.total_tokens) if usage else None


def _problem(response: Response) -> str | None:
    if response.error is not None:
        return f"{response.error.message} ({response.error.code})"
    if response.incomplete_details is not None and response.incomplete_details.reason:
        return f"incomplete because of {response.incomplete_details.reason}"
    return None
