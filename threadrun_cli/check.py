"""Checks the resources of a template: all that the deployment itself would say of them, and what it could not know."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pydantic.alias_generators import to_pascal

from threadrun.errors import TerminalError
from threadrun.schema.arguments import RESOURCE_MODELS, AnyDesired
from threadrun.schema.parsing import RESERVED, UNNAMED_TYPE, KeyStyle, model_of
from threadrun.schema.problems import Place, path
from threadrun.schema.unknown import NEAR, nearest
from threadrun_cli.advice import Keys, advise
from threadrun_cli.attributes import attributes_of
from threadrun_cli.findings import Checked, Finding, Level
from threadrun_cli.intrinsics import Resolver, Ways, plain
from threadrun_cli.json_words import in_json
from threadrun_cli.properties import examine_known, normal
from threadrun_cli.references import types_of, wrong_references
from threadrun_cli.service_token import wrong_token
from threadrun_cli.template import Node, TemplateError, read_template

_OF_RESOURCES = ("Type", "Properties", "Metadata", "Condition", "DependsOn", "DeletionPolicy", "UpdateReplacePolicy")
"""CloudFormation's own keys; `Metadata` is also one of our arguments, as others spell them."""
_PLACEHOLDER = re.compile(r"\$\{(\w+)\.([^!}]+)\}")


def check_file(file: Path) -> Checked:
    """What is wrong with the template in a file."""
    try:
        template = read_template(file)
    except TemplateError as error:
        return Checked([Finding(str(file), error.line, error.column, "error", "template", str(error))], is_read=False)
    ours = sum(kind in RESOURCE_MODELS for kind in types_of(template).values())
    return Checked(check_template(template, str(file)), ours)


def check_template(template: Node, file: str) -> list[Finding]:
    return sorted(set(_Check(template, file).findings()))


@dataclass
class _Check:
    template: Node
    file: str
    styles: dict[str, KeyStyle] = field(default_factory=dict)
    keys: dict[str, Keys] = field(default_factory=dict)
    """By logical id, what is known of the keys of a run's answer."""

    def findings(self) -> Iterator[Finding]:
        yield from self._misplaced()
        resources = dict(self._resources())
        tokens = {self._token(each) for each in resources.values() if _type(each) in RESOURCE_MODELS} - {""}
        ways = Ways(self.template)
        for name, resource in resources.items():
            token = self._token(resource)
            # Another type with our token is a mistake; with another token it is somebody else's.
            is_meant = _type(resource) in RESOURCE_MODELS or _meant(_type(resource))
            if is_meant or token in tokens or "threadrun" in token:
                yield from self._resource(name, resource, ways)
        yield from self._attributes({name: _type(each) for name, each in resources.items()})

    def _resources(self) -> Iterator[tuple[str, Node]]:
        """Custom resources, and what is meant to be one of ours."""
        resources = self.template.get("Resources")
        for name, each in resources.items() if resources else ():
            if _type(each).startswith("Custom::") or _type(each) == UNNAMED_TYPE or _meant(_type(each)):
                yield name, each

    def _misplaced(self) -> Iterator[Finding]:
        """Resources that are not looked at, though they are meant to be ours."""
        resources = self.template.get("Resources")
        for name, each in resources.items() if resources else ():
            if name.startswith("Fn::ForEach") and any(_type(node) in RESOURCE_MODELS for node in each.walk()):
                sentence = f"{name}: resources of a loop are not checked"
                yield self._finding("", (each.line, each.column), "advice", sentence, "warning")
            for key, at in (each.keys or {}).items():
                value = each.get(key)
                if key != "Type" and key.lower() == "type" and value and _meant(str(value.value), is_exact=True):
                    yield self._finding(name, at, "type", f"{key}: write it as Type")

    def _token(self, resource: Node) -> str:
        token = resource.get("Properties", "ServiceToken")
        return json.dumps(plain(token)) if token else ""

    def _resource(self, name: str, resource: Node, ways: Ways) -> Iterator[Finding]:
        kind, properties = resource.get("Type") or resource, resource.get("Properties")
        try:
            model = model_of(_type(resource))
        except TerminalError as error:
            meant = _meant(_type(resource))
            sentence = f"unknown resource type {_type(resource)}: write it as {meant}" if meant else error.reason
            yield self._finding(name, (kind.line, kind.column), "type", sentence)
            return
        if properties is None or isinstance(properties.value, list | str):
            yield self._finding(name, *_no_properties(resource))
            return
        beside = [key for key in resource.keys or {} if _is_argument(key, model)]
        for key in beside:
            yield self._finding(name, (resource.keys or {})[key], "properties", f"{key}: write it below Properties")
        if beside:
            return  # The rest would be about what they are missing from.
        for sentence, level in wrong_token(resource):
            where = resource.get("Properties", "ServiceToken") or properties
            yield self._finding(name, (where.line, where.column), "service-token", sentence, level)
        told = set[Place]()
        for wrong in wrong_references(properties, self.template):
            told.add(normal(wrong.place))
            yield self._finding(name, (wrong.line, wrong.column), "reference", wrong.sentence)
        for choice in ways.of(resource):
            yield from self._in_one_way(name, resource, model, Resolver(ways, choice, told))

    def _in_one_way(self, name: str, resource: Node, model: type[AnyDesired], resolver: Resolver) -> Iterator[Finding]:
        properties = resource.get("Properties")
        raw = resolver.resolve(properties) if properties and isinstance(properties.value, dict) else {}
        if not isinstance(raw, dict):
            return
        places = {normal(place): at for place, at in resolver.positions.items()} or {
            (): (resource.line, resource.column)
        }
        examined = examine_known(raw, model, resolver.unknown, resolver.texts)
        self.styles[name] = examined.style
        for place in resolver.nulls:
            sentence = f"{path(place)}: is null, which no template may have: give it a value, or leave it out"
            yield self._finding(name, _nearest(places, place), "properties", sentence)
        for place, written, right in resolver.misspelt:
            sentence = f"{path(place)}: {written} is no function of CloudFormation: write it as {right}"
            yield self._finding(name, _nearest(places, place), "properties", sentence)
        for problem in examined.problems:
            at = _nearest(places, (*problem.place, *problem.within))
            yield self._finding(name, at, "properties", str(problem))
        self.keys[name], meant = advise(examined.desired, raw, resolver)
        for place, sentence, level in meant:
            rule = "advice" if level == "warning" else "properties"
            yield self._finding(name, _nearest(places, place), rule, f"{path(place)}: {sentence}", level)

    def _attributes(self, types: dict[str, str]) -> Iterator[Finding]:
        for part in ("Resources", "Outputs"):
            for node in (self.template.get(part) or Node({}, 1, 1)).walk():
                for name, attribute in _asked(node):
                    if types.get(name) in RESOURCE_MODELS:
                        yield from self._attribute(node, name, attribute, types[name])

    def _attribute(self, node: Node, name: str, attribute: str, kind: str) -> Iterator[Finding]:
        at, style = (node.line, node.column), self.styles.get(name, "snake_case")
        known = [_spelled(each, style) for each in attributes_of(kind)]
        prefix = _spelled("output.", style)
        if attribute in known:
            return
        if attribute.startswith(prefix) and _spelled("output.<key>", style) in known:
            if told := self.keys.get(name, Keys()).told(attribute.removeprefix(prefix), attribute):
                yield self._finding(name, at, "attribute", *told)
            return
        near = nearest(attribute, known, _plain)
        hint = f"known are {', '.join(known)}"
        if near:
            hint = f"the nearest is {near}"
            hint += f", as the keys of its properties are in {style}" if _plain(attribute) == _plain(near) else ""
        has = f"has no attribute {attribute}" if attribute else f"!GetAtt {name} names no attribute"
        yield self._finding(name, at, "attribute", f"{has}: {hint}")

    def _finding(self, name: str, at: tuple[int, int], rule: str, message: str, level: Level = "error") -> Finding:
        return Finding(self.file, *at, level, rule, in_json(message) if self.template.is_json else message, name)


