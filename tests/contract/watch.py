"""Holds each reply of each test against OpenAI's document, and says where it is otherwise on purpose."""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from local.openai_standin import openapi
from local.openai_standin.application import Application
from local.openai_standin.errors import ApiError
from local.openai_standin.refusals import refusal
from local.openai_standin.request_validation import errors
from local.openai_standin.routes import Routes
from local.openai_standin.world import Request

EXAMPLES = "the document's own examples have it so"
_NEWER = "null where it was not given, as in the SDK's type and in the document of August 2026"
DEVIATIONS = {
    ("store", "unknown_parameter"): EXAMPLES,
    ("usage", "invalid_type"): EXAMPLES,
    ("user", "invalid_type"): EXAMPLES,
    ("prompt_cache_key", "invalid_type"): _NEWER,
    ("safety_identifier", "invalid_type"): _NEWER,
    ("usage.input_tokens_details.cache_write_tokens", "unknown_parameter"): "in the SDK's type already",
}
"""A place in the reply of a response, what is wrong with it there, and why it is so."""

_ROUTES = Routes("both")


class Problem(NamedTuple):
    """What in a reply is not as the document says: where it was asked for, the place, and the code of the refusal."""

    operation: str
    place: str
    code: str


_known: dict[tuple[str, int, str], list[Problem]] = {}
"""By operation, status, and the reply without its digits: thousands of replies are alike but for ids and times."""


def problems(method: str, path: str, status: int, reply: Any) -> list[Problem]:
    """Hold a reply against the document. Where it lacks the path, `tests/standin` does so against the SDK's types."""
    documented = _ROUTES.find(method, path)[1] if status == 200 else path.removeprefix("/v1")
    if status == 200 and documented in openapi.OVERLAY["paths"]:
        return []
    operation = f"{method} {documented}"
    alike = (operation, status, re.sub(r"[0-9a-f]*\d[0-9a-f]*", "0", json.dumps(reply)))
    if alike not in _known:
        schema = openapi.reply(method, documented) if status == 200 else openapi.schema("ErrorResponse")
        told = [refusal(error).body["error"] for error in errors(schema or {}, reply)]
        places = [(re.sub(r"\[\d+\]", "[]", each["param"]), each["code"]) for each in told]
        _known[alike] = [Problem(operation, *each) for each in dict.fromkeys(places)]
    return _known[alike]


def unknown_problems(method: str, path: str, status: int, reply: Any) -> list[Problem]:
    """Do the same, but for what is as it is on purpose."""
    found = problems(method, path, status, reply)
    return [each for each in found if "/responses" not in each.operation or each[1:] not in DEVIATIONS]


@pytest.fixture(autouse=True)
def contract(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hold each reply of a test against the document. What faults make of a reply on its way is not the stand-in's."""
    answer = Application.answer
    found: list[Problem] = []

    def watched(self: Application, request: Request, content: bytes) -> Any:
        try:
            status, reply = 200, answer(self, request, content)
        except ApiError as refusal:
            found.extend(unknown_problems(request.method, request.path, refusal.status, refusal.body))
            raise
        found.extend(unknown_problems(request.method, request.path, status, reply))
        return reply

    monkeypatch.setattr(Application, "answer", watched)
    yield
    assert not found, "\n".join(sorted({" ".join(problem) for problem in found}))
