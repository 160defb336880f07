"""What the tests of the stand-in share: a clock moved by hand, the SDK on a stand-in, and what is sent most often."""

from collections.abc import Callable
from typing import Any

import httpx2
import openai
import pytest
from openai import OpenAI
from openai.types.responses.response import Response

from local.openai_standin import OpenAIStandIn

PLAIN, REASONING, UNREASONING = "gpt-5.4-mini", "gpt-5.5", "gpt-4.1-mini"
START = 1_790_000_000.25
DAY_S = 86_400
HELLO: Any = {"role": "user", "content": "Say hello"}
FUNCTION = {"type": "function", "name": "look", "parameters": {"type": "object"}, "strict": False}
NESTED: Any = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
CLOSED = {**SCHEMA, "additionalProperties": False}


class Clock:
    """A clock that moves only when told, or slept on; in epoch seconds."""

    def __init__(self) -> None:
        self.time = START

    def __call__(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


def client_of(stand_in: OpenAIStandIn, api_key: str = "sk-standin", **more: Any) -> OpenAI:
    http = httpx2.Client(transport=stand_in.transport())
    key = {} if more else {"api_key": api_key, "base_url": "http://standin/v1"}
    return OpenAI(http_client=http, max_retries=0, **key, **more)


def socket_client_of(stand_in: OpenAIStandIn) -> OpenAI:
    return OpenAI(api_key=stand_in.api_key, base_url=stand_in.base_url, max_retries=0)


def sent(stand_in: OpenAIStandIn, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    """Send a request as it is, and give back the status and the JSON of the reply."""
    usual = {"authorization": "Bearer sk-standin", "openai-beta": "assistants=v2"}
    given = {"content": body} if isinstance(body, bytes) else {"json": body}
    with httpx2.Client(transport=stand_in.transport(), base_url="http://standin/v1/", headers=usual | headers) as http:
        reply = http.request(method, path, **given)
    return reply.status_code, reply.json()


def start(client: OpenAI, **changes: Any) -> Response:
    """Start a background response as the project does."""
    request = {"model": PLAIN, "input": "Say hello", "background": True, "store": True, **changes}
    response = client.responses.create(**request)
    assert isinstance(response, Response)
    return response


def refusal(call: Callable[..., object], kind: type[Any] = openai.BadRequestError, *given: Any, **named: Any) -> Any:
    """Return the error that a call is refused with."""
    with pytest.raises(kind) as caught:
        call(*given, **named)
    assert (caught.value.request_id or "").startswith("req_")
    return caught.value


def valid(kind: Any, reply: Any) -> Any:
    """Check a raw reply against the SDK's type strictly, and return it parsed: the SDK itself parses leniently."""
    kind.model_validate(reply.http_response.json())
    return reply.parse()


def call(call_id: str, **arguments: Any) -> dict[str, Any]:
    return {"type": "function_call", "call_id": call_id, "name": "look", "arguments": arguments}


def output_of(call_id: str, output: str = "42") -> Any:
    return {"type": "function_call_output", "call_id": call_id, "output": output}


def attachment(file_id: str, *tools: str) -> Any:
    return {"file_id": file_id, "tools": [{"type": tool} for tool in tools]}
