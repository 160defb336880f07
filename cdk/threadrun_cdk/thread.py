"""The construct of `Custom::OpenAIThread`.

Written by `make reference` from the models of the application: change those.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

from aws_cdk import Duration, RemovalPolicy
from constructs import Construct

from threadrun_cdk._resource import Resource, Settings
from threadrun_cdk.properties import (
    MessageProperty,
)


class Thread(Resource):
    """Creates a thread with messages, for several runs to share. Runs on one thread that are created at the same time
    queue up behind each other."""

    resource_type: ClassVar[str] = "Custom::OpenAIThread"

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        service_token: str | None = None,
        application_stack_name: str | None = None,
        service_timeout: Duration | None = None,
        removal_policy: RemovalPolicy | None = None,
        messages: Sequence[MessageProperty] | None = None,
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
        :param messages: The messages of the thread, any number. Other messages make another thread.
        :param metadata: Key-value pairs on the thread, at most 16; they change in place.
        :param timeout_seconds: The longest time to wait, 1 to 3600 seconds; `service_timeout` is the upper bound.
        :param deletion_policy: `delete` or `retain`: what happens at OpenAI when the resource is deleted. By
            default what was created is deleted and what was adopted stays.
        """
        given = {
            "messages": messages,
            "metadata": metadata,
            "timeout_seconds": timeout_seconds,
            "deletion_policy": deletion_policy,
        }
        settings = Settings(service_token, application_stack_name, service_timeout, removal_policy)
        super().__init__(scope, id, settings, given, Thread)

    @property
    def id(self) -> str:
        """The ID of the thread."""
        return self.get_att_string("id")

    @property
    def created_at(self) -> float:
        """The Unix timestamp of when it was created."""
        return self._number("created_at")
