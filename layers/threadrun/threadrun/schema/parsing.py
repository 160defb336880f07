"""From a resource's raw properties to its desired state: key styles, unknown names, and all problems in one go.

The properties of a CloudFormation resource are snake_case (as in the Terraform resource) or PascalCase
(CloudFormation's own habit), never both in one resource.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, Field, ValidationError
from pydantic.alias_generators import to_pascal, to_snake

from threadrun.errors import InvalidProperties, TerminalError
from threadrun.schema.arguments import RESOURCE_MODELS, AnyDesired, DesiredAssistant, DesiredRun
from threadrun.schema.deployment import ANY_DEPLOYMENT, DEPLOYMENT, Deployment
from threadrun.schema.desired import MAX_SERVICE_TIMEOUT_SECONDS, Desired
from threadrun.schema.limits import Limits, beyond
from threadrun.schema.problems import Place, Problem, from_validation, is_list, one_for_each_mistake, path, spelling
from threadrun.schema.types import Integer, Model
from threadrun.schema.unknown import nested_model, say_unknown, ways

Wanted = TypeVar("Wanted", bound=Desired)
KeyStyle = Literal["snake_case", "PascalCase"]

RESERVED = frozenset({"ServiceToken", "ServiceTimeout"})
"""CloudFormation's own properties of every custom resource."""
UNNAMED_TYPE = "AWS::CloudFormation::CustomResource"
"""The type of every custom resource that is not given one of its own, as the AWS CDK does."""
MIN_SERVICE_TIMEOUT_SECONDS = 60
"""What a clean-up can need: half a minute until a start without a reply shows, some requests, and time to respond."""


def model_of(resource_type: str) -> type[AnyDesired]:
    """The model of a resource type; raises `TerminalError` for one that is not ours."""
    if (model := RESOURCE_MODELS.get(resource_type)) is None:
        known = ", ".join(RESOURCE_MODELS)
        raise TerminalError(
            f"unknown resource type {resource_type}: set Type (resourceType in the AWS CDK) to one of {known}"
        )
    return model


def parse_properties(
    raw: Mapping[str, Any], model: type[Wanted], deployment: Deployment = ANY_DEPLOYMENT
) -> tuple[Wanted, KeyStyle]:
    """Validate the properties of a resource of this type; returns it as desired, with the style of its keys.

    Raises `InvalidProperties` with every problem, each naming its property in the user's own style, none repeating a
    prompt.
    """
    desired, style, problems = examine(raw, model, deployment)
    if problems or desired is None:
        raise InvalidProperties(list(map(str, problems)))
    return desired, style


def examine(
    raw: Mapping[str, Any], model: type[Wanted], deployment: Deployment = ANY_DEPLOYMENT
) -> tuple[Wanted | None, KeyStyle, list[Problem]]:
    """As `parse_properties`, with the problems as values; there is no desired state where a value cannot be read."""
    reader = _KeyReader(model)
    given = reader.read(model, {key: value for key, value in raw.items() if key not in RESERVED}, ())
    style, problems, desired = reader.style(), reader.problems, None
    spell = spelling(style)
    try:
        desired = model.model_validate(given, context={DEPLOYMENT: deployment})
    except ValidationError as error:
        problems += from_validation(error, model, spell)
    try:
        _Reserved.model_validate(raw)
    except ValidationError as error:
        problems += from_validation(error, _Reserved, spell)
    asking = {(rule.argument, rule.sentence) for rule in model.rules if rule.asks}
    problems += [Problem((spell(each[0]),), each[1], each in asking) for each in model.conflicts(given)]
    if isinstance(desired, DesiredRun | DesiredAssistant):
        problems += [Problem((spell(name),), sentence) for name, sentence in beyond(Limits(), desired)]
    if style == "PascalCase":
        problems = [each._replace(sentence=_in_pascal_case(each.sentence)) for each in problems]
    return desired, style, one_for_each_mistake(problems)


_NAMES_OR_QUOTED = re.compile(r"""(?:'[^']*'|"[^"]*"|`[^`]*`|\b(?:for )?type .*)|(?<![\w.])[a-z]+(?:_[a-z]+)+\b""")


def _in_pascal_case(sentence: str) -> str:
    """The sentence with names of properties as the user spells them. What is quoted, and types, are values."""
    return _NAMES_OR_QUOTED.sub(lambda found: to_pascal(found[0]) if found[0] in _names() else found[0], sentence)


@cache
def _names() -> frozenset[str]:
    """Of all properties."""
    return frozenset(way.rpartition(".")[2] for model in RESOURCE_MODELS.values() for way in ways(model, str))


class _Reserved(Model):
    service_timeout: (
        Annotated[Integer, Field(ge=MIN_SERVICE_TIMEOUT_SECONDS, le=MAX_SERVICE_TIMEOUT_SECONDS)] | None
    ) = Field(None, alias="ServiceTimeout")


class _KeyReader:
    """Turns keys of either style into field names, and remembers what it could not place."""

    def __init__(self, root: type[BaseModel]) -> None:
        self.problems: list[Problem] = []
        self._root = root
        self._keys: dict[KeyStyle, list[Place]] = {"snake_case": [], "PascalCase": []}

    def read(self, model: type[BaseModel], value: Any, place: Place) -> Any:
        if isinstance(value, list):
            # A list in a list is refused as it is, however deep it goes on.
            return [
                item if isinstance(item, list) else self.read(model, item, (*place, index))
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
                sentence, meant = say_unknown(key, model, self._root, path(place))
                self.problems.append(Problem((*place, key), sentence, meant=meant, is_of_key=True))
                continue
            name = known[key]
            self._keys[style].append((*place, key))
            annotation = fields[name].annotation
            # A list in place of a map is one mistake: nothing in it is looked at.
            nested = nested_model(annotation) if is_list(annotation) or not isinstance(item, list) else None
            given[name] = self.read(nested, item, (*place, key)) if nested else item
        return given

    def style(self) -> KeyStyle:
        """The style of most keys. That there are keys of both is a problem."""
        snake, pascal = self._keys["snake_case"], self._keys["PascalCase"]
        style: KeyStyle = "PascalCase" if len(pascal) > len(snake) else "snake_case"
        if snake and pascal:
            fewer, other, spell = (
                (snake, "snake_case", to_pascal) if style == "PascalCase" else (pascal, "PascalCase", to_snake)
            )
            for place in fewer:
                sentence = f"is in {other} and most other keys are in {style}: write it as {spell(str(place[-1]))}"
                self.problems.append(Problem(place, sentence, is_of_key=True))
        return style
