"""The Responses backend against servers that differ from OpenAI, what is missing there, and the log line of a call."""

import contextlib
import email.utils
import json
import logging
import socket
import threading
import time
from typing import Any

import httpx2
import openai
import pytest

from testkit.memory.backend import wanted_run
from threadrun.errors import (
    LostReply,
    NotFound,
    NotServed,
    NotShown,
    TerminalError,
    ThreadBusy,
    ThreadRunError,
    TransientError,
)
from threadrun.providers.errors import translated
from threadrun.providers.http_log import KeySource, LoggedClient
from threadrun.providers.responses.backend import ResponsesBackend
from threadrun.providers.responses.tools import ToolSecrets
from threadrun.providers.server import REMEMBERED_SECONDS, Part, Server
from threadrun.schema.arguments import DesiredThread
from threadrun.state.observations import RunPlan

Answer = tuple[int, Any]
KEY = "sk-test"
QUOTA = (
    "You exceeded your current quota, check it.\n* Quota exceeded for metric: a.example.com/b, limit: {}, model: m{}"
)


def client_of(*answers: Answer | httpx2.Response | Exception) -> tuple[openai.OpenAI, list[httpx2.Request]]:
    """The SDK on a server that gives these answers, one a request, and what was asked of it."""
    left, asked = list(answers), []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        given = left.pop(0)
        if isinstance(given, Exception):
            raise given
        if isinstance(given, httpx2.Response):
            return given
        status, body = given
        if isinstance(body, bytes):
            return httpx2.Response(status, content=body, headers={"content-type": "application/json"})
        return httpx2.Response(status, json=body)

    http = LoggedClient(transport=httpx2.MockTransport(answer))
    return openai.OpenAI(api_key=KEY, base_url="http://api/v1", http_client=http, max_retries=0), asked


def backend(*answers: Answer | httpx2.Response | Exception) -> tuple[ResponsesBackend, list[httpx2.Request]]:
    client, asked = client_of(*answers)
    server, secrets = Server(lambda: client), ToolSecrets(lambda arn: "")
    return ResponsesBackend(server, catalog=None, secrets=secrets, files=None), asked  # type: ignore[arg-type]


def response(**more: Any) -> dict[str, Any]:
    return {"id": "resp_1", "object": "response", "status": "queued", "created_at": 5.9, "output": []} | more


def listed(*items: dict[str, Any]) -> dict[str, Any]:
    return {"object": "list", "data": list(items), "has_more": False, "first_id": "", "last_id": ""}


def wanted(**more: Any) -> RunPlan:
    return wanted_run(**more).plan()


def body_of(request: httpx2.Request) -> dict[str, Any]:
    return dict(json.loads(request.content))


def test_a_server_that_wants_the_input_field_gets_it_empty() -> None:
    refusal = (400, {"error": {"message": "{'loc': ['body', 'input'], 'msg': 'Field required'}"}})
    server, asked = backend(refusal, (200, response()))
    assert server.runs.start(wanted(thread=None, existing_thread_id="conv_1"), "conv_1").run_id == "resp_1"
    assert [body_of(each).get("input") for each in asked] == [None, []]


def test_another_refusal_is_not_tried_again() -> None:
    server, _ = backend((400, {"error": {"message": "The requested model 'm' does not exist."}}))
    with pytest.raises(TerminalError, match="The requested model 'm' does not exist"):
        server.runs.start(wanted(thread=None, existing_thread_id="conv_1"), "conv_1")


def test_a_reason_in_fastapis_shape_is_reported() -> None:
    server, _ = backend((404, {"detail": "Response 'resp_gone' not found."}))
    with pytest.raises(NotFound, match=r"cannot read run resp_gone: Response 'resp_gone' not found\. \(HTTP 404"):
        server.runs.observe("conv_1", "resp_gone")


