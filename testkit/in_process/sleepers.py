"""Lets others work while a function sleeps: each works in a thread of its own, of which one runs at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable

from testkit.clock import Clock


class _Worker(threading.Thread):
    """Work that can be gone on with later."""

    def __init__(self, work: Callable[[], None]) -> None:
        super().__init__(daemon=True)
        self._work = work
        self._turn, self._rest = threading.Semaphore(0), threading.Semaphore(0)
        self._error: BaseException | None = None

    def run(self) -> None:
        self._turn.acquire()
        try:
            self._work()
        except BaseException as error:
            self._error = error
        finally:
            self._rest.release()

    def go_on(self) -> None:
        """Until it rests or ends."""
        self._turn.release()
        self._rest.acquire()
        if self._error is not None:
            raise self._error

    def rest(self) -> None:
        self._rest.release()
        self._turn.acquire()


class Sleepers:
    """What sleeps on a virtual clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def run(self, work: Callable[[], None]) -> None:
        """Run until it ends, or sleeps; then it goes on by the clock."""
        worker = _Worker(work)
        worker.start()
        worker.go_on()

    def sleep(self, seconds: float) -> None:
        """Nothing else happens while the test itself sleeps."""
        worker = threading.current_thread()
        if isinstance(worker, _Worker):
            self._clock.later(seconds, "sleep", worker.go_on)
            worker.rest()
        else:
            self._clock.advance(seconds)
