"""Settings from the environment, and the two forms of the API key's secret."""

from __future__ import annotations

import pytest

from threadrun.app.settings import OPENAI_BASE_URL, Settings, api_key_from_secret
from threadrun.errors import TerminalError


def test_settings_come_from_the_environment() -> None:
    settings = Settings.from_environment({"TABLE_NAME": "t", "ALLOW_LOOPBACK_RESPONSE_URL": "true", "PATH": "/bin"})
    assert (settings.table_name, settings.allow_loopback_response_url) == ("t", True)
    assert settings.openai_provider == "api_key"
    assert settings.openai_base_url == "https://api.openai.com/v1"


def test_bedrock_is_asked_in_its_own_region_unless_told_otherwise() -> None:
    """OpenAI's own address is the template's default, and no server that takes AWS's signatures."""
    named = "https://bedrock-mantle.eu-west-1.api.aws/v1"
    expected = {OPENAI_BASE_URL: None, f"{OPENAI_BASE_URL}/": None, named: named}
    for url, asked in expected.items():
        assert Settings(table_name="t", openai_base_url=url).bedrock_base_url == asked


@pytest.mark.parametrize("secret", ["sk-1", " sk-1\n", '{"api_key": "sk-1"}', '{"api_key": " sk-1 ", "org": "o"}'])
def test_a_secret_is_the_bare_key_or_a_json_object(secret: str) -> None:
    assert api_key_from_secret(secret) == "sk-1"


@pytest.mark.parametrize("secret", ["", "{}", '{"key": "sk-1"}', '{"api_key": 5}', "{sk-broken"])
def test_another_secret_is_refused_without_showing_it(secret: str) -> None:
    with pytest.raises(TerminalError) as raised:
        api_key_from_secret(secret)
    assert "sk-" not in raised.value.reason
