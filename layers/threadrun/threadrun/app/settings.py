"""The deployment's settings, read from the environment by the handlers once, at their first event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, ConfigDict

from threadrun.errors import TerminalError
from threadrun.schema.deployment import Deployment
from threadrun.schema.types import Model, from_json
from threadrun.workflow.waiting import MAX_WAIT_SECONDS

OPENAI_BASE_URL = "https://api.openai.com/v1"


def _listed(value: object) -> object:
    return [part for part in value.split(",") if part] if isinstance(value, str) else value


class Settings(Model):
    """Environment variables of the functions, by their lower-case names; set in template.yaml."""

    model_config = ConfigDict(frozen=True)

    table_name: str
    state_machine_arn: str = ""
    outputs_bucket: str = ""
    openai_api: Literal["responses", "assistants"] = "responses"
    openai_provider: Literal["api_key", "bedrock"] = "api_key"
    """How requests are authorised: by a key of the server, or by the role that signs them for Amazon Bedrock."""
    openai_base_url: str = OPENAI_BASE_URL
    openai_api_key_secret_arn: str = ""
    tool_function_arns: Annotated[tuple[str, ...], BeforeValidator(_listed)] = ()
    """Patterns of the Lambda functions that may be invoked as handlers, comma-separated in the environment."""
    tool_secret_arns: Annotated[tuple[str, ...], BeforeValidator(_listed)] = ()
    """Patterns of the secrets that tools may name, comma-separated too."""
    file_buckets: Annotated[tuple[str, ...], BeforeValidator(_listed)] = ()
    """Patterns of the buckets that files may come from, comma-separated too."""
    linger_seconds: float = MAX_WAIT_SECONDS
    """See `Waiting.inline_seconds`; with 0 the state machine always waits."""
    enable_webhooks: bool = False
    webhook_secret_arn: str = ""
    allow_loopback_response_url: bool = False
    log_retention_days: int = 30

    @property
    def deployment(self) -> Deployment:
        """What properties are held against."""
        allowed = (self.tool_function_arns, self.tool_secret_arns, self.file_buckets)
        return Deployment(self.openai_api, *allowed)

    @property
    def bedrock_base_url(self) -> str | None:
        """None for the endpoint of this region: OpenAI's own server takes no signed requests."""
        return None if self.openai_base_url.rstrip("/") == OPENAI_BASE_URL else self.openai_base_url

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Raises pydantic's ValidationError where a variable is missing or wrong: the deployment is broken."""
        return cls.model_validate({name.lower(): value for name, value in environment.items()})


def api_key_from_secret(secret: str, arn: str) -> str:
    """The key in the secret of this ARN, which is bare or in a JSON object as `api_key`; raises `TerminalError`."""
    text = secret.strip()
    if text.startswith("{"):
        try:
            text = from_json(text)["api_key"].strip()
        except (ValueError, KeyError, AttributeError, TypeError):
            text = ""
    if not text:
        raise TerminalError(f"the API key's secret {arn} must hold the key itself, or a JSON object with api_key")
    if not (text.isascii() and text.isprintable()):
        raise TerminalError(
            f"the API key in secret {arn} has a character that no HTTP header can hold, as a line break or a "
            "typographic quote: put the bare key into it"
        )
    return text
