"""Lets many executions share one virtual clock: while one alone moves it by what it waits, their waits would add up."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from moto.stepfunctions.parser.asl.component.state.wait.wait_function import wait_function

from testkit.in_process.moto_shims import executions
from testkit.in_process.world import World

LOOK_SECONDS = 0.005


class SharedTime:
    """Time moves on when every execution waits, to the one that is due first; until then it stands still."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        self._world = world
        self._due: list[float] = []
        self._turn = threading.Condition()
        self._stands_still = False
        monkeypatch.setattr(
            wait_function.WaitFunction, "_wait_interval", lambda _, env, wait_seconds: self.wait(wait_seconds)
        )
        monkeypatch.setattr(world.app, "sleep", self.wait)

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        """All that is sent in this block is sent at the same moment."""
        self._stands_still = True
        try:
            yield
        finally:
            self._stands_still = False

    def wait(self, seconds: float) -> None:
        clock = self._world.clock
        with self._turn:
            due = clock() + seconds
            self._due.append(due)
            while not self._is_next(due):
                # Only the first one looks whether the others have come to wait, or to their end.
                self._turn.wait(LOOK_SECONDS if due == min(self._due) else None)
            clock.advance(max(due - clock(), 0))
            self._due.remove(due)
            self._turn.notify_all()

    def _is_next(self, due: float) -> bool:
        if self._stands_still or due > min(self._due):
            return False
        running = [each for each in executions(self._world.app.settings.state_machine_arn) if each.status == "RUNNING"]
        return len(self._due) >= len(running)
