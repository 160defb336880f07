"""The arguments as they go into a stack's template: without what was left out, each value in its type."""

from __future__ import annotations

from local.modules.hcl import attributes, bracketed
from local.modules.shapes import SCALARS, Shape

_TO = {"string": "tostring", "number": "tonumber", "bool": "tobool"}
_IF_GIVEN = "} : key => value if value != null"


def body(shape: Shape, value: str) -> str:
    """The expression for what `value` of a variable has."""
    if shape.is_list and shape.children:
        return "\n".join(bracketed("[", _objects(shape, value), "]"))
    if shape.children:
        return "\n".join(bracketed("{", _object(shape, value), "}"))
    if shape.is_json:
        # A map as text: CloudFormation would make strings of its numbers.
        return f"try(tostring({value}), jsonencode({value}))"
    if shape.is_map:
        return f"{{ for key, text in {value} : key => tostring(text) }}"
    if shape.is_list:
        return f"[for each in {value} : {_TO[SCALARS[shape.schema['items']['type']]]}(each)]"
    return f"{_TO[SCALARS[shape.schema['type']]]}({value})"


def _objects(shape: Shape, value: str) -> list[str]:
    return bracketed(f"for {shape.item} in {value} : {{", _object(shape, shape.item), "}")


def _object(shape: Shape, value: str) -> list[str]:
    keys = [(each.name, _of_key(each, f"{value}.{each.name}")) for each in shape.children]
    return bracketed("for key, value in {", attributes(keys), _IF_GIVEN)


def _of_key(shape: Shape, value: str) -> str:
    written = body(shape, value)
    if shape.is_required:
        return written
    if shape.children and not shape.is_list:
        return f"try({value}, null) == null ? null : {written}"
    return f"try({written}, null)"
