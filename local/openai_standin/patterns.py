"""Exists to answer as a schema's `pattern` wants it: the shortest text that a regular expression can match, nearly."""

import re
from collections.abc import Iterable
from re import _constants as kinds
from re import _parser as parser
from typing import Any

_OF_CATEGORY = {
    kinds.CATEGORY_DIGIT: "0",
    kinds.CATEGORY_SPACE: " ",
    kinds.CATEGORY_WORD: "a",
    kinds.CATEGORY_NOT_DIGIT: "a",
    kinds.CATEGORY_NOT_SPACE: "a",
    kinds.CATEGORY_NOT_WORD: "-",
}
_LETTERS = "a0-AZ_ ./:#"


def matching(pattern: str) -> str | None:
    """Return a text that has the pattern in it; None for one that Python cannot read, or that looks around."""
    try:
        text = _text(parser.parse(pattern))
        return text if re.search(pattern, text) else None
    except re.error:
        return None


def _text(parts: Iterable[tuple[Any, Any]]) -> str:
    return "".join(_part(kind, value) for kind, value in parts)


def _part(kind: Any, value: Any) -> str:
    if kind is kinds.LITERAL:
        return chr(value)
    if kind is kinds.ANY:
        return "a"
    if kind is kinds.NOT_LITERAL:
        return next(each for each in _LETTERS if each != chr(value))
    if kind is kinds.IN:
        return _one_of(value)
    if kind in (kinds.MAX_REPEAT, kinds.MIN_REPEAT):
        least, _, inner = value
        return str(_text(inner) * least)
    if kind is kinds.SUBPATTERN:
        return _text(value[-1])
    if kind is kinds.BRANCH:
        return _text(value[1][0])
    return ""


def _one_of(choices: list[tuple[Any, Any]]) -> str:
    kind, value = choices[0]
    if kind is kinds.NEGATE:
        refused = "".join(_one_of([each]) for each in choices[1:])
        return next(each for each in _LETTERS if each not in refused)
    if kind is kinds.RANGE:
        return chr(value[0])
    return _OF_CATEGORY[value] if kind is kinds.CATEGORY else chr(value)
