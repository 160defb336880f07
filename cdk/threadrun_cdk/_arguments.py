"""Arguments by their type hints: what is wrong with them, and how they are written into a template."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

from aws_cdk import IResolvable, Stack, Token

_JSON = {Mapping[str, Any], str}
_KINDS = {str: "text", bool: "true or false", float: "a number"}


class Arguments:
    """Reads the arguments of one resource; `problems` are sentences that begin with the place in them."""

    def __init__(self, stack: Stack) -> None:
        self.problems: list[str] = []
        self._stack = stack

    def written(self, given: Mapping[str, Any], hints: Mapping[str, Any], place: str = "") -> dict[str, Any]:
        """The arguments, or keys of an object, that are given; their names are known."""
        return {
            name: self._value(value, hints[name], f"{place}.{name}".lstrip("."))
            for name, value in given.items()
            if value is not None
        }

    def _value(self, value: Any, hint: Any, place: str) -> Any:
        options = [each for each in _options(hint) if each not in (type(None), IResolvable)]
        if set(options) == _JSON and isinstance(value, Mapping):
            # As text: CloudFormation would make text of each number in it.
            return self._stack.to_json_string(value)
        for each in options:
            if _is_a(value, each):
                return self._within(value, each, place)
        # A token within text becomes text, which is no list and no map.
        if not Token.is_unresolved(value) or (isinstance(value, str) and all(map(_has_parts, options))):
            self.problems.append(f"{place}: must be {' or '.join(map(_expected, options))}")
        return value

    def _within(self, value: Any, hint: Any, place: str) -> Any:
        if is_typeddict(hint):
            return self._object(value, hint, place)
        if get_origin(hint) is Sequence:
            [item] = get_args(hint)
            if Token.is_unresolved(value):
                return value
            return [self._value(each, item, f"{place}[{index}]") for index, each in enumerate(value)]
        return value

    def _object(self, value: Mapping[str, Any], hint: Any, place: str) -> dict[str, Any]:
        known, meant = get_type_hints(hint), set[str]()
        for key in [each for each in value if each not in known]:
            near = difflib.get_close_matches(str(key), known, n=1, cutoff=0.75)
            meant.update(near)
            which = f"the nearest known one is {near[0]}" if near else f"known here are {', '.join(known)}"
            self.problems.append(f"{place}.{key}: unknown property, {which}")
        missing = [name for name in hint.__required_keys__ - meant if value.get(name) is None]
        self.problems += [f"{place}.{name}: is required" for name in sorted(missing)]
        return self.written({name: value[name] for name in value if name in known}, known, place)


def _options(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


def _has_parts(hint: Any) -> bool:
    return is_typeddict(hint) or get_origin(hint) in (Mapping, Sequence)


def _is_a(value: Any, hint: Any) -> bool:
    origin = get_origin(hint)
    if origin is Literal:
        return value in get_args(hint)
    if is_typeddict(hint) or origin is Mapping:
        return isinstance(value, Mapping)
    if origin is Sequence:
        return isinstance(value, Sequence) and not isinstance(value, str)
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, hint)


def _expected(hint: Any) -> str:
    origin = get_origin(hint)
    if origin is Literal:
        *others, last = get_args(hint)
        return f"{', '.join(others)} or {last}" if others else last
    if _has_parts(hint):
        return "a list" if origin is Sequence else "a dictionary"
    return _KINDS[hint]
