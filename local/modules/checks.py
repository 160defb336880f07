"""The validations of a variable. Objects are of type `any` there, as Terraform drops unknown keys of a typed one.

So what a type would say is said by conditions: one for the keys of each object, one for each value in it. What is not
known before the apply leaves all else checked: `can` and `try` wait for it, so neither is asked about a whole object.
"""

from __future__ import annotations

from collections.abc import Iterator

from local.modules.hcl import attributes, block, bracketed, quoted
from local.modules.rules import Rule, either, rules
from local.modules.shapes import Shape, objects
from local.modules.walks import Walk

Lines = list[str]


def validations(shape: Shape, variable: str, is_required: bool) -> Iterator[Lines]:
    """The validation blocks of the variable of this name."""
    if shape.children:
        for way in objects(shape):
            walk = Walk(variable, way)
            yield _of_keys(walk)
            yield from _of_types(walk)
            yield from _of_values(walk)
    elif shape.schema["type"] != "boolean":
        for rule in rules(shape, f"var.{variable}"):
            condition = _checked(rule, f"var.{variable}", is_required)
            yield _validation(condition, quoted(f"{variable} {rule.sentence}."))


def _of_keys(walk: Walk) -> Lines:
    """That it is an object, or a list of them, each with all required keys and no unknown one."""
    known = [child.name for child in walk.way[-1].children]
    required = [child.name for child in walk.way[-1].children if child.is_required]
    unknown = f'"{walk.place_of_each}: unknown key \\"${{key}}\\"; known are {", ".join(known)}."'
    body = bracketed("[", [f"for key in setsubtract(keys({walk.item}), {_list(known)}) :", unknown], "],")
    if required:
        missing = f'"{walk.place_of_each}: ${{key}} is required."'
        body += bracketed("[", [f"for key in setsubtract({_list(required)}, keys({walk.item})) :", missing], "],")
    found = f"flatten({walk.problems(body)})"
    # The names of keys are no secret, where their values are.
    return _validation(f"length({found}) == 0", f'nonsensitive(sensitive(join("\\n", {found})))')


def _of_types(walk: Walk) -> Iterator[Lines]:
    """Of the keys that are for some values of `type` only."""
    shape = walk.way[-1]
    for name, types in shape.only_for.items():
        is_of_type = f"try(contains({_list(types)}, {walk.item}.type), false)"
        possible = f'for key, value in {walk.item} : value == null ? true : {is_of_type} if key == "{name}"'
        yield _validation(
            walk.every(possible), quoted(f"{walk.place}: {name} is possible for type {either(types)} only.")
        )
        if name in shape.required_for_their_types:
            present = f"!{is_of_type} || try({walk.item}.{name}, null) != null"
            yield _validation(
                walk.every(present), quoted(f"{walk.place}: {name} is required for type {either(types)}.")
            )


def _of_values(walk: Walk) -> Iterator[Lines]:
    """Of each key whose value is no object of known keys."""
    for key in walk.way[-1].children:
        for rule in [] if key.children else rules(key, "value"):
            checked = _checked(rule, "value", key.is_required)
            condition = walk.every(f'for key, value in {walk.item} : {checked} if key == "{key.name}"')
            yield _validation(condition, quoted(f"{walk.place}.{key.name} {rule.sentence}."))


def _checked(rule: Rule, value: str, is_required: bool) -> str:
    checked = f"try({rule.condition}, false)" if rule.can_fail else rule.condition
    return checked if is_required else f"{value} == null ? true : {checked}"


def _validation(condition: str, message: str) -> Lines:
    return block("validation", attributes([("condition", condition), ("error_message", message)]))


def _list(texts: list[str] | tuple[str, ...]) -> str:
    return f"[{', '.join(map(quoted, texts))}]"
