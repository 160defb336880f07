"""jsonschema's validator with exact numbers and ECMA's regular expressions, and with an end in time.

To import this costs what jsonschema costs, so it is imported where there is a schema.
"""

from __future__ import annotations

import json
import re
import signal
import sys
import threading
import warnings
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker, SchemaError, ValidationError
from jsonschema.exceptions import best_match
from jsonschema.validators import extend
from jsonschema_specifications import REGISTRY
from referencing import Resource
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from threadrun.schema import types

ANSWER_SECONDS, SCHEMA_SECONDS = 3, 10
"""The most that an answer and a schema take: of the processor, so that a slow one decides as a fast one does."""
_SHOWN_CHARACTERS = 40
_TYPES = {"string": "text", "number": "a number", "integer": "a whole number", "boolean": "true or false"}
_TYPES |= {"object": "a map", "array": "a list", "null": "null"}
"""JSON Schema's types, in words."""
_FRAMES = 6000
"""Of Python's stack: a schema that refers to itself takes four to eight for each level of an answer."""
_ECMA = re.compile(r"\\k<(\w+)>|\\.|\[\^?\]|\[(?:\\.|[^\]\\])*\]|\(\?<(?![=!])|\$", re.DOTALL)
_IN_PYTHON = {"$": r"\Z", "(?<": "(?P<", "[]": "(?!)", "[^]": r"[\s\S]"}
_NOT_JOINED = re.compile(r"\(\?P|\\[1-9]")
"""Groups that are referred to: jsonschema makes one expression of all patterns of names."""
_BROKEN = ("missing )", "unbalanced parenthesis", "unterminated character set", "nothing to repeat", "multiple repeat")
"""Python's words for what is wrong in any dialect."""


@contextmanager
def bounded(cpu_seconds: float) -> Iterator[None]:
    """Let Python nest deeper, and raise `TimeoutError` where it takes too long.

    A signal is the only thing that interrupts a regular expression. Python gives signals to the main thread only, which
    is where Lambda runs a handler.
    """

    def end(*_: object) -> None:
        raise TimeoutError

    frames, is_main = sys.getrecursionlimit(), threading.current_thread() is threading.main_thread()
    sys.setrecursionlimit(max(frames, _FRAMES))
    before = signal.signal(signal.SIGPROF, end) if is_main else None
    try:
        if is_main:
            # Again after a second: an exception can be lost where Python frees an object.
            signal.setitimer(signal.ITIMER_PROF, cpu_seconds, 1)
        yield
    finally:
        if is_main:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.signal(signal.SIGPROF, before or signal.SIG_DFL)
        sys.setrecursionlimit(frames)


def best_error(answer: Any, schema: Mapping[str, Any]) -> ValidationError | None:
    """The most telling of what is wrong with an answer whose numbers are exact, None where nothing is."""
    # With a registry of its own it fetches no reference: a schema must not make this process call anybody.
    found: ValidationError | None = best_match(_Validator(_exact(schema), registry=REGISTRY).iter_errors(answer))
    return found


def require_schema(schema: dict[str, Any]) -> None:
    """Raise `SchemaError` where no answer could be held against the schema: why, and where in it."""
    try:
        with bounded(SCHEMA_SECONDS):
            _require_each(schema)
    except TimeoutError:
        raise types.SchemaError(f"takes more than {SCHEMA_SECONDS} s to check: simplify it") from None


def _require_each(schema: dict[str, Any]) -> None:
    applied = TopologicalSorter[int]()
    for part, resolver, is_whole in _subschemas(schema):
        try:
            if is_whole:
                # Without formats: of these only `regex` counts here, and it would be Python's.
                Draft202012Validator.check_schema(part, FormatChecker(()))
        except SchemaError as error:
            place = ".".join(map(str, error.absolute_path)) or "it"
            sentence = f"is not a valid JSON Schema: `{place}` {_rule(error)}"
            raise types.SchemaError(sentence, tuple(error.absolute_path)) from None
        for pattern in [*filter(None, [part.get("pattern")]), *part.get("patternProperties", ())]:
            if isinstance(why := _compiled(pattern), str) and why.startswith(_BROKEN):
                raise types.SchemaError(f"is not a valid JSON Schema: `{pattern}` is not a regular expression")
        for reference in _references(part):
            if _found(reference, resolver) is None:
                raise types.SchemaError(f"refers to what it does not have: {reference}")
        applied.add(id(part), *map(id, _applied_with(part, resolver)))
    try:
        applied.prepare()
    except CycleError:
        raise types.SchemaError("refers to itself without end") from None


def _rule(error: SchemaError) -> str:
    """The rule of JSON Schema that a schema breaks, and how to keep it."""
    value, rule = error.instance, error.validator_value
    if error.validator == "type":
        kinds = [rule] if isinstance(rule, str) else list(error.schema["type"])  # type: ignore[index]
        is_type = isinstance(value, str) and value in _TYPES and "object" in kinds
        return f"must be {' or '.join(_TYPES[each] for each in kinds)}" + (f': write "type: {value}" in it' * is_type)
    shown = json.dumps(value)[:_SHOWN_CHARACTERS]
    if list(error.absolute_path)[-1:] == ["type"]:
        return f"must be {', '.join(_TYPES)} or a list of these (it is {shown})"
    if error.validator == "minimum":
        return f"must be at least {rule} (it is {shown})"
    return f"cannot be {shown}"


