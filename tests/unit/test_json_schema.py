"""Answers held against a schema: the first problem by place and rule, never by the answer's own words."""

from __future__ import annotations

import urllib.request
from typing import Any

import pytest

from threadrun.schema.json_schema import first_problem


@pytest.mark.parametrize(
    ("schema", "text", "problem"),
    [
        ({"type": "object"}, "{}", None),
        ({}, "7", None),
        ({"$defs": {"n": {"type": "number"}}, "properties": {"a": {"$ref": "#/$defs/n"}}}, '{"a": 1}', None),
        ({"type": "object"}, "[1]", 'the whole is not as the schema says: type "object"'),
        ({"items": {"maxLength": 2}}, '["ab", "secret"]', "[1] is not as the schema says: maxLength 2"),
        ({"properties": {"a": {"required": ["b", "c"]}}}, '{"a": {"b": 1}}', "a lacks c"),
        ({"enum": ["x" * 300]}, '"secret"', "the whole is not as the schema says: enum"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "7", "the whole is not as the schema says: anyOf"),
        ({"$ref": "#/$defs/nowhere"}, "7", "its schema refers to what it does not have"),
        ({"type": "object"}, '{"secret": ', "it is no JSON"),
        ({"type": "object"}, "[" * 100_000, "it is no JSON"),
    ],
)
def test_the_first_problem_is_told(schema: dict[str, Any], text: str, problem: str | None) -> None:
    assert first_problem(text, schema) == problem


def test_a_reference_is_never_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    """The schema is a stack author's: it must not make the function call an address of their choice."""

    def fetched(*_: object, **__: object) -> None:
        pytest.fail("a reference was fetched")

    monkeypatch.setattr(urllib.request, "urlopen", fetched)
    problem = first_problem("7", {"$ref": "http://127.0.0.1:9/schema"})
    assert problem == "its schema refers to what it does not have"
