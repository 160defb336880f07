"""Checks the resources of a template: all that the deployment itself would say of them, and what it could not know."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from pydantic.alias_generators import to_pascal

from threadrun.errors import TerminalError
from threadrun.schema.arguments import RESOURCE_MODELS
from threadrun.schema.parsing import UNNAMED_TYPE, KeyStyle, model_of
from threadrun.schema.problems import Place, path
from threadrun_cli.advice import advise
from threadrun_cli.findings import Finding, Level
from threadrun_cli.intrinsics import Resolver, Ways, plain
from threadrun_cli.properties import examine_known, normal
from threadrun_cli.template import Node, TemplateError, read_template

EXPORT = "-ServiceToken"
"""How the export of the application's output ServiceToken ends."""
_NEAR = 0.75
_PLACEHOLDER = re.compile(r"\$\{(\w+)\.([^!}]+)\}")


def check_file(file: Path) -> list[Finding]:
    """What is wrong with the template in a file: none where it has no resources of ours."""
    try:
        template = read_template(file)
    except TemplateError as error:
        return [Finding(str(file), error.line, error.column, "error", "template", str(error))]
    return check_template(template, str(file)) if template else []


def check_template(template: Node, file: str) -> list[Finding]:
    return sorted(set(_Check(template, file).findings()))


@dataclass
class _Check:
    template: Node
    file: str
    styles: dict[str, KeyStyle] = field(default_factory=dict)
    keys: dict[str, frozenset[str] | None] = field(default_factory=dict)
    """By logical id, the keys that the answer of a run can have; None where any may be one."""

    def findings(self) -> Iterator[Finding]:
        resources = dict(self._resources())
        tokens = {self._token(each) for each in resources.values() if _type(each) in RESOURCE_MODELS} - {""}
        ways = Ways(self.template)
        for name, resource in resources.items():
            token = self._token(resource)
            # Another type with our token is a mistake; with another token it is somebody else's.
            if _type(resource) in RESOURCE_MODELS or token in tokens or "threadrun" in token:
                yield from self._resource(name, resource, ways)
        yield from self._attributes({name: _type(each) for name, each in resources.items()})

    def _resources(self) -> Iterator[tuple[str, Node]]:
        resources = self.template.get("Resources")
        for name, each in resources.items() if resources else ():
            custom = _type(each).startswith("Custom::") or _type(each) == UNNAMED_TYPE
            if custom:
                yield name, each

    def _token(self, resource: Node) -> str:
        token = resource.get("Properties", "ServiceToken")
        return json.dumps(plain(token)) if token else ""

    def _resource(self, name: str, resource: Node, ways: Ways) -> Iterator[Finding]:
        kind, properties = resource.get("Type") or resource, resource.get("Properties")
        yield from self._service_token(name, resource)
        try:
            model = model_of(_type(resource))
        except TerminalError as error:
            yield self._finding(name, (kind.line, kind.column), "type", error.reason)
            return
        for choice in ways.of(resource):
            resolver = Resolver(ways, choice)
            raw = resolver.resolve(properties) if properties and isinstance(properties.value, dict) else {}
            if not isinstance(raw, dict):
                continue
            places = {normal(place): at for place, at in resolver.positions.items()} or {
                (): (resource.line, resource.column)
            }
            examined = examine_known(raw, model, resolver.unknown)
            self.styles[name] = examined.style
            for place in resolver.nulls:
                sentence = f"{path(place)}: is null, which no template may have: give it a value, or leave it out"
                yield self._finding(name, _nearest(places, place), "properties", sentence)
            for problem in examined.problems:
                at = _nearest(places, (*problem.place, *problem.within))
                yield self._finding(name, at, "properties", str(problem))
            self.keys[name], meant = advise(examined.desired, raw, resolver)
            for place, sentence in meant:
                yield self._finding(name, _nearest(places, place), "advice", sentence, "warning")

    def _service_token(self, name: str, resource: Node) -> Iterator[Finding]:
        token = resource.get("Properties", "ServiceToken")
        properties = resource.get("Properties")
        where = token or properties or resource
        if token is None and properties and any(key.startswith("Fn::") for key, _ in properties.items()):
            return  # Fn::If and Fn::Transform may bring it.
        if token is None:
            sentence = f"ServiceToken: is required: `!ImportValue <name of the application's stack>{EXPORT}`"
            yield self._finding(name, (where.line, where.column), "service-token", sentence)
            return
        function = token.function
        if function and function[0] == "Fn::ImportValue" and isinstance(function[1].value, str):
            export = function[1].value
            end = "-" + export.rpartition("-")[2]
            if end != EXPORT and difflib.SequenceMatcher(None, end, EXPORT).ratio() >= _NEAR:
                right = export.removesuffix(end) + EXPORT
                sentence = f"ServiceToken: the application exports no {export}: write it as {right}"
                yield self._finding(name, (where.line, where.column), "service-token", sentence)

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
            keys, key = self.keys.get(name), attribute.removeprefix(prefix)
            if keys is not None and key not in keys:
                has = f"its schema has {', '.join(sorted(keys))}" if keys else "its answer is text: response_format"
                has += "" if keys else " of type json_schema gives it keys"
                yield self._finding(name, at, "attribute", f"may have no attribute {attribute}: {has}", "warning")
            return
        near = difflib.get_close_matches(_plain(attribute), [_plain(each) for each in known], 1, _NEAR)
        hint = f"known are {', '.join(known)}"
        if near:
            hint = f"the nearest is {next(each for each in known if _plain(each) == near[0])}"
            hint += f", as the keys of its properties are in {style}" if _plain(attribute) == near[0] else ""
        yield self._finding(name, at, "attribute", f"has no attribute {attribute}: {hint}")

    def _finding(self, name: str, at: tuple[int, int], rule: str, message: str, level: Level = "error") -> Finding:
        return Finding(self.file, *at, level, rule, message, name)


def _type(resource: Node) -> str:
    kind = resource.get("Type")
    return kind.value if kind is not None and isinstance(kind.value, str) else ""


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
        parts = value.partition(".")[::2] if isinstance(value, str) else listed
        if len(parts) == 2 and isinstance(parts[0], str) and isinstance(parts[1], str):
            yield parts[0], parts[1]
    if name == "Fn::Sub":
        text = argument.value[0].value if isinstance(argument.value, list) and argument.value else argument.value
        yield from _PLACEHOLDER.findall(text) if isinstance(text, str) else ()


def _spelled(attribute: str, style: KeyStyle) -> str:
    return (
        ".".join(map(to_pascal, attribute.split("."))).replace("<Key>", "<key>") if style == "PascalCase" else attribute
    )


@cache
def attributes_of(resource_type: str) -> tuple[str, ...]:
    """The attributes of a resource type; `output.<key>` stands for any key of an answer."""
    read: dict[str, list[str]] = json.loads(Path(__file__).with_name("attributes.json").read_text())
    return tuple(read.get(resource_type, ()))
