"""The contract itself: it covers every route, it finds what is wrong, and each deviation from it is still needed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest
from openai import OpenAI

from local.openai_standin import OpenAIStandIn, Script
from local.openai_standin.routes import _ASSISTANTS, _RESPONSES, _SHARED
from local.openai_standin.webhooks import EVENT_TYPES, Webhooks
from tests.contract.deviations import DEVIATIONS, EXAMPLES, UNDOCUMENTED, is_known, unknown_problems
from tests.contract.document import Exchange, _validator, document, operation_of, problems

ROUTES = [(method, path) for method, path, _ in _SHARED + _RESPONSES + _ASSISTANTS if not path.startswith(UNDOCUMENTED)]
MODEL = "gpt-5.4-mini"


@pytest.fixture
def stand_in() -> OpenAIStandIn:
    return OpenAIStandIn(api="both", duration_s=0)


@pytest.fixture
def client(stand_in: OpenAIStandIn) -> Iterator[OpenAI]:
    with OpenAI(
        api_key="sk-standin",
        base_url="http://standin/v1",
        http_client=httpx2.Client(transport=stand_in.transport()),
        max_retries=0,
    ) as opened:
        yield opened


@pytest.fixture
def ended(client: OpenAI) -> dict[str, Any]:
    """A response that has ended, as it was on the wire."""
    made = client.responses.with_raw_response.create(model=MODEL, input="Hello.")
    return dict(made.http_response.json())


@pytest.mark.parametrize(("method", "path"), ROUTES, ids=" ".join)
def test_a_route_is_in_the_document(method: str, path: str) -> None:
    served = operation_of(method, re.sub(r"{\w+}", "some_id", path))
    assert served is not None
    assert re.sub(r"{\w+}", "{}", f"/v1{served.split()[1]}") == re.sub(r"{\w+}", "{}", path), "another route serves it"


def test_a_reply_of_every_route_can_be_checked() -> None:
    """Of one reply the document says nothing; the SDK does not read it either."""
    operations = [str(operation_of(method, re.sub(r"{\w+}", "some_id", path))) for method, path in ROUTES]
    silent = [each for each in operations if _validator(each, "reply") is None]
    assert silent == ["DELETE /responses/{response_id}"]


def test_what_is_undocumented_is_not_in_the_document() -> None:
    """Once a newer document has it, it is held against that."""
    assert not [path for path in document()["paths"] if f"/v1{path}".startswith(UNDOCUMENTED)]


def test_a_deviation_is_there_only_as_long_as_it_is_needed(client: OpenAI) -> None:
    made = client.responses.with_raw_response.create(model=MODEL, input="Hello.", background=True, store=True)
    reply = {**made.http_response.json(), "usage": None}
    found = list(problems(Exchange("POST", "/v1/responses", None, 200, reply)))
    assert {(problem.place, problem.message) for problem in found} == {key[1:] for key in DEVIATIONS}
    assert all(map(is_known, found))


def texts(part: Any) -> Iterator[str]:
    if isinstance(part, str):
        yield part
    for inner in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from texts(inner)


@pytest.mark.parametrize("field", ['"usage": null', '"user": null', '"store": true'])
def test_the_examples_have_what_the_deviations_say_they_have(field: str) -> None:
    shown = [path for path in document()["paths"] if path.startswith("/responses")]
    assert any(field in text for path in shown for text in texts(document()["paths"][path]))
    name = field.split('"')[1]
    assert [why for key, why in DEVIATIONS.items() if name in " ".join(key)] == [EXAMPLES]


Change = Callable[[dict[str, Any]], object]
REPLIES: dict[str, tuple[Change, str, str]] = {
    "a field is missing": (lambda reply: reply.pop("model"), "$", "'model' is a required property"),
    "a field is new": (lambda reply: reply.update(mood="good"), "$", "has an unknown field mood"),
    "a status is new": (lambda reply: reply.update(status="sleeping"), "$.status", "'sleeping' is not one of"),
    "a time is text": (lambda reply: reply.update(created_at="now"), "$.created_at", "is not of type 'number'"),
    "a part has no annotations": (
        lambda reply: reply["output"][0]["content"][0].pop("annotations"),
        "$.output[].content[]",
        "'annotations' is a required property",
    ),
}


@pytest.mark.parametrize("name", REPLIES)
def test_a_wrong_reply_is_found(ended: dict[str, Any], name: str) -> None:
    change, place, message = REPLIES[name]
    assert not unknown_problems(Exchange("GET", f"/v1/responses/{ended['id']}", None, 200, ended))
    change(ended)
    [found] = unknown_problems(Exchange("GET", f"/v1/responses/{ended['id']}", None, 200, ended))
    assert (found.operation, found.part, found.place) == ("GET /responses/{response_id}", "reply", place)
    assert message in found.message


@pytest.mark.parametrize(
    ("path", "request_body", "place"),
    [
        ("/v1/responses", {"model": MODEL, "input": "Hello.", "max_output_tokens": 15}, "$.max_output_tokens"),
        ("/v1/responses", {"model": MODEL, "input": "Hello.", "mood": "good"}, "$"),
        ("/v1/responses", {"model": MODEL, "input": [{"role": "user"}]}, "$.input[]"),
        ("/v1/conversations/conv_1/items", {"items": [{"role": "user", "content": "Hello."}] * 21}, "$.items"),
        ("/v1/threads", {"messages": [{"role": "robot", "content": "Hello."}]}, "$.messages[].role"),
        ("/v1/threads/thread_1/runs", {"assistant_id": "asst_1", "temperature": 3}, "$.temperature"),
    ],
)
def test_a_wrong_request_is_found(path: str, request_body: dict[str, Any], place: str) -> None:
    found = list(problems(Exchange("POST", path, request_body, 200, {})))
    assert place in [problem.place for problem in found if problem.part == "request"]


def test_a_refusal_of_another_shape_is_found() -> None:
    refusal = {"error": {"message": "No.", "type": "invalid_request_error", "param": None, "code": None}}
    assert not list(problems(Exchange("POST", "/v1/responses", {}, 400, refusal)))
    del refusal["error"]["code"]
    [found] = problems(Exchange("POST", "/v1/responses", {}, 400, refusal))
    assert (found.part, found.message) == ("error", "'code' is a required property")


def test_a_path_that_openai_does_not_have_is_found() -> None:
    [found] = unknown_problems(Exchange("GET", "/v1/moods", None, 200, {}))
    assert found.message == "is not in the document"


@pytest.mark.parametrize("kind", [each for each in EVENT_TYPES if each.startswith("response.")])
def test_an_event_of_a_webhook_is_as_the_document_says(kind: str) -> None:
    described = document()["webhooks"][kind.replace(".", "_")]["post"]["requestBody"]["content"]["application/json"]
    name = described["schema"]["$ref"].rpartition("/")[2]
    allowed = document()["components"]["schemas"][name]
    sent = json.loads(Webhooks(lambda prefix: f"{prefix}_1", 1.0)._event(kind, "resp_1", 0.5))
    assert set(allowed["required"]) <= set(sent) == set(allowed["properties"])
    assert sent["type"] in allowed["properties"]["type"]["enum"]
    assert set(sent["data"]) == set(allowed["properties"]["data"]["properties"])


def test_a_run_that_calls_a_function_keeps_the_contract(client: OpenAI, stand_in: OpenAIStandIn) -> None:
    """The longest reply there is, on each of the two wires."""
    call = {"type": "function_call", "name": "look", "call_id": "call_1", "arguments": {}}
    stand_in.script(Script(output=[call]))
    made = client.responses.with_raw_response.create(
        model=MODEL, input="Hello.", tools=[{"type": "function", "name": "look", "parameters": {}, "strict": False}]
    )
    exchange = Exchange("POST", "/v1/responses", None, 200, made.http_response.json())
    assert not unknown_problems(exchange)