def _applied_with(part: Mapping[str, Any], resolver: Any) -> Iterator[Any]:
    """The schemas that are applied to the same value as this one."""
    yield from (part[name] for name in ("not", "if", "then", "else") if name in part)
    yield from (each for name in ("allOf", "anyOf", "oneOf") for each in part.get(name, ()))
    yield from part.get("dependentSchemas", {}).values()
    yield from (_found(reference, resolver).contents for reference in _references(part))


def _subschemas(schema: dict[str, Any]) -> Iterator[tuple[dict[str, Any], Any, bool]]:
    """Each schema within the schema that has keywords, with what resolves its references.

    And whether it is one by itself: the whole, and what is referred to at a place where no schema belongs.
    """
    root: Resource[Any] = DRAFT202012.create_resource(schema)
    pending, seen = deque([(root, REGISTRY.resolver_with_root(root), True)]), set[int]()
    while pending:
        resource, resolver, is_whole = pending.pop()
        part = resource.contents
        if not isinstance(part, dict) or id(part) in seen:
            continue
        seen.add(id(part))
        yield part, resolver, is_whole
        within = map(DRAFT202012.create_resource, DRAFT202012.subresources_of(part))
        pending.extend((each, resolver.in_subresource(each), False) for each in within)
        for reference in _references(part):
            if reference.startswith("#") and (found := _found(reference, resolver)):
                # The last to come: by then all that is in its place has been seen.
                pending.appendleft((DRAFT202012.create_resource(found.contents), found.resolver, True))


def _references(part: Mapping[str, Any]) -> list[str]:
    return [part[name] for name in ("$ref", "$dynamicRef") if name in part]


def _found(reference: str, resolver: Any) -> Any:
    """What the reference resolves to, None where that is no schema."""
    try:
        found = resolver.lookup(reference)
    except (Unresolvable, ValueError, TypeError):
        return None
    return found if isinstance(found.contents, bool | dict) else None


def _exact(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A copy whose numbers are decimals, in one dialect, and with patterns of names that Python reads."""
    copy: dict[str, Any] = json.loads(json.dumps(schema), parse_float=Decimal)
    for part, _, _ in list(_subschemas(copy)):
        part.pop("$schema", None)  # By it jsonschema would take a validator of its own.
        if "patternProperties" in part:
            part["patternProperties"] = _of_names(part["patternProperties"])
    return copy


def _of_names(patterns: Mapping[str, Any]) -> dict[str, Any]:
    """`patternProperties` in Python: any name, with any value, fits a pattern that cannot be read, or not be joined."""
    fitting: dict[str, Any] = {}
    for pattern, schema in patterns.items():
        found = _compiled(pattern)
        if isinstance(found, str) or (len(patterns) > 1 and _NOT_JOINED.search(found.pattern)):
            fitting["(?:)"] = True
        else:
            fitting[found.pattern] = schema
    return fitting


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str] | str:
    """ECMA's regular expression in Python, or why Python cannot read it."""

    def in_python(found: re.Match[str]) -> str:
        return f"(?P={found[1]})" if found[1] else _IN_PYTHON.get(found[0], found[0])

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        try:
            # Letters and digits are ASCII's in ECMA.
            return re.compile(f"(?a:{_ECMA.sub(in_python, pattern)})")
        except re.error as error:
            return error.msg
        except (OverflowError, RecursionError):
            return "it is too large"


def _pattern(validator: Any, pattern: str, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    expression = _compiled(pattern)
    if validator.is_type(instance, "string") and not isinstance(expression, str) and not expression.search(instance):
        yield ValidationError("another pattern")


def _multiple_of(validator: Any, step: Any, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    if not validator.is_type(instance, "number"):
        return
    (units, exponent), (step_units, step_exponent) = _scaled(instance), _scaled(step)
    shift = exponent - step_exponent
    if shift >= 0:
        rest = units * pow(10, shift, step_units) % step_units
    else:
        # More zeros than the number has digits make no difference.
        rest = units % (step_units * 10 ** min(-shift, units.bit_length()))
    if rest:
        yield ValidationError("no multiple")


def _scaled(number: int | Decimal) -> tuple[int, int]:
    """A number as units and the power of ten that they are of, without making large ones large."""
    _, digits, exponent = Decimal(number).as_tuple()
    return int(Decimal((0, digits, 0))), int(exponent)


def _unique_items(validator: Any, is_unique: bool, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    if is_unique and validator.is_type(instance, "array") and len(set(map(_hashable, instance))) < len(instance):
        yield ValidationError("not unique")


def _hashable(value: Any) -> Any:
    """What is equal where JSON is: 1 and 1.0 are, 1 and true are not."""
    if isinstance(value, dict):
        return frozenset((name, _hashable(each)) for name, each in value.items())
    if isinstance(value, list):
        return ("list", *map(_hashable, value))
    return ("boolean", value) if isinstance(value, bool) else value


def _is_integer(_checker: Any, value: Any) -> bool:
    if isinstance(value, Decimal):
        return value == value.to_integral_value()
    return isinstance(value, int) and not isinstance(value, bool)


_Validator = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    {"pattern": _pattern, "multipleOf": _multiple_of, "uniqueItems": _unique_items},
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer),
)
