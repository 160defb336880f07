"""A web server of a test's own, on a free port of this machine."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from werkzeug import Request, Response
from werkzeug.serving import WSGIRequestHandler, make_server


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        """Nothing on stderr."""


@contextmanager
def serving(answer: Callable[[Request], Response]) -> Iterator[str]:
    """Answer each request, in a thread of its own, until the block ends; what it gives is the server's origin."""
    application = Request.application(answer)
    with make_server("127.0.0.1", 0, application, threaded=True, request_handler=_Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
