"""How much a server takes of each argument. Source: OpenAI's OpenAPI document, which has a figure for each API."""

from __future__ import annotations

import sys
from typing import NamedTuple

from threadrun.schema.arguments import MIN_COMPLETION_TOKENS, TOOL_CHOICES, DesiredAssistant, DesiredRun
from threadrun.schema.desired import Problem


class Limits(NamedTuple):
    """The most of each, but for the first. Those of the Responses API are the widest."""

    min_completion_tokens: int = MIN_COMPLETION_TOKENS
    tools: int = 128
    code_files: int = 50
    files_to_search: int = 500
    instruction_characters: int = sys.maxsize
    additional_instruction_characters: int = sys.maxsize


_COUNTED = {
    "tools": ("tools", "entries"),
    "code_files": ("tools", "files for code_interpreter, attached ones included"),
    "files_to_search": ("thread", "attached files to search"),
    "instruction_characters": ("instructions", "characters"),
    "additional_instruction_characters": ("additional_instructions", "characters"),
}
"""The argument that each limit is about, and what is counted there."""


def beyond(limits: Limits, desired: DesiredRun | DesiredAssistant) -> list[Problem]:
    """What is more than the server takes, each with the argument to shorten."""
    types = {"file_search" if tool.is_retrieval else tool.type for tool in desired.tools or ()}
    attached = set(desired.attached_file_ids) if isinstance(desired, DesiredRun) else set()
    counts = Limits(
        tools=len(desired.tools or ()),
        code_files=len({*desired.code_file_ids, *(attached if "code_interpreter" in types else ())}),
        files_to_search=len(attached) if "file_search" in types else 0,
        instruction_characters=len(desired.instructions or ""),
        additional_instruction_characters=len(getattr(desired, "additional_instructions", None) or ""),
    )
    types |= {"retrieval"} if "file_search" in types else set()
    run = desired if isinstance(desired, DesiredRun) else None
    choice = run.tool_choice if run else None
    known = {*TOOL_CHOICES, *desired.function_names, *types - {"function"}}
    # Without tools of its own, the run may have those of an assistant that is looked up later.
    has_all = run is not None and (run.tools is not None or not (run.assistant_id or run.import_id))
    is_unknown = choice is not None and choice not in known and has_all
    problem = "names no tool of the run: give none, auto, required, a function's name or the type of another tool"
    return ([("tool_choice", problem)] if is_unknown else []) + [
        (argument, f"has {count} {things}, at most {most} are possible")
        for name, (argument, things) in _COUNTED.items()
        if (count := getattr(counts, name)) > (most := getattr(limits, name))
    ]
