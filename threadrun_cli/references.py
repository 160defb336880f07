"""References within the properties of a resource: to what there is not, or to something else than is meant."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from pydantic.alias_generators import to_pascal

from threadrun.schema.problems import Place, path
from threadrun_cli.properties import normal
from threadrun_cli.template import Node

_PLACEHOLDER = re.compile(r"\$\{([^!}][^}]*)\}")
_SAM = "AWS::Serverless-2016-10-31"
_FUNCTIONS = ("AWS::Lambda::Function", "AWS::Serverless::Function")
_NEAR = 0.75
_NAMES: tuple[str, ...] = (
    "Ref",
    "Condition",
    "Fn::Base64",
    "Fn::Cidr",
    "Fn::FindInMap",
    "Fn::GetAtt",
    "Fn::GetAZs",
    "Fn::If",
)
_NAMES += ("Fn::ImportValue", "Fn::Join", "Fn::Length", "Fn::Select", "Fn::Split", "Fn::Sub", "Fn::ToJsonString")


class Wrong(NamedTuple):
    place: Place
    line: int
    column: int
    sentence: str


def wrong_references(properties: Node, template: Node) -> Iterator[Wrong]:
    """What is wrong with the references within the properties of one resource."""
    types = types_of(template)
    known = None if _adds_names(template) else {*types, *(name for name, _ in _entries(template, "Parameters"))}
    for place, node in _placed(properties, ()):
        for sentence in (*_undefined(node, known, template), *_other(place, node, types)):
            yield Wrong(place, node.line, node.column, f"{path(place)}: {sentence}")


def misspelt(node: Node, template: Node) -> str | None:
    """How the function is written that a map with one key is meant to be."""
    if not isinstance(node.value, dict) or len(node.value) != 1 or node.function:
        return None
    [(key, argument)] = node.value.items()
    right = next((name for name in _NAMES if _plain(name) == _plain(key)), None)
    if right is None or key.lower().startswith("fn"):
        return right
    names = {name for part in ("Parameters", "Resources") for name, _ in _entries(template, part)}
    return right if right == "Ref" and argument.value in names else None


def types_of(template: Node) -> dict[str, str]:
    """The type of each resource of the template."""
    found = {name: each.get("Type") for name, each in _entries(template, "Resources")}
    return {name: kind.value if kind and isinstance(kind.value, str) else "" for name, kind in found.items()}


def _undefined(node: Node, known: set[str] | None, template: Node) -> Iterator[str]:
    for name in _targets(node) if known is not None else ():
        is_made = template.get("Transform") and (name.startswith(("Serverless", *(known or ()))))
        if name.startswith("AWS::") or name in (known or ()) or is_made:
            continue
        near = difflib.get_close_matches(name, sorted(known or ()), 1, _NEAR)
        hint = f": the nearest is {near[0]}" if near else ": declare it, or correct the name"
        yield f"the template has no parameter and no resource {name}{hint}"


def _other(place: Place, node: Node, types: Mapping[str, str]) -> Iterator[str]:
    """A `Ref` of a resource where another of its values is meant."""
    name, argument = node.function or ("", node)
    if name != "Ref" or not isinstance(argument.value, str):
        return
    target, at = argument.value, normal(place)
    kind, last = types.get(target, ""), at[-1] if at else ""
    if last == "handlerarn" and kind in _FUNCTIONS:
        yield f"`!Ref {target}` is the function's name: write `!GetAtt {target}.Arn`"
    if last == "existingthreadid" and kind == "Custom::OpenAIThreadRun":
        thread = to_pascal("thread_id") if str(place[-1])[:1].isupper() else "thread_id"
        yield f"`!Ref {target}` is thread_id:run_id: write `!GetAtt {target}.{thread}`"
    if at[-2:-1] == ("attachments",) and kind == "Custom::OpenAIFile":
        key = "FileId" if str(place[-2])[:1].isupper() else "file_id"
        yield f"must be a map: write it as `{key}: !Ref {target}`"


def _placed(node: Node, place: Place) -> Iterator[tuple[Place, Node]]:
    """Each value with its place; what a function is given is at the place of the function."""
    yield place, node
    is_call = node.function is not None
    within = enumerate(node.value) if isinstance(node.value, list) else node.items()
    for key, each in within:
        yield from _placed(each, place if is_call else (*place, key))


def _targets(node: Node) -> Iterator[str]:
    name, argument = node.function or ("", node)
    value = argument.value
    if name == "Ref" and isinstance(value, str):
        yield value
    if name == "Fn::GetAtt":
        first = value[0].value if isinstance(value, list) and value else value
        yield from [first.partition(".")[0]] if isinstance(first, str) else []
    if name == "Fn::Sub":
        text, own = (value[0].value, dict(value[-1].items())) if isinstance(value, list) and value else (value, {})
        for found in _PLACEHOLDER.findall(text) if isinstance(text, str) else ():
            if (target := found.strip().partition(".")[0]) not in own and found.strip() not in own:
                yield target


def _adds_names(template: Node) -> bool:
    """Whether a macro or a loop may add resources that the template does not name."""
    transform = template.get("Transform")
    return (
        "Fn::Transform" in dict(template.items())
        or (transform is not None and transform.value != _SAM)
        or any(name.startswith("Fn::") for name, _ in _entries(template, "Resources"))
    )


def _entries(template: Node, part: str) -> Iterator[tuple[str, Node]]:
    yield from (template.get(part) or Node({}, 1, 1)).items()


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
