"""The life of a Custom::OpenAIThreadRun, from CloudFormation's requests to its answers and the state of the world."""

from __future__ import annotations

from tests.flow.world import World

PROPERTIES = {
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


def test_create_starts_one_run_and_answers_with_its_attributes(world: World) -> None:
    answer = world.create(PROPERTIES)
    assert answer["Status"] == "SUCCESS", answer
    thread_id, run_id = answer["PhysicalResourceId"].split(":")
    data = answer["Data"]
    assert data["id"] == run_id
    print(data, world.public_items(), world.openai.counters())
