"""The construct of `Custom::OpenAIAssistant`.

Written by `make reference` from the models of the application: change those.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

from aws_cdk import Duration, RemovalPolicy
from constructs import Construct

from threadrun_cdk._resource import Resource, Rule, Settings
from threadrun_cdk.properties import (
    ResponseFormatProperty,
    ToolProperty,
)


class Assistant(Resource):
    """Keeps the settings that several runs share. Each change is in place and makes a new version; a run goes by the
    version that is current when it starts."""

    resource_type: ClassVar[str] = "Custom::OpenAIAssistant"
    rules: ClassVar[tuple[Rule, ...]] = (Rule("model", "is required", ("model",)),)

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        model: str,
        service_token: str | None = None,
        application_stack_name: str | None = None,
        service_timeout: Duration | None = None,
        removal_policy: RemovalPolicy | None = None,
        instructions: str | None = None,
        tools: Sequence[ToolProperty] | None = None,
        temperature: float | None = None,
        top_p: float | None = None,
        response_format: ResponseFormatProperty | None = None,
        reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None,
        verbosity: Literal["low", "medium", "high"] | None = None,
        name: str | None = None,
        description: str | None = None,
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
        :param model: The ID of the model.
        :param instructions: Instructions for the model, before the messages.
        :param tools: The tools that may be used, 128 at most.
        :param temperature: The sampling temperature, 0 to 2: higher is more random. Reasoning models take none.
        :param top_p: The probability mass that is considered, 0 to 1: an alternative to `temperature`.
        :param response_format: The form of the answer.
        :param reasoning_effort: How much a reasoning model thinks: `none`, `minimal`, `low`, `medium`, `high`,
            `xhigh` or `max`. A model takes some of them.
        :param verbosity: How many words the answer takes: `low`, `medium` or `high`. On the Responses API only.
        :param name: A name for people, 256 characters at most.
        :param description: What it is for, 512 characters at most.
        :param metadata: Key-value pairs on the assistant, at most 16.
        :param timeout_seconds: The longest time to wait, 1 to 3600 seconds; `service_timeout` is the upper bound.
        :param deletion_policy: `delete` or `retain`: what happens at OpenAI when the resource is deleted. By
            default what was created is deleted and what was adopted stays.
        """
        given = {
            "model": model,
            "instructions": instructions,
            "tools": tools,
            "temperature": temperature,
            "top_p": top_p,
            "response_format": response_format,
            "reasoning_effort": reasoning_effort,
            "verbosity": verbosity,
            "name": name,
            "description": description,
            "metadata": metadata,
            "timeout_seconds": timeout_seconds,
            "deletion_policy": deletion_policy,
        }
        settings = Settings(service_token, application_stack_name, service_timeout, removal_policy)
        super().__init__(scope, id, settings, given, Assistant)

    @property
    def id(self) -> str:
        """The ID of the assistant."""
        return self.get_att_string("id")

    @property
    def version(self) -> float:
        """Its version, 1 at first and raised by each change."""
        return self._number("version")

    @property
    def created_at(self) -> float:
        """The Unix timestamp of when it was created."""
        return self._number("created_at")

    @property
    def name(self) -> str:
        """Its name; empty where it has none."""
        return self.get_att_string("name")

    @property
    def model(self) -> str:
        """Its model."""
        return self.get_att_string("model")
