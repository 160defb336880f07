"""Who is let in, what is logged, what goes wrong on the wire on purpose, and the socket and process around it."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
from openai import OpenAI

from local.openai_standin import Fault, OpenAIStandIn, Script
from tests.standin.support import PLAIN, START, Clock, client_of, refusal, sent, socket_client_of, start
from tests.support.until import until


def test_wrong_key_is_refused_and_shown_masked(stand_in: OpenAIStandIn) -> None:
    """A key must never be printed in full, not even a wrong one; an empty one is another mistake."""
    error = refusal(client_of(stand_in, "sk-wrong-key-123456").conversations.create, openai.AuthenticationError)
    assert error.code == "invalid_api_key"
    assert error.message.count("Incorrect API key provided: sk-wrong*******3456.") == 1
    status, reply = sent(stand_in, "POST", "responses", {}, authorization="")
    assert (status, reply["error"]["code"]) == (401, None)
    assert "didn't provide an API key" in reply["error"]["message"]


def test_requests_are_kept_without_the_key_and_can_be_traced(client: OpenAI, stand_in: OpenAIStandIn) -> None:
    """Tests read what was sent; a key has no place in that. Support asks for the request id, on success too."""
    sent_body = {"model": PLAIN, "input": "Say hello"}
    raw = client.responses.with_raw_response.create(model=PLAIN, input="Say hello")
    assert raw.headers["x-request-id"].startswith("req_")
    assert raw.headers["openai-processing-ms"] == "0"
    (request,) = stand_in.requests
    assert request[:3] == ("POST", "/v1/responses", sent_body)
    assert request.time == START
    assert "authorization" not in request.headers
    assert "sk-standin" not in repr(stand_in.requests)
    stand_in.forget_requests()
    assert stand_in.requests == []


def test_scripts_are_used_in_order_where_they_match(client: OpenAI, stand_in: OpenAIStandIn) -> None:
    """A test can say which request gets which answer, without minding the order of the others."""
    stand_in.script(
        Script(output_text="by subset", match={"model": "gpt-test", "metadata": {"a": "1"}}),
        Script(output_text="by text", match="weather"),
        Script(output_text="by words", match="news", times=2),
        Script(output_text="by function", match=lambda request: request.get("top_p") == 0.5),
        Script(output_text="for ever", times=None),
    )

    def answer(text: str, model: str = PLAIN, **changes: Any) -> str:
        return str(client.responses.create(model=model, input=text, **changes).output_text)

    assert answer("hi", "gpt-test", metadata={"a": "1", "b": "2"}) == "by subset"
    assert answer("hi", "gpt-test") == "for ever"
    assert [answer("the weather"), answer("the weather")] == ["by text", "for ever"]
    assert [answer("news") for _ in range(3)] == ["by words", "by words", "for ever"]
    assert [answer("hi", top_p=0.5), answer("hi", top_p=0.5)] == ["by function", "for ever"]


@pytest.mark.parametrize(
    ("kind", "given", "problem"),
    [
        (Script, {"status": "done"}, "status must be one of"),
        (Fault, {"method": "GET", "path": "/", "kind": "explode"}, "kind must be one of"),
        (Fault, {"method": "GET", "path": "/", "kind": "drop"}, "kind must be one of"),
        (Fault, {"method": "WEBHOOK", "path": ".*", "kind": "reset"}, "kind must be one of"),
        (Fault, {"method": "GET", "path": "/(", "kind": "reset"}, "no regular expression"),
        (Fault, {"method": "GET", "path": "/", "kind": "reset", "share": 2}, "share must be from 0 to 1"),
        (OpenAIStandIn, {"api": "azure"}, "api must be one of"),
        (
            OpenAIStandIn,
            {"lacks": ["threads"]},
            "may lack conversations, vector_stores, background, retention, not 'threads'",
        ),
    ],
)
def test_what_would_never_happen_is_refused(kind: Any, given: dict[str, Any], problem: str) -> None:
    """A typo in a test must not become a success."""
    with pytest.raises(ValueError, match=problem):
        kind(**given)


def test_status_fault_answers_without_the_effect(client: OpenAI, stand_in: OpenAIStandIn) -> None:
    """A rate limit says when to come back, and nothing was started."""
    stand_in.fault(
        Fault("POST", "/v1/responses", "status", status=429, retry_after=7),
        Fault("POST", "/v1/responses", "status", status=429, code="insufficient_quota", message="no money"),
        Fault("*", "/v1/.*", "status", status=500),
    )
    error = refusal(lambda: start(client), openai.RateLimitError)
    assert (error.response.headers["retry-after"], error.code) == ("7", "rate_limit_exceeded")
    error = refusal(lambda: start(client), openai.RateLimitError)
    assert (error.code, error.type) == ("insufficient_quota", "insufficient_quota")
    assert refusal(lambda: start(client), openai.InternalServerError).type == "server_error"
    assert stand_in.counters()["runs_started"] == 0
    assert start(client).status == "queued"


def test_slow_reply_times_out_after_its_effect(client: OpenAI, stand_in: OpenAIStandIn, clock: Clock) -> None:
    """A reply slower than the client's patience is a lost reply."""
    stand_in.fault(Fault("POST", "/v1/responses", "slow", seconds=30, times=2))
    with pytest.raises(openai.APITimeoutError):
        start(client, timeout=5)
    assert clock.time == START + 5
    assert start(client, timeout=60).status == "queued"
    assert (clock.time, stand_in.counters()["runs_started"]) == (START + 35, 2)


