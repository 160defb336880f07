"""Exists so that request rules read as a table: small checks that combine, each refusing as OpenAI does.

A check takes a value and its path in the request ("tools[0].name") and raises `ApiError` (400) when the value
is wrong.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .errors import missing, refused, unknown, wrong_prefix

Check = Callable[[Any, str], None]

_NAMES = {bool: "a boolean", int: "an integer", float: "a decimal", str: "a string", list: "an array"}


def type_name(value: object) -> str:
    """Name a JSON value's type in OpenAI's words."""
    return "null" if value is None else _NAMES.get(type(value), "an object")


def require_type(value: object, types: tuple[type, ...], expected: str, path: str) -> None:
    """Refuse a value of another JSON type; a boolean is no number."""
    if type(value) not in types:
        message = f"Invalid type for '{path}': expected {expected}, but got {type_name(value)} instead."
        raise refused(message, path, "invalid_type")


def anything(value: Any, path: str) -> None:
    """Accept whatever is there."""


def boolean(value: Any, path: str) -> None:
    """Accept true and false."""
    require_type(value, (bool,), "a boolean", path)


def mapping(value: Any, path: str) -> None:
    """Accept any JSON object."""
    require_type(value, (dict,), "an object", path)


def string(*, longest: int | None = None, pattern: str | None = None, prefix: str | None = None) -> Check:
    """Accept strings, optionally bounded in characters, matching a pattern, or carrying an id's prefix."""

    def check(value: Any, path: str) -> None:
        require_type(value, (str,), "a string", path)
        if longest is not None and len(value) > longest:
            message = f"Invalid '{path}': string too long. Expected a string with maximum length {longest}, "
            message += f"but got a string with length {len(value)} instead."
            raise refused(message, path, "string_above_max_length")
        if pattern is not None and not re.fullmatch(pattern, value):
            message = f"Invalid '{path}': string does not match pattern. "
            message += f"Expected a string that matches the pattern '^{pattern}$'."
            raise refused(message, path, "invalid_value")
        if prefix is not None and not value.startswith(prefix):
            raise wrong_prefix(path, value, prefix)

    return check


def number(kind: str, minimum: float | None = None, maximum: float | None = None) -> Check:
    """Accept a number of one kind ("integer" or "decimal"), optionally bounded on either side, inclusive."""
    types: tuple[type, ...] = (int,) if kind == "integer" else (int, float)
    expected = "an integer" if kind == "integer" else "a decimal"

    def check(value: Any, path: str) -> None:
        require_type(value, types, expected, path)
        for bound, wrong, side, sign in (
            (minimum, minimum is not None and value < minimum, "below minimum", ">="),
            (maximum, maximum is not None and value > maximum, "above maximum", "<="),
        ):
            if wrong:
                message = f"Invalid '{path}': {kind} {side} value. Expected a value {sign} {bound}, "
                message += f"but got {value} instead."
                raise refused(message, path, f"{kind}_{side.replace('imum', '').replace(' ', '_')}_value")

    return check


def integer(minimum: int | None = None, maximum: int | None = None) -> Check:
    """Accept whole numbers."""
    return number("integer", minimum, maximum)


def decimal(minimum: int | None = None, maximum: int | None = None) -> Check:
    """Accept numbers."""
    return number("decimal", minimum, maximum)


def choice(*allowed: str) -> Check:
    """Accept one of the named strings."""

    def check(value: Any, path: str) -> None:
        require_type(value, (str,), "a string", path)
        if value not in allowed:
            raise unsupported_value(value, path, allowed)

    return check


def unsupported_value(value: object, path: str, allowed: Sequence[str]) -> Exception:
    """Say which values are supported (400)."""
    quoted = [f"'{name}'" for name in allowed]
    if len(quoted) > 2:
        quoted[-1] = f"and {quoted[-1]}"
    names = ", ".join(quoted) if len(quoted) > 2 else " and ".join(quoted)
    return refused(f"Invalid value: '{value}'. Supported values are: {names}.", path, "invalid_value")


def one_of(known: Mapping[str, Check]) -> Check:
    """Accept an object whose `type` chooses its check."""

    def check(value: Any, path: str) -> None:
        mapping(value, path)
        kind = value.get("type")
        if kind is None:
            raise missing(f"{path}.type")
        if kind not in known:
            raise unsupported_value(kind, path, list(known))
        known[kind](value, path)

    return check


def array(of: Check, *, fewest: int = 0, most: int | None = None) -> Check:
    """Accept a list whose every member passes, bounded in length."""

    def check(value: Any, path: str) -> None:
        require_type(value, (list,), "an array", path)
        if len(value) < fewest:
            message = f"Invalid '{path}': empty array. Expected an array with minimum length {fewest}, "
            raise refused(message + "but got an empty array instead.", path, "empty_array")
        if most is not None and len(value) > most:
            message = f"Invalid '{path}': array too long. Expected an array with maximum length {most}, "
            message += f"but got an array with length {len(value)} instead."
            raise refused(message, path, "array_above_max_length")
        for index, member in enumerate(value):
            of(member, f"{path}[{index}]")

    return check


def fields(known: Mapping[str, Check], required: Sequence[str] = ()) -> Check:
    """Accept an object with these fields only; what is missing is told before what is unknown."""

    def check(value: Any, path: str) -> None:
        require_type(value, (dict,), "an object", path)
        for name in required:
            if name not in value:
                raise missing(below(path, name))
        for name in value:
            if name not in known:
                raise unknown(below(path, name))
        for name, member in value.items():
            known[name](member, below(path, name))

    return check


def nullable(check: Check) -> Check:
    """Accept null as well."""
    return lambda value, path: None if value is None else check(value, path)


def either(expected: str, checks: Mapping[type, Check]) -> Check:
    """Choose the check by the value's JSON type; `expected` names the types in OpenAI's words."""

    def check(value: Any, path: str) -> None:
        require_type(value, tuple(checks), expected, path)
        checks[type(value)](value, path)

    return check


def below(path: str, name: str) -> str:
    """Name a field of the object at `path`."""
    return f"{path}.{name}" if path else name


def metadata(value: Any, path: str) -> None:
    """Accept at most 16 pairs, keys up to 64 and values up to 512 characters (SDK: `Metadata`)."""
    mapping(value, path)
    if len(value) > 16:
        message = f"Invalid '{path}': too many properties. Expected an object with at most 16 properties, "
        message += f"but got an object with {len(value)} properties instead."
        raise refused(message, path, "object_above_max_properties")
    for key, member in value.items():
        if len(key) > 64:
            message = f"Invalid property name in '{path}': '{key}' is too long. Expected a string with maximum "
            message += f"length 64, but got a string with length {len(key)} instead."
            raise refused(message, path, "property_name_above_max_length")
        string(longest=512)(member, below(path, key))
