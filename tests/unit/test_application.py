"""What the process as a whole has: its chance, and its way to the server."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from threadrun.app import application
from threadrun.app.application import Application
from threadrun.app.settings import OPENAI_BASE_URL, Settings
from threadrun.errors import TerminalError


@pytest.fixture
def region(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A function in Ireland, whose environment has what must not be taken for its role."""
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "a-bearer-token")
    monkeypatch.setenv("AWS_BEDROCK_BASE_URL", "https://elsewhere.example/v1")
    application._bedrock_client.cache_clear()
    yield "eu-west-1"
    application._bedrock_client.cache_clear()


def on_bedrock(base_url: str = OPENAI_BASE_URL) -> Application:
    return Application(Settings(table_name="table", openai_provider="bedrock", openai_base_url=base_url))


def test_bedrock_is_the_regions_mantle_endpoint_and_has_no_key(region: str) -> None:
    client = on_bedrock().connect()
    assert str(client.base_url) == f"https://bedrock-mantle.{region}.api.aws/openai/v1/"
    assert client.api_key == ""
    assert client.max_retries == 0, "a retried POST could start a second run"
    assert on_bedrock().connect() is client


@pytest.mark.parametrize(
    ("base_url", "problem"),
    [
        ("https://bedrock-mantle.us-east-1.api.aws/v1", "does not match the configured AWS region `eu-west-1`"),
        ("https://bedrock-runtime.eu-west-1.amazonaws.com/openai/v1", "does not match the selected `mantle` endpoint"),
        ("http://bedrock-mantle.eu-west-1.api.aws/v1", "require HTTPS"),
    ],
)
def test_an_endpoint_that_the_role_cannot_sign_for_is_refused(region: str, base_url: str, problem: str) -> None:
    """The `runtime` endpoint has no background responses."""
    with pytest.raises(TerminalError, match="cannot use Amazon Bedrock: ") as raised:
        on_bedrock(base_url).connect()
    assert problem in raised.value.reason


def test_another_path_of_the_endpoint_can_be_named(region: str) -> None:
    url = f"https://bedrock-mantle.{region}.api.aws/v1"
    assert str(on_bedrock(url).connect().base_url) == f"{url}/"


def test_a_server_with_a_key_needs_its_secret() -> None:
    with pytest.raises(TerminalError, match="deploy with OpenAIApiKeySecretArn, or OpenAIProvider=bedrock"):
        Application(Settings(table_name="table")).connect()


def test_environments_of_one_snapshot_do_not_wait_alike() -> None:
    """Python's own generator is in the snapshot: each environment would draw the same numbers."""
    jitter = Application(Settings(table_name="table")).jitter
    snapshot = random.getstate()
    one = [jitter() for _ in range(5)]
    random.setstate(snapshot)
    assert [jitter() for _ in range(5)] != one
    assert all(0 <= number < 1 for number in one)
