"""Exists to run the stand-in as a process of its own: it prints one JSON line with its URLs, then serves."""

import argparse
import json
import signal
import sys
import threading
from typing import Any

from .settings import APIS, PARTS
from .standin import OpenAIStandIn


def main() -> int:
    """Serve until SIGTERM or SIGINT."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with OpenAIStandIn(**_settings()) as stand_in:
        print(json.dumps({"base_url": stand_in.base_url, "control_url": stand_in.control_url}), flush=True)
        stop.wait()
    return 0


def _settings() -> dict[str, Any]:
    parser = argparse.ArgumentParser(prog="python -m local.openai_standin", description=__doc__)
    add = parser.add_argument
    add("--port", type=int, default=0, help="0 takes a free one")
    add("--api", choices=APIS, default="responses", help="which wires are served")
    add("--api-key", default="sk-standin", help="the only key that is let in")
    add("--run-seconds", dest="duration_s", type=float, default=1.0, help="how long a response runs")
    add("--queued-seconds", dest="queued_s", type=float, default=0.0, help="how long it is queued before")
    add(
        "--indexing-seconds",
        dest="indexing_s",
        type=float,
        default=1.0,
        help="how long a vector store takes for a file",
    )
    add("--model", dest="models", action="append", default=[], help="one more model that exists; repeatable")
    add("--lacks", action="append", default=[], choices=PARTS, help="a part it has not; repeatable")
    add("--signed", action="store_true", help="let in what is signed for Amazon Bedrock, and no key")
    settings = vars(parser.parse_args())
    return {**settings, "models": dict.fromkeys(settings["models"], "none")}


if __name__ == "__main__":
    sys.exit(main())
