"""What a value has to be: a condition on it in HCL, and the sentence for one that is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from local.modules.hcl import quoted
from local.modules.shapes import Shape

NO_FUNCTION = 'key != "Ref" && !startswith(key, "Fn::")'
"""What CloudFormation would take for a function of its own."""


@dataclass(frozen=True)
class Rule:
    """A condition that is false where it is broken, and what to say then."""

    condition: str
    sentence: str
    can_fail: bool = True
    """Whether the condition may be an error instead."""


def either(words: Sequence[str]) -> str:
    """`a, b or c`."""
    *others, last = words
    return f"{', '.join(others)} or {last}" if others else last


def is_object(value: str) -> str:
    """Known as soon as the type of the value is, which `can` is not while there is something unknown in it."""
    return f'startswith(jsonencode({value}), "{{")'


def is_list(value: str) -> str:
    return f'startswith(jsonencode({value}), "[")'


def is_null(value: str) -> str:
    return f'startswith(jsonencode({value}), "n")'


def rules(shape: Shape, value: str) -> list[Rule]:
    """What `value`, of an argument or of a key that is no object of known keys, has to be."""
    if shape.is_json:
        as_text, as_map = f"can(keys(jsondecode(tostring({value}))))", f"can(keys({value}))"
        return [Rule(f"{as_text} || {as_map}", "must be a JSON object, as text or as a map")]
    if shape.is_map:
        return _of_map(shape.schema, value)
    if shape.is_list:
        return [_of_list(shape.schema, value)]
    if value.startswith("var."):
        # Terraform has seen to the type.
        return [replace(_of_scalar(shape.schema, value), can_fail=False)]
    return [_of_scalar(shape.schema, value)]


def _of_map(schema: dict[str, Any], value: str) -> list[Rule]:
    limits = ["text != null"]
    sentence = "must be a map of text without null"
    if "maxProperties" in schema:
        names, values = schema["propertyNames"], schema["additionalProperties"]
        least, most, longest = names["minLength"], names["maxLength"], values["maxLength"]
        limits = [f"length(key) >= {least}", f"length(key) <= {most}", f"length(tostring(text)) <= {longest}"]
        sentence = f"takes at most {schema['maxProperties']} pairs, keys of {least} to {most} and values of at most "
        sentence += f"{longest} characters"
    each = f"alltrue([for key, text in {value} : {' && '.join(limits)}])"
    count = [f"length({value}) <= {schema['maxProperties']}"] if "maxProperties" in schema else []
    return [
        Rule(" && ".join([is_object(value), *count, each]), sentence),
        Rule(
            f"!can(keys({value})) || alltrue([for key in keys({value}) : {NO_FUNCTION}])",
            "must not have a key Ref, or one that starts with Fn::, as CloudFormation takes these for functions",
        ),
    ]


def _of_list(schema: dict[str, Any], value: str) -> Rule:
    item = _of_scalar(schema["items"], "each")
    condition = f"{is_list(value)} && alltrue([for each in {value} : {item.condition}])"
    if "minItems" in schema:
        condition += f" && length({value}) >= {schema['minItems']}"
    at_least = f"at least {schema['minItems']} of them, " if "minItems" in schema else ""
    return Rule(condition, f"must be a list, {at_least}each of which {item.sentence}")


def _of_scalar(schema: dict[str, Any], value: str) -> Rule:
    if schema["type"] == "boolean":
        return Rule(f"tobool({value}) != null", "must be true or false")
    if schema["type"] in ("integer", "number"):
        return _of_number(schema, value)
    if choices := schema.get("enum", [schema["const"]] if "const" in schema else []):
        known = ", ".join(map(quoted, choices))
        return Rule(f"contains([{known}], {value})", f"must be {either(choices)}")
    if "pattern" in schema:
        pattern = schema["pattern"]
        sentence = f"must look like {schema['format']}" if "format" in schema else f"must match {pattern}"
        return Rule(f"can(regex({quoted(pattern)}, {value}))", sentence)
    least, most = schema.get("minLength", 0), schema.get("maxLength")
    condition = f"length({_as('tostring', value)}) >= {least}"
    if most is None:
        return Rule(condition, "must be text that is not empty" if least else "must be text")
    return Rule(f"{condition} && length({_as('tostring', value)}) <= {most}", f"must have {least} to {most} characters")


def _of_number(schema: dict[str, Any], value: str) -> Rule:
    kind = "whole number" if schema["type"] == "integer" else "number"
    least = schema.get("minimum", schema.get("ge"))
    most = schema.get("maximum", schema.get("le"))
    conditions = [f"{_as('tonumber', value)} >= {least}"] if least is not None else []
    conditions += [f"{_as('tonumber', value)} <= {most}"] if most is not None else []
    conditions += [f"floor({_as('tonumber', value)}) == {_as('tonumber', value)}"] if kind == "whole number" else []
    bounds = f" from {least} to {most}" if least is not None and most is not None else ""
    bounds = bounds or (f", {least} at least" if least is not None else f", {most} at most" if most is not None else "")
    return Rule(" && ".join(conditions or [f"{_as('tonumber', value)} != null"]), f"must be a {kind}{bounds}")


def _as(conversion: str, value: str) -> str:
    return value if value.startswith("var.") else f"{conversion}({value})"