RETRY_AFTER = {
    "seconds": ({"retry-after": "20"}, 20),
    "a fraction of a second": ({"retry-after": "0.4"}, 0.4),
    "milliseconds, which are the more exact": ({"retry-after-ms": "1500", "retry-after": "2"}, 1.5),
    "unreadable milliseconds": ({"retry-after-ms": "soon", "retry-after": "2"}, 2),
    "a date, by the server's own clock": (
        {"retry-after": "Wed, 21 Oct 2015 07:33:00 GMT", "date": "Wed, 21 Oct 2015 07:28:00 GMT"},
        300,
    ),
    "a date that is over": ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0),
    "seconds below none": ({"retry-after": "-3"}, 0),
    "no number": ({"retry-after": "nan"}, None),
    "no end": ({"retry-after": "inf"}, None),
    "no date": ({"retry-after": "Wed, 99 Oct 2015"}, None),
    "nothing": ({}, None),
}


def asked_for(headers: dict[str, str]) -> float | None:
    """How long a server has us wait that refuses a look with these headers."""
    server, _ = backend(httpx2.Response(429, json={"error": {"message": "Slow down."}}, headers=headers))
    with pytest.raises(TransientError) as caught:
        server.runs.observe("conv_1", "resp_1")
    return caught.value.retry_after_seconds


@pytest.mark.parametrize(("headers", "seconds"), RETRY_AFTER.values(), ids=RETRY_AFTER)
def test_a_server_says_in_many_ways_how_long_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert asked_for(headers) == seconds


def test_a_date_without_the_servers_own_is_read_by_our_clock() -> None:
    date = email.utils.formatdate(time.time() + 600, usegmt=True)
    assert 500 < (asked_for({"retry-after": date}) or 0) <= 600


def test_an_error_is_reported_without_the_key_and_not_at_any_length() -> None:
    """Some servers repeat the key; and a text that fills the record would leave no way to answer."""
    error = {"message": f"{KEY} is wrong{'!' * 1_000_000}", "code": "sk-test"}
    server, _ = backend((401, {"error": error}))
    with pytest.raises(TerminalError) as raised:
        server.runs.observe("conv_1", "resp_1")
    assert raised.value.reason.startswith("cannot read run resp_1: *** is wrong!")
    assert raised.value.reason.endswith("!! (HTTP 401, code ***)")
    assert len(raised.value.reason) < 5000


def test_a_cancel_that_is_refused_as_a_conflict_is_no_error() -> None:
    server, _ = backend((409, {"detail": "Cannot cancel response 'resp_1' with status 'completed'"}))
    server.runs.cancel("conv_1", "resp_1")


@pytest.mark.parametrize("status", [404, 405, 501])
def test_a_cancel_that_the_server_does_not_serve_is_no_error(status: int) -> None:
    server, _ = backend((status, {"error": {"message": "No such path."}}))
    server.runs.cancel("conv_1", "resp_1")


def test_a_cancel_that_fails_is_a_failure_that_passes() -> None:
    server, _ = backend((503, {"error": {"message": "Later."}}))
    with pytest.raises(TransientError, match="cannot cancel run resp_1: Later"):
        server.runs.cancel("conv_1", "resp_1")


def test_an_adopted_run_is_proved_by_its_output_where_the_server_names_no_conversation() -> None:
    message = {"type": "message", "id": "msg_1", "role": "assistant", "content": []}
    made = (200, response(status="completed", output=[message]))
    server, _ = backend(made, (200, listed(message)), made, (200, listed(message | {"id": "msg_2"})))
    assert server.runs.adopt("conv_1", "resp_1").status == "completed"
    with pytest.raises(NotFound, match="it does not belong to thread conv_1"):
        server.runs.adopt("conv_1", "resp_1")


def test_a_request_with_an_empty_id_is_refused_in_a_sentence() -> None:
    """The SDK would raise a `ValueError`."""
    server, asked = backend()
    for request in (server.vector_stores.delete, server.threads.delete, server.vector_stores.observe_indexing):
        with pytest.raises(TerminalError, match="the server told no id"):
            request("")
    assert asked == []


def test_a_cursor_that_is_gone_proves_nothing() -> None:
    server, _ = backend((404, {"error": {"message": "Item with id 'msg_1' not found."}}))
    with pytest.raises(NotFound):
        server.runs.find_lost("conv_1", "msg_1")


def test_a_lost_run_whose_items_have_no_ids_is_not_taken_for_none() -> None:
    server, _ = backend((200, listed({"type": "message", "role": "assistant"})))
    with pytest.raises(NotFound):
        server.runs.find_lost("conv_1", None)


