"""From a resource's raw properties to its desired state: key styles, unknown names, and all problems in one go.

The properties of a CloudFormation resource are snake_case (as in the Terraform resource) or PascalCase
(CloudFormation's own habit), never both in one resource.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, Field, ValidationError
from pydantic.alias_generators import to_pascal

from threadrun.errors import InvalidProperties
from threadrun.schema.arguments import DesiredAssistant, DesiredRun
from threadrun.schema.deployment import ANY_DEPLOYMENT, DEPLOYMENT, Deployment
from threadrun.schema.desired import MAX_SERVICE_TIMEOUT_SECONDS, Desired
from threadrun.schema.limits import Limits, beyond
from threadrun.schema.types import Integer, Model
from threadrun.schema.unknown import nested_model, say_unknown

Wanted = TypeVar("Wanted", bound=Desired)
KeyStyle = Literal["snake_case", "PascalCase"]

RESERVED = frozenset({"ServiceToken", "ServiceTimeout"})
"""CloudFormation's own properties of every custom resource."""
MIN_SERVICE_TIMEOUT_SECONDS = 60
"""What a clean-up can need: half a minute until a start without a reply shows, some requests, and time to respond."""

_SHOWN_CHARACTERS = 40
_SAYS_VALUE = {"literal_error", "greater_than_equal", "less_than_equal", "bool_type", "int_type", "float_type"}
_SENTENCES = {
    "missing": "is required",
    "literal_error": "must be {expected}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than_equal": "must be at most {le:g}",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "string_type": "must be text",
    "string_too_short": "must not be empty",
    "string_pattern_mismatch": "must match {pattern}",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "must not be empty",
    "too_long": "must have at most {max_length} entries",
    "tuple_type": "must be a list",
    "dict_type": "must be a map",
    "model_type": "must be a map",
}


def parse_properties(
    raw: Mapping[str, Any], model: type[Wanted], deployment: Deployment = ANY_DEPLOYMENT
) -> tuple[Wanted, KeyStyle]:
    """Validate the properties of a resource of this type; returns it as desired, with the style of its keys.

    Raises `InvalidProperties` with every problem, each naming its property in the user's own style, none repeating a
    prompt.
    """
    reader = _KeyReader(model)
    given = reader.read(model, {key: value for key, value in raw.items() if key not in RESERVED}, ())
    style, problems, desired = reader.style(), reader.problems, None
    try:
        desired = model.model_validate(given, context={DEPLOYMENT: deployment})
    except ValidationError as error:
        problems += _sentences(error, style)
    try:
        _Reserved.model_validate(raw)
    except ValidationError as error:
        problems += _sentences(error, style)
    found = model.conflicts(given)
    if isinstance(desired, DesiredRun | DesiredAssistant):
        found += beyond(Limits(), desired)
    problems += [f"{_path((name,), style)}: {problem}" for name, problem in found]
    if problems or desired is None:
        raise InvalidProperties(problems)
    return desired, style


class _Reserved(Model):
    service_timeout: (
        Annotated[Integer, Field(ge=MIN_SERVICE_TIMEOUT_SECONDS, le=MAX_SERVICE_TIMEOUT_SECONDS)] | None
    ) = Field(None, alias="ServiceTimeout")


class _KeyReader:
    """Turns keys of either style into field names, and remembers what it could not place."""

    def __init__(self, root: type[BaseModel]) -> None:
        self.problems: list[str] = []
        self._root = root
        self._keys: dict[KeyStyle, list[str]] = {"snake_case": [], "PascalCase": []}

    def read(self, model: type[BaseModel], value: Any, path: tuple[str | int, ...]) -> Any:
        if isinstance(value, list):
            # A list in a list is refused as it is, however deep it goes on.
            return [
                item if isinstance(item, list) else self.read(model, item, (*path, index))
                for index, item in enumerate(value)
            ]
        if not isinstance(value, Mapping):
            return value
        fields = {field.alias or name: field for name, field in model.model_fields.items()}
        given: dict[str, Any] = {}
        for key, item in value.items():
            style: KeyStyle = "PascalCase" if key[:1].isupper() else "snake_case"
            known = {to_pascal(name) if style == "PascalCase" else name: name for name in fields}
            if key not in known:
                self.problems.append(f"{_join((*path, key))}: {say_unknown(key, model, self._root, _join(path))}")
                continue
            name = known[key]
            self._keys[style].append(_join((*path, key)))
            nested = nested_model(fields[name].annotation)
            given[name] = self.read(nested, item, (*path, key)) if nested else item
        return given

    def style(self) -> KeyStyle:
        """The style of most keys. That there are keys of both is a problem."""
        snake, pascal = self._keys["snake_case"], self._keys["PascalCase"]
        if snake and pascal:
            both = ", ".join(snake), ", ".join(pascal)
            self.problems.append(f"snake_case and PascalCase keys are mixed: {both[0]} and {both[1]}; use one style")
        return "PascalCase" if len(pascal) > len(snake) else "snake_case"


def _sentences(error: ValidationError, style: KeyStyle) -> list[str]:
    return [_sentence(dict(detail), style) for detail in error.errors(include_url=False)]


def _sentence(detail: dict[str, Any], style: KeyStyle) -> str:
    kind, value, context = detail["type"], detail.get("input"), detail.get("ctx") or {}
    own = str(context.get("error", detail["msg"]))  # A ValueError's text, as `schema` raises it.
    text = _SENTENCES[kind].format_map(context) if kind in _SENTENCES else own
    if kind in _SAYS_VALUE and isinstance(value, str | int | float):
        text += f" (it is {str(value)[:_SHOWN_CHARACTERS]!r})"
    return f"{_path(detail['loc'], style)}: {text}"


def _path(location: tuple[str | int, ...], style: KeyStyle) -> str:
    def spelled(part: str | int) -> str | int:
        # Below metadata and triggers the keys are the user's own: kept as they are.
        return to_pascal(part) if style == "PascalCase" and isinstance(part, str) and part.islower() else part

    return _join(tuple(map(spelled, location)))


def _join(parts: tuple[str | int, ...]) -> str:
    text = ""
    for part in parts:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text
