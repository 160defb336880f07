"""Exists to run the stand-in as a process of its own: it prints one JSON line with its URLs, then serves."""

import argparse
import json
import signal
import sys
import threading
from dataclasses import fields
from typing import Any

from .settings import PARTS, Settings
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
    """Read the settings of `Settings` that are a text, a number or a flag, and what may be given several times."""
    parser = argparse.ArgumentParser(prog="python -m local.openai_standin", description=Settings.__doc__)
    for each in fields(Settings):
        option = f"--{each.name.replace('_', '-')}"
        if isinstance(each.default, bool):
            parser.add_argument(option, action="store_true")
        elif isinstance(each.default, str | int | float):
            parser.add_argument(option, type=type(each.default), default=each.default, help="default: %(default)s")
    parser.add_argument("--models", action="append", default=[], help="one more model that exists; repeatable")
    parser.add_argument("--lacks", action="append", default=[], choices=PARTS, help="repeatable")
    settings = vars(parser.parse_args())
    return {**settings, "models": dict.fromkeys(settings["models"], "none")}


if __name__ == "__main__":
    sys.exit(main())
