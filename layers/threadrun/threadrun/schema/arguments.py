"""What the user asks for: the properties of each resource type as typed, validated values.

Arguments and their meaning: the Terraform resource `openai_thread_run`; limits: OpenAI's API reference.
This module must not know CloudFormation's events, the table or a wire API.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from threadrun.schema.deployment import responses_only
from threadrun.schema.desired import Desired, Rule, digest
from threadrun.schema.extra_body import ExtraBody
from threadrun.schema.files import DesiredFile
from threadrun.schema.generation import Generation, each_once
from threadrun.schema.messages import Attachment, Message, Thread
from threadrun.schema.stores import DesiredVectorStore
from threadrun.schema.types import Boolean, Integer, Looks, Metadata, Text, check_nesting

MIN_COMPLETION_TOKENS = 16
DEFAULT_TOOL_ROUNDS, MAX_TOOL_ROUNDS = 16, 100
DEFAULT_RETRIES, MAX_RETRIES = 1, 3
TOOL_CHOICES = ("none", "auto", "required")
"""The values of `tool_choice` that name no tool."""
MAX_TOOL_CALLS = 600
"""Of all rounds together: more would not fit into the history of an execution, which has 25,000 events."""

IMPORT_ID = r"[^:\s]+:[^:\s]+"

FinalStatus = Literal["completed", "requires_action", "failed", "incomplete", "cancelled", "expired"]


ImportId = Annotated[Text, Looks(f"^{IMPORT_ID}$", "must look like thread_id:run_id")]


class DesiredRun(Generation, Desired):
    """A validated Custom::OpenAIThreadRun."""

    resource_type = "Custom::OpenAIThreadRun"
    rules = (
        Rule("thread", "conflicts with existing_thread_id: give one of the two", ("!thread", "!existing_thread_id")),
        Rule(
            "thread",
            "a thread with messages or an existing_thread_id is required",
            ("import_id", "existing_thread_id", "thread.messages"),
        ),
        Rule(
            "additional_messages",
            "is for a run on an existing thread: write the messages of a new one under thread.messages",
            ("!additional_messages", "existing_thread_id"),
        ),
        Rule(
            "model",
            "is required where there is no assistant_id to take it from",
            ("import_id", "assistant_id", "model"),
        ),
    )
    _unseen = Desired._unseen | {
        "accept_statuses",
        "stream",
        "max_tool_rounds",
        "on_tool_error",
        "reason_key",
        "accept_refusal",
        "max_retries",
    }

    assistant_id: Text | None = Field(
        None, description="The ID of the assistant to use. What the run does not say itself is taken from it."
    )
    thread: Thread | None = Field(
        None, description="A new thread for the run, with messages. Conflicts with `existing_thread_id`."
    )
    existing_thread_id: Text | None = Field(
        None, description="The ID of an existing thread to run on; it is never deleted. Conflicts with `thread`."
    )
    additional_messages: tuple[Message, ...] | None = Field(
        None, description="Messages that the run adds to its existing thread, and answers."
    )
    metadata: Metadata | None = Field(None, description="Key-value pairs on the run, at most 16.")
    stream: Boolean = Field(False, description="Accepted and without effect: a stack sees a run when it has ended.")
    max_completion_tokens: Annotated[Integer, Field(ge=MIN_COMPLETION_TOKENS)] | None = Field(
        None,
        description="The most tokens that may be generated, 16 at least (256 where the server speaks Assistants v2).",
    )
    service_tier: Literal["auto", "default", "flex", "scale", "priority", "fast", "ultrafast"] | None = Field(
        None,
        description="How the request is served and billed: `auto`, `default`, `flex`, `scale`, `priority`, `fast` or"
        " `ultrafast`. A model has some of them.",
        json_schema_extra=responses_only(),
    )
    prompt_cache_key: Text | None = Field(
        None,
        description="What runs with the same beginning share, so that the server's cache of prompts finds it.",
        json_schema_extra=responses_only(),
    )
    safety_identifier: Annotated[Text, StringConstraints(max_length=128)] | None = Field(
        None,
        description="Who the run is for, hashed, for OpenAI to act on misuse by one person alone, 128 characters at"
        " most.",
        json_schema_extra=responses_only(),
    )
    parallel_tool_calls: Boolean | None = Field(
        None, description="Whether the model may call several functions at the same time. Default: `true`."
    )
    max_tool_calls: Annotated[Integer, Field(ge=1)] | None = Field(
        None,
        description="The most calls of the server's own tools, such as file_search, in one round; functions do not"
        " count.",
        json_schema_extra=responses_only(),
    )
    tool_choice: Text | None = Field(
        None,
        description="`none`, `auto`, `required`, the name of a function, or the type of another tool of the run. It"
        " counts for the first round of calls only, so that the run can end.",
        examples=["auto", "required", "get_weather"],
    )
    additional_instructions: Text | None = Field(
        None, description="Instructions after all others, those of the assistant included."
    )
    truncation: Literal["auto", "disabled"] | None = Field(
        None,
        description="What becomes of a thread that is too long for the model: with `auto` the server shortens what it"
        " reads, with `disabled` the run fails. Where the server speaks Assistants v2, `auto` only.",
        json_schema_extra=responses_only("disabled"),
    )
    extra_body: ExtraBody | None = Field(
        None,
        description="Other fields of the request that starts the run, for what is new at OpenAI: as JSON text, taken"
        " exactly, or as a map of texts: CloudFormation makes text of numbers and booleans in a map. What has an"
        " argument of its own, or is set by the application, is refused by name.",
    )
    import_id: ImportId | None = Field(
        None,
        description="`thread_id:run_id` of a run to adopt instead of starting one. It stays at OpenAI unless "
        "`deletion_policy` is `delete`.",
    )
    triggers: Annotated[dict[str, Any], BeforeValidator(check_nesting)] | None = Field(
        None, description="A map; any change in it starts a new run."
    )
    accept_statuses: Annotated[tuple[FinalStatus, ...], Field(min_length=1)] | None = Field(
        None,
        description="The final statuses that count as success. Default: `completed`, and `requires_action` where a"
        " function has no handler.",
    )
    max_tool_rounds: Annotated[Integer, Field(ge=1, le=MAX_TOOL_ROUNDS)] | None = Field(
        None,
        description="How often the run may call functions that have a handler, 1 to 100: calls at the same time are one"
        " round. Default: 16.",
    )
    max_retries: Annotated[Integer, Field(ge=0, le=MAX_RETRIES)] | None = Field(
        None,
        description="How often the run is started again where the server ends it as `failed` for a reason that passes"
        " (`server_error`, `rate_limit_exceeded`), 0 to 3. Default: 1.",
    )
    on_tool_error: Literal["report", "fail"] | None = Field(
        None,
        description="What the failure of a handler means, after two retries: `report` it to the model, which goes on"
        " with that, or `fail` the resource. Default: `report`.",
    )
    reason_key: Text | None = Field(
        None,
        description="A top-level key of the answer whose text is part of the failure when the answer does not match"
        " its `json_schema`. The stack's events show this text, and nothing else of an answer. `refusal` shows that"
        " of a refusal.",
    )

    accept_refusal: Boolean = Field(
        False,
        description="Whether a refusal of the model, in the attribute `refusal`, counts as success. Default: `false`.",
    )

    def identity(self) -> str:
        return digest({"import_id": self.import_id}) if self.import_id else super().identity()

    @property
    def messages(self) -> tuple[Message, ...]:
        """The messages to send: those of its new thread, or those that it adds to an existing one."""
        return self.thread.messages if self.thread else self.additional_messages or ()

    @property
    def attached_file_ids(self) -> tuple[str, ...]:
        """Files of all messages that a tool can read, each once, in order."""
        return each_once(each.tool_file_id for each in self._attachments if each.tool_file_id)

    @property
    def file_ids(self) -> tuple[str, ...]:
        """All files that this run names, each once, in order."""
        return each_once([*(each.file_id for each in self._attachments if each.file_id), *self.code_file_ids])

    @property
    def _attachments(self) -> list[Attachment]:
        return [each for message in self.messages for each in message.attachments or ()]

    def has_tool(self, *types: str) -> bool:
        return any(tool.type in types for tool in self.tools or ())

    def with_defaults_from(self, assistant: Generation | None) -> DesiredRun:
        """This run with the assistant's settings where it has none of its own."""
        if assistant is None:
            return self
        missing = [name for name in Generation.model_fields if getattr(self, name) is None]
        taken: dict[str, Any] = {name: getattr(assistant, name) for name in missing}
        if self.tools is not None:
            taken["tools"] = tuple(tool.with_ids_from(assistant.tools or ()) for tool in self.tools)
        return self.model_copy(update=taken)


