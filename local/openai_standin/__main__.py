"""Exists to run the stand-in as a process of its own: it prints one JSON line with its URLs, then serves."""

import argparse
import json
import signal
import sys
import threading

from .routes import APIS, PARTS
from .standin import OpenAIStandIn


def main() -> int:
    """Serve until SIGTERM or SIGINT."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    arguments = _arguments()
    stand_in = OpenAIStandIn(
        api=arguments.api,
        api_key=arguments.api_key,
        port=arguments.port,
        models=dict.fromkeys(arguments.model, "none"),
        duration_s=arguments.run_seconds,
        queued_s=arguments.queued_seconds,
        indexing_s=arguments.indexing_seconds,
        lacks=arguments.lacks,
        signed=arguments.signed,
    )
    with stand_in:
        print(json.dumps({"base_url": stand_in.base_url, "control_url": stand_in.control_url}), flush=True)
        stop.wait()
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.openai_standin", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--api", choices=APIS, default="responses", help="which wires are served")
    parser.add_argument("--api-key", default="sk-standin", help="the only key that is let in")
    parser.add_argument("--run-seconds", type=float, default=1.0, help="how long a response runs")
    parser.add_argument("--queued-seconds", type=float, default=0.0, help="how long it is queued before")
    parser.add_argument("--indexing-seconds", type=float, default=1.0, help="how long a vector store takes for a file")
    parser.add_argument("--model", action="append", default=[], help="one more model that exists; repeatable")
    parser.add_argument("--lacks", action="append", default=[], choices=PARTS, help="a part it has not; repeatable")
    parser.add_argument("--signed", action="store_true", help="let in what is signed for Amazon Bedrock, and no key")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
