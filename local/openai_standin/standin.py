"""Exists as the handle that tests and the demo hold: one stand-in, on a socket, in process, or both."""

import json
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from .application import Application, Reply, json_reply
from .faults import ConnectionLost, Fault
from .hosted_tools import McpServer
from .scripts import Script
from .server import Server
from .settings import Settings
from .storage import add_file
from .webhooks import Delivery, Postman
from .world import Request, World

if TYPE_CHECKING:
    import httpx2

_CONTROL = "/_standin/"


class OpenAIStandIn(Settings):
    """A strict, stateful stand-in for OpenAI's API, made with `Settings`.

    `handle` answers each request, from wherever it comes; a test may put a function of its own around it.
    Raises ValueError for an unknown `api`, or part.
    """

    _server: Server | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.world = World(self)
        self._application = Application(self.world)
        self.handle: Callable[..., Reply] = self._handle

    def _handle(self, method: str, path: str, query: str, headers: Mapping[str, str], content: bytes) -> Reply:
        if path.startswith(_CONTROL):
            return self._controlled(f"{method} {path.removeprefix(_CONTROL)}", content)
        return self._application.handle(method, path, query, headers, content)

    def start(self) -> "OpenAIStandIn":
        """Listen on 127.0.0.1, on a free port unless one was given. Raises OSError when it is taken."""
        self._server = Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        self._postman = Postman(self.world)
        return self

    def stop(self) -> None:
        """Stop listening and delivering, and cut every connection; the state stays readable."""
        if self._server is not None:
            self._postman.stop()
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
        self._server = None

    def __enter__(self) -> "OpenAIStandIn":
        return self.start()

    def __exit__(self, *problem: object) -> None:
        self.stop()

    @property
    def base_url(self) -> str:
        """Give the URL for `OpenAI(base_url=…)`. Raises RuntimeError when not started."""
        return f"{self._origin()}/v1"

    @property
    def control_url(self) -> str:
        """Give the URL under which other processes script it. Raises RuntimeError when not started."""
        return f"{self._origin()}/_standin"

    def _origin(self) -> str:
        if self._server is None:
            raise RuntimeError("the stand-in is not listening: start it first")
        return f"http://127.0.0.1:{self._server.server_port}"

    def transport(self) -> "httpx2.MockTransport":
        """Make a transport over the same state, without a socket; it raises httpx2's own errors."""
        import httpx2

        def answer(request: httpx2.Request) -> httpx2.Response:
            headers = {name.lower(): value for name, value in request.headers.items()}
            path, query = unquote(request.url.path), request.url.query.decode()
            try:
                reply = self.handle(request.method, path, query, headers, request.content)
            except ConnectionLost as loss:
                if loss.had_effect:
                    message = "Server disconnected without sending a response."
                    raise httpx2.RemoteProtocolError(message, request=request) from None
                raise httpx2.ReadError("Connection reset by peer", request=request) from None
            patience_s = request.extensions.get("timeout", {}).get("read")
            took_s = reply.delay_s + reply.byte_s * len(reply.body)
            if patience_s is not None and took_s > patience_s:
                self.sleep(patience_s)
                raise httpx2.ReadTimeout("The read operation timed out", request=request)
            if took_s:
                self.sleep(took_s)
            return httpx2.Response(reply.status, headers=reply.headers, content=reply.body)

        return httpx2.MockTransport(answer)

    def script(self, *scripts: Script) -> None:
        """Say how the next matching responses or turns of runs go, in order."""
        with self.world.lock:
            for script in scripts:
                self.world.plan(script)

    def fault(self, *faults: Fault) -> None:
        """Say what goes wrong on the wire, or with webhooks."""
        with self.world.lock:
            for fault in faults:
                self.world.faults.plan(fault)

    def reach(self, suffix: str, port: int) -> None:
        """Deliver webhooks for hosts under `suffix` to a port of 127.0.0.1, in plain HTTP, even after a reset.

        For the embedded cloud's function URLs: `reach("on.aws", cloud.port)`.
        """
        with self.world.lock:
            self.world.reach[suffix] = port

    def add_file(self, **fields: Any) -> str:
        """Register a file and tell its id.

        Fields are `id`, `name`, `size` (bytes), `purpose`, `fails_indexing` and `indexing_s`, all optional.
        Raises TypeError for another field, ValueError for an id without OpenAI's prefix.
        """
        with self.world.lock:
            return add_file(self.world, **fields).id

    def add_mcp_servers(self, *servers: McpServer) -> None:
        """Have MCP servers at their URLs; no other URL has one."""
        with self.world.lock:
            self.world.mcp_servers |= {each.url: each for each in servers}

    @property
    def requests(self) -> list[Request]:
        """List the requests so far, oldest first; control calls are not among them."""
        with self.world.lock:
            return list(self.world.requests)

    def forget_requests(self) -> None:
        """Begin the list of requests anew."""
        with self.world.lock:
            self.world.requests.clear()

    @property
    def deliveries(self) -> list[Delivery]:
        """List the webhooks delivered so far, failed attempts among them, in the order in which they were over."""
        with self.world.lock:
            return list(self.world.webhooks.deliveries)

    def counters(self) -> dict[str, int]:
        """Count what is alive, what was left behind, and what was started."""
        with self.world.lock:
            self.world.settle()
            return self.world.counters()

    def reset(self) -> None:
        """Forget everything: state, scripts, faults and the list of requests."""
        with self.world.lock:
            self.world.reset()

    def _controlled(self, control: str, content: bytes) -> Reply:
        """Do what another process asks for under `/_standin/`; problems are 400 or 404 with `{"error": text}`.

        No key is needed: it listens on the loopback address only, and holds nothing secret.
        """
        try:
            body = json.loads(content or b"{}")
            given = body if isinstance(body, list) else [body]
            if not all(isinstance(each, dict) for each in given):
                raise ValueError("send a JSON object, or a list of them")
            controls = self._controls(given)
            if control in controls:
                result = controls[control]()
                return json_reply(200, {"done": len(given)} if result is None else result)
            known = ", ".join(controls)
            return json_reply(404, {"error": f"no such control under {_CONTROL}; known are {known}"})
        except (KeyError, TypeError, ValueError) as problem:
            return json_reply(400, {"error": str(problem)})

    def _controls(self, given: list[dict[str, Any]]) -> dict[str, Callable[[], Any]]:
        """List what can be asked for, each with what does it and gives the reply, if it has one of its own."""
        return {
            "GET counters": self.counters,
            "GET requests": lambda: [each._asdict() for each in self.requests],
            "GET deliveries": lambda: [each._asdict() for each in self.deliveries],
            "POST scripts": lambda: self.script(*[Script(**each) for each in given]),
            "POST faults": lambda: self.fault(*[Fault(**each) for each in given]),
            "POST reach": lambda: self.world.reach.update({each["suffix"]: each["port"] for each in given}),
            "POST mcp_servers": lambda: self.add_mcp_servers(*[McpServer(**each) for each in given]),
            "POST files": lambda: {"registered": [self.add_file(**each) for each in given]},
            "POST reset": self.reset,
        }
