"""What a run and an assistant have alike: the model, and how it is to answer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field

from threadrun.schema.deployment import responses_only
from threadrun.schema.tools import ResponseFormat, Tool
from threadrun.schema.types import Number, Properties, Text


class Generation(Properties):
    """The settings that a run takes from its assistant unless it has its own."""

    model: Text | None = Field(None, description="The ID of the model.")
    instructions: Text | None = Field(None, description="Instructions for the model, before the messages.")
    tools: tuple[Tool, ...] | None = Field(None, description="The tools that may be used, 128 at most.")
    temperature: Annotated[Number, Field(ge=0, le=2)] | None = Field(
        None, description="The sampling temperature, 0 to 2: higher is more random. Reasoning models take none."
    )
    top_p: Annotated[Number, Field(ge=0, le=1)] | None = Field(
        None, description="The probability mass that is considered, 0 to 1: an alternative to `temperature`."
    )
    response_format: ResponseFormat | None = Field(None, description="The form of the answer.")
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = Field(
        None,
        description="How much a reasoning model thinks: `none`, `minimal`, `low`, `medium`, `high`, `xhigh` or `max`. A"
        " model takes some of them.",
    )
    verbosity: Literal["low", "medium", "high"] | None = Field(
        None,
        description="How many words the answer takes: `low`, `medium` or `high`.",
        json_schema_extra=responses_only(),
    )

    @property
    def function_names(self) -> tuple[str, ...]:
        return tuple(tool.function.name for tool in self.tools or () if tool.function)

    @property
    def handlers(self) -> dict[str, str]:
        """ARNs of the functions' handlers, by the function's name, of those that have one."""
        functions = [tool.function for tool in self.tools or () if tool.function]
        return {each.name: each.handler_arn for each in functions if each.handler_arn}

    @property
    def leaves_calls_to_user(self) -> bool:
        """Whether there is a function without a handler."""
        return any(tool.function and not tool.function.handler_arn for tool in self.tools or ())

    @property
    def secret_arns(self) -> tuple[str, ...]:
        """Secrets that its tools name, each once."""
        return each_once(arn for tool in self.tools or () for arn in tool.secret_arns)

    @property
    def store_ids(self) -> tuple[str, ...]:
        """Vector stores that its tools name, each once, in order."""
        return each_once(store_id for tool in self.tools or () for store_id in tool.vector_store_ids or ())

    @property
    def code_file_ids(self) -> tuple[str, ...]:
        """Files that its tools name, each once, in order."""
        return each_once(file_id for tool in self.tools or () for file_id in tool.file_ids or ())


def each_once(ids: Iterable[str]) -> tuple[str, ...]:
    """In order."""
    return tuple(dict.fromkeys(ids))
