"""Thousands of lives log too much."""

import logging
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Thousands of lives log too much."""
    monkeypatch.setenv("POWERTOOLS_METRICS_DISABLED", "true")
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)