def _type(resource: Node) -> str:
    kind = resource.get("Type")
    return kind.value if kind is not None and isinstance(kind.value, str) else ""


def _meant(kind: str, *, is_exact: bool = False) -> str | None:
    """The resource type of ours that is written another way: without `Custom::`, or in other letters."""
    plain_kind = kind.lower().removeprefix("custom::")
    meant = next((each for each in RESOURCE_MODELS if each.lower().removeprefix("custom::") == plain_kind), None)
    return meant if is_exact or kind != meant else None


def _no_properties(resource: Node) -> tuple[tuple[int, int], str, str]:
    """Where the properties should be, and what to write there."""
    properties = resource.get("Properties")
    if properties is not None:
        sentence = 'Properties: must be a map: write its keys without "- "'
        return (properties.line, properties.column), "properties", sentence
    for key, at in (resource.keys or {}).items():
        if difflib.SequenceMatcher(None, key.lower(), "properties").ratio() >= NEAR:
            return at, "properties", f"{key}: write it as Properties"
    sentence = "has no Properties: write ServiceToken and the arguments under Properties"
    return (resource.line, resource.column), "properties", sentence


def _is_argument(key: str, model: type[AnyDesired]) -> bool:
    if key in _OF_RESOURCES:
        return False
    names = {field.alias or name for name, field in model.model_fields.items()} | RESERVED
    return key in names or key in map(to_pascal, names)


def _plain(attribute: str) -> str:
    return str(normal((attribute,))[0])


def _nearest(places: dict[Place, tuple[int, int]], place: Place) -> tuple[int, int]:
    """Where the value is written, or what it is missing from."""
    key = normal(place)
    while key and key not in places:
        key = key[:-1]
    return places[key]


def _asked(node: Node) -> Iterator[tuple[str, str]]:
    """The attributes that a function asks for: of which resource, and their names."""
    name, argument = node.function or ("", node)
    if name == "Fn::GetAtt":
        value = argument.value
        listed = [each.value for each in value] if isinstance(value, list) else []
        parts = list(value.partition(".")[::2]) if isinstance(value, str) else listed
        if len(parts) == 2 and isinstance(parts[0], str) and isinstance(parts[1], str):
            yield parts[0], parts[1]
    if name == "Fn::Sub":
        text = argument.value[0].value if isinstance(argument.value, list) and argument.value else argument.value
        yield from _PLACEHOLDER.findall(text) if isinstance(text, str) else ()


def _spelled(attribute: str, style: KeyStyle) -> str:
    return (
        ".".join(map(to_pascal, attribute.split("."))).replace("<Key>", "<key>") if style == "PascalCase" else attribute
    )