def test_a_gateways_page_says_nothing_about_what_it_does_not_show() -> None:
    """To a start it is a refusal like any other: what a page in place of its reply means is open."""
    server, _ = backend(*[(403, b"<html>Forbidden</html>")] * 2, (403, {"error": {"message": "Forbidden"}}))
    with pytest.raises(NotShown):
        server.runs.observe("conv_1", "resp_1")
    for request in (lambda: server.runs.start(wanted(), "conv_1"), lambda: server.runs.observe("conv_1", "resp_1")):
        with pytest.raises(TerminalError) as raised:
            request()
        assert type(raised.value) is TerminalError


def test_a_model_that_is_not_there_is_no_thing_that_is_not_shown() -> None:
    server, _ = backend((404, {"error": {"message": "No such model.", "code": "model_not_found"}}))
    with pytest.raises(TerminalError) as raised:
        server.runs.start(wanted(), "conv_1")
    assert not isinstance(raised.value, NotFound)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx2.ConnectError("refused"), TransientError),
        (httpx2.ReadTimeout("slow"), LostReply),
        (httpx2.RemoteProtocolError("cut"), LostReply),
        ((503, {"error": {"message": "overloaded"}}), LostReply),
        ((200, b'{"id": "resp_'), LostReply),
        ((200, b'"text"'), LostReply),
        ((200, {"object": "response"}), LostReply),
        ((429, {"error": {"message": "slow down", "code": "rate_limit_exceeded"}}), TransientError),
        ((429, {"error": {"message": "slow down", "type": "requests"}}), TransientError),
        ((429, {"error": {"message": "Too many requests"}}), TransientError),
        ((429, {"error": {"message": "litellm.RateLimitError: Rate limit reached.", "code": "429"}}), TransientError),
        *(((status, b"<html>slow down</html>"), LostReply) for status in (408, 409, 425, 429)),
        *(((status, {"error": {"message": "gateway", "code": str(status)}}), LostReply) for status in (409, 425, 429)),
        ((408, {"error": {"message": "The operation was timeout.", "code": "Timeout"}}), LostReply),
        ((408, {"error": {"message": "Rate limit", "type": "requests"}}), LostReply),
        ((429, {"error": {"message": "litellm: You exceeded your current quota", "code": "429"}}), TerminalError),
        ((429, {"error": {"message": QUOTA.format(10, "\nPlease retry in 44.06s."), "code": "429"}}), TransientError),
        ((429, {"error": {"message": QUOTA.format(0.5, ' "retryDelay": "44s"'), "code": "429"}}), TransientError),
        ((429, {"error": {"message": QUOTA.format(0, "\nPlease retry in 44.06s."), "code": "429"}}), TerminalError),
        ((429, {"error": {"message": QUOTA.format(10, ""), "code": "429"}}), TerminalError),
        ((429, {"error": {"message": "litellm: Request too large for m.", "code": "429"}}), TerminalError),
        ((429, {"error": {"message": "no money", "code": "insufficient_quota"}}), TerminalError),
        ((429, {"error": {"message": "no money", "code": "project_spend_limit_exceeded"}}), TerminalError),
        ((429, {"error": {"message": "Request too large for m.", "code": "rate_limit_exceeded"}}), TerminalError),
        ((400, {"error": {"message": "locked", "code": "conversation_locked"}}), ThreadBusy),
        ((409, {"error": {"message": "locked", "code": "conversation_locked"}}), ThreadBusy),
        ((400, {"error": {"message": "Thread thread_1 already has an active run run_1."}}), ThreadBusy),
        ((400, {"error": {"message": "Can't add messages to thread_1 while a run run_1 is active."}}), ThreadBusy),
        ((401, {"error": {"message": "Incorrect API key provided: sk-test"}}), TerminalError),
    ],
)
def test_a_start_is_lost_only_where_it_may_have_had_its_effect(
    answer: Answer | Exception, error: type[Exception]
) -> None:
    """The locks of Assistants v2 are known by their words: they have no code."""
    server, _ = backend(answer)
    with pytest.raises(error) as raised:
        server.runs.start(wanted(), "conv_1")
    assert type(raised.value) is error
    assert "sk-test" not in str(raised.value)


