"""What in a reply is not as OpenAI's document says; requests are the stand-in's own to judge."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from jsonschema import ValidationError

from local.openai_standin import openapi
from local.openai_standin.refusals import refusal
from local.openai_standin.request_validation import errors
from local.openai_standin.routes import Routes

_ROUTES = Routes("both")


class Exchange(NamedTuple):
    """A request, and how it was answered; the body is parsed."""

    method: str
    path: str
    status: int
    reply: Any


class Problem(NamedTuple):
    """What in a reply is not as the document says: where it was asked for, the place, and the code of the refusal."""

    operation: str
    place: str
    code: str


_known: dict[tuple[str, int, str], list[Problem]] = {}
"""By operation, status, and the reply without its digits: thousands of replies are alike but for ids and times."""


def problems(exchange: Exchange) -> list[Problem]:
    path = exchange.path.removeprefix("/v1")
    if exchange.status == 200:
        _, path, _ = _ROUTES.find(exchange.method, exchange.path)
    operation = f"{exchange.method} {path}"
    alike = (operation, exchange.status, re.sub(r"[0-9a-f]*\d[0-9a-f]*", "0", json.dumps(exchange.reply)))
    if alike not in _known:
        schema = openapi.reply(exchange.method, path) if exchange.status == 200 else openapi.schema("ErrorResponse")
        _known[alike] = list({_told(operation, error): None for error in errors(schema or {}, exchange.reply)})
    return _known[alike]


def _told(operation: str, error: ValidationError) -> Problem:
    wording = refusal(error).body["error"]
    return Problem(operation, re.sub(r"\[\d+\]", "[]", wording["param"]), wording["code"])
