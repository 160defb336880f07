"""Real time where the tests have a virtual clock: a real server does not wait for one."""

from __future__ import annotations

import time

from testkit.clock import Clock, Task


class WallClock(Clock):
    """What is due happens when its time has come."""

    def __init__(self) -> None:
        super().__init__(time.time())

    @property
    def now(self) -> float:
        return time.time()

    @now.setter
    def now(self, epoch_s: float) -> None:
        """Let time pass until then: nothing sets a real clock."""
        time.sleep(max(0.0, epoch_s - time.time()))

    def run_task(self, task: Task) -> None:
        self.now = task.due_epoch_s
        super().run_task(task)