@pytest.mark.parametrize(("body", "error"), [({"object": "conversation"}, TerminalError), (b"", LostReply)])
def test_a_thread_without_an_id_is_not_made_again_and_again(body: Any, error: type[Exception]) -> None:
    """Each try would leave one behind. A reply that was cut off is another matter: the next one may be whole."""
    server, _ = backend((200, body))
    with pytest.raises(error):
        server.threads.create_bare(DesiredThread.model_validate({}))


@pytest.mark.parametrize("body", [{"object": "list"}, {"data": None}, b"<html>", b""])
def test_an_unreadable_list_is_not_an_empty_one(body: Any) -> None:
    """Messages would be added a second time."""
    server, _ = backend((200, body))
    with pytest.raises(TransientError):
        server.threads.count_messages("conv_1")


def test_a_server_that_sends_its_first_page_for_ever_is_not_read_for_ever() -> None:
    page = listed(said("user", "msg_1")) | {"has_more": True}
    server, asked = backend((200, page), (200, page))
    server.threads.count_messages("conv_1")
    assert [dict(request.url.params).get("after") for request in asked] == [None, "msg_1"]


@pytest.mark.parametrize("part", ["head", "body"])
def test_a_request_has_a_limit_as_a_whole_and_not_only_between_bytes(part: str) -> None:
    """The next one, on a new connection, is as good as ever."""
    head, body = (
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 17\r\n\r\n",
        b'{"id": "resp_00"}',
    )
    quick, slow = {"head": (b"", head + body), "body": (head, body)}[part]

    def serve(listening: socket.socket) -> None:
        for sent_at_once, sent_slowly, pause in ((quick, slow, 0.1), (head + body, b"", 0)):
            connection, _ = listening.accept()
            with connection, contextlib.suppress(OSError):
                connection.recv(65536)
                connection.sendall(sent_at_once)
                for byte in sent_slowly:
                    connection.sendall(bytes([byte]))
                    time.sleep(pause)

    with socket.create_server(("127.0.0.1", 0)) as listening, LoggedClient() as http:
        threading.Thread(target=serve, args=(listening,), daemon=True).start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
        client = openai.OpenAI(api_key=KEY, base_url=url, http_client=http, max_retries=0, timeout=0.4)
        server, began = Server(lambda: client), time.monotonic()
        with pytest.raises(LostReply, match="could not be reached"):
            server.create("start the run", server.api.responses.create, model="m")
        assert 0.4 <= time.monotonic() - began < 1
        assert server.create("start the run", server.api.responses.create, model="m").text("id") == "resp_00"


def test_a_lost_run_is_looked_for_behind_the_newest_item_of_before_its_start() -> None:
    server, asked = backend((200, listed({"id": "msg_7"})), (200, listed()))
    assert server.threads.last_item_id("conv_1") == "msg_7"
    assert server.runs.find_lost("conv_1", "msg_7") is None
    newest, later = (dict(request.url.params) for request in asked)
    assert (newest["order"], newest["limit"]) == ("desc", "1")
    assert (later["order"], later["after"]) == ("asc", "msg_7")


def said(role: str, item_id: str) -> dict[str, Any]:
    return {"type": "message", "id": item_id, "role": role, "content": []}


def called(call_id: str, kind: str = "function_call") -> dict[str, Any]:
    return {"type": kind, "id": f"fc_{call_id}", "call_id": call_id, "name": "f", "arguments": "{}"}


def test_what_a_run_did_since_its_calls_ends_where_another_run_begins() -> None:
    answered = [called("1"), called("1", "function_call_output")]
    others = [said("user", "msg_2"), said("assistant", "msg_3")]
    server, _ = backend(*((200, listed(*answered, *more, *others)) for more in ([], [said("assistant", "msg_1")])))
    assert server.runs.find_continuation("conv_1", "resp_1", ["1"]) is None
    found = server.runs.find_continuation("conv_1", "resp_1", ["1"])
    assert found is not None
    assert found.run_id == "msg_1"


