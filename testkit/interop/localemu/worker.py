"""One environment of a Lambda function, as a process: an event on each line in, its outcome on each line out.

The handler is in _HANDLER. It runs with the Python that the application was built for; code and layer come first in
PYTHONPATH.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from types import SimpleNamespace
from typing import Any


def outcome(handler: Any, invocation: dict[str, Any]) -> dict[str, Any]:
    """What the handler returned, or how Lambda tells what it raised."""
    ends_epoch_s = time.time() + int(os.environ["AWS_LAMBDA_FUNCTION_TIMEOUT"])
    context = SimpleNamespace(
        function_name=os.environ["AWS_LAMBDA_FUNCTION_NAME"],
        function_version=os.environ["AWS_LAMBDA_FUNCTION_VERSION"],
        memory_limit_in_mb=int(os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]),
        invoked_function_arn=invocation["arn"],
        aws_request_id=invocation["id"],
        get_remaining_time_in_millis=lambda: int((ends_epoch_s - time.time()) * 1000),
    )
    try:
        return {"payload": json.dumps(handler(json.loads(invocation["payload"]), context))}
    except Exception as error:
        return {"error": json.dumps({"errorType": type(error).__name__, "errorMessage": str(error)})}


def main() -> None:
    """Serve until there is no more input; standard output is the outcomes' alone."""
    outcomes, sys.stdout = sys.stdout, sys.stderr
    module, _, name = os.environ["_HANDLER"].rpartition(".")
    handler = getattr(importlib.import_module(module), name)
    for line in sys.stdin:
        print(json.dumps(outcome(handler, json.loads(line))), file=outcomes, flush=True)


if __name__ == "__main__":
    main()
