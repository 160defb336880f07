"""The validations of a variable. Objects are of type `any` there, as Terraform drops unknown keys of a typed one.

So what a type would say is said by conditions: one for the keys of each object, one for each value in it. What is not
known before the apply leaves all else checked: `can` and `try` wait for it, so neither is asked about a whole object.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from local.modules.hcl import attributes, block, bracketed, quoted
from local.modules.limits import Limit, either, limits
from local.modules.shapes import Shape, objects
from local.modules.walks import Walk
from threadrun.schema.arguments import Rule

Lines = list[str]


def preconditions(rules: Sequence[Rule]) -> Lines:
    """A precondition for each rule between several arguments."""
    lines = Lines()
    for each in rules:
        if each.any_of != (each.argument,):
            condition = " || ".join(map(_is_true, each.any_of))
            lines += ["", *_check("precondition", condition, quoted(f"{each.argument}: {each.sentence}."))]
    return lines


def _is_true(term: str) -> str:
    if "." in term:
        return f"try(length(var.{term}), 0) > 0"
    return f"var.{term[1:]} == null" if term.startswith("!") else f"var.{term} != null"


def validations(shape: Shape, variable: str, is_required: bool) -> Iterator[Lines]:
    """The validation blocks of the variable of this name."""
    if not shape.children and shape.schema["type"] != "boolean":
        for limit in limits(shape, f"var.{variable}"):
            condition = _checked(limit, f"var.{variable}", is_required)
            yield _validation(condition, f"{variable} {limit.sentence}.")
    for way in objects(shape):
        walk = Walk(variable, way)
        yield _of_keys(walk)
        yield from _of_types(walk)
        for key in walk.way[-1].children:
            for limit in [] if key.children else limits(key, "value"):
                checked = _checked(limit, "value", key.is_required)
                condition = walk.every(f'for key, value in {walk.item} : {checked} if key == "{key.name}"')
                yield _validation(condition, f"{walk.place}.{key.name} {limit.sentence}.")


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
    return _check("validation", f"length({found}) == 0", f'nonsensitive(sensitive(join("\\n", {found})))')


def _of_types(walk: Walk) -> Iterator[Lines]:
    """Of the keys that are for some values of `type` only."""
    shape = walk.way[-1]
    for name, types in shape.typed.only_for.items():
        is_of_type = f"try(contains({_list(types)}, {walk.item}.type), false)"
        possible = f'for key, value in {walk.item} : value == null ? true : {is_of_type} if key == "{name}"'
        yield _validation(walk.every(possible), f"{walk.place}: {name} is possible for type {either(types)} only.")
        if name in shape.typed.required_for_their_types:
            present = f"!{is_of_type} || try({walk.item}.{name}, null) != null"
            yield _validation(walk.every(present), f"{walk.place}: {name} is required for type {either(types)}.")


def _checked(limit: Limit, value: str, is_required: bool) -> str:
    checked = f"try({limit.condition}, false)" if limit.can_fail else limit.condition
    return checked if is_required else f"{value} == null ? true : {checked}"


def _validation(condition: str, sentence: str) -> Lines:
    return _check("validation", condition, quoted(sentence))


def _check(kind: str, condition: str, message: str) -> Lines:
    return block(kind, attributes([("condition", condition), ("error_message", message)]))


def _list(texts: Sequence[str]) -> str:
    return f"[{', '.join(map(quoted, texts))}]"
