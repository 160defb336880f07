"""From a resource's raw properties to its desired state: key styles, unknown names, and all problems in one go.

The properties of a CloudFormation resource are snake_case (as in the Terraform resource) or PascalCase
(CloudFormation's own habit), never both in one resource.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic.alias_generators import to_pascal

from threadrun.errors import InvalidProperties
from threadrun.schema.arguments import Desired
from threadrun.schema.tools import ALLOWED_HANDLERS

Wanted = TypeVar("Wanted", bound=Desired)
KeyStyle = Literal["snake_case", "PascalCase"]

RESERVED = frozenset({"ServiceToken", "ServiceTimeout"})
"""CloudFormation's own properties of every custom resource."""

_SHOWN_CHARACTERS = 40
_SAYS_VALUE = {"literal_error", "greater_than_equal", "less_than_equal", "boolean", "integer", "number"}
_SENTENCES = {
    "missing": "is required",
    "literal_error": "must be {expected}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than_equal": "must be at most {le:g}",
    "string_type": "must be text",
    "string_too_short": "must not be empty",
    "string_pattern_mismatch": "must match {pattern}",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "must not be empty",
    "tuple_type": "must be a list",
    "dict_type": "must be a map",
    "model_type": "must be a map",
}


def parse_properties(
    raw: Mapping[str, Any], model: type[Wanted], tool_function_arns: Sequence[str] | None = None
) -> tuple[Wanted, KeyStyle]:
    """Validate the properties of the resource type that `model` stands for.

    `tool_function_arns` are the patterns that handlers must match, None where any may be named.

    Returns the desired resource and the style its keys were written in. Raises `InvalidProperties` with every
    problem found, each naming the property in the user's own style; prompt texts are never repeated.
    """
    reader = _KeyReader()
    given = reader.read(model, {key: value for key, value in raw.items() if key not in RESERVED}, ())
    style = reader.style()
    problems = [*reader.problems, *reader.mixed_styles()]
    desired = None
    try:
        desired = model.model_validate(given, context={ALLOWED_HANDLERS: tool_function_arns})
    except ValidationError as error:
        problems += [_sentence(dict(detail), style) for detail in error.errors(include_url=False)]
    problems += [f"{_path((name,), style)}: {problem}" for name, problem in model.conflicts(given)]
    if problems or desired is None:
        raise InvalidProperties(problems)
    return desired, style


class _KeyReader:
    """Turns keys of either style into field names, and remembers what it could not place."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self._keys: dict[KeyStyle, list[str]] = {"snake_case": [], "PascalCase": []}

    def read(self, model: type[BaseModel], value: Any, path: tuple[str | int, ...]) -> Any:
        if isinstance(value, list):
            return [self.read(model, item, (*path, index)) for index, item in enumerate(value)]
        if not isinstance(value, Mapping):
            return value
        fields = {field.alias or name: field for name, field in model.model_fields.items()}
        known: dict[str, tuple[str, KeyStyle]] = {}
        for name in fields:
            known |= {to_pascal(name): (name, "PascalCase"), name: (name, "snake_case")}
        given: dict[str, Any] = {}
        for key, item in value.items():
            if key not in known:
                self._add_unknown(key, known, path)
                continue
            name, style = known[key]
            self._keys[style].append(_join((*path, key)))
            nested = _nested_model(fields[name].annotation)
            given[name] = self.read(nested, item, (*path, key)) if nested else item
        return given

    def _add_unknown(self, key: str, known: Mapping[str, Any], path: tuple[str | int, ...]) -> None:
        style = [name for name in known if name[:1].isupper() == key[:1].isupper()]
        near = difflib.get_close_matches(key, style, n=1, cutoff=0) or sorted(known)[:1]
        self.problems.append(f"{_join((*path, key))}: unknown property, the nearest known one is {near[0]}")

    def style(self) -> KeyStyle:
        return "PascalCase" if len(self._keys["PascalCase"]) > len(self._keys["snake_case"]) else "snake_case"

    def mixed_styles(self) -> list[str]:
        snake, pascal = self._keys["snake_case"], self._keys["PascalCase"]
        if not (snake and pascal):
            return []
        return [f"snake_case and PascalCase keys are mixed: {', '.join(snake)} and {', '.join(pascal)}; use one style"]


def _nested_model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_nested_model(part) for part in get_args(annotation))
    return next((model for model in found if model), None)


def _sentence(detail: dict[str, Any], style: KeyStyle) -> str:
    kind, value = detail["type"], detail.get("input")
    text = _SENTENCES.get(kind, detail["msg"]).format_map(detail.get("ctx") or {})
    if kind in _SAYS_VALUE and isinstance(value, str | int | float):
        text += f" (it is {str(value)[:_SHOWN_CHARACTERS]!r})"
    return f"{_path(detail['loc'], style)}: {text}"


def _path(location: tuple[str | int, ...], style: KeyStyle) -> str:
    # Below metadata and triggers the keys are the user's own: kept as they are.
    fields = location if style == "snake_case" else tuple(_pascal(part) for part in location)
    return _join(fields)


def _pascal(part: str | int) -> str | int:
    return to_pascal(part) if isinstance(part, str) and part.islower() else part


def _join(parts: tuple[str | int, ...]) -> str:
    text = ""
    for part in parts:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text