def test_a_reply_byte_by_byte_takes_as_long_as_all_of_its_bytes(
    client: OpenAI, stand_in: OpenAIStandIn, clock: Clock
) -> None:
    stand_in.fault(Fault("POST", "/v1/responses", "drip", seconds=0.5))
    before = clock.time
    reply = client.responses.with_raw_response.create(model=PLAIN, input="hi", background=True, timeout=9999)
    assert clock.time - before == 0.5 * len(reply.content)


def test_reset_forgets_everything(client: OpenAI, stand_in: OpenAIStandIn) -> None:
    """One stand-in can serve many tests."""
    stand_in.script(Script(output_text="scripted", times=None))
    stand_in.fault(Fault("*", ".*", "reset", times=None))
    stand_in.reset()
    assert client.responses.create(model=PLAIN, input="hi").output_text != "scripted"
    stand_in.reset()
    assert set(stand_in.counters().values()) == {0}
    assert stand_in.requests == []


def test_other_processes_control_it_over_http() -> None:
    """The demo runs it in another process, so everything can be told in JSON, without a key."""
    with (
        OpenAIStandIn(duration_s=0) as stand_in,
        socket_client_of(stand_in) as client,
        httpx2.Client(base_url=f"{stand_in.control_url}/") as control,
    ):
        script = {"output_text": "told", "match": {"model": "gpt-new"}, "usage": [1, 2]}
        assert control.post("scripts", json=script).json() == {"done": 1}
        wire = {"method": "GET", "path": "/v1/responses/.*", "kind": "status", "status": 503}
        webhook = {"method": "WEBHOOK", "path": "response.completed", "kind": "twice"}
        assert control.post("faults", json=[wire, webhook]).json() == {"done": 2}
        assert control.post("reach", json={"suffix": "on.aws", "port": 1}).json() == {"done": 1}
        secret = client.webhooks.create(event_types=["response.completed"], name="n", url="https://a.on.aws/")
        registered = control.post("files", json=[{"id": "file-1", "name": "a.txt", "size": 3}, {}]).json()["registered"]
        assert (registered[0], client.files.retrieve("file-1").bytes) == ("file-1", 3)
        assert client.files.create(file=b"x" * 100_000, purpose="assistants").bytes == 100_000
        response = start(client, model="gpt-new", input="hi there")
        assert response.output_text == "told"
        assert response.usage is not None
        assert response.usage.total_tokens == 3
        refusal(client.responses.retrieve, openai.InternalServerError, response.id)
        until(lambda: len(control.get("deliveries").json()) >= 2)
        deliveries = control.get("deliveries").json()
        assert {(each["response_id"], each["status"]) for each in deliveries} == {(response.id, None)}
        counted = control.get("counters").json()
        assert (counted["runs_started"], counted["files"], counted["webhook_endpoints"]) == (1, 3, 1)
        requests = control.get("requests")
        assert [each["path"] for each in requests.json()][:2] == ["/v1/webhook_endpoints", "/v1/files/file-1"]
        assert secret.signing_secret not in requests.text + str(deliveries)
        wrongs = {"scripts": [{"foo": 1}, [1]], "faults": [{"foo": 1}], "reach": [{}], "files": [{"id": "vs_1"}]}
        for path, wrong in [(path, each) for path, bodies in wrongs.items() for each in bodies]:
            assert control.post(path, json=wrong).status_code == 400
        assert control.get("nothing").status_code == 404
        assert control.post("reset").json() == {"done": 1}
        assert set(stand_in.counters().values()) == {0}


