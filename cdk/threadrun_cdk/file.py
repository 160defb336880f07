"""The construct of `Custom::OpenAIFile`.

Written by `make reference` from the models of the application: change those.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from aws_cdk import Duration, RemovalPolicy
from constructs import Construct

from threadrun_cdk._resource import Resource, Rule, Settings


class File(Resource):
    """Uploads a file, for runs and vector stores to read: from the template itself, or from an object in S3. Its
    content is in no log and no execution history, and not in the application's table any more once it is uploaded;
    anyone who may read the template sees what the template has."""

    resource_type: ClassVar[str] = "Custom::OpenAIFile"
    rules: ClassVar[tuple[Rule, ...]] = (
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

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        filename: str,
        service_token: str | None = None,
        application_stack_name: str | None = None,
        service_timeout: Duration | None = None,
        removal_policy: RemovalPolicy | None = None,
        content: str | None = None,
        content_base64: str | None = None,
        source: str | None = None,
        source_version: str | None = None,
        purpose: Literal["assistants", "batch", "evals", "fine-tune", "user_data", "vision"] | None = None,
        expires_after_seconds: float | None = None,
        timeout_seconds: float | None = None,
        deletion_policy: Literal["delete", "retain"] | None = None,
    ) -> None:
        """Raise `ValueError` for what the application would refuse by its name, kind or place.

        :param service_token: The output ServiceToken of the application's stack. Default: the export of that name
            of `application_stack_name`.
        :param application_stack_name: The name of the application's stack. Default: `threadrun`.
        :param service_timeout: How long CloudFormation waits for a response, 60 to 3600 seconds. Default: 3600.
        :param removal_policy: With `RETAIN` CloudFormation forgets the resource and asks for no deletion. Default:
            `DESTROY`.
        :param filename: Its name, which the model sees, 256 characters at most. A server takes the type from its
            ending.
        :param content: What is in it, as text. CloudFormation bounds it, by the size of a template.
        :param content_base64: What is in it, in Base64.
        :param source: What is in it, as an object in S3, `s3://bucket/key`, of 512 MB at most. The application's
            `FileBuckets` say which buckets may be read. Another object under its key is not a change; another
            `source_version` is.
        :param source_version: The version of the object, in a bucket that keeps versions.
        :param purpose: What it is for: `assistants`, `batch`, `evals`, `fine-tune`, `user_data` or `vision`.
            Default: `user_data` (`assistants` where the server speaks Assistants v2).
        :param expires_after_seconds: Seconds after which the server deletes it, 3600 to 2592000 (30 days). The next
            update of the resource uploads it again, as another file. Default: never.
        :param timeout_seconds: The longest time to wait, 1 to 3600 seconds; `service_timeout` is the upper bound.
        :param deletion_policy: `delete` or `retain`: what happens at OpenAI when the resource is deleted. By
            default what was created is deleted and what was adopted stays.
        """
        given = {
            "filename": filename,
            "content": content,
            "content_base64": content_base64,
            "source": source,
            "source_version": source_version,
            "purpose": purpose,
            "expires_after_seconds": expires_after_seconds,
            "timeout_seconds": timeout_seconds,
            "deletion_policy": deletion_policy,
        }
        settings = Settings(service_token, application_stack_name, service_timeout, removal_policy)
        super().__init__(scope, id, settings, given, File)

    @property
    def id(self) -> str:
        """The ID of the file."""
        return self.get_att_string("id")

    @property
    def filename(self) -> str:
        """Its name."""
        return self.get_att_string("filename")

    @property
    def bytes(self) -> float:
        """Its size."""
        return self._number("bytes")

    @property
    def purpose(self) -> str:
        """What it is for."""
        return self.get_att_string("purpose")

    @property
    def created_at(self) -> float:
        """The Unix timestamp, in seconds, of when it was uploaded."""
        return self._number("created_at")

    @property
    def expires_at(self) -> float:
        """The Unix timestamp of when the server deletes it; empty where it does not."""
        return self._number("expires_at")

    @property
    def sha256(self) -> str:
        """The SHA-256 digest of its content, in hexadecimal; a trigger for what depends on the content."""
        return self.get_att_string("sha256")
