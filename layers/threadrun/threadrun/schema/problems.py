"""What is said of properties that cannot be used: where, what, which value, and what to write instead."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.alias_generators import to_pascal

from threadrun.schema.types import Missing
from threadrun.schema.unknown import nested_model

Place = tuple[str | int, ...]
"""Keys as the user wrote them, and indexes."""
Spell = Callable[[str], str]
"""From a field's name to a key in the user's own style."""

_SHOWN_CHARACTERS = 40
_SAYS_VALUE = {"literal_error", "greater_than_equal", "less_than_equal", "bool_type", "int_type", "float_type", "looks"}
_TAKES_NO_TEXT = {"tuple_type", "dict_type", "model_type"}
_SENTENCES = {
    "missing": "is required",
    "literal_error": "must be {expected}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than_equal": "must be at most {le:g}",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "string_type": "must be text",
    "string_too_short": "must not be empty",
    "string_pattern_mismatch": "must match {pattern}",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "must not be empty",
    "too_long": "must have at most {max_length} entries",
    "tuple_type": "must be a list",
    "dict_type": "must be a map",
    "model_type": "must be a map",
}


class Problem(NamedTuple):
    place: Place
    sentence: str
    says_missing: bool = False
    """Whether it is that something is not there."""
    meant: str = ""
    """Where the property belongs, as `thread.messages[*].content`; two places with a space between them."""
    within: Place = ()
    """Where in the value at the place, a JSON Schema, the mistake is."""
    is_of_key: bool = False
    """Whether it is about the key, whatever its value."""
    takes_no_text: bool = False
    """Whether a list or a map belongs there."""

    def __str__(self) -> str:
        return f"{path(self.place)}: {self.sentence}".removeprefix(": ")


def path(place: Iterable[str | int]) -> str:
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def one_for_each_mistake(problems: Sequence[Problem]) -> list[Problem]:
    """Without what is said to be missing where it was found under another name, or at another place."""
    meant = [way for each in problems for way in each.meant.split()]
    kept = [p for p in problems if not (p.says_missing and any(_is_within(way, path(p.place)) for way in meant))]
    together: dict[tuple[Place, str], list[Problem]] = {}
    for each in kept:
        above, _, name = each.meant.rpartition(".")
        if above and name == each.place[-1]:
            together.setdefault((each.place[:-1], above), []).append(each)
    for (place, above), each_of in together.items():
        if len(each_of) > 1:
            names = " and ".join(str(each.place[-1]) for each in each_of)
            joined = Problem(place, f"unknown properties {names}, write them under {above}", meant=each_of[0].meant)
            kept[kept.index(each_of[0])] = joined
            kept = [each for each in kept if each not in each_of]
    return kept


def _is_within(way: str, place: str) -> bool:
    pattern = re.escape(place).replace(r"\[", r"\[(?:\*|").replace(r"\]", r")\]")
    return re.match(rf"{pattern}(?![\w-])", way) is not None


def from_validation(error: ValidationError, model: type[BaseModel], spell: Spell) -> list[Problem]:
    details = error.errors(include_url=False)
    # A list whose entries cannot be read counts as empty.
    has_more = {each["loc"][:-1] for each in details if each["loc"]}
    return [
        _problem(dict(each), model, spell)
        for each in details
        if each["type"] != "too_short" or each["loc"] not in has_more
    ]


def _problem(detail: dict[str, Any], model: type[BaseModel], spell: Spell) -> Problem:
    kind, value, context = detail["type"], detail.get("input"), detail.get("ctx") or {}
    cause = context.get("error", detail["msg"])  # A ValueError, as `schema` raises it.
    text = _SENTENCES[kind].format_map(context) if kind in _SENTENCES else str(cause)
    if kind in _SAYS_VALUE and isinstance(value, str | int | float):
        text += f" (it is {str(value)[:_SHOWN_CHARACTERS]!r})"
    text += _how_to_write(kind, value, detail["loc"], model, spell)
    # Below metadata and triggers the keys are the user's own: kept as they are.
    place = tuple(spell(part) if isinstance(part, str) and part.islower() else part for part in detail["loc"])
    missing = kind == "missing" or isinstance(cause, Missing)
    return Problem(place, text, missing, within=getattr(cause, "within", ()), takes_no_text=kind in _TAKES_NO_TEXT)


def _how_to_write(kind: str, value: Any, place: Place, model: type[BaseModel], spell: Spell) -> str:
    """What to write where lists, maps and scalars are mistaken for each other."""
    if kind == "string_type" and isinstance(value, list | Mapping):
        return f", not a {'list' if isinstance(value, list) else 'map'}: write the text alone"
    if kind == "dict_type" and isinstance(value, list):
        is_pairs = bool(value) and all(_is_pair(each) for each in value)
        return ': write "name: value" in place of Key and Value' if is_pairs else ': write "name: value" without "- "'
    if kind == "dict_type":
        return ': write "name: value" below it'
    if kind == "literal_error" and place[-1] == "role" and value in ("system", "developer"):
        return f": write its text as {spell('instructions')}"
    if kind not in ("tuple_type", "model_type"):
        return ""
    if (known := _model_at(model, place)) is None:
        return ': begin each entry with "- "'
    names = [field.alias or name for name, field in known.model_fields.items()]
    name, first = str(next(part for part in reversed(place) if isinstance(part, str))), spell(names[0])
    if kind == "tuple_type" or isinstance(place[-1], int):
        return f': begin each {name.removesuffix("s").replace("_", " ")} with "- {first}:"'
    if not isinstance(value, list):
        return f': write its keys below it, as "{first}:"'
    lists = (each for each, field in known.model_fields.items() if _takes(field.annotation, value, spell))
    if (belongs := next(lists, None)) is None:
        return ', not a list: write its keys without "- "'
    above = tuple(spell(part) if isinstance(part, str) else part for part in place)
    return f", not a list: write the list under {path((*above, spell(belongs)))}"


def _is_pair(value: Any) -> bool:
    return isinstance(value, Mapping) and {str(key).lower() for key in value} == {"key", "value"}


def _takes(annotation: Any, items: list[Any], spell: Spell) -> bool:
    """Whether it is a list of maps, to which these items belong."""
    model = nested_model(annotation) if is_list(annotation) else None
    known = {spell(field.alias or name) for name, field in model.model_fields.items()} if model else set()
    return bool(items) and all(isinstance(each, Mapping) and known & set(each) for each in items)


def is_list(annotation: Any) -> bool:
    return any(get_origin(part) is tuple for part in (annotation, *get_args(annotation)))


def _model_at(model: type[BaseModel], place: Place) -> type[BaseModel] | None:
    """The model of the map, or of each map of the list, that belongs there."""
    found: type[BaseModel] | None = model
    for part in place:
        if isinstance(part, str) and found is not None:
            fields = {field.alias or name: field.annotation for name, field in found.model_fields.items()}
            found = nested_model(fields.get(part))
    return found


def spelling(style: str) -> Spell:
    return to_pascal if style == "PascalCase" else str
