"""Exists to say in OpenAI's own words what a JSON Schema does not allow: message, param and code of the refusal."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from jsonschema import ValidationError

from .errors import ApiError, exclusive, missing, refused, unknown, wrong_prefix

_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", type(None): "null"}
_SPOKEN = {"integer": "an integer", "number": "a decimal", "array": "an array", "object": "an object", "null": "null"}
# What is out of bounds, what was expected, and the code.
_BOUNDS = {
    "minimum": ("{kind} below minimum value", "a value >= {bound}", "{kind}_below_min_value"),
    "maximum": ("{kind} above maximum value", "a value <= {bound}", "{kind}_above_max_value"),
    "minLength": ("empty string", "a string with minimum length {bound}", "empty_string"),
    "maxLength": ("string too long", "a string with maximum length {bound}", "string_above_max_length"),
    "minItems": ("empty array", "an array with minimum length {bound}", "empty_array"),
    "maxItems": ("array too long", "an array with maximum length {bound}", "array_above_max_length"),
    "maxProperties": (
        "too many properties",
        "an object with at most {bound} properties",
        "object_above_max_properties",
    ),
}


def refusal(error: ValidationError) -> ApiError:
    """Word the refusal of one violation."""
    param, keyword = _param(error.absolute_path), str(error.validator)
    wanted: Any = error.validator_value
    value: Any = error.instance
    if keyword in _BOUNDS:
        return _out_of_bounds(error, param)
    match keyword:
        case "required":
            return missing(_below(param, next(name for name in wanted if name not in value)))
        case "additionalProperties":
            return unknown(_below(param, error.message))
        case "type":
            got = _spoken(_TYPES.get(type(value), "object"))
            message = f"Invalid type for '{param}': expected {_expected(wanted)}, but got {got} instead."
            return refused(message, param, "invalid_type")
        case "enum":
            # OpenAI names the member of a list, not its `type`.
            param = param.removesuffix(".type") if param.endswith("].type") else param
            return refused(
                f"Invalid value: '{value}'. Supported values are: {_listed(wanted)}.", param, "invalid_value"
            )
        case "prefix":
            return wrong_prefix(param, value, wanted)
        case "pattern":
            message = f"Invalid '{param}': string does not match pattern. "
            message += f"Expected a string that matches the pattern '{wanted}'."
            return refused(message, param, "invalid_value")
    return _exclusive(param, [name for each in wanted for name in each["required"]], value)


def _out_of_bounds(error: ValidationError, param: str) -> ApiError:
    value: Any = error.instance
    schema: Any = error.schema
    kind = "decimal" if schema.get("type") == "number" else "integer"
    texts = (each.format(kind=kind, bound=error.validator_value) for each in _BOUNDS[str(error.validator)])
    problem, expected, code = texts
    where = f"Invalid '{param}': {problem}."
    if "propertyNames" in error.absolute_schema_path:
        where, code = f"Invalid property name in '{param}': '{value}' is too long.", "property_name_above_max_length"
    return refused(f"{where} Expected {expected}, but got {_size(value)} instead.", param, code)


def _size(value: Any) -> str:
    if isinstance(value, int | float):
        return str(value)
    kind = _TYPES.get(type(value), "object")
    if not value:
        return f"an empty {kind}"
    size = f"{len(value)} properties" if kind == "object" else f"length {len(value)}"
    return f"{_spoken(kind)} with {size}"


def _exclusive(param: str, names: Sequence[str], value: Mapping[str, Any]) -> ApiError:
    """Refuse none or several of the fields of which there must be one."""
    if not any(name in value for name in names):
        return missing(_below(param, names[0]))
    return exclusive(param, [_below(param, name) for name in names])


def _param(path: Iterable[str | int]) -> str:
    """Name a place as OpenAI does: `tools[0].name`."""
    param = ""
    for each in path:
        param = f"{param}[{each}]" if isinstance(each, int) else _below(param, each)
    return param


def _below(param: str, name: str) -> str:
    return f"{param}.{name}" if param else name


def _spoken(kind: str) -> str:
    return _SPOKEN.get(kind, f"a {kind}")


def _expected(wanted: str | Sequence[str]) -> str:
    kinds = [wanted] if isinstance(wanted, str) else list(dict.fromkeys(wanted))
    if len(kinds) == 1:
        return _spoken(kinds[0])
    return "one of a " + " or ".join("array of objects" if each == "array" else each for each in kinds)


def _listed(values: Sequence[Any]) -> str:
    quoted = [f"'{each}'" for each in dict.fromkeys(values)]
    return " and ".join(quoted) if len(quoted) < 3 else f"{', '.join(quoted[:-1])}, and {quoted[-1]}"
