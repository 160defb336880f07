"""A process that has imported what tests need of other packages, and forks itself for each run of pytest.

Started by `testkit.mutants.tree` in a copy of the tree. A line on its standard input is a run to make, the line that it
prints is the exit code, null where the run took too long. The imports are most of a short run.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import sys
import time
import warnings
from collections.abc import Iterable
from typing import Any

import pytest

_LOOK_SECONDS = 0.02
SEEN_BY_PYTEST = {"pytest", "_pytest", "pluggy", "xdist", "execnet", "hypothesis", "_hypothesis_pytestplugin"}
"""Not imported before pytest runs: it, or its plugins, want to be there first."""


def main() -> None:
    _import(json.loads(sys.stdin.readline()))
    for line in sys.stdin:
        order = json.loads(line)
        process_id = os.fork()
        if process_id == 0:
            _run(order)
        print(json.dumps(_exit_code(process_id, order["seconds"])), flush=True)


def _import(modules: Iterable[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in modules:
            # What cannot be imported alone the tests import in their own order.
            with contextlib.suppress(Exception):
                importlib.import_module(name)


def _run(order: dict[str, Any]) -> None:
    os.setsid()
    output = os.open(order["output"], os.O_WRONLY | os.O_CREAT)
    for stream in (1, 2):
        os.dup2(output, stream)
    os.environ.update(order["environment"])
    code = 3
    try:
        code = int(pytest.main(order["arguments"]))
    finally:
        os._exit(code)


def _exit_code(process_id: int, seconds: float) -> int | None:
    until, found, status = time.monotonic() + seconds, 0, 0
    try:
        while not found and time.monotonic() < until:
            found, status = os.waitpid(process_id, os.WNOHANG)
            time.sleep(_LOOK_SECONDS)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process_id, signal.SIGKILL)  # And whatever its tests started.
    if found:
        return os.waitstatus_to_exitcode(status)
    os.waitpid(process_id, 0)
    return None


if __name__ == "__main__":
    main()
