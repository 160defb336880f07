"""What a resource's properties can become: each way in which a template's conditions can turn out.

A parameter has its default, or each value that a condition asks for; what any other function returns is unknown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from itertools import islice, product
from typing import Any

from threadrun.schema.arguments import RESOURCE_MODELS
from threadrun.schema.problems import Place
from threadrun_cli.properties import normal
from threadrun_cli.references import misspelt, targets, types_of
from threadrun_cli.template import Node

MOST_WAYS = 64
"""More are not looked at: six conditions that have nothing to do with each other are so many."""
OTHER = "\0"
"""The value of a parameter that is none of those that the template compares it with."""
NO_VALUE = object()
_PLACEHOLDER = re.compile(r"\$\{([^!}][^}]*)\}")
_DYNAMIC = "{{resolve:"
_GIVE_TEXT = ("Fn::Sub", "Fn::Join", "Fn::Base64", "Fn::ImportValue", "Fn::ToJsonString")
_PLAIN_TYPES = ("String", "Number", "CommaDelimitedList", "List<Number>")

Choice = Mapping[str, Any]
"""The value of each parameter, and of each comparison that is about something else."""


class Ways:
    """The ways in which the conditions of a template can turn out."""

    def __init__(self, template: Node) -> None:
        self.template = template
        self.ours = {name for name, kind in types_of(template).items() if kind in RESOURCE_MODELS}
        self._conditions = dict((template.get("Conditions") or Node({}, 1, 1)).items())
        self.parameters = dict((template.get("Parameters") or Node({}, 1, 1)).items())

    def of(self, resource: Node) -> Iterator[Choice]:
        """The choices that matter to a resource, of those by which it is made."""
        names = {str(used.value) for each in resource.walk() if (used := _asked_condition(each))}
        own = resource.get("Condition")
        if own is not None and isinstance(own.value, str):
            names.add(own.value)
        asked: dict[str, list[Any]] = {}
        for name in sorted(names):
            self._collect(self._conditions.get(name), asked, set())
        for values in islice(product(*asked.values()), MOST_WAYS):
            choice = dict(zip(asked, values, strict=True))
            if own is None or self.is_true(str(own.value), choice):
                yield choice

    def is_true(self, name: str, choice: Choice) -> bool:
        return self._evaluate(self._conditions.get(name), choice, 0)

    def default(self, name: str) -> Any:
        """A parameter's default as CloudFormation hands it on; None where it has none, or that says nothing."""
        declared = self.parameters.get(name)
        kind, default = (declared.get("Type"), declared.get("Default")) if declared else (None, None)
        if kind is None or default is None or kind.value not in _PLAIN_TYPES or not isinstance(default.value, str):
            return None
        if kind.value in ("CommaDelimitedList", "List<Number>"):
            return [each.strip() for each in default.value.split(",")]
        return default.value or None

    def _collect(self, node: Node | None, asked: dict[str, list[Any]], above: set[str]) -> None:
        if node is None or (function := node.function) is None:
            return
        name, argument = function
        if name == "Condition" and isinstance(argument.value, str) and argument.value not in above:
            self._collect(self._conditions.get(argument.value), asked, above | {argument.value})
        elif name == "Fn::Equals" and isinstance(argument.value, list):
            self._collect_comparison(argument.value, asked)
        elif isinstance(argument.value, list):
            for each in argument.value:
                self._collect(each, asked, above)

    def _collect_comparison(self, sides: list[Node], asked: dict[str, list[Any]]) -> None:
        compared = [side for side in sides if side.function is None]
        if len(compared) == len(sides):
            return
        for name in map(_parameter, sides):
            if name is None or len(compared) != 1:
                continue
            values = asked.setdefault(name, self._allowed(name))
            if compared[0].value not in values and not self._is_closed(name):
                values.append(compared[0].value)
        if not any(map(_parameter, sides)) or len(compared) != 1:
            asked.setdefault(_atom(sides), [True, False])

    def _is_closed(self, name: str) -> bool:
        declared = self.parameters.get(name)
        return declared is not None and declared.get("AllowedValues") is not None

    def _allowed(self, name: str) -> list[Any]:
        allowed = self.parameters[name].get("AllowedValues") if name in self.parameters else None
        if allowed is not None and isinstance(allowed.value, list):
            return [each.value for each in allowed.value]
        default = self.default(name)
        return [OTHER] if default is None or isinstance(default, list) else [default, OTHER]

    def _evaluate(self, node: Node | None, choice: Choice, depth: int) -> bool:
        function = node.function if node else None
        if function is None or depth > MOST_WAYS:
            return True
        name, argument = function
        if name == "Condition":
            return self._evaluate(self._conditions.get(str(argument.value)), choice, depth + 1)
        sides = argument.value if isinstance(argument.value, list) else [argument]
        if name == "Fn::Equals":
            return self._are_equal(sides, choice)
        each = [self._evaluate(side, choice, depth + 1) for side in sides]
        return any(each) if name == "Fn::Or" else not all(each) if name == "Fn::Not" else all(each)

    def _are_equal(self, sides: list[Node], choice: Choice) -> bool:
        if (atom := _atom(sides)) in choice:
            return bool(choice[atom])
        values = [choice.get(name, self.default(name)) if (name := _parameter(each)) else each.value for each in sides]
        return values[:1] == values[-1:]


