"""Holds the properties of one resource against its model, as the application does, where some are not known yet."""

from __future__ import annotations

from collections.abc import Collection
from copy import deepcopy
from functools import cache
from typing import Any, NamedTuple

from pydantic import BaseModel

from threadrun.schema.arguments import RESOURCE_MODELS, AnyDesired
from threadrun.schema.parsing import KeyStyle, examine
from threadrun.schema.problems import Place, Problem
from threadrun.schema.unknown import nested_model

STAND_INS = ("x", "1", "20", "true", "a:b", "arn:aws:lambda:us-east-1:123456789012:function:f")
"""Texts that fit where something unknown is to be text, a number, a boolean, or has a form of its own."""


class Examined(NamedTuple):
    desired: AnyDesired | None
    """None where a value cannot be read, or is one of few that is not known."""
    style: KeyStyle
    problems: list[Problem]


def examine_known(
    raw: dict[str, Any], model: type[AnyDesired], unknown: set[Place], texts: Collection[Place] = ()
) -> Examined:
    """The problems that there are whatever the values at the places `unknown` turn out to be, at `texts` some text."""
    raw, left = deepcopy(raw), set(unknown)
    for stand_in in STAND_INS:
        for place in left:
            _put(raw, place, stand_in)
        desired, style, problems = examine(raw, model)
        left = {place for place in unknown if any(is_about(each, place) for each in problems)}
        if not left:
            break
    certain = {normal(place) for place in texts}
    kept = [
        each
        for each in problems
        if (each.takes_no_text and normal(each.place) in certain) or not any(is_about(each, one) for one in unknown)
    ]
    return Examined(desired, style, kept)


def is_about(problem: Problem, place: Place) -> bool:
    """Whether the problem may be one of the value at the place: there, in it, or around it in a list or JSON Schema."""
    if problem.is_of_key:
        return False
    at, of = normal(problem.place), normal(place)
    is_around = (
        of[: len(at)] == at and bool(at) and (at[-1] in _schemas() or (isinstance(of[-1], int) and at == of[:-1]))
    )
    return at[: len(of)] == of or is_around


def normal(place: Place) -> Place:
    """Alike in both styles of keys."""
    return tuple(part.replace("_", "").lower() if isinstance(part, str) else part for part in place)


def _put(raw: Any, place: Place, value: str) -> None:
    for part in place[:-1]:
        raw = raw[part]
    raw[place[-1]] = value


@cache
def _schemas() -> frozenset[str]:
    """Names of the properties that are JSON Schemas."""
    return frozenset(name for model in RESOURCE_MODELS.values() for name in _of_form(model))


def _of_form(model: type[BaseModel]) -> list[str]:
    fields = model.model_fields.items()
    own = [str(normal((field.alias or name,))[0]) for name, field in fields if "Any" in str(field.annotation)]
    within = [nested for _, field in fields if (nested := nested_model(field.annotation))]
    return own + [name for nested in within for name in _of_form(nested)]
