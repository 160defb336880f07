"""Waiting for what happens in other threads and processes."""

import time
from collections.abc import Callable
from typing import Any


def until(condition: Callable[[], Any], seconds: float = 60, every: float = 0.05) -> Any:
    """What the condition gives as soon as it gives something."""
    patience = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < patience, "it did not come to that"
        time.sleep(every)
    return found