def _parameter(node: Node) -> str | None:
    function = node.function
    return function[1].value if function and function[0] == "Ref" and isinstance(function[1].value, str) else None


def _atom(sides: list[Node]) -> str:
    return json.dumps([plain(each) for each in sides])


def plain(node: Node) -> Any:
    """The node as data, with its functions as they are written."""
    if isinstance(node.value, dict):
        return {name: plain(each) for name, each in node.items()}
    return [plain(each) for each in node.value] if isinstance(node.value, list) else node.value


def _asked_condition(node: Node) -> Node | None:
    function = node.function
    if function is None or function[0] != "Fn::If" or not isinstance(function[1].value, list) or not function[1].value:
        return None
    return function[1].value[0]


class Resolver:
    """Makes the properties of one choice, and notes where each value is written and which are unknown."""

    def __init__(self, ways: Ways, choice: Choice, told: Collection[Place] = ()) -> None:
        """`told`: places whose mistake is told already, alike in both styles of keys."""
        self._ways, self._choice, self._told = ways, choice, told
        self.positions: dict[Place, tuple[int, int]] = {}
        self.unknown: set[Place] = set()
        self.texts: set[Place] = set()
        """Of the unknown ones, those that are text, whatever it is."""
        self.nulls: list[Place] = []
        self.booleans: list[Place] = []
        """Places of what YAML reads as a boolean."""
        self.misspelt: list[tuple[Place, str, str]] = []
        """Places of functions, as they are written and as they are called."""

    def resolve(self, node: Node, place: Place = (), at: tuple[int, int] | None = None) -> Any:
        """The value, with `OTHER` for what is unknown, or `NO_VALUE`."""
        self.positions[place] = at or (node.line, node.column)
        if right := misspelt(node, self._ways.template):
            self.misspelt.append((place, next(name for name, _ in node.items()), right))
            return self._unknown(place)
        if (function := node.function) is not None:
            return self._called(*function, place)
        if isinstance(node.value, dict):
            if any(name.startswith("Fn::") for name in node.value):
                return self._unknown(place)  # Fn::ForEach and Fn::Transform add keys.
            keys = node.keys or {}
            entries = {name: self.resolve(each, (*place, name), keys.get(name)) for name, each in node.items()}
            return {name: each for name, each in entries.items() if each is not NO_VALUE}
        if isinstance(node.value, list):
            return self._list(node.value, place)
        if node.value is None:
            self.nulls.append(place)
            return NO_VALUE
        if node.is_boolean:
            self.booleans.append(place)
        return self._unknown(place) if _DYNAMIC in node.value else node.value

    def _list(self, nodes: list[Node], place: Place) -> list[Any]:
        made: list[Any] = []
        for node in nodes:
            if (value := self.resolve(node, (*place, len(made)))) is not NO_VALUE:
                made.append(value)
        return made

    def _called(self, name: str, argument: Node, place: Place) -> Any:
        if name == "Ref" and isinstance(argument.value, str):
            if argument.value == "AWS::NoValue":
                return NO_VALUE
            if (parameter := self._ways.parameters.get(argument.value)) is not None:
                if (kind := parameter.get("Type")) is not None and kind.value in ("String", "Number"):
                    self.texts.add(place)
                return self._known(self._parameter(argument.value), place)
        if name == "Fn::If" and isinstance(argument.value, list) and len(argument.value) == 3:
            condition, when_true, when_false = argument.value
            return self.resolve(
                when_true if self._ways.is_true(str(condition.value), self._choice) else when_false, place
            )
        if name == "Fn::Sub" and (text := self._substituted(argument.value)) is not None:
            return self._known(text, place)
        if normal(place) not in self._told and (name in _GIVE_TEXT or self._is_of_ours(name, argument)):
            self.texts.add(place)
        return self._unknown(place)

    def _is_of_ours(self, name: str, argument: Node) -> bool:
        """Whether it refers to a resource of ours, whose id and attributes are all text to CloudFormation."""
        return name in ("Ref", "Fn::GetAtt") and any(each in self._ways.ours for each in targets(name, argument))

    def _substituted(self, argument: Any) -> str | None:
        if not isinstance(argument, str):
            return None
        text = argument
        for name in _PLACEHOLDER.findall(text):
            value = self._parameter(name)
            if not isinstance(value, str) or value == OTHER:
                return None
            text = text.replace(f"${{{name}}}", value)
        return text.replace("${!", "${")

    def _parameter(self, name: str) -> Any:
        return self._choice.get(name) or self._ways.default(name)

    def _known(self, value: Any, place: Place) -> Any:
        return self._unknown(place) if value is None or value == OTHER else value

    def _unknown(self, place: Place) -> str:
        self.unknown.add(place)
        return OTHER
