"""What the process as a whole has: here its chance."""

from __future__ import annotations

import random

from threadrun.application import Application
from threadrun.settings import Settings


def test_environments_of_one_snapshot_do_not_wait_alike() -> None:
    """Python's own generator is in the snapshot: each environment would draw the same numbers."""
    chance = Application(Settings(table_name="table")).chance
    snapshot = random.getstate()
    one = [chance() for _ in range(5)]
    random.setstate(snapshot)
    assert [chance() for _ in range(5)] != one
    assert all(0 <= number < 1 for number in one)
