"""A server that gives the answers that it is told to."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import openai

from testkit.memory.backend import wanted_run
from threadrun.providers.responses.backend import ResponsesBackend
from threadrun.providers.server import Server
from threadrun.state.observations import RunPlan

Answer = tuple[int, Any]


def backend(*answers: Answer | httpx2.Response | Exception) -> tuple[ResponsesBackend, list[httpx2.Request]]:
    """A backend whose server gives these answers, one a request, and what was asked of it."""
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

    client = httpx2.Client(transport=httpx2.MockTransport(answer))
    openai_client = openai.OpenAI(api_key="sk-test", base_url="http://api/v1", http_client=client, max_retries=0)
    return ResponsesBackend(Server(lambda: openai_client), catalog=None), asked  # type: ignore[arg-type]


def response(**more: Any) -> dict[str, Any]:
    return {"id": "resp_1", "object": "response", "status": "queued", "created_at": 5.9, "output": []} | more


def listed(*items: dict[str, Any]) -> dict[str, Any]:
    return {"object": "list", "data": list(items), "has_more": False, "first_id": "", "last_id": ""}


def wanted(**more: Any) -> RunPlan:
    return wanted_run(**more).plan()


def body_of(request: httpx2.Request) -> dict[str, Any]:
    return dict(json.loads(request.content))
