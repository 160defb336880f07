"""What the user asks for: the properties of Custom::OpenAIThreadRun as typed, validated values.

Arguments and their meaning: the Terraform resource `openai_thread_run`; limits: OpenAI's API reference
(metadata: 16 pairs, keys of 64 and values of 512 characters; max_output_tokens: 16 at least).
This module must not know CloudFormation's events, the table or a wire API.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

METADATA_PAIRS = 16
METADATA_KEY_CHARACTERS = 64
METADATA_VALUE_CHARACTERS = 512
MIN_COMPLETION_TOKENS = 16
MAX_SERVICE_TIMEOUT_SECONDS = 3600

FinalStatus = Literal["completed", "requires_action", "failed", "incomplete", "cancelled", "expired"]


def _recast_boolean(value: Any) -> Any:
    """CloudFormation's "true" and "false" as booleans; nothing else counts as one."""
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return value == "true"
    raise PydanticCustomError("boolean", "must be true or false")


def _recast_integer(value: Any) -> Any:
    """CloudFormation's "1024" as an integer; "1024.5" and "1e3" are not integers."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and re.fullmatch(r"[+-]?[0-9]+", value):
        return int(value)
    raise PydanticCustomError("integer", "must be a whole number")


def _recast_number(value: Any) -> Any:
    """CloudFormation's "0.7" as a number; "nan" and "inf" are none."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", value):
        return float(value)
    raise PydanticCustomError("number", "must be a number")


def _recast_text(value: Any) -> Any:
    """A scalar as the text that CloudFormation makes of it, for events that kept its type."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def _check_metadata(value: dict[str, str]) -> dict[str, str]:
    if len(value) > METADATA_PAIRS:
        raise PydanticCustomError(
            "metadata", "has {count} pairs, at most {most} are possible", {"count": len(value), "most": METADATA_PAIRS}
        )
    for key, text in value.items():
        if not 1 <= len(key) <= METADATA_KEY_CHARACTERS:
            raise PydanticCustomError(
                "metadata",
                "key '{key}' has {count} characters, 1 to {most} are possible",
                {"key": key[:METADATA_KEY_CHARACTERS], "count": len(key), "most": METADATA_KEY_CHARACTERS},
            )
        if len(text) > METADATA_VALUE_CHARACTERS:
            raise PydanticCustomError(
                "metadata",
                "value of '{key}' has {count} characters, at most {most} are possible",
                {"key": key, "count": len(text), "most": METADATA_VALUE_CHARACTERS},
            )
    return value


Boolean = Annotated[bool, BeforeValidator(_recast_boolean)]
Integer = Annotated[int, BeforeValidator(_recast_integer)]
Number = Annotated[float, BeforeValidator(_recast_number)]
Text = Annotated[str, BeforeValidator(_recast_text), StringConstraints(min_length=1)]
Metadata = Annotated[
    dict[str, Annotated[str, BeforeValidator(_recast_text)]],
    AfterValidator(_check_metadata),
]


class Properties(BaseModel):
    """Base of all property models: frozen, and nothing unknown gets in."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Message(Properties):
    """One message of a new thread."""

    role: Literal["user"]
    content: Text
    metadata: Metadata | None = None


class Thread(Properties):
    """The new thread that the run starts on."""

    messages: tuple[Message, ...] = ()
    metadata: Metadata | None = None


class ResponseFormat(Properties):
    """The form of the answer; `json_object` needs the word "json" in the messages (OpenAI's rule)."""

    type: Literal["text", "json_object"]


class Bookkeeping(Properties):
    """Properties that OpenAI never sees: changing them starts no run."""

    timeout_seconds: Annotated[Integer, Field(ge=1, le=MAX_SERVICE_TIMEOUT_SECONDS)] | None = None
    accept_statuses: Annotated[tuple[FinalStatus, ...], Field(min_length=1)] = ("completed",)
    deletion_policy: Literal["delete", "retain"] | None = None
    """None: delete what this application created, leave what it adopted."""


class DesiredRun(Bookkeeping):
    """A validated Custom::OpenAIThreadRun."""

    assistant_id: Text | None = None
    thread: Thread | None = None
    existing_thread_id: Text | None = None
    model: Text | None = None
    instructions: Text | None = None
    metadata: Metadata | None = None
    stream: Boolean = False
    max_completion_tokens: Annotated[Integer, Field(ge=MIN_COMPLETION_TOKENS)] | None = None
    temperature: Annotated[Number, Field(ge=0, le=2)] | None = None
    top_p: Annotated[Number, Field(ge=0, le=1)] | None = None
    response_format: ResponseFormat | None = None
    import_id: Annotated[str, StringConstraints(pattern=r"^[^:\s]+:[^:\s]+$")] | None = None
    triggers: dict[str, Any] | None = None

    @property
    def messages(self) -> tuple[Message, ...]:
        """The messages to send, none on an existing thread."""
        return self.thread.messages if self.thread else ()

    @property
    def bookkeeping(self) -> Bookkeeping:
        """The part that may change without a new run."""
        return Bookkeeping(**{name: getattr(self, name) for name in Bookkeeping.model_fields})

    def fingerprint(self) -> str:
        """Digest of all that OpenAI sees and the triggers: another digest means another run."""
        hidden = {*Bookkeeping.model_fields, "stream"}
        visible = self.model_dump(mode="json", exclude=hidden, exclude_none=True)
        if self.import_id is not None:
            visible = {"import_id": self.import_id}
        return hashlib.sha256(json.dumps(visible, sort_keys=True).encode()).hexdigest()[:32]


def conflicts(given: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Rules between arguments as (argument, problem), checked beside those of each argument.

    `given` has the arguments by their snake_case names, validated or not: all problems are reported at once.
    """
    problems = []
    thread, existing = given.get("thread"), given.get("existing_thread_id")
    if thread is not None and existing is not None:
        problems.append(("thread", "conflicts with existing_thread_id: give one of the two"))
    if given.get("import_id") is not None:
        return problems
    has_messages = bool(thread.get("messages")) if isinstance(thread, Mapping) else thread is not None
    if existing is None and not has_messages:
        problems.append(("thread", "a thread with messages or an existing_thread_id is required"))
    if given.get("model") is None:
        problems.append(("model", "is required: this version does not look up the model of an assistant_id"))
    return problems
