"""Writes what the tests of every step found as one table: `.build/crash-points.md`."""

from __future__ import annotations

import json

import pytest

from tests.crashes.points import PARTS, Result

HEADINGS = ("wire", "life", "call", "what happens", "answers", "runs", "left", "lost", "verdict")


def pytest_sessionstart(session: pytest.Session) -> None:
    if not hasattr(session.config, "workerinput"):
        PARTS.mkdir(parents=True, exist_ok=True)
        for part in PARTS.glob("*.json"):
            part.unlink()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """The tests run in several processes: the first of them puts their parts together."""
    if hasattr(session.config, "workerinput"):
        return
    rows = [Result(**row) for part in sorted(PARTS.glob("*.json")) for row in json.loads(part.read_text())]
    if not rows:
        return
    bad = sum(bool(row.problems) for row in rows)
    lines = [
        "# What happens when the application breaks at each call that it makes",
        "",
        f"{len(rows)} lives, each broken once; {bad} of them with a problem. Answers: by request, in order (C, U, D "
        "for Create, Update, Delete, each followed by S or F). Left: what stays on the server that the application "
        "could know of. Lost: what it could not, because the one reply that named it was lost.",
        "",
        "| " + " | ".join(HEADINGS) + " |",
        "|" + " --- |" * len(HEADINGS),
        *("| " + " | ".join(row.cells()) + " |" for row in rows),
    ]
    PARTS.with_suffix(".md").write_text("\n".join(lines) + "\n")