def test_a_call_that_has_an_output_is_neither_open_nor_closed_again() -> None:
    items = [called("1"), called("1", "function_call_output"), called("2")]
    server, asked = backend((200, listed(*items)), (200, {}), (200, listed(*items)))
    server.runs.close_calls("conv_1", "resp_1", ["1", "2", "3"])
    assert [each["call_id"] for each in body_of(asked[1])["items"]] == ["2"]
    found = server.runs.find_lost("conv_1", None)
    assert found is not None
    assert [call.call_id for call in found.calls] == ["2"]


@pytest.mark.parametrize("item_id", ["msg_1", "fc_1"])
def test_a_run_known_by_its_last_item_only_has_no_response_to_cancel_or_delete(item_id: str) -> None:
    server, asked = backend()
    server.runs.cancel("conv_1", item_id)
    server.runs.delete("conv_1", item_id)
    assert asked == []


def test_a_run_known_by_its_last_item_only_is_read_from_its_thread() -> None:
    """Up to that item: what follows in the conversation is another run's."""
    items = [
        {"type": "message", "id": f"msg_{number}", "role": role, "content": [{"type": "output_text", "text": text}]}
        for number, (role, text) in enumerate([("user", "?"), ("assistant", "ours"), ("user", "?"), ("assistant", "-")])
    ]
    server, _ = backend((200, listed(*items)), (200, listed(*items)))
    assert server.runs.observe("conv_1", "msg_1").output_text == "ours"
    with pytest.raises(
        NotFound,
        match="cannot read run msg_9: its start got no reply, and its messages were deleted: change `triggers`",
    ):
        server.runs.observe("conv_1", "msg_9")


# --- what a server lacks: which refusals tell, for how long that is believed, and what is said of it

INVALID_URL = {"error": {"message": "Invalid URL (POST /v1/conversations)"}}


def test_what_is_missing_is_believed_for_an_hour() -> None:
    now = 1000.0
    server = Server(lambda: client_of()[0], lambda: now)

    def lacks(part: Part) -> bool:
        try:
            server.require(part, "a test")
        except NotServed:
            return True
        return False

    assert not lacks("conversations")
    reply = httpx2.Response(404, request=httpx2.Request("POST", "http://api/v1/conversations"))
    with (
        pytest.raises(NotServed, match="a test needs conversations, and the server at http://api/v1/ has none"),
        server.needing("conversations", "a test"),
        server.translated("try"),
    ):
        raise openai.APIStatusError("refused", response=reply, body=None)
    assert (lacks("conversations"), lacks("vector stores")) == (True, False)
    now += REMEMBERED_SECONDS
    assert not lacks("conversations"), "a gateway may have lost its routes for a moment"


@pytest.mark.parametrize("status", [404, 405, 501])
def test_a_server_that_does_not_know_the_path_has_no_conversations(status: int) -> None:
    server, asked = backend((status, INVALID_URL), (200, response()))
    thread_id = server.threads.create(wanted())
    assert thread_id.startswith("chain_")
    assert not server.runs.keeps(thread_id)
    assert server.threads.create(wanted()) != thread_id, "of which nobody was asked"
    server.runs.start(wanted(), thread_id)
    assert "conversation" not in body_of(asked[1])


@pytest.mark.parametrize(
    ("status", "error"),
    [(400, TerminalError), (401, TerminalError), (403, TerminalError), (429, TransientError), (503, LostReply)],
)
def test_a_server_that_refuses_a_conversation_has_them(status: int, error: type[Exception]) -> None:
    server, _ = backend((status, {"error": {"message": "No."}}), (200, {"id": "conv_1", "object": "conversation"}))
    with pytest.raises(error):
        server.threads.create(wanted())
    assert server.threads.create(wanted()) == "conv_1"
    assert server.runs.keeps("conv_1")


@pytest.mark.parametrize("status", [404, 405, 501])
def test_a_server_that_deletes_nothing_keeps_no_stack_from_being_deleted(status: int) -> None:
    server, asked = backend((status, {"detail": "Method Not Allowed"}))
    server.runs.delete("conv_1", "resp_1")
    assert [each.method for each in asked] == ["DELETE"]


