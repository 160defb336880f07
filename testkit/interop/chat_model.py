"""A model without a mind, behind a server that speaks chat completions: what gateways and agent servers sit before.

It says what it read, calls the first function it is given once, and keeps to a JSON Schema.
"""

from __future__ import annotations

import json
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from local.openai_standin.answers import smallest

MODEL = "stub"
SLOWLY, SLOW_SECONDS = "slowly", 20.0
"""A message with this word takes so long to answer."""
ARGUMENTS = {"article": "bolt"}


class ChatModel:
    """Listens on a free port of 127.0.0.1 for as long as the block lasts."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        """Bodies of the requests for a completion, oldest first."""
        self._is_over = threading.Event()

    def __enter__(self) -> ChatModel:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *problem: object) -> None:
        self._is_over.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def complete(self, asked: dict[str, Any]) -> tuple[dict[str, Any], str]:
        """Return the model's message, and why it ends."""
        self.requests.append(asked)
        messages = asked["messages"]
        last = messages[-1]
        if SLOWLY in text_of(last):
            self._is_over.wait(SLOW_SECONDS)
        if asked.get("tools") and last["role"] != "tool":
            function = asked["tools"][0]["function"]
            called = {"name": function["name"], "arguments": json.dumps(ARGUMENTS)}
            call = {"index": 0, "id": "call_1", "type": "function", "function": called}
            return {"role": "assistant", "content": None, "tool_calls": [call]}, "tool_calls"
        wanted = asked.get("response_format") or {}
        text = f"The model read: {text_of(last)}"
        if wanted.get("type") == "json_schema":
            text = json.dumps(smallest(wanted["json_schema"]["schema"]))
        return {"role": "assistant", "content": text}, "stop"


def text_of(message: dict[str, Any]) -> str:
    """The text of a message, whose content is a text or a list of parts."""
    content = message.get("content") or ""
    return content if isinstance(content, str) else " ".join(str(part.get("text", "")) for part in content)


def usage_of(asked: dict[str, Any]) -> dict[str, int]:
    """A token for each word that was read, and ten for the answer."""
    read = sum(len(text_of(message).split()) for message in asked["messages"])
    return {"prompt_tokens": read, "completion_tokens": 10, "total_tokens": read + 10}


def _handler(model: ChatModel) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            listed = {"id": MODEL, "object": "model", "created": 1, "owned_by": "testkit"}
            self._reply("application/json", json.dumps({"object": "list", "data": [listed]}))

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if not self.path.endswith("/chat/completions"):
                self._reply("application/json", '{"error": {"message": "not found"}}', 404)
                return
            message, reason = model.complete(asked)
            head = {"id": "chatcmpl-1", "created": int(time.time()), "model": asked["model"]}
            if not asked.get("stream"):
                choice = {"index": 0, "message": message, "finish_reason": reason}
                body = {**head, "object": "chat.completion", "choices": [choice], "usage": usage_of(asked)}
                self._reply("application/json", json.dumps(body))
                return
            first = {"index": 0, "delta": message, "finish_reason": None}
            last = {"index": 0, "delta": {}, "finish_reason": reason}
            parts = ({"choices": [first]}, {"choices": [last]}, {"choices": [], "usage": usage_of(asked)})
            chunks = [json.dumps({**head, "object": "chat.completion.chunk", **part}) for part in parts]
            self._reply("text/event-stream", "".join(f"data: {chunk}\n\n" for chunk in (*chunks, "[DONE]")))

        def _reply(self, content_type: str, text: str, status: int = 200) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            with suppress(ConnectionError):  # Who asked may be gone: its run was cancelled.
                self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            pass

    return Handler
