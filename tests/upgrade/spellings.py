"""One set of properties with everything in it, in each spelling that an event may have."""

from __future__ import annotations

from typing import Any

from pydantic.alias_generators import to_pascal

FILE = "file-000000000000000000000000"
OWN_KEYS = {"metadata", "triggers", "parameters"}
"""Maps whose keys are the user's."""

EVERYTHING: dict[str, Any] = {
    "instructions": "Answer in one sentence.",
    "temperature": 0.2,
    "max_completion_tokens": 256,
    "stream": False,
    "timeout_seconds": 500,
    "deletion_policy": "delete",
    "accept_statuses": ["completed", "incomplete"],
    "response_format": {"type": "text"},
    "metadata": {"own_key": "1"},
    "triggers": {"commit_id": "a", "nested": {"deep_key": [1, True]}},
    "tools": [
        {"type": "retrieval"},
        {
            "type": "function",
            "function": {
                "name": "look_up",
                "description": "Looks a word up.",
                "parameters": {
                    "type": "object",
                    "properties": {"search_word": {"type": "string", "maxLength": 20}},
                    "additionalProperties": False,
                },
            },
        },
    ],
    "thread": {
        "messages": [
            {
                "role": "user",
                "content": "What is a stack?",
                "attachments": [{"file_id": FILE}],
                "metadata": {"own_key": "2"},
            },
            {"role": "user", "content": "Say it in other words: 語 🙂."},
        ],
        "metadata": {"own_key": "3"},
    },
}


def as_strings(value: Any) -> Any:
    """As CloudFormation sends it."""
    if isinstance(value, dict):
        return {key: as_strings(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_strings(item) for item in value]
    return str(value).lower() if isinstance(value, bool) else str(value)


def in_pascal_case(value: Any) -> Any:
    if isinstance(value, list):
        return [in_pascal_case(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {to_pascal(key): item if key in OWN_KEYS else in_pascal_case(item) for key, item in value.items()}
