"""What a value has to be: a condition on it in HCL, and the sentence for one that is not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from local.modules.hcl import quoted
from local.modules.shapes import Shape

NO_FUNCTION = 'key != "Ref" && !startswith(key, "Fn::")'
"""What CloudFormation would take for a function of its own."""

_FIRST_LETTERS = {"object": "{", "list": "[", "null": "n"}
"""Of what JSON has for it."""


@dataclass(frozen=True)
class Limit:
    """A condition that is false where a value is beyond it, and what to say then."""

    condition: str
    sentence: str
    can_fail: bool = True
    """Whether the condition may be an error instead."""


def either(words: Sequence[str]) -> str:
    """`a, b or c`."""
    *others, last = words
    return f"{', '.join(others)} or {last}" if others else last


def is_a(kind: str, value: str) -> str:
    """Known as soon as the type of the value is, which `can` is not while there is something unknown in it."""
    return f'startswith(jsonencode({value}), "{_FIRST_LETTERS[kind]}")'


def limits(shape: Shape, value: str) -> Iterator[Limit]:
    """What `value`, of an argument or of a key that is no object of known keys, has to be."""
    if shape.is_json:
        as_text, as_map = f"can(keys(jsondecode(tostring({value}))))", f"can(keys({value}))"
        yield Limit(f"{as_text} || {as_map}", "must be a JSON object, as text or as a map")
    elif shape.is_map:
        yield _of_map(shape.schema, value)
        yield Limit(
            f"!can(keys({value})) || alltrue([for key in keys({value}) : {NO_FUNCTION}])",
            "must not have a key Ref, or one that starts with Fn::, as CloudFormation takes these for functions",
        )
    elif shape.is_list:
        least, item = shape.schema.get("minItems"), _of_scalar(shape.schema["items"], "each")
        condition = f"{is_a('list', value)} && alltrue([for each in {value} : {item.condition}])"
        count = "" if least is None else f" && length({value}) >= {least}"
        at_least = "" if least is None else f"at least {least} of them, "
        yield Limit(condition + count, f"must be a list, {at_least}each of which {item.sentence}")
    else:
        # Terraform has seen to the type of a variable.
        yield replace(_of_scalar(shape.schema, value), can_fail=not value.startswith("var."))


def _of_map(schema: dict[str, Any], value: str) -> Limit:
    if "maxProperties" not in schema:
        condition = f"{is_a('object', value)} && alltrue([for key, text in {value} : text != null])"
        return Limit(condition, "must be a map of text without null")
    names, most = schema["propertyNames"], schema["maxProperties"]
    shortest, longest, text = names["minLength"], names["maxLength"], schema["additionalProperties"]["maxLength"]
    each = f"length(key) >= {shortest} && length(key) <= {longest} && length(tostring(text)) <= {text}"
    return Limit(
        f"{is_a('object', value)} && length({value}) <= {most} && alltrue([for key, text in {value} : {each}])",
        f"takes at most {most} pairs, keys of {shortest} to {longest} and values of at most {text} characters",
    )


def _of_scalar(schema: dict[str, Any], value: str) -> Limit:
    if schema["type"] == "boolean":
        return Limit(f"tobool({value}) != null", "must be true or false")
    if schema["type"] in ("integer", "number"):
        return _of_number(schema, value)
    if choices := schema.get("enum", [schema["const"]] if "const" in schema else []):
        return Limit(f"contains([{', '.join(map(quoted, choices))}], {value})", f"must be {either(choices)}")
    if pattern := schema.get("pattern"):
        looks = schema.get("patternErrorMessage", f"must match {pattern}")
        return Limit(f"can(regex({quoted(pattern)}, {value}))", looks)
    least, most, length = schema.get("minLength", 0), schema.get("maxLength"), f"length({_as('tostring', value)})"
    if most is None:
        return Limit(f"{length} >= {least}", "must be text that is not empty" if least else "must be text")
    return Limit(f"{length} >= {least} && {length} <= {most}", f"must have {least} to {most} characters")


def _of_number(schema: dict[str, Any], value: str) -> Limit:
    # pydantic has its own names for the bounds of what it reads with a function.
    least, most = schema.get("minimum", schema.get("ge")), schema.get("maximum", schema.get("le"))
    number, is_whole = _as("tonumber", value), schema["type"] == "integer"
    conditions = [f"{number} >= {least}"] if least is not None else []
    conditions += [f"{number} <= {most}"] if most is not None else []
    conditions += [f"floor({number}) == {number}"] if is_whole else []
    bounds = f" from {least} to {most}"
    if least is None or most is None:
        bounds = f", {least} at least" if least is not None else f", {most} at most" if most is not None else ""
    kind = "whole number" if is_whole else "number"
    return Limit(" && ".join(conditions or [f"{number} != null"]), f"must be a {kind}{bounds}")


def _as(conversion: str, value: str) -> str:
    return value if value.startswith("var.") else f"{conversion}({value})"
