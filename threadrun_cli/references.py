"""References within the properties of a resource: to what there is not, or to something else than is meant."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from pydantic.alias_generators import to_pascal

from threadrun.schema.problems import Place, path
from threadrun.schema.unknown import nearest
from threadrun_cli.properties import normal
from threadrun_cli.template import Node, meant_function

_PLACEHOLDER = re.compile(r"\$\{([^!}][^}]*)\}")
_OF_FUNCTION = re.compile(r"(?i)fn\W")
_SAM = "AWS::Serverless-2016-10-31"
_FUNCTIONS = ("AWS::Lambda::Function", "AWS::Serverless::Function")


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
    if not isinstance(node.value, dict) or len(node.value) != 1:
        return None
    [(key, argument)] = node.value.items()
    if _OF_FUNCTION.match(key):
        return meant_function(key)
    if key == "Ref" or key.lower() != "ref" or not isinstance(argument.value, str):
        return None
    names = {name for part in ("Parameters", "Resources") for name, _ in _entries(template, part)}
    return "Ref" if argument.value in names else None


def types_of(template: Node) -> dict[str, str]:
    """The type of each resource of the template."""
    found = {name: each.get("Type") for name, each in _entries(template, "Resources")}
    return {name: kind.value if kind and isinstance(kind.value, str) else "" for name, kind in found.items()}


def _undefined(node: Node, known: set[str] | None, template: Node) -> Iterator[str]:
    for name in targets(*node.function) if known is not None and node.function else ():
        is_made = template.get("Transform") and (name.startswith(("Serverless", *(known or ()))))
        if name.startswith("AWS::") or name in (known or ()) or is_made:
            continue
        near = nearest(name, sorted(known or ()), str)
        hint = f": the nearest is {near}" if near else ": declare it, or correct the name"
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
    if last == "thread" and kind == "Custom::OpenAIThread":
        key = "ExistingThreadId" if str(place[-1])[:1].isupper() else "existing_thread_id"
        yield f"must be a map: write `{key}: !Ref {target}` in its place"
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


def targets(name: str, argument: Node) -> Iterator[str]:
    """The parameters and resources that a function refers to."""
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
