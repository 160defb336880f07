"""The construct of `Custom::OpenAIVectorStore`.

Written by `make reference` from the models of the application: change those.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

from aws_cdk import Duration, RemovalPolicy
from constructs import Construct

from threadrun_cdk._resource import Resource, Settings
from threadrun_cdk.properties import (
    ChunkingStrategyProperty,
)


class VectorStore(Resource):
    """Keeps files for runs to search. It is there when all of them are indexed; a file that cannot be indexed fails it,
    by its name. Files are added and removed in place."""

    resource_type: ClassVar[str] = "Custom::OpenAIVectorStore"

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        service_token: str | None = None,
        application_stack_name: str | None = None,
        service_timeout: Duration | None = None,
        removal_policy: RemovalPolicy | None = None,
        name: str | None = None,
        file_ids: Sequence[str] | None = None,
        chunking_strategy: ChunkingStrategyProperty | None = None,
        expires_after_days: float | None = None,
        metadata: Mapping[str, str] | None = None,
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
        :param name: A name for people, 256 characters at most.
        :param file_ids: The files in it, 500 at most. They are added and removed in place; what was put into the
            store by others stays.
        :param chunking_strategy: How the files are cut into what is searched. Default: `auto`.
        :param expires_after_days: Days without use after which it expires at the server, 1 to 365. The next update
            of the resource makes it again, as another store. Default: never.
        :param metadata: Key-value pairs on the store, at most 16.
        :param timeout_seconds: The longest time to wait, 1 to 3600 seconds; `service_timeout` is the upper bound.
        :param deletion_policy: `delete` or `retain`: what happens at OpenAI when the resource is deleted. By
            default what was created is deleted and what was adopted stays.
        """
        given = {
            "name": name,
            "file_ids": file_ids,
            "chunking_strategy": chunking_strategy,
            "expires_after_days": expires_after_days,
            "metadata": metadata,
            "timeout_seconds": timeout_seconds,
            "deletion_policy": deletion_policy,
        }
        settings = Settings(service_token, application_stack_name, service_timeout, removal_policy)
        super().__init__(scope, id, settings, given, VectorStore)

    @property
    def id(self) -> str:
        """The ID of the store."""
        return self.get_att_string("id")

    @property
    def name(self) -> str:
        """Its name; empty where it has none."""
        return self.get_att_string("name")

    @property
    def status(self) -> str:
        """Its status, `completed` when its files were indexed."""
        return self.get_att_string("status")

    @property
    def file_counts(self) -> str:
        """How many files there are in each state, as a JSON object."""
        return self.get_att_string("file_counts")

    @property
    def usage_bytes(self) -> float:
        """What it takes."""
        return self._number("usage_bytes")

    @property
    def created_at(self) -> float:
        """The Unix timestamp, in seconds, of when it was created."""
        return self._number("created_at")
