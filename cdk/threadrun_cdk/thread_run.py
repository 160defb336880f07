"""The construct of `Custom::OpenAIThreadRun`.

Written by `make reference` from the models of the application: change those.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from aws_cdk import Duration, IResolvable, RemovalPolicy
from constructs import Construct

from threadrun_cdk._resource import Resource, Rule, Settings
from threadrun_cdk.properties import (
    MessageProperty,
    ResponseFormatProperty,
    ThreadProperty,
    ToolProperty,
)


class ThreadRun(Resource):
    """Creates a thread and a run on it, or a run on an existing thread, waits for the end of the run, and returns its
    attributes. A run that fails fails the deployment, with OpenAI's own reason."""

    resource_type: ClassVar[str] = "Custom::OpenAIThreadRun"
    rules: ClassVar[tuple[Rule, ...]] = (
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

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        service_token: str | None = None,
        application_stack_name: str | None = None,
        service_timeout: Duration | None = None,
        removal_policy: RemovalPolicy | None = None,
        model: str | None = None,
        instructions: str | None = None,
        tools: Sequence[ToolProperty] | None = None,
        temperature: float | None = None,
        top_p: float | None = None,
        response_format: ResponseFormatProperty | None = None,
        reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None,
        verbosity: Literal["low", "medium", "high"] | None = None,
        assistant_id: str | None = None,
        thread: ThreadProperty | None = None,
        existing_thread_id: str | None = None,
        additional_messages: Sequence[MessageProperty] | None = None,
        metadata: Mapping[str, str] | None = None,
        stream: bool | IResolvable | None = None,
        max_completion_tokens: float | None = None,
        service_tier: Literal["auto", "default", "flex", "scale", "priority", "fast", "ultrafast"] | None = None,
        prompt_cache_key: str | None = None,
        safety_identifier: str | None = None,
        parallel_tool_calls: bool | IResolvable | None = None,
        max_tool_calls: float | None = None,
        tool_choice: str | None = None,
        additional_instructions: str | None = None,
        truncation: Literal["auto", "disabled"] | None = None,
        extra_body: Mapping[str, Any] | str | None = None,
        import_id: str | None = None,
        triggers: Mapping[str, Any] | None = None,
        accept_statuses: Sequence[
            Literal["completed", "requires_action", "failed", "incomplete", "cancelled", "expired"]
        ]
        | None = None,
        max_tool_rounds: float | None = None,
        max_retries: float | None = None,
        on_tool_error: Literal["report", "fail"] | None = None,
        reason_key: str | None = None,
        accept_refusal: bool | IResolvable | None = None,
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
        :param assistant_id: The ID of the assistant to use. What the run does not say itself is taken from it.
        :param thread: A new thread for the run, with messages. Conflicts with `existing_thread_id`.
        :param existing_thread_id: The ID of an existing thread to run on; it is never deleted. Conflicts with
            `thread`.
        :param additional_messages: Messages that the run adds to its existing thread, and answers.
        :param metadata: Key-value pairs on the run, at most 16.
        :param stream: Accepted and without effect: a stack sees a run when it has ended.
        :param max_completion_tokens: The most tokens that may be generated, 16 at least (256 where the server
            speaks Assistants v2).
        :param service_tier: How the request is served and billed: `auto`, `default`, `flex`, `scale`, `priority`,
            `fast` or `ultrafast`. A model has some of them. On the Responses API only.
        :param prompt_cache_key: What runs with the same beginning share, so that the server's cache of prompts
            finds it. On the Responses API only.
        :param safety_identifier: Who the run is for, hashed, for OpenAI to act on misuse by one person alone, 128
            characters at most. On the Responses API only.
        :param parallel_tool_calls: Whether the model may call several functions at the same time. Default: `true`.
        :param max_tool_calls: The most calls of the server's own tools, such as file_search, in one round;
            functions do not count. On the Responses API only.
        :param tool_choice: `none`, `auto`, `required`, the name of a function, or the type of another tool of the
            run. It counts for the first round of calls only, so that the run can end.
        :param additional_instructions: Instructions after all others, those of the assistant included.
        :param truncation: What becomes of a thread that is too long for the model: with `auto` the server shortens
            what it reads, with `disabled` the run fails. Where the server speaks Assistants v2, `auto` only.
        :param extra_body: Other fields of the request that starts the run, for what is new at OpenAI: as JSON text,
            taken exactly, or as a map. What has an argument of its own, or is set by the application, is refused by
            name.
        :param import_id: `thread_id:run_id` of a run to adopt instead of starting one. It stays at OpenAI unless
            `deletion_policy` is `delete`.
        :param triggers: A map; any change in it starts a new run.
        :param accept_statuses: The final statuses that count as success. Default: `completed`, and
            `requires_action` where a function has no handler.
        :param max_tool_rounds: How often the run may call functions that have a handler, 1 to 100: calls at the
            same time are one round. Default: 16.
        :param max_retries: How often the run is started again where the server ends it as `failed` for a reason
            that passes (`server_error`, `rate_limit_exceeded`), 0 to 3. Default: 1.
        :param on_tool_error: What the failure of a handler means, after two retries: `report` it to the model,
            which goes on with that, or `fail` the resource. Default: `report`.
        :param reason_key: A top-level key of the answer whose text is part of the failure when the answer does not
            match its `json_schema`. The stack's events show this text, and nothing else of an answer. `refusal` shows
            that of a refusal.
        :param accept_refusal: Whether a refusal of the model, in the attribute `refusal`, counts as success.
            Default: `false`.
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
            "assistant_id": assistant_id,
            "thread": thread,
            "existing_thread_id": existing_thread_id,
            "additional_messages": additional_messages,
            "metadata": metadata,
            "stream": stream,
            "max_completion_tokens": max_completion_tokens,
            "service_tier": service_tier,
            "prompt_cache_key": prompt_cache_key,
            "safety_identifier": safety_identifier,
            "parallel_tool_calls": parallel_tool_calls,
            "max_tool_calls": max_tool_calls,
            "tool_choice": tool_choice,
            "additional_instructions": additional_instructions,
            "truncation": truncation,
            "extra_body": extra_body,
            "import_id": import_id,
            "triggers": triggers,
            "accept_statuses": accept_statuses,
            "max_tool_rounds": max_tool_rounds,
            "max_retries": max_retries,
            "on_tool_error": on_tool_error,
            "reason_key": reason_key,
            "accept_refusal": accept_refusal,
            "timeout_seconds": timeout_seconds,
            "deletion_policy": deletion_policy,
        }
        settings = Settings(service_token, application_stack_name, service_timeout, removal_policy)
        super().__init__(scope, id, settings, given, ThreadRun)

    @property
    def id(self) -> str:
        """The ID of the run."""
        return self.get_att_string("id")

    @property
    def thread_id(self) -> str:
        """The ID of its thread."""
        return self.get_att_string("thread_id")

    @property
    def created_at(self) -> float:
        """The Unix timestamp, in seconds, of when the run was created."""
        return self._number("created_at")

    @property
    def started_at(self) -> float:
        """The Unix timestamp of when the run was first seen at work."""
        return self._number("started_at")

    @property
    def completed_at(self) -> float:
        """The Unix timestamp of when the run was completed; empty where it was not."""
        return self._number("completed_at")

    @property
    def object(self) -> str:
        """Always `thread.run`."""
        return self.get_att_string("object")

    @property
    def status(self) -> str:
        """The final status of the run."""
        return self.get_att_string("status")

    @property
    def file_ids(self) -> str:
        """The IDs of the files that the run had access to, as a JSON list."""
        return self.get_att_string("file_ids")

    @property
    def usage(self) -> str:
        """The tokens that were used, as a JSON object."""
        return self.get_att_string("usage")

    @property
    def usage_prompt_tokens(self) -> float:
        """The tokens that were read."""
        return self._number("usage.prompt_tokens")

    @property
    def usage_completion_tokens(self) -> float:
        """The tokens that were generated."""
        return self._number("usage.completion_tokens")

    @property
    def usage_total_tokens(self) -> float:
        """Both together."""
        return self._number("usage.total_tokens")

    @property
    def usage_cached_tokens(self) -> float:
        """The tokens among those read that the server had read before."""
        return self._number("usage.cached_tokens")

    @property
    def usage_reasoning_tokens(self) -> float:
        """The tokens among those generated that the model reasoned with."""
        return self._number("usage.reasoning_tokens")

    @property
    def model(self) -> str:
        """The model that ran."""
        return self.get_att_string("model")

    @property
    def assistant_id(self) -> str:
        """The assistant that was used; empty where none was."""
        return self.get_att_string("assistant_id")

    @property
    def assistant_version(self) -> float:
        """Its version; empty where the server keeps none."""
        return self._number("assistant_version")

    @property
    def required_action(self) -> str:
        """The calls that the run waits for, where its status is `requires_action`: a JSON list of objects with
        `call_id`, `name` and `arguments` (JSON text, as the model wrote it). Empty otherwise."""
        return self.get_att_string("required_action")

    @property
    def refusal(self) -> str:
        """What the model said where it refused to answer; empty otherwise."""
        return self.get_att_string("refusal")

    @property
    def citations(self) -> str:
        """The sources that the answer names: a JSON list of objects with `url` or `file` (an ID), `title`, `start` and
        `end` (characters of `output_text`), each null where the server does not say. The first ones, as many as 4,000
        bytes hold; left out where the response of CloudFormation has no room."""
        return self.get_att_string("citations")

    @property
    def output_text(self) -> str:
        """The text of the answer, shortened where it does not fit CloudFormation's 4,096 bytes."""
        return self.get_att_string("output_text")

    @property
    def output_truncated(self) -> str:
        """`true` where `output_text` is shortened, or another value is left out: a response of CloudFormation has 4,096
        bytes."""
        return self.get_att_string("output_truncated")

    def output(self, key: str) -> str:
        """Each top-level scalar of an answer that is a JSON object."""
        return self.get_att_string(f"output.{key}")
