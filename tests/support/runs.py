"""What is asked for in most tests, and what there is at OpenAI."""

from __future__ import annotations

from typing import Any

from testkit.in_process.world import World

WIRES = ["responses", "assistants"]
PROPERTIES: dict[str, Any] = {
    "model": "gpt-5.4-mini",
    "instructions": "Answer in one sentence.",
    "temperature": "0.2",
    "metadata": {"team": "docs"},
    "thread": {
        "messages": [
            {"role": "user", "content": "Hello."},
            {"role": "user", "content": "What is a stack?"},
        ],
        "metadata": {"source": "test"},
    },
}
CHANGED = PROPERTIES | {"instructions": "Answer in two sentences."}
NOTHING = {"conversations": 0, "responses": 0, "responses_in_flight": 0, "orphan_items": 0}


def left_at_openai(world: World) -> dict[str, int]:
    counters = world.openai.counters()
    return {name: counters[name] for name in NOTHING}


def runs_started(world: World) -> int:
    return world.openai.counters()["runs_started"]


def alive(world: World) -> dict[str, int]:
    """All that can be deleted, besides files."""
    # A run still being cancelled counts until it has ended.
    world.clock.advance(5)
    counters = world.openai.counters()
    gone = ("runs_started", "files", "max_concurrent_per_conversation")
    return {name: count for name, count in counters.items() if name not in gone}
