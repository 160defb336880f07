"""Messages, and the new thread that a run starts on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator

from threadrun.schema.deployment import require_served, responses_only
from threadrun.schema.tools import HttpUrl
from threadrun.schema.types import Metadata, Properties, Text, TypedProperties


class Attachment(TypedProperties):
    """A file or an image that comes with a message; which tool reads a file follows from the run's tools."""

    only_for: ClassVar[Mapping[str, tuple[str, ...]]] = {"detail": ("image",)}
    one_of = ("file_id", "file_url")

    file_id: Text | None = Field(None, description="The ID of the file.")
    type: Literal["file", "image"] = Field(
        "file", description="`file`, or `image`, which is always part of the message. Default: `file`."
    )
    file_url: HttpUrl | None = Field(
        None,
        description="The address of a file, which OpenAI reads as part of the message, whatever tools there are. On "
        "Assistants v2 for images only.",
    )
    detail: Literal["low", "high", "auto", "original"] | None = Field(
        None,
        description="How closely an image is looked at: `low`, `high`, `auto` or, on the Responses API, `original`.",
        json_schema_extra=responses_only("original"),
    )

    @property
    def tool_file_id(self) -> str | None:
        """Its file's id where a tool of the run reads it, if there is one; None where it is part of the message."""
        return self.file_id if self.type == "file" else None

    @field_validator("file_url")
    @classmethod
    def _require_served_url(cls, value: str | None, info: ValidationInfo) -> str | None:
        is_file = info.context is not None and info.data.get("type") == "file"
        require_served(value, info, [] if is_file else None)
        return value


class Message(Properties):
    role: Literal["user"] = Field(description="The role of the author. Only `user` is possible.")
    content: Text = Field(description="The text of the message.")
    attachments: tuple[Attachment, ...] | None = Field(
        None,
        description="Files that come with the message. A tool of the run reads them, 500 at most to search and 50 for "
        "code_interpreter; without such a tool they are part of the message.",
    )
    metadata: Metadata | None = Field(
        None,
        description="Key-value pairs, at most 16. OpenAI has no place for them on a message of its current API: they "
        "stay with the request.",
    )


class Thread(Properties):
    messages: tuple[Message, ...] = Field((), description="The messages that the thread starts with.")
    metadata: Metadata | None = Field(None, description="Key-value pairs on the thread, at most 16.")
