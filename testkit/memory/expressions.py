"""DynamoDB's expressions, as many as the application and its state machine have; what is not known here is refused.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html
"""

from __future__ import annotations

import functools
import importlib.util
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from testkit.memory.refusals import Invalid

Value = dict[str, Any]
"""An attribute's value in DynamoDB's typed form: `{"S": "text"}`."""
Item = dict[str, Value]
_TOKEN = re.compile(r"\s*(:\w+|#?\w+(?:\.#?\w+)*|[=<>(),])")
_COMPARISONS = {"=": operator.eq, "<": operator.lt}
Result = TypeVar("Result")


@dataclass(frozen=True)
class Scope:
    """What an expression is about: an item, and the names and values of the request."""

    item: Item
    names: Mapping[str, str]
    values: Mapping[str, Value]

    def path(self, text: str) -> list[str]:
        """The attributes' names on a path."""
        return [self.names[part] if part.startswith("#") else part for part in text.split(".")]

    def value(self, word: str) -> Value | None:
        """What a placeholder stands for, or what is at a path; None where nothing is."""
        if word.startswith(":"):
            return self.values[word]
        found: Any = {"M": self.item}
        for name in self.path(word):
            found = found.get("M", {}).get(name, {})
        return found or None


Test = Callable[[Scope], bool]
Operand = Callable[[Scope], Value | None]


@dataclass(frozen=True)
class Expression:
    """`apply` gives what it comes to; `words` are the paths and the placeholders in it."""

    apply: Callable[[Scope], Any]
    words: tuple[str, ...] = ()


def require_used(expressions: Iterable[Expression], names: Mapping[str, str], values: Mapping[str, Value]) -> None:
    """Refuse placeholders that are not given or not used, and words that an expression may not have as they are."""
    parts = {part for each in expressions for word in each.words for part in word.split(".")}
    placeholders = {part for part in parts if part[0] in "#:"}
    if placeholders != {*names, *values}:
        raise Invalid(f"An expression attribute is not defined, or unused: {placeholders ^ {*names, *values}}")
    if reserved := {part for part in parts if part.upper() in reserved_words()}:
        raise Invalid(f"Attribute name is a reserved keyword; reserved keyword: {reserved}")


@functools.cache
def reserved_words() -> frozenset[str]:
    """The words for which an expression needs a placeholder: DynamoDB's list, as moto keeps it."""
    moto = importlib.util.find_spec("moto")
    assert moto is not None
    assert moto.origin is not None
    return frozenset((Path(moto.origin).parent / "dynamodb/parsing/reserved_keywords.txt").read_text().split())


@functools.cache
def condition(text: str) -> Expression:
    """Read a condition, which gives whether it holds; an empty one does."""
    if not text:
        return Expression(lambda scope: True)
    parser = _Parser(text)
    return Expression(parser.any_of(), parser.words_to_end())


@functools.cache
def update(text: str) -> Expression:
    """Read an update, which gives the item as it is afterwards."""
    parser = _Parser(text)
    sets, removed, members = parser.clauses()

    def updated(scope: Scope) -> Item:
        new = {name: _present(value(scope)) for target, value in sets for name in scope.path(target)}
        gone = [name for target in removed for name in scope.path(target)]
        changed = {name: change(scope) for target, change in members for name in scope.path(target)}
        if len({*new, *gone, *changed}) < len(sets) + len(removed) + len(members):
            raise Invalid("Two document paths overlap with each other")
        gone += [name for name, value in changed.items() if not value["SS"]]
        return {name: value for name, value in {**scope.item, **new, **changed}.items() if name not in gone}

    return Expression(updated, parser.words_to_end())


def _present(value: Value | None) -> Value:
    if value is None:
        raise Invalid("The provided expression refers to an attribute that does not exist in the item")
    return value


def _compared(sign: str, left: Value | None, right: Value | None) -> bool:
    """Values of two types are neither equal nor in an order."""
    if left is None or right is None or left.keys() != right.keys():
        return False
    ((kind, one),), ((_, other),) = left.items(), right.items()
    if kind == "N":
        one, other = Decimal(one), Decimal(other)
    return bool(_COMPARISONS[sign](one, other))


class _Parser:
    """Reads an expression from its beginning; raises NotImplementedError where it is of a kind that nobody uses."""

    def __init__(self, text: str) -> None:
        self._text, self._tokens, self._words, end = text, list[str](), list[str](), 0
        while match := _TOKEN.match(text, end):
            self._tokens.append(match[1])
            end = match.end()
        self._require(not text[end:].strip())

    def _require(self, is_known: bool) -> None:
        if not is_known:
            raise NotImplementedError(f"an expression that is not known here: {self._text}")

    def words_to_end(self) -> tuple[str, ...]:
        self._require(not self._tokens)
        return tuple(self._words)

    def _accept(self, *tokens: str) -> bool:
        if self._tokens[: len(tokens)] != list(tokens):
            return False
        del self._tokens[: len(tokens)]
        return True

    def _word(self, is_known: Callable[[str], bool] = lambda word: True) -> str:
        word = self._tokens.pop(0) if self._tokens else "("
        self._require(word not in "=<>()," and is_known(word))
        self._words.append(word)
        return word

    def _separated(self, separator: str, read: Callable[[], Result]) -> list[Result]:
        found = [read()]
        while self._accept(separator):
            found.append(read())
        return found

    def any_of(self) -> Test:
        tests = self._separated("OR", self._all_of)
        return lambda scope: any(test(scope) for test in tests)

    def _all_of(self) -> Test:
        tests = self._separated("AND", self._test)
        return lambda scope: all(test(scope) for test in tests)

    def _test(self) -> Test:
        for function, is_wanted in (("attribute_exists", True), ("attribute_not_exists", False)):
            if self._accept(function, "("):
                path = self._word(_is_path)
                self._require(self._accept(")"))
                return lambda scope: (scope.value(path) is not None) == is_wanted
        left = self._word()
        sign = self._tokens.pop(0) if self._tokens else ""
        self._require(sign in _COMPARISONS)
        right = self._word()
        return lambda scope: _compared(sign, scope.value(left), scope.value(right))

    def clauses(self) -> tuple[list[tuple[str, Operand]], list[str], list[tuple[str, Callable[[Scope], Value]]]]:
        """What is set to which values, what is removed, and which sets get or lose members."""
        sets = self._separated(",", self._assignment) if self._accept("SET") else []
        removed = self._separated(",", self._target) if self._accept("REMOVE") else []
        added = self._separated(",", lambda: self._members(set.union)) if self._accept("ADD") else []
        deleted = self._separated(",", lambda: self._members(set.difference)) if self._accept("DELETE") else []
        return sets, removed, added + deleted

    def _members(self, change: Callable[[set[str], set[str]], set[str]]) -> tuple[str, Callable[[Scope], Value]]:
        target, word = self._target(), self._word(lambda word: not _is_path(word))

        def changed(scope: Scope) -> Value:
            before = scope.value(target) or {"SS": []}
            self._require("SS" in scope.values[word])
            return {"SS": sorted(change({*before["SS"]}, {*scope.values[word]["SS"]}))}

        return target, changed

    def _target(self) -> str:
        return self._word(lambda word: _is_path(word) and "." not in word)

    def _assignment(self) -> tuple[str, Operand]:
        target = self._target()
        self._require(self._accept("="))
        word = self._word()
        return target, lambda scope: scope.value(word)


def _is_path(word: str) -> bool:
    return not word.startswith(":")