def test_real_server_keeps_connections_alive_for_many_clients(stand_in: OpenAIStandIn) -> None:
    """One state is shared by all threads, and none of them sees it half changed."""
    statuses: list[str | None] = []

    def work(client: OpenAI) -> None:
        conversation = client.conversations.create()
        response = start(client, conversation=conversation.id)
        statuses.append(client.responses.retrieve(response.id).status)

    with stand_in, socket_client_of(stand_in) as client:
        threads = [threading.Thread(target=work, args=[client]) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert statuses == ["queued"] * 16
    assert stand_in.counters()["responses_in_flight"] == 16


def test_stopped_server_cuts_kept_connections(stand_in: OpenAIStandIn) -> None:
    """After a stop nobody is served any more, not even over a connection that is still open."""
    with pytest.raises(RuntimeError, match="not listening"):
        _ = stand_in.base_url
    stand_in.start()
    with socket_client_of(stand_in) as client:
        client.conversations.create()
        stand_in.stop()
        with pytest.raises(openai.APIConnectionError):
            client.conversations.create()
    assert stand_in.counters()["conversations"] == 1


def test_process_prints_its_urls_and_ends_on_sigterm() -> None:
    """`make demo` starts it this way, and it must never print a prompt."""
    command = [sys.executable, "-m", "local.openai_standin", "--api-key", "sk-other", "--duration-s", "0"]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        urls = json.loads(process.stdout.readline())
        with OpenAI(api_key="sk-other", base_url=urls["base_url"], max_retries=0) as client:
            assert start(client, input="secret words").status == "completed"
            refusal(lambda: start(client, input="secret words", temperature=9))
        counters = httpx2.get(f"{urls['control_url']}/counters").json()
        os.kill(process.pid, signal.SIGTERM)
        output, errors = process.communicate(timeout=5)
    assert counters["runs_started"] == 1
    assert (process.returncode, output, errors) == (0, b"", b"")


NOT_THERE = "Invalid URL ({} /v1/{})"
ONLY_ASSISTANTS, LACKING = {"api": "assistants"}, {"lacks": ["conversations", "vector_stores", "background"]}
HI = {"model": PLAIN, "input": "hi"}


@pytest.mark.parametrize(
    ("server", "method", "path", "body", "status", "message"),
    [
        ({}, "GET", "threads/thread_1/runs", None, 404, NOT_THERE),
        ({}, "GET", "no", None, 404, NOT_THERE),
        ({}, "GET", "responses", None, 405, "Not allowed to {} on /v1/{}."),
        (ONLY_ASSISTANTS, "POST", "responses", HI, 404, NOT_THERE),
        (ONLY_ASSISTANTS, "POST", "conversations", {}, 404, NOT_THERE),
        (LACKING, "POST", "conversations", {}, 404, NOT_THERE),
        (LACKING, "GET", "vector_stores", None, 404, NOT_THERE),
        (LACKING, "POST", "responses", HI | {"conversation": "conv_1"}, 400, "Unknown parameter: 'conversation'."),
        (LACKING, "POST", "responses", HI | {"background": True}, 400, "'background' is not supported."),
    ],
)
def test_what_a_server_does_not_serve_is_refused(
    server: dict[str, Any], method: str, path: str, body: Any, status: int, message: str
) -> None:
    """The Assistants API is closed. Responses cannot be listed: recovery must not rest on that."""
    got, reply = sent(OpenAIStandIn(**server), method, path, body)
    assert (got, message.format(method, path) in reply["error"]["message"]) == (status, True)


@pytest.mark.parametrize("over_a_socket", [False, True])
@pytest.mark.parametrize(
    ("kind", "cause", "started"),
    [
        ("reset", httpx2.ReadError, 0),
        ("lost_reply", httpx2.RemoteProtocolError, 1),
        ("garbage", json.JSONDecodeError, 1),
    ],
)
def test_lost_reply_may_or_may_not_have_had_its_effect(
    stand_in: OpenAIStandIn, kind: str, cause: type[Exception], started: int, over_a_socket: bool
) -> None:
    """The client can't tell the first two apart; that is the whole problem. A proxy in between may cut a body short."""
    with stand_in:
        stand_in.fault(Fault("POST", "/v1/responses", kind))
        with socket_client_of(stand_in) if over_a_socket else client_of(stand_in) as client:
            with pytest.raises((openai.APIConnectionError, cause)) as caught:
                start(client)
            assert isinstance(caught.value.__cause__ or caught.value, cause)
            assert stand_in.counters()["runs_started"] == started
            assert start(client).status == "queued"
