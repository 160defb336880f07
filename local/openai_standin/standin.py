"""Exists as the handle that tests and the demo hold: one stand-in, on a socket, in process, or both."""

import threading
import time
from collections.abc import Callable, Collection, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from .application import Application
from .behaviour import Behaviour
from .delivery_faults import DeliveryFault
from .faults import ConnectionLost, Fault
from .files import register
from .models import MODELS
from .postman import Postman
from .scripts import Script
from .server import Server
from .webhooks import Delivery
from .world import LoggedRequest, World, random_id

if TYPE_CHECKING:
    import httpx2


class OpenAIStandIn:
    """A strict, stateful stand-in for OpenAI's API; all times are in seconds.

    `models` adds models to the known ones, each with the reasoning effort it uses unasked (None: it can't
    reason, "none": it does not reason unless asked, anything else: a reasoning model).
    `api` says which wires are served: `responses` (OpenAI today), `assistants` (a server that speaks only
    Assistants v2) or `both`. `cancel_finished_status` and `locked_status` imitate other servers. A webhook that is
    not taken within `webhook_timeout_s` is sent again after `webhook_retry_s`, doubled each time; webhooks are sent
    only while it is started. `lacks` are parts of the API that the server does not have: `conversations`,
    `vector_stores`, `background`. `signed` lets in what is signed as for Amazon Bedrock, and no key.
    `now`, `sleep` and `new_id` are there for tests. Raises ValueError for another `api`, or part.
    """

    def __init__(
        self,
        *,
        api: str = "responses",
        api_key: str = "sk-standin",
        port: int = 0,
        models: Mapping[str, str | None] | None = None,
        duration_s: float = 1.0,
        queued_s: float = 0.0,
        retention_s: float = 600.0,
        cancel_delay_s: float = 0.5,
        cancel_finished_status: int = 200,
        locked_status: int = 400,
        indexing_s: float = 1.0,
        run_expiry_s: float = 600.0,
        webhook_retry_s: float = 1.0,
        webhook_timeout_s: float = 5.0,
        lacks: Collection[str] = (),
        signed: bool = False,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        new_id: Callable[[str], str] = random_id,
    ) -> None:
        behaviour = Behaviour(
            duration_s=duration_s,
            queued_s=queued_s,
            retention_s=retention_s,
            cancel_delay_s=cancel_delay_s,
            cancel_finished_status=cancel_finished_status,
            locked_status=locked_status,
            indexing_s=indexing_s,
            run_expiry_s=run_expiry_s,
            webhook_retry_s=webhook_retry_s,
            webhook_timeout_s=webhook_timeout_s,
            lacks=frozenset(lacks),
            models={**MODELS, **(models or {})},
        )
        self.api_key = api_key
        self._port = port
        self._sleep = sleep
        self._world = World(behaviour, now, new_id)
        self._application = Application(self._world, api_key, api, signed)
        self._server: Server | None = None
        self._thread: threading.Thread | None = None
        self._postman: Postman | None = None

    def start(self) -> "OpenAIStandIn":
        """Listen on 127.0.0.1, on a free port unless one was given. Raises OSError when it is taken."""
        self._server = Server(self._port, self._application, self._sleep)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        self._postman = Postman(self._world)
        self._postman.start()
        return self

    def stop(self) -> None:
        """Stop listening and delivering, and cut every connection; the state stays readable."""
        if self._postman is not None:
            self._postman.stop()
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
        self._server = self._thread = self._postman = None

    def __enter__(self) -> "OpenAIStandIn":
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
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
                reply = self._application.handle(request.method, path, query, headers, request.content)
            except ConnectionLost as loss:
                if loss.had_effect:
                    message = "Server disconnected without sending a response."
                    raise httpx2.RemoteProtocolError(message, request=request) from None
                raise httpx2.ReadError("Connection reset by peer", request=request) from None
            patience_s = request.extensions.get("timeout", {}).get("read")
            if patience_s is not None and reply.delay_s > patience_s:
                self._sleep(patience_s)
                raise httpx2.ReadTimeout("The read operation timed out", request=request)
            if reply.delay_s:
                self._sleep(reply.delay_s)
            return httpx2.Response(reply.status, headers=reply.headers, content=reply.body)

        return httpx2.MockTransport(answer)

    def script(self, *scripts: Script) -> None:
        """Say how the next matching responses or turns of runs go, in order."""
        with self._world.lock:
            for script in scripts:
                self._world.plan(script)

    def fault(self, *faults: Fault) -> None:
        """Say what goes wrong on the wire."""
        with self._world.lock:
            for fault in faults:
                self._world.faults.plan(fault)

    def fault_deliveries(self, *faults: DeliveryFault) -> None:
        """Say what goes wrong with webhooks."""
        with self._world.lock:
            for fault in faults:
                self._world.webhooks.faults.plan(fault)

    def reach(self, suffix: str, port: int) -> None:
        """Deliver webhooks for hosts under `suffix` to a port of 127.0.0.1, in plain HTTP, even after a reset.

        For the embedded cloud's function URLs: `reach("on.aws", cloud.port)`.
        """
        with self._world.lock:
            self._world.reach[suffix] = port

    def add_file(self, **fields: Any) -> str:
        """Register a file and tell its id.

        Fields are `id`, `name`, `size` (bytes), `purpose`, `fails_indexing` and `indexing_s`, all optional.
        Raises ValueError for another field, or an id without OpenAI's prefix.
        """
        with self._world.lock:
            return register(self._world, fields)

    @property
    def requests(self) -> list[LoggedRequest]:
        """List the requests so far, oldest first; control calls are not among them."""
        with self._world.lock:
            return list(self._world.requests)

    @property
    def deliveries(self) -> list[Delivery]:
        """List the webhooks delivered so far, failed attempts among them, in the order in which they were over."""
        with self._world.lock:
            return list(self._world.webhooks.deliveries)

    def counters(self) -> dict[str, int]:
        """Count what is alive, what was left behind, and what was started."""
        with self._world.lock:
            self._world.settle()
            return self._world.counters()

    def reset(self) -> None:
        """Forget everything: state, scripts, faults and the list of requests."""
        with self._world.lock:
            self._world.reset()