GONE = (404, {"error": {"message": "Conversation with id 'conv_gone' not found."}})


@pytest.mark.parametrize(
    "probed",
    [(400, {"error": {"message": "Invalid type for 'items'."}}), httpx2.ReadError("reset")],
    ids=["conversations are there", "nobody can be asked"],
)
def test_a_missing_thread_is_no_missing_part(probed: Answer | Exception) -> None:
    server, asked = backend(GONE, probed, GONE)
    with pytest.raises(NotFound, match="'conv_gone' not found"):
        server.threads.last_item_id("conv_gone")
    assert body_of(asked[1]) == {"items": False}, "which no server makes a conversation of"


@pytest.mark.parametrize(
    "error",
    [
        {"message": "Unsupported parameter.", "param": "background"},
        {"message": "Background mode is not supported for this model."},
        {"message": "Unknown parameter: 'background'."},
    ],
)
def test_a_refused_background_response_is_explained_and_asked_for_again(error: dict[str, Any]) -> None:
    server, _ = backend((400, {"error": error}), (200, response()))
    with pytest.raises(NotServed) as raised:
        server.runs.start(wanted(), "conv_1")
    assert raised.value.reason.startswith(f"cannot start the run: {error['message']}")
    assert raised.value.reason.endswith("; a run is a background response: use a model, or a server, that has them")
    assert server.runs.start(wanted(), "conv_1").run_id == "resp_1", "it was the model that has none"


def test_a_refusal_of_something_else_is_not_taken_for_one() -> None:
    server, _ = backend((400, {"error": {"message": "Metadata key 'background' is too long.", "param": "metadata"}}))
    with pytest.raises(TerminalError) as raised:
        server.runs.start(wanted(), "conv_1")
    assert not isinstance(raised.value, NotServed)


def test_an_id_of_450_characters_that_changes_with_each_get_stays_as_it_was_asked_for() -> None:
    """LiteLLM's."""
    server, asked = backend((200, response(id="resp_" + "b" * 445, status="completed")))
    run_id = "resp_" + "a" * 445
    assert server.runs.observe("conv_1", run_id).run_id == run_id
    assert asked[0].url.path.endswith(run_id)


def test_a_full_metadata_keeps_the_users_own() -> None:
    metadata = {f"key{number}": "value" for number in range(16)}
    server, asked = backend((404, INVALID_URL), (200, response()))
    plan = wanted(metadata=metadata)
    server.runs.start(plan, server.threads.create(plan))
    assert body_of(asked[1])["metadata"] == metadata


def test_a_request_that_could_not_be_signed_was_not_sent() -> None:
    with (
        pytest.raises(TerminalError, match="cannot start the run: Could not find credentials") as raised,
        translated("start the run", creates=True),
    ):
        raise openai.OpenAIError("Could not find credentials for Bedrock.")
    assert not isinstance(raised.value, TransientError)


# --- a key that was rotated since it was read

ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:key"
NEW_KEY = "sk-new"


def with_good_key(good: str, in_secret: str | Exception) -> tuple[Server, list[str]]:
    """A server that takes this key, a client that began with `KEY`, and the keys that were sent or read afresh."""
    seen: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.headers["authorization"].removeprefix("Bearer "))
        if seen[-1] == good:
            return httpx2.Response(200, json={"id": "conv_1"})
        error = {"message": f"Incorrect API key provided: {seen[-1]}.", "code": "invalid_api_key"}
        return httpx2.Response(401, json={"error": error})

    def read_afresh() -> str:
        seen.append("read")
        if isinstance(in_secret, Exception):
            raise in_secret
        return in_secret

    http = LoggedClient(KeySource(ARN, read_afresh), transport=httpx2.MockTransport(answer))
    client = openai.OpenAI(api_key=KEY, base_url="http://api/v1", http_client=http, max_retries=0)
    return Server(lambda: client), seen


def create(server: Server) -> object:
    return server.create("create the thread", server.api.conversations.create)


def test_a_request_that_is_refused_for_its_key_is_sent_once_more_with_the_key_that_is_there_now() -> None:
    server, seen = with_good_key(NEW_KEY, in_secret=NEW_KEY)
    create(server)
    assert seen == [KEY, "read", NEW_KEY]


