"""The log line of each call of OpenAI's API: what a support case needs, and nothing else."""

import logging
from typing import Any

import httpx2
import openai
import pytest

from threadrun.providers.http_log import LoggedClient

KEY = "sk-very-secret"
CALLS = "threadrun.providers.http_log"


@pytest.fixture(autouse=True)
def heard(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Handlers take over the package's lines; here pytest hears them."""
    monkeypatch.setattr(logging.getLogger("threadrun"), "propagate", True)
    caplog.set_level(logging.DEBUG, logger=CALLS)


def client(answer: httpx2.Response | Exception) -> openai.OpenAI:
    def answered(_: httpx2.Request) -> httpx2.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    http = LoggedClient(KEY, transport=httpx2.MockTransport(answered))
    return openai.OpenAI(api_key=KEY, base_url="http://api/v1", http_client=http, max_retries=0)


def lines(caplog: pytest.LogCaptureFixture) -> list[tuple[int, dict[str, Any]]]:
    known = ("method", "path", "http_status", "openai_request_id", "code", "error", "milliseconds")
    return [
        (record.levelno, {name: vars(record)[name] for name in known if name in vars(record)})
        for record in caplog.records
        if record.name == CALLS
    ]


def reply(status: int = 200, body: Any = None, request_id: str = "req_1") -> httpx2.Response:
    return httpx2.Response(status, json=body or {"id": "conv_1"}, headers={"x-request-id": request_id})


def test_what_creates_is_logged_with_openais_request_id(caplog: pytest.LogCaptureFixture) -> None:
    client(reply()).conversations.create(metadata={"prompt": "marker"})
    [(level, line)] = lines(caplog)
    assert level == logging.INFO
    assert line.pop("milliseconds") >= 0
    assert line == {"method": "POST", "path": "/v1/conversations", "http_status": 200, "openai_request_id": "req_1"}


def test_a_look_that_succeeds_is_for_debugging(caplog: pytest.LogCaptureFixture) -> None:
    client(reply()).conversations.retrieve("conv_1")
    assert [level for level, _ in lines(caplog)] == [logging.DEBUG]


def test_a_refusal_is_logged_with_its_code_and_without_its_words(caplog: pytest.LogCaptureFixture) -> None:
    refusal = reply(429, {"error": {"message": f"marker {KEY}", "code": "rate_limit_exceeded"}}, f"req_{KEY}")
    with pytest.raises(openai.RateLimitError):
        client(refusal).conversations.retrieve("conv_1", extra_query={"q": "marker"})
    [(level, line)] = lines(caplog)
    assert level == logging.INFO
    assert (line["http_status"], line["code"], line["openai_request_id"]) == (429, "rate_limit_exceeded", "req_***")
    assert "marker" not in str([vars(record) for record in caplog.records if record.name == CALLS])


@pytest.mark.parametrize(
    "body", [[], "no JSON", {"error": None}, {"error": {"code": "A sentence, for once."}}, {"error": {"code": 7}}]
)
def test_a_code_that_is_no_word_is_left_out(caplog: pytest.LogCaptureFixture, body: Any) -> None:
    with pytest.raises(openai.APIStatusError):
        client(reply(500, body)).conversations.retrieve("conv_1")
    [(_, line)] = lines(caplog)
    assert "code" not in line


def test_a_call_without_a_reply_is_logged_too(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(openai.APIConnectionError):
        client(httpx2.ConnectError("refused")).conversations.retrieve("conv_1")
    [(level, line)] = lines(caplog)
    assert (level, line["error"]) == (logging.INFO, "ConnectError")
