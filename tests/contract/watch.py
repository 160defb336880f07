"""A fixture for the tiers that talk to the stand-in: each reply of each test is held against OpenAI's document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from local.openai_standin.application import Application
from local.openai_standin.errors import ApiError
from local.openai_standin.world import Request
from tests.contract.deviations import Problem, unknown_problems


@pytest.fixture(autouse=True)
def contract(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What faults make of a reply on its way is not the stand-in's."""
    answer = Application.answer
    found: list[Problem] = []

    def watched(self: Application, request: Request, content: bytes) -> Any:
        try:
            status, reply = 200, answer(self, request, content)
        except ApiError as refusal:
            found.extend(unknown_problems(request.method, request.path, refusal.status, refusal.body))
            raise
        found.extend(unknown_problems(request.method, request.path, status, reply))
        return reply

    monkeypatch.setattr(Application, "answer", watched)
    yield
    assert not found, "\n".join(sorted({" ".join(problem) for problem in found}))
