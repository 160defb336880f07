"""The pytest plugin of a run in a copy of the tree: which test gets to which mutant, and which one fails first.

It takes its orders from the environment: `MUTANTS_OUT`, a folder for what it finds, and `MUTANTS_TESTS`, a file
with the seconds that each test to run may take, in the order to run them; without it all tests run. With
`MUTANTS_BROKEN` it leaves at the first failure.
"""

from __future__ import annotations

import builtins
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from testkit.mutants.forks import SEEN_BY_PYTEST
from testkit.mutants.probes import HEARD_BY

OUT = Path(os.environ["MUTANTS_OUT"])
LIMITS: dict[str, float] = json.loads(Path(path).read_text()) if (path := os.environ.get("MUTANTS_TESTS")) else {}
"""Seconds, by the test's id; 0 for any number of them."""
IS_BROKEN = "MUTANTS_BROKEN" in os.environ
_heard: set[str] = set()
_tests: dict[str, dict[str, Any]] = {}


def pytest_configure(config: pytest.Config) -> None:
    setattr(builtins, HEARD_BY, _heard.add)
    # An example that fails is enough: nobody reads the smallest.
    phases = [hypothesis.Phase.explicit, hypothesis.Phase.generate]
    hypothesis.settings.register_profile("mutants", database=None, derandomize=True, phases=phases)
    hypothesis.settings.load_profile("mutants")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if LIMITS:
        order = {test: place for place, test in enumerate(LIMITS)}
        items[:] = sorted((item for item in items if item.nodeid in order), key=lambda item: order[item.nodeid])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    _heard.clear()
    began = time.monotonic()
    signal.signal(signal.SIGALRM, lambda *_: _end(item.nodeid, "it takes too long", is_late=True))
    signal.setitimer(signal.ITIMER_REAL, LIMITS.get(item.nodeid, 0))
    try:
        return (yield)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        known = {"is_good": True, "seconds": time.monotonic() - began, "reached": sorted(_heard)}
        _tests[item.nodeid] = known | _tests.get(item.nodeid, {})


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if not report.failed:
        return
    if IS_BROKEN:
        _end(report.nodeid, report.longreprtext)
    _tests.setdefault(report.nodeid, {})["is_good"] = False


def pytest_collectreport(report: pytest.CollectReport) -> None:
    if not report.failed:
        return
    if IS_BROKEN:
        _end(report.nodeid, report.longreprtext)
    _tests[report.nodeid] = {"is_good": False}


def _end(test: str, why: str, *, is_late: bool = False) -> None:
    """Tell of the first failure and leave at once: threads of a test that failed may never end."""
    (OUT / "failed.json").write_text(json.dumps({"test": test, "why": why, "is_late": is_late}))
    os._exit(1)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if not IS_BROKEN and hasattr(session.config, "workerinput"):
        found = {"tests": _tests, "modules": [name for name in sys.modules if _is_of_others(name)]}
        (OUT / f"session-{os.getpid()}.json").write_text(json.dumps(found))


def _is_of_others(module: str) -> bool:
    path = getattr(sys.modules[module], "__file__", None) or ""
    return "site-packages" in path and module.partition(".")[0] not in SEEN_BY_PYTEST
