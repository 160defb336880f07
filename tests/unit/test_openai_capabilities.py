"""What a server lacks: which refusals tell, for how long that is believed, and what is said of it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import httpx2
import openai
import pytest

from tests.support.responses_server import Answer, backend, body_of, response, wanted
from threadrun.errors import LostReply, NotFound, NotServed, TerminalError, TransientError
from threadrun.providers.errors import translated
from threadrun.providers.server import REMEMBERED_SECONDS, Part, Server

MADE = {"id": "conv_1", "object": "conversation", "created_at": 1, "metadata": {}}
INVALID_URL = {"error": {"message": "Invalid URL (POST /v1/conversations)"}}


def server_at(clock: Callable[[], float], lacks: Collection[Part] = ()) -> Server:
    def refuse(_: httpx2.Request) -> httpx2.Response:
        raise AssertionError("nothing is asked of it")

    http = httpx2.Client(transport=httpx2.MockTransport(refuse))
    client = openai.OpenAI(api_key="sk-test", base_url="http://api/v1", http_client=http)
    return Server(lambda: client, clock, lacks)


def lacks(server: Server, part: Part) -> bool:
    try:
        server.require(part, "a test")
    except NotServed:
        return True
    return False


def refused(server: Server, status: int) -> None:
    """What a refusal becomes of a request that needs conversations."""
    reply = httpx2.Response(status, request=httpx2.Request("POST", "http://api/v1/conversations"))
    with server.needing("conversations", "a test"), server.translated("try"):
        raise openai.APIStatusError("refused", response=reply, body=None)


def test_what_is_missing_is_believed_for_an_hour() -> None:
    now = 1000.0
    server = server_at(lambda: now)
    assert not lacks(server, "conversations")
    with pytest.raises(NotServed, match="a test needs conversations, and the server at http://api/v1/ has none"):
        refused(server, 404)
    assert lacks(server, "conversations")
    assert not lacks(server, "vector stores")
    now += REMEMBERED_SECONDS
    assert not lacks(server, "conversations"), "a gateway may have lost its routes for a moment"


@pytest.mark.parametrize("status", [404, 405, 501])
def test_a_server_that_does_not_know_the_path_has_no_conversations(status: int) -> None:
    server, asked = backend((status, INVALID_URL), (200, response()))
    thread_id = server.threads.create(wanted())
    assert thread_id.startswith("chain_")
    assert not server.runs.shows_lost(thread_id)
    assert server.threads.create(wanted()) != thread_id, "of which nobody was asked"
    server.runs.start(wanted(), thread_id)
    assert "conversation" not in body_of(asked[1])


@pytest.mark.parametrize(
    ("status", "error"),
    [(400, TerminalError), (401, TerminalError), (403, TerminalError), (429, TransientError), (503, LostReply)],
)
def test_a_server_that_refuses_a_conversation_has_them(status: int, error: type[Exception]) -> None:
    server, _ = backend((status, {"error": {"message": "No."}}), (200, MADE))
    with pytest.raises(error):
        server.threads.create(wanted())
    assert server.threads.create(wanted()) == "conv_1"
    assert server.runs.shows_lost("conv_1")


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


NO_BACKGROUND: list[dict[str, Any]] = [
    {"message": "Unsupported parameter.", "param": "background"},
    {"message": "Background mode is not supported for this model."},
    {"message": "Unknown parameter: 'background'."},
]


@pytest.mark.parametrize("error", NO_BACKGROUND)
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
