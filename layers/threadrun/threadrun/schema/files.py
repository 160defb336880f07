"""Files that are given to the server: what their resource takes.

Limits: OpenAI's API reference of files (`expires_after`, purposes).
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, ValidationInfo, WithJsonSchema

from threadrun.schema.deployment import also_allowing, deployment_of, is_allowed
from threadrun.schema.desired import Desired, Rule, digest
from threadrun.schema.types import Integer, Text

MAX_FILE_BYTES = 512 * 1024 * 1024
"""Source: https://platform.openai.com/docs/api-reference/files/create."""
_S3_OBJECT = r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/.+"
_NOT_IN_A_NAME = re.compile(r'[/\\"\x00-\x1f\x7f]')


def _check_filename(value: str) -> str:
    # A path is cut off by servers and a quote is written in several ways: a file would not be found by such a name.
    if _NOT_IN_A_NAME.search(value):
        raise ValueError("must be a name without slashes, backslashes, double quotes and control characters")
    return value


def _check_base64(value: str) -> str:
    try:
        _decoded(value)
    except ValueError:
        raise ValueError("is not valid Base64") from None
    return value


def _check_source(value: str, info: ValidationInfo) -> str:
    if not re.fullmatch(_S3_OBJECT, value):
        raise ValueError("must look like s3://bucket/key")
    bucket, allowed = split_source(value)[0], deployment_of(info).file_buckets
    if not is_allowed(bucket, allowed):
        wanted = also_allowing(bucket, allowed)
        raise ValueError(f"this application may not read from bucket {bucket}: deploy it with FileBuckets={wanted}")
    return value


def split_source(source: str) -> tuple[str, str]:
    """The bucket and the key of an S3 object."""
    bucket, _, key = source.removeprefix("s3://").partition("/")
    return bucket, key


def _decoded(text: str) -> bytes:
    return base64.b64decode("".join(text.split()), validate=True)


Source = Annotated[
    Text,
    AfterValidator(_check_source),
    WithJsonSchema({"type": "string", "pattern": f"^{_S3_OBJECT}$", "format": "s3://bucket/key"}),
]


class DesiredFile(Desired):
    """A validated Custom::OpenAIFile: each change makes another file, as no file changes at the server."""

    resource_type = "Custom::OpenAIFile"
    rules = (
        Rule(
            "content", "is required, or content_base64 or source in its place", ("content", "content_base64", "source")
        ),
        Rule("content", "conflicts with content_base64: give one of the two", ("!content", "!content_base64")),
        Rule("source", "conflicts with content: give one of the two", ("!source", "!content")),
        Rule("source", "conflicts with content_base64: give one of the two", ("!source", "!content_base64")),
        Rule(
            "source_version", "is the version of an object in S3: give its source, too", ("!source_version", "source")
        ),
    )

    filename: Annotated[Text, StringConstraints(max_length=256), AfterValidator(_check_filename)] = Field(
        description="Its name, which the model sees, 256 characters at most. A server takes the type from its ending."
    )
    content: Text | None = Field(
        None, repr=False, description="What is in it, as text. CloudFormation bounds it, by the size of a template."
    )
    content_base64: Annotated[Text, AfterValidator(_check_base64)] | None = Field(
        None, repr=False, description="What is in it, in Base64."
    )
    source: Source | None = Field(
        None,
        description="What is in it, as an object in S3, `s3://bucket/key`, of 512 MB at most. The application's "
        "`FileBuckets` say which buckets may be read. Another object under its key is not a change; another "
        "`source_version` is.",
    )
    source_version: Text | None = Field(None, description="The version of the object, in a bucket that keeps versions.")
    purpose: Literal["assistants", "batch", "evals", "fine-tune", "user_data", "vision"] | None = Field(
        None,
        description="What it is for: `assistants`, `batch`, `evals`, `fine-tune`, `user_data` or `vision`. Default: "
        "`user_data` (`assistants` where the server speaks Assistants v2).",
    )
    expires_after_seconds: Annotated[Integer, Field(ge=3600, le=2_592_000)] | None = Field(
        None,
        description="Seconds after which the server deletes it, 3600 to 2592000 (30 days). The next update of the "
        "resource uploads it again, as another file. Default: never.",
    )

    def identity(self) -> str:
        visible = self._visible()
        if self.source is None:
            content = {"sha256": hashlib.sha256(self.inline()).hexdigest()}
            visible = content | {name: visible[name] for name in visible if name not in ("content", "content_base64")}
        return digest(visible)

    def inline(self) -> bytes:
        """What is in it, where the properties have it themselves."""
        return _decoded(self.content_base64) if self.content_base64 is not None else (self.content or "").encode()

    def without_content(self) -> DesiredFile:
        return self.model_copy(update={"content": None, "content_base64": None})