class DesiredThread(Desired):
    """A validated Custom::OpenAIThread: other messages make another thread, metadata changes in place."""

    resource_type = "Custom::OpenAIThread"
    _in_place = frozenset({"metadata"})

    messages: tuple[Message, ...] = Field(
        (), description="The messages of the thread, any number. Other messages make another thread."
    )
    metadata: Metadata | None = Field(
        None, description="Key-value pairs on the thread, at most 16; they change in place."
    )

    def identity(self) -> str:
        return digest(self._visible().get("messages"))

    def content(self) -> str:
        """Digest of what changes in place."""
        return digest(self.metadata)


class DesiredAssistant(Generation, Desired):
    """A validated Custom::OpenAIAssistant: every change is in place and makes a new version."""

    resource_type = "Custom::OpenAIAssistant"
    rules = (Rule("model", "is required", ("model",)),)
    _in_place = frozenset({"name", "description", "metadata", *Generation.model_fields})

    name: Annotated[Text, StringConstraints(max_length=256)] | None = Field(
        None, description="A name for people, 256 characters at most."
    )
    description: Annotated[Text, StringConstraints(max_length=512)] | None = Field(
        None, description="What it is for, 512 characters at most."
    )
    metadata: Metadata | None = Field(None, description="Key-value pairs on the assistant, at most 16.")

    def identity(self) -> str:
        return digest(self.resource_type)

    def content(self) -> str:
        """Digest of what makes a version."""
        return digest(self._visible())


AnyDesired = DesiredRun | DesiredThread | DesiredAssistant | DesiredFile | DesiredVectorStore
RESOURCE_MODELS: dict[str, type[AnyDesired]] = {
    model.resource_type: model
    for model in (DesiredRun, DesiredThread, DesiredAssistant, DesiredFile, DesiredVectorStore)
}
