"""How runs, messages and tools are written in the Responses and Conversations API, and how its replies are read.

Source: openai.types.responses, openai.types.conversations (openai-python 3.54).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from threadrun.providers.answers import answer_in
from threadrun.providers.errors import may_pass
from threadrun.providers.replies import Reply, problem_in, status_in, usage_in
from threadrun.providers.responses.chains import CHAIN_MARK, is_chain
from threadrun.providers.responses.items import approval_problem, calls_in, is_answer
from threadrun.providers.server import marked
from threadrun.schema.arguments import TOOL_CHOICES, DesiredRun
from threadrun.schema.extra_body import merged
from threadrun.schema.messages import Attachment, Message
from threadrun.schema.tools import ResponseFormat
from threadrun.state.observations import ObservedRun, RunPlan

_ALIKE = (
    *("model", "metadata", "temperature", "top_p", "service_tier", "prompt_cache_key", "safety_identifier"),
    *("parallel_tool_calls", "max_tool_calls"),
)
"""Arguments that have the same name and form on this API."""
_CHOSEN_BY_LIST = ("web_search", "mcp")
"""Types of tools that `tool_choice` cannot name by themselves (`ToolChoiceTypes` of OpenAI's document)."""


def response_fields(
    plan: RunPlan, thread_id: str, items: Sequence[Any], tools: Sequence[Any] = (), after: str | None = None
) -> dict[str, Any]:
    """The body of POST /responses: what the user left out is left out here too.

    `items` is the new input, `tools` are in this API's form; `after` is the id of the response that this one continues.
    """
    run = plan.effective
    optional = run.model_dump(include={*_ALIKE}) | {
        "instructions": "\n\n".join(filter(None, (run.instructions, run.additional_instructions))),
        "input": list(items),
        "tools": list(tools),
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
        place = {"metadata": marked(run.metadata, thread_id, CHAIN_MARK), **previous}
    else:
        place = {"conversation": thread_id}
    # Without an explicit store a background response may vanish minutes after its end.
    return merged({"background": True, "store": True, **given, **place}, run.extra_body)


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
    if run.tool_choice in _CHOSEN_BY_LIST:
        chosen = (tool for tool in run.tools or () if tool.type == run.tool_choice)
        tools = [tool.model_dump(include={"type", "server_label"}, exclude_none=True) for tool in chosen]
        return {"type": "allowed_tools", "mode": "required", "tools": tools}
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
    """A user's message, `with_files` with all of its attachments: without, those that no tool reads are in it."""
    attached = [each for each in message.attachments or () if with_files or not each.tool_file_id]
    content = [{"type": "input_text", "text": message.content}, *map(_attached_part, attached)]
    return {"type": "message", "role": message.role, "content": content}


def _attached_part(attachment: Attachment) -> dict[str, Any]:
    if attachment.type == "file":
        return {"type": "input_file"} | attachment.model_dump(include={"file_id", "file_url"}, exclude_none=True)
    given = {"file_id": attachment.file_id, "image_url": attachment.file_url, "detail": attachment.detail or "auto"}
    return {"type": "input_image"} | {name: value for name, value in given.items() if value is not None}


def output_items(outputs: Mapping[str, str]) -> list[Any]:
    """The outputs of functions, by call id, for the model."""
    return [
        {"type": "function_call_output", "call_id": call_id, "output": output} for call_id, output in outputs.items()
    ]


def observed_run(response: Reply, run_id: str = "") -> ObservedRun:
    """What the response shows of its run, by the id that it was asked for: some servers show another each time."""
    status, output, usage = status_in(response), response.objects("output"), response.object("usage")
    may_be_tried_again = status == "failed" and may_pass(response.object("error"))
    # An incomplete response leaves its calls in the conversation too.
    calls = calls_in(output) if status in ("completed", "incomplete") else []
    unapproved = approval_problem(output) if status == "completed" else None
    if unapproved:
        status = "failed"
    return ObservedRun(
        run_id=run_id or response.text("id"),
        status="requires_action" if calls and status == "completed" else status,
        created_at=response.integer("created_at"),
        completed_at=response.integer("completed_at"),
        model=response.text("model") or None,
        usage=usage_in(usage, "input_tokens", "output_tokens") if response.has("usage") else None,
        calls=tuple(calls),
        problem=unapproved or problem_in(response, "error"),
        may_pass=may_be_tried_again,
        **answer_in([item for item in output if is_answer(item)])._asdict(),
    )
