"""Virtual time, and what is to happen on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

REST_SECONDS = 30 * 3600
"""Longer than anything that was begun goes on."""


@dataclass
class Task:
    """Something that happens at a time."""

    due_epoch_s: float
    name: str
    act: Callable[[], None]


class Clock:
    """Virtual Unix seconds; what is due happens one thing after the other, while time is made to pass."""

    BEGIN = 1_800_000_000.0

    def __init__(self, begin_epoch_s: float = BEGIN) -> None:
        self.now = begin_epoch_s
        self.tasks: list[Task] = []

    def __call__(self) -> float:
        return self.now

    def reset(self) -> None:
        """Back to the beginning, before anything has happened whose time counts."""
        self.now = self.BEGIN
        self.tasks.clear()

    def advance(self, seconds: float) -> None:
        """Nothing else happens meanwhile."""
        self.now += seconds

    def later(self, seconds: float, name: str, act: Callable[[], None]) -> None:
        self.tasks.append(Task(self.now + seconds, name, act))

    def forget_tasks(self, *beginnings: str) -> None:
        """Those whose names begin so will not happen."""
        self.tasks[:] = [task for task in self.tasks if not task.name.startswith(beginnings)]

    def due_tasks(self) -> list[Task]:
        return [task for task in self.tasks if task.due_epoch_s <= self.now]

    def run_task(self, task: Task) -> None:
        self.tasks.remove(task)
        self.now = max(self.now, task.due_epoch_s)
        task.act()

    def pass_time(self, seconds: float) -> None:
        """Everything that is due meanwhile happens in its order."""
        until = self.now + seconds
        while (task := self.next_task()) and task.due_epoch_s <= until:
            self.run_task(task)
        self.now = max(self.now, until)

    def come_to_rest(self) -> None:
        """Let time pass until nothing is left to happen."""
        patience = self.now + REST_SECONDS
        while task := self.next_task():
            self.run_task(task)
            assert self.now < patience, f"it does not come to rest: {[task.name for task in self.tasks]}"

    def next_task(self) -> Task | None:
        """What is due first."""
        return min(self.tasks, key=lambda task: task.due_epoch_s, default=None)
