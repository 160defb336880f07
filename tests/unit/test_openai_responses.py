"""The Responses backend against servers that differ from OpenAI: what is absent, shaped otherwise, or refused."""

from __future__ import annotations

import email.utils
import time

import httpx2
import pytest

from tests.support.responses_server import Answer, backend, body_of, listed, response, wanted
from threadrun.errors import LostReply, NotFound, TerminalError, ThreadBusy, TransientError


def test_a_server_that_wants_the_input_field_gets_it_empty() -> None:
    refusal = (400, {"error": {"message": "{'loc': ['body', 'input'], 'msg': 'Field required'}"}})
    server, asked = backend(refusal, (200, response()))
    assert server.runs.start(wanted(thread=None, existing_thread_id="conv_1"), "conv_1").run_id == "resp_1"
    assert [body_of(each).get("input") for each in asked] == [None, []]


def test_another_refusal_is_not_tried_again() -> None:
    server, _ = backend((400, {"error": {"message": "The requested model 'm' does not exist."}}))
    with pytest.raises(TerminalError, match="The requested model 'm' does not exist"):
        server.runs.start(wanted(thread=None, existing_thread_id="conv_1"), "conv_1")


def test_a_reason_in_fastapis_shape_is_told() -> None:
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


def test_an_error_is_told_without_the_key_and_not_at_any_length() -> None:
    """Some servers repeat the key; and a text that fills the record would leave no way to answer."""
    error = {"message": f"sk-test is wrong{'!' * 1_000_000}", "code": "sk-test"}
    server, _ = backend((401, {"error": error}))
    with pytest.raises(TerminalError) as raised:
        server.runs.observe("conv_1", "resp_1")
    assert raised.value.reason.startswith("cannot read run resp_1: *** is wrong!")
    assert raised.value.reason.endswith("!! (HTTP 401, code ***)")
    assert len(raised.value.reason) < 5000


def test_a_cancel_that_is_refused_as_a_conflict_is_no_error() -> None:
    server, _ = backend((409, {"detail": "Cannot cancel response 'resp_1' with status 'completed'"}))
    server.runs.cancel("conv_1", "resp_1")


def test_an_adopted_run_is_proved_by_its_output_where_the_server_names_no_conversation() -> None:
    message = {"type": "message", "id": "msg_1", "role": "assistant", "content": []}
    made = (200, response(status="completed", output=[message]))
    server, _ = backend(made, (200, listed(message)), made, (200, listed(message | {"id": "msg_2"})))
    assert server.runs.adopt("conv_1", "resp_1").status == "completed"
    with pytest.raises(NotFound, match="it is not a run of thread conv_1"):
        server.runs.adopt("conv_1", "resp_1")


def test_a_thread_whose_items_cannot_be_listed_is_deleted_all_the_same() -> None:
    server, asked = backend((404, {"error": {"message": "no"}}), (200, {"id": "conv_1", "deleted": True}))
    server.threads.delete("conv_1")
    assert asked[-1].method == "DELETE"


def test_a_cursor_that_is_gone_proves_nothing() -> None:
    server, _ = backend((404, {"error": {"message": "Item with id 'msg_1' not found."}}))
    assert server.runs.find_lost("conv_1", "msg_1") is None


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
        ((429, {"error": {"message": "slow down"}}), TransientError),
        ((429, {"error": {"message": "no money", "code": "insufficient_quota"}}), TerminalError),
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
    with pytest.raises(NotFound, match="cannot read run msg_9: only its answer was known, and that is gone"):
        server.runs.observe("conv_1", "msg_9")
