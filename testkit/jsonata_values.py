"""Values of the JSONata expressions in a state machine's definition."""

from __future__ import annotations

import json
import re
from functools import cache, lru_cache
from typing import Any

import jsonata

_PATH = re.compile(r"\$states((?:\.\w+)+)")


def evaluated(template: Any, states: dict[str, Any]) -> Any:
    """The template with each `{% JSONata %}` in it replaced by its value.

    Raises KeyError where an expression is a path to nothing.
    """
    if isinstance(template, dict):
        return {name: evaluated(each, states) for name, each in template.items()}
    if isinstance(template, list):
        return [evaluated(each, states) for each in template]
    if isinstance(template, str) and template.startswith("{%"):
        return _value(template.removeprefix("{%").removesuffix("%}").strip(), states)
    return template


def _value(expression: str, states: dict[str, Any]) -> Any:
    if path := _PATH.fullmatch(expression):
        # Most are only that, and thousands of lives ask for them.
        found = _found(path[1], states)
        if not found:
            raise KeyError(expression)
        return found[0]
    paths = _paths(expression)
    return json.loads(_computed(expression, json.dumps([_found(path, states) for path in paths])))


@cache
def _paths(expression: str) -> list[str]:
    return _PATH.findall(expression)


def _found(path: str, states: dict[str, Any]) -> list[Any]:
    """What is at the path, or nothing."""
    value: Any = states
    for name in path.split(".")[1:]:
        if not isinstance(value, dict) or name not in value:
            return []
        value = value[name]
    return [value]


@lru_cache(10_000)
def _computed(expression: str, found: str) -> str:
    """As JSON text, so that nobody can change what is cached: thousands of runs ask the same."""
    compiled = _compiled(expression)
    frame = compiled.create_frame()
    frame.bind("states", _states(zip(_paths(expression), json.loads(found), strict=True)))
    return json.dumps(compiled.evaluate(None, frame))


def _states(found: Any) -> dict[str, Any]:
    """As much of `$states` as an expression mentions."""
    states: dict[str, Any] = {}
    for path, values in found:
        *parents, name = path.split(".")[1:]
        place = states
        for parent in parents:
            place = place.setdefault(parent, {})
        if values:
            place[name] = values[0]
    return states


@cache
def _compiled(expression: str) -> Any:
    return jsonata.Jsonata(expression)
