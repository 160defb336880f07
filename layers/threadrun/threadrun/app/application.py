"""Everything a handler needs, built from the settings at the first event and kept for the next ones."""

from __future__ import annotations

import gc
import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools import Logger, Metrics
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from threadrun.app.settings import Settings, api_key_from_secret
from threadrun.cloudformation.respond import Responses
from threadrun.errors import TerminalError, TransientError
from threadrun.storage.event_waits import EventWaits
from threadrun.storage.file_claims import FileClaims
from threadrun.storage.records import FORGOTTEN_AFTER_SECONDS, Records, error_code
from threadrun.storage.run_attributes import OutputBucket, RunAttributes
from threadrun.telemetry.log_lines import share_logger
from threadrun.telemetry.metrics import NAMESPACE
from threadrun.workflow.steps import JITTER, Stepper
from threadrun.workflow.waiting import SCARCE_WAIT_SECONDS, Waiting

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.parameters import SecretsProvider
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_stepfunctions import SFNClient
    from openai import OpenAI

    from threadrun.providers.files import ServerFiles
    from threadrun.providers.http_log import KeySource
    from threadrun.providers.server import Server
    from threadrun.reconcile.backend import Backend
    from threadrun.telemetry.run_events import EventBus

OPENAI_TIMEOUT_SECONDS = 30
API_KEY_MAX_AGE_SECONDS = 300
WEBHOOK_SECRET_MAX_AGE_SECONDS = 60
"""It changes when the application is deployed again; webhooks that are refused meanwhile are repeated."""
PATIENCE = Config(connect_timeout=3, read_timeout=5)
"""With botocore's own tries, ten of DynamoDB and five of others, a call that gets no reply ends within 76 seconds.

No function has less time than 90 that needs it to respond: docs/operations.md, "In a VPC".
"""
BRIEF_PATIENCE = PATIENCE.merge(Config(retries={"total_max_attempts": 2}))
"""For what is worth no more, as a notification is: the function has a request to respond to, and is paid for."""
NEW_ACCOUNT_EXECUTIONS = 10
"""Concurrent executions that a new account has. Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html."""
_BROKEN_SECRET = frozenset(
    {"AccessDeniedException", "ResourceNotFoundException", "DecryptionFailure", "InvalidRequestException"}
)


