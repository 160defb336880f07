"""What is asked for in most tests, what CloudFormation was answered, and what there is at OpenAI."""

from collections import Counter
from typing import Any

import pytest

from testkit.in_process.deployed import SERVERS, WIRES, alive
from testkit.in_process.world import World

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
NOTHING: Counter[str] = Counter()
THREAD: dict[str, Any] = {"ResourceType": "Custom::OpenAIThread", "logical_id": "Thread"}
ASSISTANT: dict[str, Any] = {"ResourceType": "Custom::OpenAIAssistant", "logical_id": "Assistant"}
FILE: dict[str, Any] = {"ResourceType": "Custom::OpenAIFile", "logical_id": "File"}
STORE: dict[str, Any] = {"ResourceType": "Custom::OpenAIVectorStore", "logical_id": "Store"}
each_server = pytest.mark.parametrize("wire", SERVERS, indirect=True)
each_wire = pytest.mark.parametrize("wire", WIRES, indirect=True)


def attributes(answer: dict[str, Any]) -> dict[str, str]:
    """Those of a SUCCESS."""
    assert answer["Status"] == "SUCCESS", answer
    return dict(answer["Data"])


def failure(answer: dict[str, Any]) -> str:
    """Why it FAILED."""
    assert answer["Status"] == "FAILED", answer
    return str(answer["Reason"])


def delete_all(world: World, answer: dict[str, Any]) -> None:
    """Delete what a request made, a failed one too: nothing is left at the server."""
    deleted = world.delete(answer["PhysicalResourceId"], logical_id=answer["LogicalResourceId"])
    assert deleted["Status"] == "SUCCESS"
    assert left_at_openai(world) == NOTHING


def left_at_openai(world: World) -> Counter[str]:
    """How many there are of all that can be deleted, besides files and assistants."""
    return Counter({name: count for name, count in alive(world).items() if count and name != "assistants"})


def runs_started(world: World) -> int:
    return world.openai.counters()["runs_started"]