@pytest.mark.parametrize(
    ("in_secret", "sent"), [(KEY, [KEY, "read"]), (NEW_KEY, [KEY, "read", NEW_KEY])], ids=["the same", "a wrong one"]
)
def test_a_refusal_of_the_key_is_final_after_one_look_and_names_the_secret(in_secret: str, sent: list[str]) -> None:
    server, seen = with_good_key("sk-other", in_secret)
    with pytest.raises(TerminalError) as raised:
        create(server)
    assert seen == sent
    assert raised.value.reason == (
        "cannot create the thread: Incorrect API key provided: ***. (HTTP 401, code invalid_api_key); "
        f"the key was read again from {ARN}"
    )


@pytest.mark.parametrize("family", [TransientError, TerminalError])
def test_a_secret_that_cannot_be_read_afresh_is_what_is_told(family: type[ThreadRunError]) -> None:
    """And no reply was lost: what was refused had no effect."""
    server, _ = with_good_key(NEW_KEY, in_secret=family(f"cannot read the API key's secret {ARN}: its error"))
    with pytest.raises(family, match="cannot read the API key's secret") as raised:
        create(server)
    assert not isinstance(raised.value, LostReply)


# --- the log line of each call: what a support case needs, and nothing else

CALLS = "threadrun.providers.http_log"
KNOWN = ("method", "path", "http_status", "openai_request_id", "code", "error", "milliseconds")


@pytest.fixture(autouse=True)
def heard(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Handlers take over the package's lines; here pytest hears them."""
    monkeypatch.setattr(logging.getLogger("threadrun"), "propagate", True)
    caplog.set_level(logging.DEBUG, logger=CALLS)


def reply(status: int = 200, body: Any = None, request_id: str = "req_1") -> httpx2.Response:
    return httpx2.Response(status, json=body or {"id": "conv_1"}, headers={"x-request-id": request_id})


LIMIT = {"error": {"message": f"marker {KEY}", "code": "rate_limit_exceeded"}}
NO_WORDS = ([], "no JSON", {"error": None}, {"error": {"code": "A sentence, for once."}}, {"error": {"code": 7}})
SAID = {"http_status": 200, "openai_request_id": "req_1"}
LOGGED: list[tuple[str, httpx2.Response | Exception, int, dict[str, Any]]] = [
    ("POST", reply(), logging.INFO, SAID),
    ("GET", reply(), logging.DEBUG, SAID),
    ("GET", httpx2.ConnectError("refused"), logging.INFO, {"error": "ConnectError"}),
    (
        *("GET", reply(429, LIMIT, f"req_{KEY}"), logging.INFO),
        {"http_status": 429, "openai_request_id": "req_***", "code": "rate_limit_exceeded"},
    ),
    *[("GET", reply(500, body), logging.INFO, SAID | {"http_status": 500}) for body in NO_WORDS],
    ("GET", httpx2.Response(500, content=b"[" * 200_000), logging.INFO, {"http_status": 500, "openai_request_id": ""}),
]


@pytest.mark.parametrize(("method", "answer", "level", "said"), LOGGED)
def test_a_call_is_logged_with_openais_request_id_and_its_code_and_without_its_words(
    caplog: pytest.LogCaptureFixture,
    method: str,
    answer: httpx2.Response | Exception,
    level: int,
    said: dict[str, Any],
) -> None:
    """A look that succeeds is for debugging; a code that is no word is left out."""
    conversations = client_of(answer)[0].conversations
    with contextlib.suppress(openai.OpenAIError):
        if method == "POST":
            conversations.create(metadata={"prompt": "marker"})
        else:
            conversations.retrieve("conv_1", extra_query={"q": "marker"})
    [record] = [each for each in caplog.records if each.name == CALLS]
    line = {name: value for name, value in vars(record).items() if name in KNOWN}
    assert line.pop("milliseconds") >= 0
    path = "/v1/conversations" if method == "POST" else "/v1/conversations/conv_1"
    assert (record.levelno, line) == (level, {"method": method, "path": path, **said})
    assert "marker" not in str(vars(record))
