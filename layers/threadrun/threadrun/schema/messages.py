"""Messages, and the new thread that a run starts on."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from threadrun.schema.types import Metadata, Properties, Text


class Attachment(Properties):
    """A file that comes with a message; which tool reads it follows from the run's tools."""

    file_id: Text = Field(description="The ID of the file.")


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
