"""Exists to prove that the stand-in can be Amazon Bedrock, which takes signatures."""

import pytest
from openai.providers.bedrock import bedrock

from local.openai_standin import OpenAIStandIn
from tests.standin.support import PLAIN, client_of, sent


@pytest.fixture
def signed() -> OpenAIStandIn:
    return OpenAIStandIn(signed=True, duration_s=0)


def test_the_sdks_signature_is_let_in_and_no_token_is_shown(signed: OpenAIStandIn) -> None:
    provider = bedrock(
        base_url="http://standin/v1",
        region="us-east-1",
        access_key_id="AKIDEXAMPLE",
        secret_access_key="secret",
        session_token="a-token",
    )
    client = client_of(signed, provider=provider)
    made = client.responses.create(model=PLAIN, input="hi", background=True, store=True)
    assert client.responses.retrieve(made.id).status == "completed"
    assert [each.method for each in signed.requests] == ["POST", "GET"]
    assert not {"authorization", "x-amz-security-token"} & set(signed.requests[0].headers)


def authorization(service: str = "bedrock-mantle", headers: str = "host;x-amz-content-sha256;x-amz-date") -> str:
    scope = f"AKIDEXAMPLE/20261122/us-east-1/{service}/aws4_request"
    return f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders={headers}, Signature={'0' * 64}"


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("Bearer sk-standin", "it has none of Signature Version 4"),
        (authorization("bedrock"), "it is for bedrock, not for bedrock-mantle"),
        (authorization(headers="host;x-amz-date"), "x-amz-content-sha256 is not signed"),
        (authorization(), "the body is another one than was signed"),
    ],
)
def test_another_signature_is_not(signed: OpenAIStandIn, given: str, problem: str) -> None:
    headers = {"authorization": given, "x-amz-date": "20261122T000000Z", "x-amz-content-sha256": "0" * 64}
    status, reply = sent(signed, "POST", "responses", {"model": PLAIN, "input": "hi"}, **headers)
    assert (status, problem in reply["error"]["message"]) == (403, True)
    assert signed.counters()["runs_started"] == 0
