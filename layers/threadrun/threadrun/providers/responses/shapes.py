"""How runs, messages and tools are written in the Responses and Conversations API, and how its replies are read.

Source: openai.types.responses, openai.types.conversations (openai-python 3.54).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from threadrun.providers.replies import Reply, answer_in, problem_in, usage_in
from threadrun.providers.responses.chains import is_chain, marked
from threadrun.providers.responses.items import calls_in, is_answer
from threadrun.schema.arguments import TOOL_CHOICES, DesiredRun
from threadrun.schema.messages import Message
from threadrun.schema.tools import ResponseFormat, Tool
from threadrun.state.observations import ObservedRun, RunPlan

_ALIKE = (
    *("model", "metadata", "temperature", "top_p", "service_tier", "prompt_cache_key", "safety_identifier"),
    *("parallel_tool_calls", "max_tool_calls"),
)
"""Arguments that have the same name and form on this API."""


def response_fields(plan: RunPlan, thread_id: str, items: Sequence[Any], after: str | None = None) -> dict[str, Any]:
    """The body of POST /responses: what the user left out is left out here too.

    `items` is the new input; `after` is the id of the response that this one continues.
    """
    run = plan.effective
    optional = run.model_dump(include={*_ALIKE}) | {
        "instructions": "\n\n".join(filter(None, (run.instructions, run.additional_instructions))),
        "input": list(items),
        "tools": [_tool(tool, plan) for tool in run.tools or ()],
        "max_output_tokens": run.max_completion_tokens,
        "reasoning": {"effort": run.reasoning_effort} if run.reasoning_effort else None,
        "text": _text(run),
        "context_management": [{"type": "compaction"}] if run.truncation == "auto" else None,
        # For the first round only: a model that must call a function each time would never end.
        "tool_choice": _tool_choice(run) if after is None else None,
    }
    given = {name: value for name, value in optional.items() if value not in (None, "", [], {})}
    if is_chain(thread_id):
        previous = {"previous_response_id": after} if after else {}
        place = {"metadata": marked(run.metadata, thread_id), **previous}
    else:
        place = {"conversation": thread_id}
    # Without an explicit store a background response may vanish minutes after its end.
    return {"background": True, "store": True, **given, **place}


def first_items(plan: RunPlan) -> list[Any]:
    """The input that a run starts with."""
    # A tool that reads files gets them from its store or container; without one they are part of the message.
    with_files = not plan.effective.has_tool("retrieval", "file_search", "code_interpreter")
    return [message_item(message, with_files=with_files) for message in plan.effective.messages]


def _tool_choice(run: DesiredRun) -> str | dict[str, Any] | None:
    """A function by its name, another tool by its type."""
    if run.tool_choice is None or run.tool_choice in TOOL_CHOICES:
        return run.tool_choice
    if run.tool_choice in run.function_names:
        return {"type": "function", "name": run.tool_choice}
    return {"type": "file_search" if run.tool_choice == "retrieval" else run.tool_choice}


def _text(run: DesiredRun) -> dict[str, Any]:
    """The form of the answer, and how many words it takes."""
    form = {"format": _format(run.response_format)} if run.response_format else {}
    return form | ({"verbosity": run.verbosity} if run.verbosity else {})


def _format(form: ResponseFormat) -> dict[str, Any]:
    """The form of the answer, flat in this API; strict only where the user says so, like functions."""
    promised = form.json_schema
    if promised is None:
        return {"type": form.type}
    given = promised.model_dump(by_alias=True, exclude_none=True)
    return {"type": form.type, **given, "strict": promised.strict or False}


def message_item(message: Message, *, with_files: bool) -> Any:
    """A user's message, `with_files` with its attachments in it."""
    content: list[dict[str, Any]] = [{"type": "input_text", "text": message.content}]
    if with_files:
        content += [{"type": "input_file", "file_id": each.file_id} for each in message.attachments or ()]
    return {"type": "message", "role": message.role, "content": content}


def output_items(outputs: Mapping[str, str]) -> list[Any]:
    """The outputs of functions, by call id, for the model."""
    return [
        {"type": "function_call_output", "call_id": call_id, "output": output} for call_id, output in outputs.items()
    ]


def _tool(tool: Tool, plan: RunPlan) -> dict[str, Any]:
    """A tool in the flat form of this API."""
    if tool.function is not None:
        function = tool.function
        given = function.model_dump(exclude_none=True, include={"name", "description"})
        # OpenAI's default is strict, which refuses most schemas that were written for the Assistants API.
        strict = function.strict or False
        return {"type": "function", **given, "parameters": function.parameters, "strict": strict}
    if tool.is_retrieval:
        stores = [*(tool.vector_store_ids or ()), *([plan.vector_store_id] if plan.vector_store_id else [])]
        return {"type": "file_search", "vector_store_ids": stores}
    file_ids = list(dict.fromkeys([*plan.effective.attached_file_ids, *(tool.file_ids or ())]))
    container: dict[str, Any] = {"type": "auto"} | ({"file_ids": file_ids} if file_ids else {})
    return {"type": "code_interpreter", "container": container}


def observed_run(response: Reply, run_id: str = "") -> ObservedRun:
    """What the response shows of its run, by the id that it was asked for: some servers show another each time."""
    status, output, usage = (
        response.text("status") or "in_progress",
        response.objects("output"),
        response.object("usage"),
    )
    # An incomplete response leaves its calls in the conversation too.
    calls = calls_in(output) if status in ("completed", "incomplete") else []
    return ObservedRun(
        run_id=run_id or response.text("id"),
        status="requires_action" if calls and status == "completed" else status,
        created_at=response.integer("created_at"),
        completed_at=response.integer("completed_at"),
        model=response.text("model") or None,
        usage=usage_in(usage, "input_tokens", "output_tokens") if response.has("usage") else None,
        output_text=answer_in([item for item in output if is_answer(item)]),
        calls=tuple(calls),
        problem=problem_in(response, "error"),
    )