class Application:
    """The settings and the clients that they call for; each client is built when it is first used."""

    def __init__(
        self,
        settings: Settings,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = JITTER,
    ) -> None:
        """`clock` gives Unix seconds, `sleep` waits that many seconds, `jitter` is a number from 0 to 1."""
        self.settings, self.clock, self.sleep, self.jitter = settings, clock, sleep, jitter

    @cached_property
    def _dynamodb(self) -> DynamoDBClient:
        return boto3.client("dynamodb", config=PATIENCE)

    @cached_property
    def _s3(self) -> S3Client:
        return boto3.client("s3", config=PATIENCE)

    @cached_property
    def records(self) -> Records:
        remembered = max(self.settings.log_retention_days * 24 * 3600, FORGOTTEN_AFTER_SECONDS)
        return Records(self._dynamodb, self.settings.table_name, self.clock, self.sleep, remembered)

    @cached_property
    def attributes(self) -> RunAttributes:
        outputs = OutputBucket(lambda: self._s3, self.settings.outputs_bucket)
        return RunAttributes(self._dynamodb, self.settings.table_name, outputs)

    @cached_property
    def stepper(self) -> Stepper:
        return Stepper(self.records, self.attributes, self.backend, self.clock, self.jitter)

    @cached_property
    def responses(self) -> Responses:
        return Responses(self.records, self.attributes, self.clock)

    @cached_property
    def event_waits(self) -> EventWaits | None:
        """None where the server sends no webhooks."""
        return EventWaits(self._dynamodb, self.settings.table_name) if self.settings.enable_webhooks else None

    def waiting(self, seconds: float, retry_count: int) -> Waiting:
        """How a step that may take so many seconds can wait: not in its function while executions are scarce.

        `retry_count` is how often the state machine has tried this step before: it may have been refused.
        """
        waiting = Waiting(self.sleep, self.clock() + seconds, self.settings.linger_seconds, self.event_waits)
        if retry_count > 0 or self._are_executions_scarce():
            waiting.inline_seconds, waiting.min_wait_seconds = 0, SCARCE_WAIT_SECONDS
        return waiting

    def _are_executions_scarce(self) -> bool:
        """Whether more than half of them could be asleep, as so many requests are in flight: not where one is alone."""
        return self.records.are_awaited(2) and self.records.are_awaited(self.concurrent_executions // 2 + 1)

    @cached_property
    def concurrent_executions(self) -> int:
        """What the account has without reservations; as much as a new one where Lambda does not tell."""
        try:
            settings = boto3.client("lambda", config=BRIEF_PATIENCE).get_account_settings()
        except (BotoCoreError, ClientError):
            return NEW_ACCOUNT_EXECUTIONS
        return settings["AccountLimit"]["UnreservedConcurrentExecutions"]

    @cached_property
    def step_functions(self) -> SFNClient:
        return boto3.client("stepfunctions", config=PATIENCE)

    @cached_property
    def event_bus(self) -> EventBus:
        """Built when the first event is put, not in init: the response to CloudFormation comes before it."""
        bus: EventBus = boto3.client("events", config=BRIEF_PATIENCE)
        return bus

    def hand_over(self, key: str, request_id: str) -> None:
        """Have the state machine continue, with a step of its own; the name makes a repeated hand-over harmless."""
        client = self.step_functions
        # One that exists is at work, or has ended: where it failed, the responder takes over.
        with suppress(client.exceptions.ExecutionAlreadyExists):
            client.start_execution(
                stateMachineArn=self.settings.state_machine_arn,
                name=request_id,
                input=json.dumps({"key": key, "request_id": request_id}),
            )

    @cached_property
    def backend(self) -> Backend:
        """The wire API of this deployment; it connects when it is first used."""
        # Imported here because the SDK makes a cold start slow: a response does not need it, and no
        # deployment needs both wires.
        if self.settings.openai_api == "assistants":
            from threadrun.providers.assistants_v2.backend import AssistantsBackend
            from threadrun.providers.assistants_v2.client import AssistantsServer

            assistants_server = AssistantsServer(self.connect)
            return AssistantsBackend(assistants_server, self._files(assistants_server, "assistants"))
        from threadrun.providers.responses.assistant_catalog import AssistantCatalog
        from threadrun.providers.responses.backend import ResponsesBackend
        from threadrun.providers.responses.tools import ToolSecrets
        from threadrun.providers.server import BEDROCK_LACKS, Server

        catalog = AssistantCatalog(self._dynamodb, self.settings.table_name, self.clock)
        is_bedrock = self.settings.openai_provider == "bedrock"
        if is_bedrock:
            import openai.providers.bedrock  # noqa: F401  # Not at the first event.
        responses_server = Server(self.connect, self.clock, BEDROCK_LACKS if is_bedrock else ())
        secrets, files = ToolSecrets(_read_tool_secret), self._files(responses_server, "user_data")
        return ResponsesBackend(responses_server, catalog, secrets, files)

    def _files(self, server: Server, purpose: str) -> ServerFiles:
        from threadrun.providers.file_sources import FileSources
        from threadrun.providers.files import ServerFiles

        sources = FileSources(lambda: self._s3, self.clock)
        claims = FileClaims(self._dynamodb, self.settings.table_name, self.clock)
        return ServerFiles(server, sources, claims, purpose)

    def connect(self, api_key_secret_arn: str = "", base_url: str = "") -> OpenAI:
        """The SDK's client, by default for the deployment's server.

        The key is read again every five minutes, and with a 401, so that it can rotate; Bedrock needs none. Raises
        `TerminalError` where the deployment is broken.
        """
        if self.settings.openai_provider == "bedrock":
            return _bedrock_client(self.settings.bedrock_base_url)
        arn = api_key_secret_arn or self.settings.openai_api_key_secret_arn
        if not arn:
            raise TerminalError(
                "no API key is set: deploy the application with OpenAIApiKeySecretArn, or with OpenAIProvider=bedrock"
            )
        return _openai_client(_read_api_key(arn), arn, base_url or self.settings.openai_base_url)

    def webhook_secret(self) -> str:
        """What the server signs its webhooks with."""
        return _read_secret("the webhooks' secret", self.settings.webhook_secret_arn, WEBHOOK_SECRET_MAX_AGE_SECONDS)

    def keep_webhook_secret(self, secret: str) -> None:
        """Put it where the function that receives webhooks reads it."""
        _secrets().client.put_secret_value(SecretId=self.settings.webhook_secret_arn, SecretString=secret)


def _read_api_key(arn: str, *, is_afresh: bool = False) -> str:
    return api_key_from_secret(_read_secret("the API key's secret", arn, API_KEY_MAX_AGE_SECONDS, is_afresh), arn)


def _read_tool_secret(arn: str) -> str:
    # Afresh: a run is started seldom, and a token that was rotated may be void.
    # docs/decisions.md: "A tool names its secrets, and each request that starts a run reads them"
    return _read_secret("the secret of a tool", arn, API_KEY_MAX_AGE_SECONDS, is_afresh=True)


@cache
def _secrets() -> SecretsProvider:
    from aws_lambda_powertools.utilities.parameters import SecretsProvider

    return SecretsProvider(boto_config=PATIENCE)


def _read_secret(name: str, arn: str, max_age_seconds: int, is_afresh: bool = False) -> str:
    from aws_lambda_powertools.utilities.parameters import GetParameterError

    try:
        return str(_secrets().get(arn, max_age=max_age_seconds, force_fetch=is_afresh))
    except GetParameterError as error:
        cause = error.__context__
        code = error_code(cause) if isinstance(cause, ClientError | BotoCoreError) else type(cause).__name__
        family = TerminalError if code in _BROKEN_SECRET else TransientError
        raise family(f"cannot read {name} {arn}: {code}") from None


@cache
def _openai_client(api_key: str, secret_arn: str, base_url: str) -> OpenAI:
    from threadrun.providers.http_log import KeySource

    source = KeySource(secret_arn, lambda: _read_api_key(secret_arn, is_afresh=True))
    return _client(source, api_key=api_key, base_url=base_url)


@cache
def _bedrock_client(base_url: str | None) -> OpenAI:
    """Signs each request with the function's role, whose credentials it refreshes itself; of this region only.

    `base_url` is None for the region's `mantle` endpoint.
    """
    from openai import OpenAIError
    from openai.providers.bedrock import bedrock

    try:
        # Without a key of the environment: IAM is to say who may call.
        return _client(None, provider=bedrock(endpoint="mantle", base_url=base_url, api_key=None))
    except OpenAIError as error:
        raise TerminalError(f"cannot use Amazon Bedrock: {error}") from error


def _client(key_source: KeySource | None, **server: Any) -> OpenAI:
    from openai import OpenAI

    from threadrun.providers.http_log import LoggedClient

    http = LoggedClient(key_source, timeout=OPENAI_TIMEOUT_SECONDS)
    return OpenAI(timeout=OPENAI_TIMEOUT_SECONDS, max_retries=0, http_client=http, **server)


@cache
def application() -> Application:
    return Application(Settings.from_environment(os.environ))


def prepare_in_init(service: str, *, with_backend: bool) -> tuple[Logger, Metrics]:
    """Return the function's log lines and metrics; within Lambda, also import and build what every event needs.

    A snapshot (SnapStart) keeps it, so nothing that must be fresh or unique is read here, and nothing of AWS or OpenAI
    is called. Lambda's init phase is not as slow as a function with little memory, either.
    """
    logger = Logger(service=service)
    share_logger(logger)
    if "AWS_LAMBDA_INITIALIZATION_TYPE" in os.environ:
        # What is imported never becomes garbage: looking for some takes a tenth of the time, and once more at events.
        gc.disable()
        app = application()
        _ = app.responses
        if with_backend:
            _ = app.stepper
        gc.freeze()
        gc.enable()
    return logger, Metrics(namespace=NAMESPACE, service=service)
